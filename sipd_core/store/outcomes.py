"""How conversations ended, read from what was said in them and of them. One reason to change: what an outcome is.

A conversation belongs to the day on which it began and has exactly one outcome, as things stand when it is read: a thumb
given tomorrow changes today's figure of yesterday. Greetings and thanks are no questions.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, pairwise
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from sipd_core.chat.signals import Signals, read_signals
from sipd_core.chat.turn import EscalationReason, Turn, Verdict
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.schema import conversations, escalations, exchange_marks, feedback
from sipd_core.store.times import moment
from sipd_core.texts import text

SOLVED, UNSOLVED = "solved", "unsolved"
"""What was said, up to a message, of the problem at hand: that it works now, or that a remedy failed."""
SETTLED_WORDS = 10
_TITLES_AT_ONCE = 500


class Outcome(StrEnum):
    """How a conversation stands; the first that fits, from top to bottom."""

    NO_QUESTION = "no_question"
    """Nothing was asked: greetings alone."""
    ESCALATED = "escalated"
    """A person had to take over at some point, by the policy or because an operator said so."""
    CONFIRMED = "confirmed"
    """Resolved: of the last question, the last that was said is a thumb up on its answer, or that it works now."""
    ASSUMED = "assumed"
    """Taken for resolved: a remedy was given, nobody said that it failed, and nothing came for the quiet period."""
    REOPENED = "reopened"
    """Was confirmed or assumed once, a question came after that, and it is neither again."""
    OPEN = "open"
    """The last message is younger than the quiet period."""
    UNRESOLVED = "unresolved"
    """Quiet for the whole period without a remedy, or after somebody said that it failed."""


RESOLVED = frozenset((Outcome.CONFIRMED, Outcome.ASSUMED))
"""Resolved without a person."""
LOST = frozenset((Outcome.ESCALATED, Outcome.UNRESOLVED, Outcome.REOPENED))
"""Asked the console and had to be solved otherwise."""


class ResolvedBy(StrEnum):
    """What says that a conversation is resolved."""

    THUMB = "thumb"
    WORDS = "words"
    QUIET = "quiet"


class ConversationOutcome(NamedTuple):
    """One conversation and how it ended."""

    id: str
    began: datetime
    """UTC; its Jakarta day is the day the conversation counts for."""
    outcome: Outcome
    resolved_by: ResolvedBy | None = None
    messages: int = 0
    questions: int = 0
    reopened: int = 0
    """How often a question came after it was confirmed or assumed resolved, whatever became of it then."""
    helpful: int = 0
    """Answers with a thumb up."""
    unhelpful: int = 0
    reasons: tuple[EscalationReason, ...] = ()
    """Every reason of every escalation, each once."""
    first_answer_seconds: float | None = None
    """From the arrival of the first question to its whole answer; None when it was not measured."""
    last_answer_seconds: float | None = None
    """From the arrival of the first question to the whole answer of the last one."""


@dataclass(frozen=True, slots=True)
class OutcomeTally:
    """Conversations of a period by their outcome."""

    by_outcome: Mapping[Outcome, int]

    def __getitem__(self, outcome: Outcome) -> int:
        return self.by_outcome.get(outcome, 0)

    @property
    def conversations(self) -> int:
        """All in which something was asked."""
        return sum(self.by_outcome.values()) - self[Outcome.NO_QUESTION]

    @property
    def resolved(self) -> int:
        """Resolved without a person, confirmed or assumed."""
        return sum(self[outcome] for outcome in RESOLVED)

    @property
    def lost(self) -> int:
        """Solved otherwise, or not at all."""
        return sum(self[outcome] for outcome in LOST)


def tally(found: Iterable[ConversationOutcome]) -> OutcomeTally:
    """How many conversations have each outcome."""
    return OutcomeTally(Counter(conversation.outcome for conversation in found))


def mark(message: str, turn: Turn, state: str) -> dict[str, object]:
    """What outcomes need to know of one exchange, as a row of `exchange_marks` without its place and time.

    `state` is the escalation policy's memory as JSON: it tells a failed attempt from a complaint that opens a problem.
    """
    settles = _settles(read_signals(message))
    failed = bool(state) and json.loads(state).get("policy", {}).get("failed_attempts", 0) > 0
    offered = turn.searched and turn.verdict is not Verdict.NOT_FOUND and bool(turn.sources)
    return {
        "turn_id": turn.turn_id,
        "conversation_id": turn.session_id,
        "waited_ms": turn.timings_ms.get("total"),
        "asked": turn.searched and not settles,
        "offered": turn.approval is not None or (offered and bool(turn.sources[0].case.remedy)),
        "said": SOLVED if settles else UNSOLVED if failed else "",
    }


def _settles(signs: Signals) -> bool:
    """Says that it works now and asks for nothing; a longer message that mentions a success tells a story."""
    goes_on = signs.question or signs.still_unsolved or signs.failure or signs.new_topic or signs.how_to
    return signs.solved and not goes_on and (signs.thanks or signs.words <= SETTLED_WORDS)


class OutcomeStore:
    """Reads the outcomes of the conversations that began in a period."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def of(self, period: Period, quiet: timedelta) -> tuple[ConversationOutcome, ...]:
        """Every conversation of the period, the earliest first; `quiet` is the silence that counts as resolved."""
        with self._database.snapshot() as connection:
            said = connection.execute(_MARKS.where(*_began_in(period))).all()
            handed = connection.execute(_ESCALATIONS.where(*_began_in(period))).all()
        reasons = {id_: _reasons(rows) for id_, rows in groupby(handed, itemgetter(0))}
        now, silence = self._clock(), quiet.total_seconds()
        talks = groupby(map(_Mark._make, said), itemgetter(0))
        return tuple(_outcome(list(marks), reasons.get(id_, ()), silence, now) for id_, marks in talks)

    def titles(self, ids: Iterable[str]) -> dict[str, str]:
        """The first message of each of these conversations, shortened and masked; of one that is gone, that it is gone."""
        wanted, gone = list(ids), text("retention.erased_title")
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for at in range(0, len(wanted), _TITLES_AT_ONCE):
                some = conversations.c.id.in_(wanted[at : at + _TITLES_AT_ONCE])
                rows = connection.execute(select(conversations.c.id, conversations.c.title).where(some))
                found.update((row.id, row.title) for row in rows)
        return {id_: found.get(id_) or gone for id_ in wanted}

    def resolved(self, period: Period, quiet: timedelta) -> dict[str, bool]:
        """Whether each conversation of the period in which something was asked is resolved, by its id, the earliest first.

        As `of` says, in half its time: what was said since the last question decides, and nothing else is read.
        """
        with self._database.snapshot() as connection:
            said = connection.execute(_SINCE_LAST_QUESTION.where(*_began_in(period))).all()
            escalated = connection.execute(_ESCALATIONS.where(*_began_in(period))).all()
        handed = {row.conversation_id for row in escalated if json.loads(row.reasons)}
        now, silence = self._clock(), quiet.total_seconds()
        return {
            id_: id_ not in handed and _resolved_by(list(stretch), inf, now, silence) is not None
            for id_, stretch in groupby(map(_Late._make, said), itemgetter(0))
        }

    def state(self) -> tuple[object, ...]:
        """Changes whenever somebody says, judges or escalates something: outcomes read before may be others now."""
        with self._database.read() as connection:
            return tuple(connection.execute(_STATE).one())

    def tally(self, period: Period, quiet: timedelta) -> OutcomeTally:
        """How the conversations of the period ended, in numbers."""
        return tally(self.of(period, quiet))


