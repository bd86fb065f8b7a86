"""Tickets and their events as rows, and how an escalation becomes a ticket in its own transaction."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, exists, func, insert, or_, select, update

from sipd_core.chat.turn import EscalationReason
from sipd_core.store.schema import conversations, escalations, ticket_events, tickets
from sipd_core.store.times import moment
from sipd_core.texts import text
from sipd_core.tickets import ACTIONS, EventKind, HeardBy, Priority, Status, Ticket, TicketEvent, more_urgent, priority_of

NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Handover:
    """An escalation on its way to a ticket."""

    escalation_id: str
    conversation_id: str
    reasons: tuple[EscalationReason, ...]
    explanation: str
    menu: str
    at: float
    actor: str
    """Empty: the policy."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that an escalation has just opened."""

    id: int
    priority: Priority
    handover: Handover


Announce = Callable[[Connection, Opened], None]
"""Told of every ticket that is opened, within its transaction."""


def lock(connection: Connection) -> None:
    """From here to the end of the transaction nobody else changes a ticket; on SQLite every writer is alone anyway."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"LOCK TABLE {tickets.name} IN EXCLUSIVE MODE")


def take_over(connection: Connection, handover: Handover) -> Opened | None:
    """Open a ticket for an escalation, or add it to the conversation's open one: then None is returned."""
    lock(connection)
    there = connection.execute(select(tickets).where(tickets.c.open_for == handover.conversation_id)).first()
    if there is not None:
        _add(connection, there, handover)
        return None
    id_ = (connection.execute(select(func.max(tickets.c.id))).scalar_one() or 0) + 1
    priority = priority_of(handover.reasons)
    row = {"id": id_, "conversation_id": handover.conversation_id, "open_for": handover.conversation_id}
    row |= {"created_at": handover.at, "updated_at": handover.at, "status": Status.NEW, "priority": priority}
    row |= {"assignee": "", "menu": handover.menu, "reasons": json.dumps(handover.reasons)}
    connection.execute(insert(tickets), row)
    _tell(connection, id_, handover, EventKind.OPENED, after=Status.NEW)
    return Opened(id_, priority, handover)


def _add(connection: Connection, there: Row[Any], handover: Handover) -> None:
    """What is new makes the ticket more urgent where it must; what a person decided of the known reasons stands."""
    known = tuple(map(EscalationReason, json.loads(there.reasons)))
    fresh = tuple(reason for reason in handover.reasons if reason not in known)
    _tell(connection, there.id, handover, EventKind.ESCALATED)
    changes: dict[str, object] = {"updated_at": handover.at, "menu": there.menu or handover.menu}
    if fresh:
        changes["reasons"] = json.dumps([*known, *fresh])
    wanted, before = priority_of(fresh), Priority(there.priority)
    if fresh and more_urgent(wanted, before):
        changes["priority"] = wanted
        add_event(connection, there.id, EventKind.PRIORITISED, at=handover.at, before=before, after=wanted)
    connection.execute(update(tickets).where(tickets.c.id == there.id).values(**changes))


def hear(connection: Connection, conversation_id: str, at: float, by: HeardBy, *, solved: bool) -> None:
    """Write down beside the conversation's open ticket, if there is one, that the matter works or after all does not.

    What was said before is not said again, and that it does not work is news only after it was said to.
    """
    mine = tickets.c.open_for == conversation_id
    if connection.execute(select(tickets.c.id).where(mine)).first() is None:
        return
    lock(connection)
    there = connection.execute(select(tickets.c.id, LAST_HEARD.label("heard")).where(mine)).first()
    if there is None or solved == (there.heard == EventKind.SAID_SOLVED):
        return
    kind = EventKind.SAID_SOLVED if solved else EventKind.SAID_UNSOLVED
    add_event(connection, there.id, kind, at=at, after=by)
    connection.execute(update(tickets).where(tickets.c.id == there.id).values(updated_at=at))


def _tell(connection: Connection, id_: int, handover: Handover, kind: EventKind, after: str = "") -> None:
    escalation = handover.escalation_id
    add_event(connection, id_, kind, at=handover.at, actor=handover.actor, after=after, escalation_id=escalation)


