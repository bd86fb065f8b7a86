"""A conversation is deleted for good: its texts are overwritten wherever they stand. What is counted by stays.

One reason to change: what goes with a conversation. Gone are title, messages, answers, who asked, reasons of thumbs, words to search
by, versions of answers, notes, what tickets say of it, gold questions and questions of gaps taken from it, and where a
person deletes it also the answers approved from it (they are knowledge, and outlive mere age). An empty frame stays: times,
verdict, thumb, codes of reasons, `exchange_marks`, and of a ticket its status, priority, who took care, and when. So no
figure of a past month becomes another, and nobody loses sight of who still waits. Traces and books hold no text and stay.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, select, update

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import NotFoundError
from sipd_core.store.database import Database
from sipd_core.store.schema import (
    answer_versions,
    approved_answers,
    conversation_words,
    conversations,
    escalations,
    exchange_marks,
    exchanges,
    feedback,
    gap_questions,
    gold_answers,
    gold_questions,
    ticket_events,
    tickets,
    traces,
)
from sipd_core.store.ticket_rows import lock
from sipd_core.store.times import moment
from sipd_core.texts import text
from sipd_core.tickets import OPEN

TOGETHER = 20
"""Conversations that are deleted in one transaction."""
_PAUSE = 0.05
"""Seconds between two of them, in which others may write."""
_TRACES_TOGETHER = 2_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What goes with a conversation."""

    title: str
    began: datetime
    exchanges: int
    tickets: int
    open_tickets: int
    gold_questions: int
    approved: int
    gap_questions: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted."""

    conversations: int
    exchanges: int
    answers: tuple[str, ...] = ()
    """The texts of the answers, for caches that must forget them."""


class Eraser:
    """Safe from any thread and any process; what is deleted is durable on return."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def effect(self, conversation_id: str) -> Erasure:
        """What would go; raises NotFoundError."""
        mine = tickets.c.conversation_id == conversation_id
        with self._database.read() as connection:
            head = connection.execute(select(conversations).where(_there(conversation_id))).first()
            if head is None:
                raise _not_found()
            held = [_count(connection, tickets, mine), _count(connection, tickets, mine, tickets.c.status.in_(OPEN))]
            turns = _turns([conversation_id])
            taken = gold_questions, approved_answers, gap_questions
            drawn = [_count(connection, table, table.c.turn_id.in_(turns)) for table in taken]
        return Erasure(head.title, moment(head.created_at), head.turns, *held, *drawn)

    def erase(self, conversation_id: str, *, actor: str = "") -> Erased:
        """Delete one conversation; raises NotFoundError when there is none any more."""
        now = self._clock()
        with self._database.write() as connection:
            if not is_there(connection, conversation_id):
                raise _not_found()
            made_of_it = approved_answers.c.turn_id.in_(_turns([conversation_id]))
            connection.execute(delete(approved_answers).where(made_of_it))
            erased = _erase(connection, [conversation_id], now)
            details = {"questions": erased.exchanges}
            self._database.note(connection, Deed(DeedKind.ERASE, conversation_id, actor, details=details))
        self._database.wipe()
        return erased

    def erase_before(self, moment_: float) -> Erased:
        """Delete what was last active before a moment (Unix seconds), but for conversations with an open ticket."""
        busy = select(tickets.c.conversation_id).where(tickets.c.status.in_(OPEN))
        due = conversations.c.updated_at < moment_, conversations.c.erased_at.is_(None), conversations.c.id.not_in(busy)
        oldest = select(conversations.c.id).where(*due).order_by(conversations.c.updated_at).limit(TOGETHER)
        oldest = oldest.with_for_update(key_share=True)
        count, said = 0, 0
        while True:
            with self._database.write() as connection:
                ids = list(connection.execute(oldest).scalars())
                if ids:
                    erased = _erase(connection, ids, self._clock())
                    count, said = count + erased.conversations, said + erased.exchanges
                    self._database.note(connection, _kept_long_enough("conversations", len(ids), moment_))
            if not ids:
                return Erased(count, said)
            time.sleep(_PAUSE)

    def drop_traces_before(self, moment_: float) -> int:
        """Delete traces of turns that ended before a moment; the figures of speed begin there afterwards."""
        oldest = select(traces.c.turn_id).where(traces.c.at < moment_).limit(_TRACES_TOGETHER)
        gone = 0
        while True:
            with self._database.write() as connection:
                part = connection.execute(delete(traces).where(traces.c.turn_id.in_(oldest))).rowcount
                if part:
                    self._database.note(connection, _kept_long_enough("traces", part, moment_))
            gone += part
            if part < _TRACES_TOGETHER:
                return gone

    def wipe(self) -> None:
        """Let nothing of what was deleted be readable in the files."""
        self._database.wipe()


