"""Conversations, what people said of the answers, and escalations. Only masked texts come in here."""

import json
import time
import uuid
from collections.abc import Callable

from pydantic import TypeAdapter
from sqlalchemy import Row, func, insert, or_, select, update

from sipd_core.chat.turn import Conversation, ConversationSummary, Escalation, Exchange, Feedback, Turn
from sipd_core.errors import NotFoundError
from sipd_core.store.database import Database
from sipd_core.store.schema import conversations, escalations, exchanges, feedback
from sipd_core.store.times import moment

TURN = TypeAdapter(Turn)
TITLE_LENGTH = 80


class ConversationStore:
    """Durable conversations; a turn is written whole, with its answer, in one transaction."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, message: str, turn: Turn, state: str) -> None:
        """Append one answered message; `state` is the escalation policy's memory as JSON."""
        now = self._clock()
        with self._database.write() as connection:
            known = connection.execute(select(conversations.c.id).where(conversations.c.id == turn.session_id)).first()
            if known is None:
                row = {"id": turn.session_id, "title": _title(message), "created_at": now, "updated_at": now, "escalated": False}
                connection.execute(insert(conversations), row)
            last = select(func.coalesce(func.max(exchanges.c.position), 0)).where(exchanges.c.conversation_id == turn.session_id)
            row = {
                "turn_id": turn.turn_id,
                "conversation_id": turn.session_id,
                "position": connection.execute(last).scalar_one() + 1,
                "at": now,
                "message": message,
                "answer": turn.response,
                "turn": TURN.dump_json(turn).decode(),
                "state": state,
            }
            connection.execute(insert(exchanges), row)
            changes: dict[str, object] = {"updated_at": now}
            if turn.should_escalate:
                changes["escalated"] = True
                connection.execute(insert(escalations), _escalation_row(turn.session_id, turn.turn_id, now, turn.escalation, ""))
            connection.execute(update(conversations).where(conversations.c.id == turn.session_id).values(changes))

    def history(self, session_id: str, limit: int) -> tuple[tuple[Exchange, ...], str | None]:
        """The last `limit` exchanges, oldest first, and the policy's memory after the last; empty for a new session."""
        with self._database.read() as connection:
            rows = connection.execute(_exchanges(session_id).limit(limit)).all()
        return tuple(_exchange(row) for row in reversed(rows)), (rows[0].state if rows else None)

    def get(self, session_id: str, limit: int) -> Conversation:
        """A conversation with its last `limit` exchanges; raises NotFoundError."""
        with self._database.read() as connection:
            head = connection.execute(select(conversations).where(conversations.c.id == session_id)).first()
            if head is None:
                raise NotFoundError(what="Percakapan")
            rows = connection.execute(_exchanges(session_id).limit(limit)).all()
        return Conversation(session_id, head.title, tuple(_exchange(row) for row in reversed(rows)), head.escalated)

    def list(self, search: str, limit: int) -> tuple[ConversationSummary, ...]:
        """Conversations whose title, messages or answers hold every word of `search`, last active first."""
        latest = select(exchanges.c.conversation_id, func.max(exchanges.c.position).label("position"))
        latest_of = latest.group_by(exchanges.c.conversation_id).subquery()
        last = (exchanges.c.conversation_id == latest_of.c.conversation_id) & (exchanges.c.position == latest_of.c.position)
        query = (
            select(conversations, exchanges.c.turn, exchanges.c.position)
            .join(latest_of, latest_of.c.conversation_id == conversations.c.id)
            .join(exchanges, last)
            .order_by(conversations.c.updated_at.desc())
            .limit(limit)
        )
        for word in search.split():
            inside = exchanges.alias()
            said = or_(inside.c.message.icontains(word, autoescape=True), inside.c.answer.icontains(word, autoescape=True))
            query = query.where(conversations.c.id.in_(select(inside.c.conversation_id).where(said)))
        with self._database.read() as connection:
            return tuple(_summary(row) for row in connection.execute(query))

    def set_feedback(self, turn_id: str, given: Feedback) -> None:
        """Remember what a person said of an answer; saying it again replaces it. Raises NotFoundError."""
        with self._database.write() as connection:
            if connection.execute(select(exchanges.c.turn_id).where(exchanges.c.turn_id == turn_id)).first() is None:
                raise NotFoundError(what="Jawaban")
            row = {"turn_id": turn_id, "at": self._clock(), "helpful": given.helpful, "reason": given.reason}
            self._database.upsert(connection, feedback, [row])

    def escalate(self, session_id: str, turn_id: str, escalation: Escalation, note: str) -> None:
        """Record an escalation made by hand; raises NotFoundError."""
        with self._database.write() as connection:
            known = exchanges.c.conversation_id == session_id, exchanges.c.turn_id == turn_id
            if connection.execute(select(exchanges.c.turn_id).where(*known)).first() is None:
                raise NotFoundError(what="Percakapan")
            connection.execute(insert(escalations), _escalation_row(session_id, turn_id, self._clock(), escalation, note))
            connection.execute(update(conversations).where(conversations.c.id == session_id).values(escalated=True))

    def escalations(self, session_id: str) -> tuple[tuple[str, str], ...]:
        """(explanation, note) of every escalation of a conversation, oldest first."""
        query = select(escalations).where(escalations.c.conversation_id == session_id).order_by(escalations.c.at)
        with self._database.read() as connection:
            return tuple((row.explanation, row.note) for row in connection.execute(query))


def _exchanges(session_id: str):  # type: ignore[no-untyped-def]
    joined = exchanges.outerjoin(feedback, feedback.c.turn_id == exchanges.c.turn_id)
    said = feedback.c.helpful, feedback.c.reason
    query = select(exchanges, *said).select_from(joined).where(exchanges.c.conversation_id == session_id)
    return query.order_by(exchanges.c.position.desc())


def _exchange(row: Row) -> Exchange:  # type: ignore[type-arg]
    given = None if row.helpful is None else Feedback(row.helpful, row.reason)
    return Exchange(moment(row.at), row.message, TURN.validate_json(row.turn), given)


def _summary(row: Row) -> ConversationSummary:  # type: ignore[type-arg]
    verdict = TURN.validate_json(row.turn).verdict
    return ConversationSummary(row.id, row.title, moment(row.updated_at), row.position, row.escalated, verdict)


def _escalation_row(session_id: str, turn_id: str, at: float, escalation: Escalation, note: str) -> dict[str, object]:
    return {
        "id": uuid.uuid4().hex,
        "conversation_id": session_id,
        "turn_id": turn_id,
        "at": at,
        "reasons": json.dumps(escalation.reasons),
        "explanation": escalation.explanation,
        "note": note,
    }


def _title(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