def add_event(
    connection: Connection, ticket_id: int, kind: EventKind, *, at: float, actor: str = "", **values: object
) -> None:
    """Write down what happened; `values` are the other columns. The ticket must be locked."""
    mine = ticket_events.c.ticket_id == ticket_id
    seq = (connection.execute(select(func.max(ticket_events.c.seq)).where(mine)).scalar_one() or 0) + 1
    row = {"ticket_id": ticket_id, "seq": seq, "at": at, "actor": actor, "kind": kind}
    connection.execute(insert(ticket_events), row | {"before": "", "after": "", "note": ""} | values)


def read_events(connection: Connection, ticket_id: int) -> tuple[TicketEvent, ...]:
    """The history of a ticket, oldest first."""
    joined = ticket_events.outerjoin(escalations, escalations.c.id == ticket_events.c.escalation_id)
    said = escalations.c.explanation, escalations.c.note.label("escalation_note")
    query = select(ticket_events, *said).select_from(joined).where(ticket_events.c.ticket_id == ticket_id)
    rows = connection.execute(query.order_by(ticket_events.c.seq)).all()
    undone = {row.undoes: row.seq for row in rows if row.undoes is not None}
    return tuple(_event(row, undone.get(row.seq)) for row in rows)


def _event(row: Row[Any], undone_by: int | None) -> TicketEvent:
    note, explained = row.note or row.escalation_note or "", row.explanation or ""
    kind, at = EventKind(row.kind), moment(row.at)
    return TicketEvent(row.seq, at, row.actor, kind, row.before, row.after, note, explained, row.undoes, undone_by)


def ticket_query() -> Select[Any]:
    """Tickets with their conversation's title, and the times that follow from their events."""
    talk = conversations.c.title, conversations.c.erased_at
    times = FIRST_ACTION.label("first_action"), RESOLVED.label("resolved"), LAST_HEARD.label("heard")
    return select(tickets, *talk, *times).join(conversations, conversations.c.id == tickets.c.conversation_id)


def ticket_of(row: Row[Any]) -> Ticket:
    """The value of a row of `ticket_query`."""
    return Ticket(
        id=row.id,
        conversation_id=row.conversation_id,
        subject=row.title or text("retention.erased_title"),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        status=Status(row.status),
        priority=Priority(row.priority),
        assignee=row.assignee,
        menu=row.menu,
        reasons=tuple(map(EscalationReason, json.loads(row.reasons))),
        first_action_at=None if row.first_action is None else moment(row.first_action),
        resolved_at=None if row.resolved is None else moment(row.resolved),
        said_solved=row.status != Status.DONE and row.heard == EventKind.SAID_SOLVED,
        erased_at=None if row.erased_at is None else moment(row.erased_at),
    )


def _of_ticket(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Events of the ticket of the surrounding query that were not taken back."""
    undoing = ticket_events.alias()
    undone = exists().where(undoing.c.ticket_id == ticket_events.c.ticket_id, undoing.c.undoes == ticket_events.c.seq)
    return and_(ticket_events.c.ticket_id == tickets.c.id, *conditions, ~undone)


_ACTED = _of_ticket(ticket_events.c.kind.in_(sorted(ACTIONS)), ticket_events.c.actor != "")
_FINISHED = _of_ticket(ticket_events.c.kind == EventKind.MOVED, ticket_events.c.after == Status.DONE)
FIRST_ACTION = select(func.min(ticket_events.c.at)).where(_ACTED).correlate(tickets).scalar_subquery()
"""When a person first did something that was not taken back."""
_LAST_FINISHED = select(func.max(ticket_events.c.at)).where(_FINISHED).correlate(tickets).scalar_subquery()
RESOLVED = case((tickets.c.status == Status.DONE, _LAST_FINISHED))
"""When the ticket became done, if that is what it is."""
_HEARD = or_(
    ticket_events.c.kind.in_((EventKind.SAID_SOLVED, EventKind.SAID_UNSOLVED, EventKind.ESCALATED)),
    and_(ticket_events.c.kind == EventKind.MOVED, ticket_events.c.before == Status.DONE),
)
LAST_HEARD = (
    select(ticket_events.c.kind)
    .where(ticket_events.c.ticket_id == tickets.c.id, _HEARD)
    .order_by(ticket_events.c.seq.desc())
    .limit(1)
    .correlate(tickets)
    .scalar_subquery()
)
"""Kind of the last event that tells whether the matter works; whoever opens a ticket again says that it does not."""
URGENCY = case({priority: place for place, priority in enumerate(Priority)}, value=tickets.c.priority)
