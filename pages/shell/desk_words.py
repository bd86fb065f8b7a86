"""What happened at the escalation desk, and how long it took, in words; not yet escaped."""

from collections.abc import Mapping
from datetime import timedelta

from sipd_core.locale_id import UNKNOWN, duration, number
from sipd_core.texts import text
from sipd_core.tickets import EventKind, TicketEvent


def span(took: timedelta | None) -> str:
    """How long something took or is waiting, in two units; a dash when it is not known."""
    if took is None:
        return UNKNOWN
    if took < timedelta(minutes=1):
        return text("desk.figure.below_minute")
    if took < timedelta(hours=1):
        return text("desk.figure.minutes", n=number(took // timedelta(minutes=1)))
    return duration(took / timedelta(milliseconds=1))


def short_span(took: timedelta | None) -> str:
    """The same as one figure, where there is little room."""
    if took is None or took < timedelta(hours=1):
        return span(took)
    if took < timedelta(days=1):
        return text("desk.figure.hours", n=number(took / timedelta(hours=1), 1))
    return text("desk.figure.days", n=number(took / timedelta(days=1), 1))


def told(event: TicketEvent, by_seq: Mapping[int, TicketEvent]) -> str:
    """One event as a sentence; `by_seq` are all events of its ticket."""
    if event.undoes is not None:
        return text("desk.event.undone", what=told(by_seq[event.undoes], by_seq))
    if event.kind in (EventKind.SAID_SOLVED, EventKind.SAID_UNSOLVED):
        return text(f"desk.event.{event.kind}_{event.after}")
    before, after = (_named(event.kind, value) for value in (event.before, event.after))
    return text(f"desk.event.{event.kind}", before=before, after=after)


def by_whom(event: TicketEvent) -> str:
    """Who did it, the policy, or the conversation itself."""
    heard = event.kind in (EventKind.SAID_SOLVED, EventKind.SAID_UNSOLVED)
    return event.actor or text("desk.history.heard" if heard else "desk.history.policy")


def _named(kind: EventKind, value: str) -> str:
    if kind is EventKind.ASSIGNED:
        return value or text("desk.nobody")
    area = {EventKind.MOVED: "status", EventKind.PRIORITISED: "priority"}.get(kind)
    return text(f"desk.{area}.{value}") if area else value