def is_there(connection: Connection, conversation_id: str) -> bool:
    """Within a transaction: whether a conversation is there; if so nobody deletes it before this transaction has ended.

    Whoever writes about a conversation asks first, or what he writes would outlive it.
    """
    query = select(conversations.c.id).where(_there(conversation_id)).with_for_update(key_share=True)
    return connection.execute(query).first() is not None


def _erase(connection: Connection, ids: Sequence[str], now: float) -> Erased:
    of_them = select(exchanges.c.answer).where(exchanges.c.conversation_id.in_(ids))
    answers = tuple(connection.execute(of_them).scalars())
    leave_frames(connection, ids, now)
    return Erased(len(ids), len(answers), answers)


def leave_frames(connection: Connection, ids: Sequence[str], now: float) -> None:
    """Overwrite what was said in conversations or taken from them, without reading it; approved answers stay."""
    turns, of_them = _turns(ids), exchanges.c.conversation_id.in_(ids)
    for table in (answer_versions, gap_questions):
        connection.execute(delete(table).where(table.c.turn_id.in_(turns)))
    questions = select(gold_questions.c.id).where(gold_questions.c.turn_id.in_(turns))
    connection.execute(update(gold_answers).where(gold_answers.c.question_id.in_(questions)).values(query=""))
    connection.execute(delete(gold_questions).where(gold_questions.c.turn_id.in_(turns)))
    lock(connection)
    mine = tickets.c.conversation_id.in_(ids)
    of_mine = ticket_events.c.ticket_id.in_(select(tickets.c.id).where(mine))
    connection.execute(update(ticket_events).where(of_mine).values(note=""))
    connection.execute(update(tickets).where(mine).values(menu=""))
    connection.execute(delete(conversation_words).where(conversation_words.c.conversation_id.in_(ids)))
    connection.execute(update(feedback).where(feedback.c.turn_id.in_(turns)).values(reason=""))
    connection.execute(update(exchange_marks).where(exchange_marks.c.conversation_id.in_(ids)).values(asker=None))
    handed = escalations.c.conversation_id.in_(ids)
    connection.execute(update(escalations).where(handed).values(explanation="", note=""))
    connection.execute(update(exchanges).where(of_them).values(message="", answer="", turn="", state=""))
    connection.execute(update(conversations).where(conversations.c.id.in_(ids)).values(title="", erased_at=now))


def _turns(ids: Sequence[str]) -> Select[tuple[str]]:
    return select(exchanges.c.turn_id).where(exchanges.c.conversation_id.in_(ids))


def _there(conversation_id: str) -> ColumnElement[bool]:
    return (conversations.c.id == conversation_id) & conversations.c.erased_at.is_(None)


def _count(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def _kept_long_enough(what: str, count: int, before: float) -> Deed:
    details = {"what": what, "rows": count, "before_day": f"{moment(before):%Y-%m-%d}"}
    return Deed(DeedKind.RETENTION, what, details=details)


def _not_found() -> NotFoundError:
    return NotFoundError(what=text("retention.conversation"))