def _said(*columns: ColumnElement[Any]) -> Select[Any]:
    """Rows of exchanges of conversations, in their order: the conversation, `columns`, and the thumb."""
    return (
        select(conversations.c.id, *columns, feedback.c.at.label("given_at"), feedback.c.helpful)
        .join_from(conversations, exchange_marks, conversations.c.id == exchange_marks.c.conversation_id)
        .outerjoin(feedback, feedback.c.turn_id == exchange_marks.c.turn_id)
        .order_by(conversations.c.created_at, conversations.c.id, exchange_marks.c.position)
    )


_MARKS = _said(
    conversations.c.created_at,
    exchange_marks.c.at,
    exchange_marks.c.waited_ms,
    exchange_marks.c.asked,
    exchange_marks.c.offered,
    exchange_marks.c.said,
)
_asked = exchange_marks.alias()
_last_question = (
    select(func.max(_asked.c.position))
    .where(_asked.c.conversation_id == conversations.c.id, _asked.c.asked)
    .correlate(conversations)
    .scalar_subquery()
)
_SINCE_LAST_QUESTION = _said(exchange_marks.c.at, exchange_marks.c.offered, exchange_marks.c.said).where(
    exchange_marks.c.position >= _last_question
)
_STATE = select(
    select(func.count()).select_from(exchange_marks).scalar_subquery(),
    select(func.count()).select_from(escalations).scalar_subquery(),
    select(func.count()).select_from(feedback).scalar_subquery(),
    select(func.count()).where(feedback.c.helpful).scalar_subquery(),
    select(func.max(feedback.c.at)).scalar_subquery(),
)
_ESCALATIONS = (
    select(escalations.c.conversation_id, escalations.c.reasons)
    .join(conversations, conversations.c.id == escalations.c.conversation_id)
    .order_by(escalations.c.conversation_id, escalations.c.at)
)


