"""The audit in words and as a file. One reason to change: how an entry and the state of the chain are told to people."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sipd_core.locale_id import moment, number
from sipd_core.privacy import label
from sipd_core.privacy.kinds import Kind
from sipd_core.store.audit import AuditEntry, Flaw, Verification
from sipd_core.tables import write_csv
from sipd_core.texts import catalogue, text

COLUMNS = ("seq", "at", "actor", "kind", "object", "from", "address", "outcome", "details", "hash")


def kind_name(kind: str) -> str:
    """What was done, as the page says it; one of a later release by its own name."""
    return _known("audit.kind", kind)


def actor_name(entry: AuditEntry) -> str:
    """Who did it; the console itself when nobody is named."""
    return entry.actor or text("audit.nobody")


def place_name(entry: AuditEntry) -> str:
    """From where, with the address when it is known."""
    place = _known("audit.place", entry.place)
    return f"{place} · {entry.address}" if entry.address else place


def outcome_name(outcome: str) -> str:
    """What came of it."""
    return _known("audit.outcome", outcome)


def detail_lines(details: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) of each detail, both in words; what is empty is left out."""
    told = [(_known("audit.detail", name), _value(value)) for name, value in details.items()]
    return tuple((name, value) for name, value in told if value)


def verdict(found: Verification) -> str:
    """Whether the chain is whole, and where and why it is not."""
    if found.flaw is not None:
        broken = text("audit.chain.broken", n=number(found.broken_at), why=text(f"audit.flaw.{found.flaw}"))
        if found.flaw in (Flaw.HEAD, Flaw.KNOWN_HEAD) or not found.entries:
            return broken
        return f"{broken} {text('audit.chain.before', n=number(found.entries))}"
    return text("audit.chain.whole", n=number(found.entries)) if found.entries else text("audit.chain.empty")


def protection(found: Verification, *, keyed: bool) -> str:
    """What the chain cannot show by itself; empty when every entry is signed."""
    if not keyed:
        return text("audit.chain.keyless")
    return text("audit.chain.keyless_some", n=number(found.keyless)) if found.keyless else ""


def entries_csv(entries: Iterable[AuditEntry]) -> bytes:
    """Every entry as one line, oldest first, with its hash; cells are safe to open in a spreadsheet."""
    out = io.BytesIO()
    write_csv(out, [text(f"audit.table.{name}") for name in COLUMNS], map(_cells, entries))
    return out.getvalue()


def _cells(entry: AuditEntry) -> list[object]:
    details = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
    at, place = entry.at.isoformat(timespec="milliseconds"), _known("audit.place", entry.place)
    told = [kind_name(entry.kind), entry.object, place, entry.address, outcome_name(entry.outcome)]
    return [entry.seq, at, actor_name(entry), *told, details, entry.hash]


def line(entry: AuditEntry) -> str:
    """One entry on one line, for the command line."""
    return text(
        "audit.command.line",
        seq=entry.seq,
        at=moment(entry.at),
        actor=actor_name(entry),
        kind=kind_name(entry.kind),
        object=entry.object or "—",
        place=place_name(entry),
        outcome=outcome_name(entry.outcome),
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return text("audit.table.yes" if value else "audit.table.no")
    if isinstance(value, int):
        return number(value)
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{_kind_of_data(name)} {_value(one)}" for name, one in value.items())
    return "" if value is None else str(value)


def _kind_of_data(name: str) -> str:
    return label(Kind(name)) if name in set(map(str, Kind)) else name


def _known(table: str, name: str) -> str:
    return catalogue().get(f"{table}.{name}", name)
