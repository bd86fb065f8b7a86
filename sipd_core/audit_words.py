"""The audit in words and as a file. One reason to change: how an entry and the state of the chain are told to people."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sipd_core.deeds import DeedKind, DeedOutcome
from sipd_core.locale_id import JAKARTA, UNKNOWN, day, moment, number
from sipd_core.privacy import label
from sipd_core.privacy.kinds import Kind
from sipd_core.store.audit import AuditEntry, Flaw, Verification
from sipd_core.tables import write_csv
from sipd_core.texts import catalogue, text

COLUMNS = (
    *("seq", "at_local", "at_utc", "actor", "kind", "object", "from", "address", "outcome", "details"),
    *("raw_object", "raw_details", "hash"),
)
_SPEAKING = ("file", "model", "name", "month")
"""Details that name what was done better than an id or a running number."""
_NOTED = frozenset((DeedKind.UNDO, DeedKind.REDO))
"""Their note is the name of the change they turn."""
_TALKS = frozenset((DeedKind.ESCALATION, DeedKind.ANSWER_EDITED, DeedKind.ERASE))
_SHOWN_ID = 8
"""Characters of an id that tell it from others on one page."""
_PICO, _MICRO = Decimal(10) ** 12, Decimal(10) ** 6


def kind_name(kind: str) -> str:
    """What was done, as the page says it; one of a later release by its own name."""
    return _known("audit.kind", kind)


def actor_name(entry: AuditEntry) -> str:
    """Who did it: of a sign-in that failed whoever is known by that name, else somebody not signed in; else the console."""
    if entry.actor or entry.outcome != DeedOutcome.REFUSED or entry.kind != DeedKind.SIGN_IN:
        return entry.actor or text("audit.nobody")
    return entry.object or text("audit.outside")


def object_name(entry: AuditEntry) -> str:
    """What it was done to, by its speaking name where the entry tells one; empty when it was done to nothing."""
    told = {name: str(entry.details[name]) for name in _SPEAKING if entry.details.get(name)}
    if entry.kind in _NOTED and entry.details.get("note"):
        return str(entry.details["note"])
    if told:
        return next(iter(told.values()))
    if entry.kind == DeedKind.RATE and "micro_idr" in entry.details:
        return text("audit.rate", **dict(detail_lines_by_name(entry.details, "micro_idr", "valid_from")))
    if entry.kind == DeedKind.ALERT_RULE:
        return _known("alerts.title", str(entry.details.get("kind", entry.object)))
    if entry.kind in _TALKS and entry.object:
        return text("audit.talk", id=entry.object[:_SHOWN_ID])
    return entry.object


def detail_lines_by_name(details: Mapping[str, Any], *names: str) -> Iterator[tuple[str, str]]:
    """(name in the entry, value in words) of some details; a dash for what is not there."""
    for name in names:
        yield name, _told(name, details[name]) if details.get(name) is not None else UNKNOWN


def place_name(entry: AuditEntry) -> str:
    """From where, with the address when it is known."""
    place = _known("audit.place", entry.place)
    return f"{place} · {entry.address}" if entry.address else place


def outcome_name(outcome: str) -> str:
    """What came of it."""
    return _known("audit.outcome", outcome)


def detail_lines(details: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, value) of each detail, both in words; what is empty is left out."""
    told = [(_known("audit.detail", name), _told(name, value)) for name, value in details.items() if not _says_nothing(name, value)]
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
    raw = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
    told = "; ".join(f"{name}: {value}" for name, value in detail_lines(entry.details))
    times = [at.isoformat(timespec="milliseconds") for at in (entry.at.astimezone(JAKARTA), entry.at)]
    where = [_known("audit.place", entry.place), entry.address]
    done = [actor_name(entry), kind_name(entry.kind), object_name(entry), *where, outcome_name(entry.outcome)]
    return [entry.seq, *times, *done, told, entry.object, raw, entry.hash]


def line(entry: AuditEntry) -> str:
    """One entry on one line, for the command line."""
    return text(
        "audit.command.line",
        seq=entry.seq,
        at=moment(entry.at),
        actor=actor_name(entry),
        kind=kind_name(entry.kind),
        object=object_name(entry) or UNKNOWN,
        place=place_name(entry),
        outcome=outcome_name(entry.outcome),
    )


def _says_nothing(name: str, value: Any) -> bool:
    """How many alike were left out is only worth a line where there were any."""
    return name == "before" and value == 0


def _told(name: str, value: Any) -> str:
    """A value in words; amounts in the unit that people know them in."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name == "micro_idr":
            return f"Rp {_trimmed(value / _MICRO)}"
        if name == "pico_usd":
            return f"US$ {_trimmed(value / _PICO)}"
        if name.endswith("_pico"):
            return f"US$ {_trimmed(value / _MICRO)}"
    if name == "reason" and isinstance(value, str):
        return _known("audit.reason", value)
    if name == "valid_from" and isinstance(value, str):
        return _day(value)
    return _value(value)


def _trimmed(amount: Decimal) -> str:
    """As many decimals as it has."""
    return number(amount, max(-int(amount.normalize().as_tuple().exponent), 0))


def _day(value: str) -> str:
    try:
        return day(date.fromisoformat(value))
    except ValueError:
        return value


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
