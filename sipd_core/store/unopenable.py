"""What is left of a database whose texts cannot all be opened, because a key is gone for good: all but those texts.

One reason to change: what stands for a text that nobody can open. A conversation becomes an empty frame, as after its
deletion, so that no figure of a past month becomes another. The database is one that nobody else uses.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, delete, func, or_, select, union, update

from sipd_core.learning.model import GapState
from sipd_core.store import schema
from sipd_core.store.cipher import PREFIX, sealed_columns
from sipd_core.store.erasing import leave_frames
from sipd_core.store.resealing import Place
from sipd_core.store.schema import (
    answer_versions,
    approved_answers,
    conversations,
    escalations,
    exchanges,
    feedback,
    gap_questions,
    gaps,
    gold_answers,
    gold_questions,
    ticket_events,
    tickets,
)
from sipd_core.tickets import OPEN

TOGETHER = 200
"""Conversations in one statement."""


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be opened and was left behind."""

    texts: int = 0
    """All texts, those of the other figures among them."""
    conversations: int = 0
    open_tickets: int = 0
    """Of these conversations; they stay open, and say no more what about."""
    gold_questions: int = 0
    approved: int = 0


def leave_behind(connection: Connection, places: Sequence[Place], here: Collection[str], now: float) -> Left:
    """Drop every text that is sealed with a key not among the ids `here`, and what is nothing without it."""
    texts = sum(_count(connection, place.table, name, here) for place in places for name in place.columns)
    talks = [row.conversation_id for row in connection.execute(union(*_talks(here)))]
    gold, open_tickets = _drop_gold(connection, here), 0
    for start in range(0, len(talks), TOGETHER):
        some = talks[start : start + TOGETHER]
        of_them = tickets.c.conversation_id.in_(some), tickets.c.status.in_(OPEN)
        open_tickets += connection.execute(select(func.count()).select_from(tickets).where(*of_them)).scalar_one()
        leave_frames(connection, some, now)
    approved = connection.execute(delete(approved_answers).where(_lost(approved_answers, here))).rowcount
    _drop_of_gaps(connection, here)
    for place in places:
        _empty(connection, place, here)
    return Left(texts, len(talks), open_tickets, gold, approved)


def _talks(here: Collection[str]) -> list[Select[tuple[str]]]:
    """Conversations of whose texts one at least is lost."""
    heads = select(conversations.c.id.label("conversation_id")).where(_lost(conversations, here))
    said = select(exchanges.c.conversation_id)
    of_turns = [
        said.join(one, one.c.turn_id == exchanges.c.turn_id).where(_lost(one, here)) for one in (feedback, answer_versions)
    ]
    noted = select(tickets.c.conversation_id).join(ticket_events, ticket_events.c.ticket_id == tickets.c.id)
    handed = select(escalations.c.conversation_id).where(_lost(escalations, here))
    return [heads, said.where(_lost(exchanges, here)), *of_turns, noted.where(_lost(ticket_events, here)), handed]


def _drop_gold(connection: Connection, here: Collection[str]) -> int:
    lost = select(gold_questions.c.id).where(_lost(gold_questions, here))
    connection.execute(update(gold_answers).where(gold_answers.c.question_id.in_(lost)).values(query=""))
    return connection.execute(delete(gold_questions).where(_lost(gold_questions, here))).rowcount


def _drop_of_gaps(connection: Connection, here: Collection[str]) -> None:
    """A gap without its draft is one that nobody has drafted a row for yet."""
    connection.execute(delete(gap_questions).where(_lost(gap_questions, here)))
    begun = gaps.c.state == GapState.DRAFT, _is_lost(gaps.c.draft, here)
    connection.execute(update(gaps).where(*begun).values(state=GapState.OPEN))


def _empty(connection: Connection, place: Place, here: Collection[str]) -> None:
    table = schema.metadata.tables[place.table]
    for name in place.columns:
        column = table.c[name]
        connection.execute(update(table).where(_is_lost(column, here)).values({name: None if column.nullable else ""}))


def _count(connection: Connection, table: str, name: str, here: Collection[str]) -> int:
    stored = schema.metadata.tables[table]
    query = select(func.count()).select_from(stored).where(_is_lost(stored.c[name], here))
    return connection.execute(query).scalar_one()


def _lost(table: Table, here: Collection[str]) -> ColumnElement[bool]:
    """Condition: one of a row's texts cannot be opened."""
    return or_(*(_is_lost(table.c[name], here) for name in sealed_columns(table)))


def _is_lost(stored: Column[str], here: Collection[str]) -> ColumnElement[bool]:
    start = len(PREFIX)
    return and_(func.substr(stored, 1, start) == PREFIX, func.substr(stored, start + 1, 8).not_in(sorted(here)))
