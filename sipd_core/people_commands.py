"""The command `people`: accounts, for whoever sits at the machine the console runs on; the way in when nobody can sign in."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sipd_core.backup.restoring import open_database
from sipd_core.errors import NotFoundError, PeopleError
from sipd_core.locale_id import moment
from sipd_core.passwords import checked_password
from sipd_core.people import People
from sipd_core.permissions import Role
from sipd_core.settings import Settings
from sipd_core.sign_in import LINK_PATH, SignIn, SignInStores
from sipd_core.store.people import Account, role_names
from sipd_core.texts import text

Printed = tuple[dict[str, Any], str]

_ACTIONS = ("add", "list", "roles", "link", "disable", "enable")


def add_arguments(people: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = people.add_subparsers(required=True, dest="action", metavar="TINDAKAN", help=text("people.command.action"))
    made = {name: actions.add_parser(name, help=text(f"people.command.{name}")) for name in _ACTIONS}
    for name, action in made.items():  # `--json` is understood before and behind the action
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=text("cli.json"))
        if name != "list":
            action.add_argument("login", metavar="NAMA", help=text("people.command.login"))
        if name in ("add", "roles"):
            known = text("people.command.role", roles=", ".join(Role))
            action.add_argument(
                "--role", action="append", type=_role, required=True, metavar="PERAN", dest="roles", help=known
            )
    made["add"].add_argument("--name", metavar="TAMPILAN", help=text("people.command.name"))
    made["add"].add_argument("--link", action="store_true", help=text("people.command.as_link"))


def run(options: argparse.Namespace, settings: Settings) -> Printed:
    """Works beside a running console, which goes by it at once."""
    with _stores(settings) as stores:
        people = People(stores)
        if options.action == "add":
            return _add(options, stores, people)
        if options.action == "list":
            listed = people.list()
            lines = "\n".join(map(_line, listed)) or text("people.page.none")
            return {"people": [_told(account) for account in listed]}, lines
        return _change(options, people, _known(people, options.login))


def _add(options: argparse.Namespace, stores: SignInStores, people: People) -> Printed:
    """With a password typed twice at a terminal, else with a link."""
    password = None if options.link or not sys.stdin.isatty() else _typed(options.login)
    account, token = people.invite(options.login, options.name or options.login, frozenset(options.roles))
    values = {"name": account.name, "login": account.login, "roles": ", ".join(role_names(account.roles))}
    if password is None:
        path = f"{LINK_PATH}/{token}"
        return _told(account) | {"link": path}, text("people.command.added_link", **values, link=path)
    SignIn(stores).use_link(token, password)
    return _told(account), text("people.command.added", **values)


def _change(options: argparse.Namespace, people: People, account: Account) -> Printed:
    if options.action == "link":
        path = f"{LINK_PATH}/{people.new_link(account.id)}"
        return _told(account) | {"link": path}, text("people.command.linked", name=account.name, link=path)
    if options.action == "roles":
        changed = people.set_roles(account.id, frozenset(options.roles))
    else:
        changed = people.disable(account.id) if options.action == "disable" else people.enable(account.id)
    return _told(changed), _line(changed)


def _typed(login: str) -> str:
    password = checked_password(getpass.getpass(text("people.command.password")), login)
    if getpass.getpass(text("people.command.again")) != password:
        raise PeopleError("the two differ", text_key="sign_in.link.differ")
    return password


def _known(people: People, login: str) -> Account:
    wanted = login.strip().casefold()
    for account in people.list():
        if wanted in (account.login, account.name.casefold(), account.id):
            return account
    raise NotFoundError(what=text("people.account", id=login))


@contextmanager
def _stores(settings: Settings) -> Iterator[SignInStores]:
    database = open_database(settings)
    idle, longest = settings.session_idle_minutes * 60, settings.session_hours * 3_600
    try:
        yield SignInStores(database, idle=idle, longest=longest)
    finally:
        database.close()


def _told(account: Account) -> dict[str, Any]:
    told = {"id": account.id, "login": account.login, "name": account.name, "roles": sorted(account.roles)}
    seen = account.seen_at.isoformat() if account.seen_at else None
    return told | {"state": _state(account), "seen_at": seen}


def _state(account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    return "active" if account.can_sign_in else "invited"


def _line(account: Account) -> str:
    return text(
        "people.command.line",
        login=account.login or text("people.how.oidc"),
        name=account.name,
        roles=", ".join(role_names(account.roles)) or text("sign_in.menu.no_role"),
        state=text(f"people.state.{_state(account)}"),
        seen=moment(account.seen_at),
    )


def _role(value: str) -> Role:
    try:
        return Role(value.strip().lower())
    except ValueError:
        known = text("people.command.bad_role", value=value, roles=", ".join(Role))
        raise argparse.ArgumentTypeError(known) from None
