"""The words of the escalation desk: a ticket, what can become of it, how urgent it is. Values and pure decisions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sipd_core.chat.turn import EscalationReason, Turn, Verdict


class Status(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    ACTIVE = "active"
    WAITING = "waiting"
    DONE = "done"


MOVES: dict[Status, tuple[Status, ...]] = {
    Status.NEW: (Status.ACTIVE, Status.DONE),
    Status.ACTIVE: (Status.DONE, Status.WAITING),
    Status.WAITING: (Status.ACTIVE, Status.DONE),
    Status.DONE: (Status.ACTIVE,),
}
"""The legal moves, the most usual one first."""
OPEN = (Status.NEW, Status.ACTIVE, Status.WAITING)


class Priority(StrEnum):
    """How urgent a ticket is, the most urgent first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"


_URGENT = frozenset({EscalationReason.SECURITY, EscalationReason.DATA_AT_RISK, EscalationReason.MONEY_AT_RISK})
_HIGH = frozenset(
    {EscalationReason.VERY_NEGATIVE, EscalationReason.REPEATED_COMPLAINT, EscalationReason.STILL_UNSOLVED}
)


class EventKind(StrEnum):
    """What can happen to a ticket."""

    OPENED = "opened"
    ESCALATED = "escalated"
    """The same conversation was handed over again."""
    MOVED = "moved"
    ASSIGNED = "assigned"
    PRIORITISED = "prioritised"
    NOTED = "noted"
    SAID_SOLVED = "said_solved"
    """The caller says that it works now, or a thumb went up: somebody should look and decide."""
    SAID_UNSOLVED = "said_unsolved"
    """After that: it does not after all."""
    UNDONE = "undone"


CHANGES = frozenset({EventKind.MOVED, EventKind.ASSIGNED, EventKind.PRIORITISED})
"""Events that can be taken back."""
ACTIONS = CHANGES | {EventKind.NOTED}
"""Events that show, where a person made them, that somebody takes care."""


class HeardBy(StrEnum):
    """What says that a handed-over matter works, or does not."""

    WORDS = "words"
    THUMB = "thumb"


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One line of a ticket's history; nothing is ever changed in it."""

    seq: int
    """1, 2, … within its ticket."""
    at: datetime
    """Timezone-aware, UTC, as all times here."""
    actor: str
    """Empty: the policy."""
    kind: EventKind
    before: str = ""
    after: str = ""
    """Status, priority or name, by kind."""
    note: str = ""
    explanation: str = ""
    """Of an escalation: its reasons in Indonesian."""
    undoes: int | None = None
    undone_by: int | None = None
    """The event that took this one back; it counts as long as that is None."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One escalated conversation as the queue shows it; texts are masked."""

    id: int
    conversation_id: str
    subject: str
    """The conversation's title."""
    created_at: datetime
    updated_at: datetime
    status: Status
    priority: Priority
    assignee: str
    """Empty: nobody."""
    menu: str
    """Empty when no case fitted."""
    reasons: tuple[EscalationReason, ...]
    first_action_at: datetime | None = None
    """When a person first did something about it."""
    resolved_at: datetime | None = None
    """None while it is open."""
    said_solved: bool = False
    """The last that was heard of it is that it works now."""
    erased_at: datetime | None = None
    """When the conversation was deleted, if it was: all that is left of the ticket is here and in its events."""


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """What of the queue is wanted; everything by default."""

    search: str = ""
    """Words of the conversation or of a note, or the ticket's number."""
    statuses: tuple[Status, ...] = ()
    priority: Priority | None = None
    assignee: str | None = None
    """Empty: nobody's."""
    menu: str | None = None
    older_than: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """A piece of the queue."""

    tickets: tuple[Ticket, ...]
    total: int


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """How the desk stands."""

    by_status: Mapping[Status, int]
    unassigned: int
    """Open tickets that nobody has taken."""
    oldest_at: datetime | None
    """When the oldest open ticket was made."""
    to_first_action: timedelta | None
    """Median of the tickets of late; None while there is none to tell of."""
    to_resolution: timedelta | None

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def open(self) -> int:
        return sum(self.by_status.get(status, 0) for status in OPEN)


def priority_of(reasons: Collection[EscalationReason]) -> Priority:
    """Security, data and money come first, then anger and what drags on."""
    if not _URGENT.isdisjoint(reasons):
        return Priority.URGENT
    return Priority.NORMAL if _HIGH.isdisjoint(reasons) else Priority.HIGH


def more_urgent(one: Priority, other: Priority) -> bool:
    """Whether `one` comes before `other`."""
    order = tuple(Priority)
    return order.index(one) < order.index(other)


def menu_of(turns: Sequence[Turn]) -> str:
    """The menu that the latest of `turns` with a fitting case speaks of; empty when there is none. Oldest first."""
    fitting = (turn for turn in reversed(turns) if turn.sources and turn.verdict is not Verdict.NOT_FOUND)
    return next((turn.sources[0].case.menu for turn in fitting), "")


def undoable(events: Sequence[TicketEvent]) -> TicketEvent | None:
    """The last change, if a person made it: that one can be taken back. None when there is nothing to take back."""
    changes = [event for event in events if event.kind in CHANGES and event.undone_by is None]
    last = max(changes, key=lambda event: event.seq, default=None)
    return last if last and last.actor else None
