"""Conversations, what people said of the answers, and escalations. Only masked texts come in here; they are stored sealed."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache
from sqlalchemy import ColumnElement, Connection, Row, Select, insert, select, update

from sipd_core.chat.turn import (
    Conversation,
    ConversationSummary,
    Escalation,
    Exchange,
    Feedback,
    Turn,
    Verdict,
)
from sipd_core.deeds import Deed, DeedKind, acting
from sipd_core.errors import NotFoundError
from sipd_core.language import names_nothing
from sipd_core.signatures import without_stamps
from sipd_core.store.answer_versions import TURN, with_versions
from sipd_core.store.approved_answers import keep_use
from sipd_core.store.database import Database
from sipd_core.store.erasing import is_there
from sipd_core.store.masked import masked_secrets
from sipd_core.store.outcomes import SOLVED, mark
from sipd_core.store.schema import (
    conversations,
    escalations,
    exchange_marks,
    exchanges,
    feedback,
    traces,
)
from sipd_core.store.search_words import Part, add_words, finds, sought
from sipd_core.store.ticket_rows import Announce, Handover, hear, take_over
from sipd_core.store.times import moment
from sipd_core.store.traces import TurnTrace, trace_row
from sipd_core.tickets import HeardBy, menu_of

__all__ = ["TURN", "Asked", "ConversationStore"]

_PIECE = re.compile(r"(?<=[.!?,])\s+|\n+")
TITLE_LENGTH = 80
LIST_SECONDS = 1.0
_THERE = conversations.c.erased_at.is_(None)
LOOKED_BACK = 20
"""Exchanges in which the menu of an escalated conversation is looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An exchange in its place."""

    session_id: str
    exchange: Exchange
    state: str
    """The escalation policy's memory after it, as JSON."""
    history: tuple[Exchange, ...]
    """What went before, oldest first."""
    state_before: str | None