class _Mark(NamedTuple):
    """One exchange, as outcomes see it, a row of `_MARKS`; times are Unix seconds."""

    conversation_id: str
    began: float
    at: float
    waited_ms: float | None
    asked: bool
    offered: bool
    said: str
    given_at: float | None
    helpful: bool | None


class _Late(NamedTuple):
    """One exchange since the last question, a row of `_SINCE_LAST_QUESTION`."""

    conversation_id: str
    at: float
    offered: bool
    said: str
    given_at: float | None
    helpful: bool | None


def _began_in(period: Period) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    began = conversations.c.created_at
    return began >= period.start.timestamp(), began < period.end.timestamp()


def _reasons(rows: Iterable[Any]) -> tuple[EscalationReason, ...]:
    return tuple(dict.fromkeys(reason for row in rows for reason in _named(row.reasons)))


@lru_cache(1_000)
def _named(reasons: str) -> tuple[EscalationReason, ...]:
    """Reasons as they are stored; there are few different sets of them."""
    return tuple(map(EscalationReason, json.loads(reasons)))


def _outcome(
    marks: Sequence[_Mark],
    reasons: tuple[EscalationReason, ...],
    silence: float,
    now: float,
) -> ConversationOutcome:
    asked = [place for place, mark in enumerate(marks) if mark.asked]
    questions = [marks[place] for place in asked]
    outcome, by, reopened = _ended(marks, asked, silence, now) if asked else (Outcome.NO_QUESTION, None, 0)
    if reasons:
        outcome, by = Outcome.ESCALATED, None
    thumbs = [mark.helpful for mark in marks]
    waited = _seconds(questions[0].waited_ms) if questions else None
    return ConversationOutcome(
        marks[0].conversation_id,
        moment(marks[0].began),
        outcome,
        by,
        messages=len(marks),
        questions=len(questions),
        reopened=reopened,
        helpful=thumbs.count(True),
        unhelpful=thumbs.count(False),
        reasons=reasons,
        first_answer_seconds=waited,
        last_answer_seconds=None if waited is None else questions[-1].at - questions[0].at + waited,
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1_000


def _ended(
    marks: Sequence[_Mark], asked: Sequence[int], silence: float, now: float
) -> tuple[Outcome, ResolvedBy | None, int]:
    """Outcome of a conversation without escalation, what says so, and how often it was taken up again.

    `asked`: places of the questions; each is looked at together with what was said before the next one.
    """
    reopened = 0
    for start, end in pairwise(asked):
        reopened += _resolved_by(marks[start:end], marks[end].at, marks[end].at, silence) is not None
    by = _resolved_by(marks[asked[-1] :], inf, now, silence)
    if by is not None:
        return (Outcome.ASSUMED if by is ResolvedBy.QUIET else Outcome.CONFIRMED), by, reopened
    if reopened:
        return Outcome.REOPENED, None, reopened
    return (Outcome.OPEN if now - marks[-1].at < silence else Outcome.UNRESOLVED), None, 0


def _resolved_by(stretch: Sequence[_Mark] | Sequence[_Late], before: float, end: float, silence: float) -> ResolvedBy | None:
    """What said, before that moment, that the question at the head of the stretch was resolved; silence lasts to `end`."""
    last, by, failed = -inf, None, False
    for mark in stretch:
        failed = failed or mark.said == UNSOLVED
        if mark.said == SOLVED and mark is not stretch[0] and mark.at >= last:
            last, by = mark.at, ResolvedBy.WORDS
        if mark.given_at is not None and last <= mark.given_at < before:
            last, by = mark.given_at, ResolvedBy.THUMB if mark.helpful else None
    if last != -inf:
        return by
    quiet = stretch[0].offered and not failed and end - stretch[-1].at >= silence
    return ResolvedBy.QUIET if quiet else None
