"""Which questions failed, read from what conversations leave behind anyway; no text is read here.

One reason to change: what counts as a failing question.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, func, select

from sipd_core.chat.turn import Verdict
from sipd_core.learning.model import Failure
from sipd_core.store.outcomes import UNSOLVED
from sipd_core.store.schema import exchange_marks, feedback, gap_questions, ticket_events, tickets, traces
from sipd_core.tickets import EventKind, Status

_LATER = exchange_marks.alias()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that failed, as the narrow tables tell it."""

    turn_id: str
    conversation_id: str
    at: float
    failed_at: float
    """When what makes it a failure happened."""
    failure: Failure


def candidates(connection: Connection, since: float, limit: int) -> list[Candidate]:
    """What failed from `since` on, the earliest first: at most `limit` of each kind."""
    found = [*_not_found(connection, since, limit), *_partial(connection, since, limit)]
    found += [*_thumbs_down(connection, since, limit), *_tickets(connection, since, limit)]
    return sorted(found, key=lambda one: (one.failed_at, one.turn_id))


def recanted(connection: Connection) -> list[str]:
    """Questions that count as failed for a thumb that points up by now."""
    held = gap_questions.c.failures.contains(Failure.THUMB_DOWN.value)
    query = select(gap_questions.c.turn_id).join(feedback, feedback.c.turn_id == gap_questions.c.turn_id)
    return list(connection.execute(query.where(held, feedback.c.helpful)).scalars())


_ASKED = select(
    exchange_marks.c.turn_id, exchange_marks.c.conversation_id, exchange_marks.c.at, exchange_marks.c.position
).where(exchange_marks.c.asked)


def _not_found(connection: Connection, since: float, limit: int) -> Iterator[Candidate]:
    query = _ASKED.join(traces, traces.c.turn_id == exchange_marks.c.turn_id)
    query = query.where(traces.c.verdict == Verdict.NOT_FOUND, traces.c.at >= since)
    for row in connection.execute(query.order_by(traces.c.at).limit(limit)):
        yield Candidate(row.turn_id, row.conversation_id, row.at, row.at, Failure.NOT_FOUND)


_PRAISED = exists().where(feedback.c.turn_id == exchange_marks.c.turn_id, feedback.c.helpful)
"""A thumb up speaks for a doubtful answer."""


def _partial(connection: Connection, since: float, limit: int) -> Iterator[Candidate]:
    """Those that offered no remedy, and those after which somebody said that it did not help."""
    doubtful = _ASKED.join(traces, traces.c.turn_id == exchange_marks.c.turn_id)
    doubtful = doubtful.where(traces.c.verdict == Verdict.PARTIAL, ~_PRAISED)
    bare = doubtful.where(~exchange_marks.c.offered, traces.c.at >= since).order_by(traces.c.at)
    for row in connection.execute(bare.limit(limit)).all():
        yield Candidate(row.turn_id, row.conversation_id, row.at, row.at, Failure.PARTIAL)
    seen = traces.alias()
    denied = _LATER.c.conversation_id == exchange_marks.c.conversation_id, _LATER.c.said == UNSOLVED
    in_vain = (
        doubtful.add_columns(_LATER.c.at.label("failed_at"))
        .join(_LATER, and_(*denied, _LATER.c.position > exchange_marks.c.position))
        .join(seen, seen.c.turn_id == _LATER.c.turn_id)
        .where(seen.c.at >= since)
    )
    for row in connection.execute(in_vain.order_by(seen.c.at).limit(limit)):
        yield Candidate(row.turn_id, row.conversation_id, row.at, row.failed_at, Failure.PARTIAL)


def _thumbs_down(connection: Connection, since: float, limit: int) -> Iterator[Candidate]:
    query = _ASKED.add_columns(feedback.c.at.label("failed_at"))
    query = query.join(feedback, feedback.c.turn_id == exchange_marks.c.turn_id)
    query = query.where(~feedback.c.helpful, feedback.c.at >= since)
    for row in connection.execute(query.order_by(feedback.c.at).limit(limit)):
        yield Candidate(row.turn_id, row.conversation_id, row.at, row.failed_at, Failure.THUMB_DOWN)


def _tickets(connection: Connection, since: float, limit: int) -> Iterator[Candidate]:
    """Of each solved ticket the last question before it was made."""
    done_at = func.max(ticket_events.c.at)
    finished = (
        select(tickets.c.conversation_id, tickets.c.created_at, done_at.label("done_at"))
        .join(ticket_events, ticket_events.c.ticket_id == tickets.c.id)
        .where(tickets.c.status == Status.DONE)
        .where(ticket_events.c.kind == EventKind.MOVED, ticket_events.c.after == Status.DONE)
        .group_by(tickets.c.id, tickets.c.conversation_id, tickets.c.created_at)
        .having(done_at >= since)
    )
    for ticket in connection.execute(finished.order_by(done_at).limit(limit)).all():
        before = _ASKED.where(
            exchange_marks.c.conversation_id == ticket.conversation_id, exchange_marks.c.at <= ticket.created_at
        )
        row = connection.execute(before.order_by(exchange_marks.c.position.desc()).limit(1)).first()
        if row is not None:
            yield Candidate(row.turn_id, row.conversation_id, row.at, ticket.done_at, Failure.TICKET)
