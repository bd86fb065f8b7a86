"""Which questions failed, read from what conversations leave behind anyway; texts are read for many at once.

One reason to change: what counts as a failing question.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, exists, func, select

from sipd_core.chat.turn import Verdict
from sipd_core.learning.model import Failure
from sipd_core.store.outcomes import UNSOLVED
from sipd_core.store.gap_rows import failures_of
from sipd_core.store.schema import exchange_marks, exchanges, feedback, gap_questions, ticket_events, tickets, traces
from sipd_core.tickets import EventKind, Status

_LATER = exchange_marks.alias()
AT_ONCE: Final = 500
"""Rows that one statement names."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that failed, as the narrow tables tell it."""

    turn_id: str
    conversation_id: str
    at: float
    failed_at: float
    """When what makes it a failure happened."""
    failure: Failure


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation; nothing is left of it when the conversation was deleted."""

    turn_id: str
    conversation_id: str
    position: int
    at: float
    message: str


def parts(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in parts that one statement can name."""
    wanted = list(ids)
    return (wanted[at : at + AT_ONCE] for at in range(0, len(wanted), AT_ONCE))


def said(connection: Connection, turn_ids: Sequence[str]) -> dict[str, Said]:
    """What was said in these turns, by turn, as far as it is there."""
    found: dict[str, Said] = {}
    for some in parts(turn_ids):
        rows = connection.execute(_SAID.where(exchanges.c.turn_id.in_(some)))
        found.update((row.turn_id, Said(*row)) for row in rows)
    return found


def asked_in(connection: Connection, conversation_ids: Iterable[str]) -> dict[str, list[Said]]:
    """The questions of these conversations in their order, by conversation."""
    query = _SAID.join(exchange_marks, exchange_marks.c.turn_id == exchanges.c.turn_id).where(exchange_marks.c.asked)
    found: dict[str, list[Said]] = {}
    for some in parts(conversation_ids):
        of_them = query.where(exchanges.c.conversation_id.in_(some)).order_by(exchanges.c.position)
        for row in connection.execute(of_them):
            found.setdefault(row.conversation_id, []).append(Said(*row))
    return found


def unknown(connection: Connection, found: Sequence[Candidate]) -> list[Candidate]:
    """Those of `found` that are not known yet as that failure."""
    known: dict[str, tuple[frozenset[Failure], float]] = {}
    columns = gap_questions.c.turn_id, gap_questions.c.failures, gap_questions.c.failed_at
    for some in parts({one.turn_id for one in found}):
        for row in connection.execute(select(*columns).where(gap_questions.c.turn_id.in_(some))):
            known[row.turn_id] = frozenset(failures_of(row.failures)), row.failed_at
    nothing = frozenset[Failure](), 0.0

    def is_new(one: Candidate) -> bool:
        failures, failed_at = known.get(one.turn_id, nothing)
        return one.failure not in failures or failed_at < one.failed_at

    return [one for one in found if is_new(one)]


def candidates(connection: Connection, since: float, limit: int) -> tuple[list[Candidate], float]:
    """What failed from `since` on, the earliest first, and up to when this is all (infinity: to the end).

    At most `limit` of each kind are read; what lies behind the end of one kind is left for the next time in all of them.
    """
    kinds = [read(connection, since, limit) for read in (_not_found, _bare, _in_vain, _thumbs_down, _tickets)]
    whole = min(until for _, until in kinds)
    found = [one for of_kind, _ in kinds for one in of_kind if one.failed_at <= whole]
    return sorted(found, key=lambda one: (one.failed_at, one.turn_id)), whole


def recanted(connection: Connection) -> list[str]:
    """Questions that count as failed for a thumb that points up by now."""
    held = gap_questions.c.failures.contains(Failure.THUMB_DOWN.value)
    query = select(gap_questions.c.turn_id).join(feedback, feedback.c.turn_id == gap_questions.c.turn_id)
    return list(connection.execute(query.where(held, feedback.c.helpful)).scalars())