class ConversationStore:
    """Durable conversations; a turn is written whole, with its answer, in one transaction."""

    def __init__(
        self, database: Database, *, announce: Announce | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """`announce` is told of every ticket that an escalation opens, within its transaction."""
        self._database = database
        self._announce = announce
        self._clock = clock
        self._lists: TTLCache[tuple[str, int], tuple[ConversationSummary, ...]] = TTLCache(100, LIST_SECONDS)
        self._lists_lock = threading.Lock()

    def add(self, message: str, turn: Turn, state: str, trace: TurnTrace | None = None) -> None:
        """Append one answered message, with its trace; `state` is the escalation policy's memory as JSON.

        Raises NotFoundError when somebody deleted the conversation meanwhile.
        """
        now = self._clock()
        marked = mark(message, turn, state) | {"asker": acting().mark or None}

        def enter(connection: Connection) -> None:
            _append(connection, message, turn, state, now, marked)
            for deed in masked_secrets(turn.session_id, turn.masked):
                self._database.note(connection, deed)
            if turn.should_escalate:
                self._hand_over(connection, turn.session_id, turn.turn_id, turn.escalation, now, "", "")
            elif marked["said"]:
                hear(connection, turn.session_id, now, HeardBy.WORDS, solved=marked["said"] == SOLVED)
            if trace is not None:
                connection.execute(insert(traces), trace_row(trace))

        self._database.together(enter)
        self._forget_lists()

    def history(self, session_id: str, limit: int) -> tuple[tuple[Exchange, ...], str | None]:
        """The last `limit` exchanges, oldest first, and the policy's memory after the last; empty for a new session.

        Raises NotFoundError for one that was deleted.
        """
        with self._database.read() as connection:
            gone = select(conversations.c.id).where(conversations.c.id == session_id, ~_THERE)
            if connection.execute(gone).first() is not None:
                raise NotFoundError(what="Percakapan")
            return _history(connection, _exchanges(session_id), limit)

    def before(self, turn_id: str, limit: int) -> Asked:
        """An exchange with what went before it, `limit` exchanges at most; raises NotFoundError."""
        one = exchanges.c.turn_id == turn_id
        with self._database.read() as connection:
            query = select(exchanges.c.conversation_id, exchanges.c.position).join(conversations).where(one, _THERE)
            place = connection.execute(query).first()
            if place is None:
                raise NotFoundError(what="Jawaban")
            till = _exchanges(place.conversation_id).where(exchanges.c.position <= place.position)
            (exchange,), state = _history(connection, till, 1)
            earlier = till.where(exchanges.c.position < place.position)
            return Asked(place.conversation_id, exchange, state or "", *_history(connection, earlier, limit))

    def get(self, session_id: str, limit: int) -> Conversation:
        """A conversation with its last `limit` exchanges; raises NotFoundError."""
        with self._database.read() as connection:
            head = connection.execute(select(conversations).where(conversations.c.id == session_id, _THERE)).first()
            if head is None:
                raise NotFoundError(what="Percakapan")
            said, _ = _history(connection, _exchanges(session_id), limit)
        return Conversation(session_id, head.title, said, head.escalated)

    def list(self, search: str, limit: int) -> tuple[ConversationSummary, ...]:
        """Conversations whose messages or answers hold words that begin with those of `search`, last active first.

        Every rerun of every page asks for it, so a list is kept for a second, or until this process changes one.
        """
        with self._lists_lock:
            known = self._lists.get((search, limit))
        if known is None:
            known = self._read_list(search, limit)
            with self._lists_lock:
                self._lists[search, limit] = known
        return known

    def _read_list(self, search: str, limit: int) -> tuple[ConversationSummary, ...]:
        query = select(conversations).where(_THERE).order_by(conversations.c.updated_at.desc()).limit(limit)
        for word in sought(search):
            query = query.where(self._finds(word))
        with self._database.read() as connection:
            return tuple(_summary(row) for row in connection.execute(query))

    def _finds(self, word: str) -> ColumnElement[bool]:
        database = self._database
        return finds(database.cipher, conversations.c.id, word, sqlite=database.is_sqlite, notes=False)

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        with self._database.write() as connection:
            yield connection
        self._forget_lists()

    def forget_lists(self) -> None:
        """Read the next list anew: somebody deleted conversations."""
        self._forget_lists()

    def _forget_lists(self) -> None:
        with self._lists_lock:
            self._lists.clear()

    def set_feedback(self, turn_id: str, given: Feedback) -> str:
        """Remember what a person said of an answer, and return that answer; saying it again replaces it.

        Raises NotFoundError.
        """
        with self._database.write() as connection:
            known = select(exchanges.c.conversation_id, exchanges.c.answer).where(exchanges.c.turn_id == turn_id)
            said = connection.execute(known).first()
            if said is None or not is_there(connection, said.conversation_id):
                raise NotFoundError(what="Jawaban")
            row = {"turn_id": turn_id, "at": self._clock(), "helpful": given.helpful, "reason": given.reason}
            self._database.upsert(connection, feedback, [row])
            hear(connection, said.conversation_id, self._clock(), HeardBy.THUMB, solved=given.helpful)
        return str(said.answer)

    def escalate(self, session_id: str, turn_id: str, escalation: Escalation, note: str, actor: str = "") -> None:
        """Record an escalation made by hand, with its ticket; raises NotFoundError."""
        with self._change() as connection:
            known = exchanges.c.conversation_id == session_id, exchanges.c.turn_id == turn_id
            held = connection.execute(select(exchanges.c.turn_id).where(*known)).first() is not None
            if not (held and is_there(connection, session_id)):
                raise NotFoundError(what="Percakapan")
            self._hand_over(connection, session_id, turn_id, escalation, self._clock(), note, actor)

    def _hand_over(
        self,
        connection: Connection,
        session_id: str,
        turn_id: str,
        escalation: Escalation,
        at: float,
        note: str,
        actor: str,
    ) -> None:
        """The escalation and its ticket, in one transaction with what led to it."""
        row = _escalation_row(session_id, turn_id, at, escalation, note)
        connection.execute(insert(escalations), row)
        connection.execute(update(conversations).where(conversations.c.id == session_id).values(escalated=True))
        said = reversed(connection.execute(_exchanges(session_id).limit(LOOKED_BACK)).all())
        menu = menu_of([_exchange(found).turn for found in said])
        handover = Handover(str(row["id"]), session_id, escalation.reasons, escalation.explanation, menu, at, actor)
        self._database.note(connection, _escalated(session_id, escalation, actor))
        opened = take_over(connection, handover)
        if note:
            add_words(connection, session_id, Part.NOTED, note)
        if opened and self._announce:
            self._announce(connection, opened)

    def escalations(self, session_id: str) -> tuple[tuple[str, str], ...]:
        """(explanation, note) of every escalation of a conversation, oldest first."""
        query = select(escalations).where(escalations.c.conversation_id == session_id).order_by(escalations.c.at)
        with self._database.read() as connection:
            return tuple((row.explanation, row.note) for row in connection.execute(query))


def _append(
    connection: Connection, message: str, turn: Turn, state: str, now: float, marked: Mapping[str, object]
) -> None:
    changes: dict[str, object] = {"last_verdict": turn.verdict} if turn.searched else {}
    at = conversations.c.id == turn.session_id
    turns = connection.execute(select(conversations.c.turns).where(at)).scalar_one_or_none()
    if turns is not None and not is_there(connection, turn.session_id):
        raise NotFoundError(what="Percakapan")  # deleted while the answer was written
    if turns is None:
        head = {"id": turn.session_id, "title": _title(message), "created_at": now, "updated_at": now}
        connection.execute(insert(conversations), head | {"turns": 0, "escalated": False})
    elif not names_nothing(message) and names_nothing(connection.execute(select(conversations.c.title).where(at)).scalar_one()):
        changes["title"] = _title(message)  # it began with a greeting: this is its first complaint
    position = (turns or 0) + 1
    connection.execute(insert(exchanges), _exchange_row(message, turn, state, now, position))
    connection.execute(insert(exchange_marks), {**marked, "position": position, "at": now})
    keep_use(connection, turn, now)
    add_words(connection, turn.session_id, Part.SAID, f"{message} {turn.response}")
    connection.execute(update(conversations).where(at).values(updated_at=now, turns=position, **changes))


def _history(connection: Connection, query: Select[Any], limit: int) -> tuple[tuple[Exchange, ...], str | None]:
    """The first `limit` of `query`, which is newest first, in the order of time; and the state after the last."""
    rows = connection.execute(query.limit(limit)).all()
    said = [_exchange(row) for row in reversed(rows)]
    return with_versions(connection, said), (rows[0].state if rows else None)


def _exchanges(session_id: str):  # type: ignore[no-untyped-def]
    joined = exchanges.outerjoin(feedback, feedback.c.turn_id == exchanges.c.turn_id)
    said = feedback.c.helpful, feedback.c.reason
    query = select(exchanges, *said).select_from(joined).where(exchanges.c.conversation_id == session_id)
    return query.order_by(exchanges.c.position.desc())


def _exchange(row: Row) -> Exchange:  # type: ignore[type-arg]
    given = None if row.helpful is None else Feedback(row.helpful, row.reason)
    return Exchange(moment(row.at), row.message, TURN.validate_json(row.turn), given)


def _summary(row: Row) -> ConversationSummary:  # type: ignore[type-arg]
    verdict = Verdict(row.last_verdict) if row.last_verdict else None
    return ConversationSummary(row.id, row.title, moment(row.updated_at), row.turns, row.escalated, verdict)


def _exchange_row(message: str, turn: Turn, state: str, at: float, position: int) -> dict[str, object]:
    return {
        "turn_id": turn.turn_id,
        "conversation_id": turn.session_id,
        "position": position,
        "at": at,
        "message": message,
        "answer": turn.response,
        "turn": TURN.dump_json(turn).decode(),
        "state": state,
    }


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


def _escalated(session_id: str, escalation: Escalation, actor: str) -> Deed:
    return Deed(DeedKind.ESCALATION, session_id, actor, details={"reasons": [str(reason) for reason in escalation.reasons]})


def _title(message: str) -> str:
    """A message on one line from where it names a problem: no stamp of a copied chat, no greeting."""
    parts = [part for part in _PIECE.split(without_stamps(message)) if part.strip()]
    told = next((at for at, part in enumerate(parts) if not names_nothing(part)), 0)
    line = " ".join(" ".join(parts[told:]).split()) or " ".join(message.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
