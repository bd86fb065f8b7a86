"""The command `keys` of the command line: make, list and revoke the keys of programs that ask over HTTP."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sipd_core.backup.restoring import open_database
from sipd_core.locale_id import moment
from sipd_core.scopes import Scope
from sipd_core.settings import Settings
from sipd_core.store.api_keys import ApiKey, ApiKeyStore
from sipd_core.texts import text

Printed = tuple[dict[str, Any], str]


def add_arguments(keys: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = keys.add_subparsers(required=True, dest="action", metavar="TINDAKAN", help=text("access.command.action"))
    made = {name: actions.add_parser(name, help=text(f"access.command.{name}")) for name in ("add", "list", "revoke")}
    for action in made.values():  # `--json` is understood before and behind the action
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=text("cli.json"))
    scopes = text("access.command.scopes", scopes=", ".join(Scope))
    made["add"].add_argument("name", metavar="NAMA", help=text("access.command.name"))
    made["add"].add_argument("--scopes", type=_scopes, default=frozenset({Scope.CHAT}), metavar="CAKUPAN", help=scopes)
    made["add"].add_argument("--days", type=_days, metavar="N", help=text("access.command.days"))
    made["revoke"].add_argument("id", metavar="ID", help=text("access.command.id"))


def run(options: argparse.Namespace, settings: Settings) -> Printed:
    """Works beside a running console, which goes by it from the next request on."""
    with _store(settings) as store:
        if options.action == "add":
            key, secret = store.add(options.name, options.scopes, options.days)
            values = {"id": key.id, "name": key.name, "scopes": _listed(key), "key": secret}
            return _told(key) | {"key": secret}, text("access.command.added", **values)
        if options.action == "revoke":
            key = store.revoke(options.id)
            return _told(key), text("access.command.revoked", id=key.id, name=key.name)
        keys = store.list()
    lines = "\n".join(map(_line, keys)) or text("access.command.none")
    return {"keys": [_told(key) for key in keys]}, lines


@contextmanager
def _store(settings: Settings) -> Iterator[ApiKeyStore]:
    database = open_database(settings)
    try:
        yield ApiKeyStore(database)
    finally:
        database.close()


def _told(key: ApiKey) -> dict[str, Any]:
    times = {name: value.isoformat() if value else None for name, value in asdict(key).items() if name.endswith("_at")}
    return {"id": key.id, "name": key.name, "scopes": sorted(key.scopes), "state": _state(key)} | times


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= datetime.now(UTC) else "active"


def _line(key: ApiKey) -> str:
    return text(
        "access.command.line",
        id=key.id,
        state=text(f"access.state.{_state(key)}"),
        name=key.name,
        scopes=_listed(key),
        created=moment(key.created_at),
        expires=moment(key.expires_at) if key.expires_at else text("access.command.forever"),
        used=moment(key.used_at),
    )


def _listed(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))


def _scopes(value: str) -> frozenset[Scope]:
    names = frozenset(filter(None, (part.strip() for part in value.split(","))))
    known = frozenset(map(str, Scope))
    if not names or names - known:
        raise argparse.ArgumentTypeError(
            text("access.command.bad_scope", value=", ".join(sorted(names - known)) or "''", scopes=", ".join(Scope))
        )
    return frozenset(map(Scope, names))


def _days(value: str) -> int:
    days = int(value) if value.isdecimal() and len(value) < 6 else 0
    if days < 1:
        raise argparse.ArgumentTypeError(text("cli.positive", value=value))
    return days