_SAID = select(
    exchanges.c.turn_id, exchanges.c.conversation_id, exchanges.c.position, exchanges.c.at, exchanges.c.message
)
_ASKED = select(
    exchange_marks.c.turn_id, exchange_marks.c.conversation_id, exchange_marks.c.at, exchange_marks.c.position
).where(exchange_marks.c.asked)


_Found = tuple[list[Candidate], float]
"""Failures of one kind, and up to when they are all."""


def _read(connection: Connection, query: Select[Any], limit: int, failure: Failure) -> _Found:
    """Rows of a query that is in order of `seen_at`, the time by which failures are looked for."""
    rows = connection.execute(query.limit(limit)).all()
    found = [Candidate(row.turn_id, row.conversation_id, row.at, row.failed_at, failure) for row in rows]
    return found, rows[-1].seen_at if len(rows) >= limit else inf


_ITSELF = exchange_marks.c.at.label("failed_at"), traces.c.at.label("seen_at")
_TRACED = _ASKED.join(traces, traces.c.turn_id == exchange_marks.c.turn_id)


def _not_found(connection: Connection, since: float, limit: int) -> _Found:
    query = _TRACED.add_columns(*_ITSELF).where(traces.c.verdict == Verdict.NOT_FOUND, traces.c.at >= since)
    return _read(connection, query.order_by(traces.c.at), limit, Failure.NOT_FOUND)


_PRAISED = exists().where(feedback.c.turn_id == exchange_marks.c.turn_id, feedback.c.helpful)
"""A thumb up speaks for a doubtful answer."""
_DOUBTFUL = _TRACED.where(traces.c.verdict == Verdict.PARTIAL, ~_PRAISED)


def _bare(connection: Connection, since: float, limit: int) -> _Found:
    """Doubtful answers that offered no remedy."""
    query = _DOUBTFUL.add_columns(*_ITSELF).where(~exchange_marks.c.offered, traces.c.at >= since)
    return _read(connection, query.order_by(traces.c.at), limit, Failure.PARTIAL)


def _in_vain(connection: Connection, since: float, limit: int) -> _Found:
    """Doubtful answers after which somebody said that it did not help."""
    seen = traces.alias()
    denied = _LATER.c.conversation_id == exchange_marks.c.conversation_id, _LATER.c.said == UNSOLVED
    query = (
        _DOUBTFUL.add_columns(_LATER.c.at.label("failed_at"), seen.c.at.label("seen_at"))
        .join(_LATER, and_(*denied, _LATER.c.position > exchange_marks.c.position))
        .join(seen, seen.c.turn_id == _LATER.c.turn_id)
        .where(seen.c.at >= since)
    )
    return _read(connection, query.order_by(seen.c.at), limit, Failure.PARTIAL)


def _thumbs_down(connection: Connection, since: float, limit: int) -> _Found:
    query = _ASKED.add_columns(feedback.c.at.label("failed_at"), feedback.c.at.label("seen_at"))
    query = query.join(feedback, feedback.c.turn_id == exchange_marks.c.turn_id)
    query = query.where(~feedback.c.helpful, feedback.c.at >= since)
    return _read(connection, query.order_by(feedback.c.at), limit, Failure.THUMB_DOWN)


def _tickets(connection: Connection, since: float, limit: int) -> _Found:
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
    solved, found = connection.execute(finished.order_by(done_at).limit(limit)).all(), []
    for ticket in solved:
        before = _ASKED.where(
            exchange_marks.c.conversation_id == ticket.conversation_id, exchange_marks.c.at <= ticket.created_at
        )
        row = connection.execute(before.order_by(exchange_marks.c.position.desc()).limit(1)).first()
        if row is not None:
            found.append(Candidate(row.turn_id, row.conversation_id, row.at, ticket.done_at, Failure.TICKET))
    return found, solved[-1].done_at if len(solved) >= limit else inf
