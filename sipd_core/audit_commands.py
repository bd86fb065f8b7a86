"""The command `audit` of the command line: the last entries, and whether the chain is whole."""

import argparse
from dataclasses import asdict
from typing import Any

from sipd_core.audit_words import line, protection, verdict
from sipd_core.backup.restoring import open_database
from sipd_core.settings import Settings
from sipd_core.store.audit import AuditEntry, AuditLog, Verification, noted_head
from sipd_core.texts import text

Printed = tuple[dict[str, Any], str]
_LAST = 20


def add_arguments(audit: argparse.ArgumentParser) -> None:
    """What the command takes."""
    audit.add_argument("--verify", action="store_true", help=text("audit.command.verify"))
    audit.add_argument("--head", metavar="KEPALA", help=text("audit.command.head"))
    audit.add_argument("--last", type=_count, default=_LAST, metavar="N", help=text("audit.command.last"))


def run(options: argparse.Namespace, settings: Settings) -> Printed:
    """Works beside a running console; a broken chain fails."""
    known = noted_head(options.head) if options.head else None
    database = open_database(settings)
    try:
        log = AuditLog(database)
        page, head = log.page(limit=options.last), log.head()
        found = log.verify(known) if options.verify or known else None
    finally:
        database.close()
    told = {"entries": [_told(entry) for entry in page.entries], "total": page.total, "head": str(head)}
    lines = [line(entry) for entry in reversed(page.entries)] + [text("audit.command.now", head=head)]
    if found is None:
        return told, "\n".join(lines)
    lines += filter(None, [verdict(found), protection(found, keyed=log.is_keyed)])
    failed = {} if found.is_whole else {"failed": True}
    return told | {"verification": _verification(found)} | failed, "\n".join(lines)


def _told(entry: AuditEntry) -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}


def _verification(found: Verification) -> dict[str, Any]:
    return {
        "whole": found.is_whole,
        "entries": found.entries,
        "keyless": found.keyless,
        "broken_at": found.broken_at,
        "flaw": found.flaw,
    }


def _count(value: str) -> int:
    count = int(value) if value.isdecimal() and len(value) < 7 else 0
    if count < 1:
        raise argparse.ArgumentTypeError(text("cli.positive", value=value))
    return count
