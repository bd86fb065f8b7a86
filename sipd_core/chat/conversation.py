"""One turn: mask, search, read intent and sentiment, decide on escalation, answer, remember."""

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from anyio import to_thread
from numpy.typing import NDArray

from sipd_core.chat.answers import compose, exhausted, for_caller, held, outside, small_talk
from sipd_core.chat.escalation import ConversationState, EscalationSettings, decide
from sipd_core.chat.signals import Signals, read_signals
from sipd_core.chat.suggestions import Suggestions, suggest
from sipd_core.chat.turn import Escalation, EscalationReason, Exchange, Intent, Turn, Verdict
from sipd_core.documents import Hit
from sipd_core.errors import MessageError, SipdError
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.metrics import PerformanceMonitor
from sipd_core.privacy import Masked, mask
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.texts import text

log = logging.getLogger(__name__)

_CHUNK = 160
"""Characters handed to the page at a time: the composed answer is whole at once, the page draws it in a few steps."""
OUTSIDE = 0.05
"""Relevance below which a message is about something else altogether."""
WORTH_SHOWING = 0.01
"""Relevance below which a card would say `0 % cocok`."""
STANDS_ALONE = 4
"""Words from which a message can name a problem of its own."""
SETTLED_WORDS = 10
"""A message of more words that mentions a success tells a story, and more is to come."""
FOLLOW_UP_WORDS = 12
"""A message of at most this many words that names no problem of its own is read together with the current one."""


HOLD = frozenset((EscalationReason.MONEY_AT_RISK, EscalationReason.DATA_AT_RISK, EscalationReason.SECURITY))
"""What must not be made worse by trying a remedy that only looks alike."""


@dataclass(frozen=True, slots=True)
class _Said:
    """The words of an answer, to the operator and to the caller."""

    response: str
    for_caller: str
    rests_on_cases: bool


class Reader(Protocol):
    """What reads intent and sentiment out of a message; `vector` is its question embedding, None when there is none."""

    def intent(self, text: str, vector: NDArray[Any] | None) -> Intent:
        """One of the seven classes."""

    def sentiment(self, text: str, vector: NDArray[Any] | None) -> float:
        """-1 (very negative) .. 1 (very positive)."""


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """The figures of a turn."""

    max_message: int
    max_response: int
    max_history: int
    escalation: EscalationSettings


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation remembers between turns: the policy's state, the problem at hand, the remedies already given."""

    policy: ConversationState = ConversationState()
    problem: str = ""
    tried: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(
            {"policy": self.policy.as_json(), "problem": self.problem, "tried": self.tried}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, stored: str | None) -> "Memory":
        """The memory `to_json` wrote; a fresh one when there is none."""
        if not stored:
            return cls()
        raw = json.loads(stored)
        return cls(ConversationState.from_json(raw["policy"]), raw["problem"], tuple(raw["tried"]))


class ConversationEngine:
    """Answers messages. Everything it embeds, stores or logs is masked first."""

    def __init__(
        self,
        base: KnowledgeBase,
        store: ConversationStore,
        traces: TraceStore,
        reader: Reader,
        *,
        settings: ConversationSettings,
        monitor: PerformanceMonitor,
        degraded: Callable[[], str | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base = base
        self._store = store
        self._traces = traces
        self._reader = reader
        self._settings = settings
        self._monitor = monitor
        self._degraded = degraded
        self._clock = clock

    async def answer(self, message: str, session_id: str) -> AsyncIterator[str | Turn]:
        """The answer in pieces, then the Turn, which is durable when it comes. Raises MessageError, StoreError."""
        turn = await self._turn(message, session_id)
        for start in range(0, len(turn.response), _CHUNK):
            yield turn.response[start : start + _CHUNK]
        yield turn

    async def _turn(self, message: str, session_id: str) -> Turn:
        started = time.perf_counter()
        turn_id = uuid.uuid4().hex
        try:
            self._check(message)
            masked = await to_thread.run_sync(mask, message)  # a long hostile message must not hold up the loop
            timings = {"mask": _since(started)}
            turn, memory, cached = await self._work_out(masked, session_id, turn_id, timings)
            timings["total"] = _since(started)
            turn = replace(turn, timings_ms=timings)
            await to_thread.run_sync(self._remember, masked.text, turn, memory, cached)
        except SipdError as error:
            if not isinstance(error, MessageError):
                self._monitor.record_error(type(error).__name__)
                await to_thread.run_sync(self._note_failure, turn_id, session_id, error, _since(started))
            raise
        self._monitor.record_response_time(timings["total"], embedding=timings["embed"], search=timings["search"])
        return turn

    def _check(self, message: str) -> None:
        if not message.strip():
            raise MessageError("empty message")
        if len(message) > self._settings.max_message:
            raise MessageError(
                "message too long",
                text_key="errors.message_too_long",
                length=len(message),
                limit=self._settings.max_message,
            )

    async def _work_out(
        self, masked: Masked, session_id: str, turn_id: str, timings: dict[str, float]
    ) -> tuple[Turn, Memory, bool]:
        history, stored = await to_thread.run_sync(self._store.history, session_id, self._settings.max_history)
        memory = Memory.from_json(stored)
        now = read_signals(masked.text)
        if now.small_talk or _only_settles(now, memory):
            timings |= {"embed": 0.0, "search": 0.0}
            turn, memory = self._small_talk(masked, now, memory, session_id, turn_id)
            return turn, memory, False
        found, follow_up = await self._search(masked.text, now, memory)
        timings |= found.timings_ms
        began = time.perf_counter()
        intent = self._reader.intent(masked.text, found.vector)
        sentiment = self._reader.sentiment(masked.text, found.vector)
        same = True if follow_up else _same_problem(found, history)
        escalation, policy = decide(
            memory.policy, now, sentiment=sentiment, same_problem=same, settings=self._settings.escalation
        )
        turn = self._compose(found, now, memory, masked, session_id, turn_id, intent, sentiment, escalation)
        timings["classify"] = _since(began)
        return turn, _remembered(memory, policy, masked.text, turn, follow_up=follow_up), found.cached

    async def _search(self, message: str, now: Signals, memory: Memory) -> tuple[SearchResult, bool]:
        """Cases for the message, or for the problem it goes on about; tells which (True: it goes on)."""
        if not memory.problem or not _may_follow_up(now, memory):
            return await self._base.search(message), False
        if not _must_follow_up(now):
            alone = await self._base.search(message)
            if alone.verdict is Verdict.FOUND or alone.relevance < OUTSIDE:
                return alone, False
        exclude = frozenset(memory.tried) if now.still_unsolved else frozenset()
        return await self._base.search(f"{memory.problem}\n{message}", exclude=exclude), True

    def _compose(
        self,
        found: SearchResult,
        now: Signals,
        memory: Memory,
        masked: Masked,
        session_id: str,
        turn_id: str,
        intent: Intent,
        sentiment: float,
        escalation: Escalation,
    ) -> Turn:
        said = self._said(found, now, memory, escalation)
        next_steps = suggest(intent, found.verdict, found.hits) if said.rests_on_cases else Suggestions((), ())
        return Turn(
            response=said.response,
            intent=intent,
            sentiment=sentiment,
            suggestions=(*next_steps.ask_caller, *next_steps.other_cases),
            context_used=said.rests_on_cases and found.verdict is not Verdict.NOT_FOUND,
            should_escalate=escalation.needed,
            session_id=session_id,
            turn_id=turn_id,
            verdict=found.verdict,
            relevance=found.relevance,
            sources=_worth_showing(found),
            escalation=escalation,
            for_caller=said.for_caller,
            ask_caller=next_steps.ask_caller,
            masked=dict(masked.counts),
            degraded=found.degraded or self._degraded(),
        )

    def _said(self, found: SearchResult, now: Signals, memory: Memory, escalation: Escalation) -> "_Said":
        """The answer itself. A remedy is not offered where trying it could do harm, or where a person was asked for."""
        if HOLD.intersection(escalation.reasons):
            return _alike(held(escalation.explanation))
        if now.wants_person:
            return _alike(text("answer.wants_person"))
        retry = now.still_unsolved and bool(memory.tried)
        if retry and found.verdict is not Verdict.FOUND:
            return _Said(exhausted(len(memory.tried)), for_caller(Verdict.NOT_FOUND, ()), rests_on_cases=False)
        if found.relevance < OUTSIDE and len(self._base):
            return _alike(outside())
        answer = compose(
            found.verdict, found.hits, limit=self._settings.max_response, retry=retry, empty_base=not len(self._base)
        )
        return _Said(answer, for_caller(found.verdict, found.hits), rests_on_cases=True)

    def _small_talk(
        self, masked: Masked, now: Signals, memory: Memory, session_id: str, turn_id: str
    ) -> tuple[Turn, Memory]:
        escalation, policy = decide(
            memory.policy, now, sentiment=0.0, same_problem=True, settings=self._settings.escalation
        )
        words = small_talk(now.small_talk or "ack", solved=now.solved)
        turn = Turn(
            response=words,
            for_caller=words,
            intent=Intent.GENERAL_INQUIRY,
            sentiment=self._reader.sentiment(masked.text, None),
            suggestions=(),
            context_used=False,
            should_escalate=escalation.needed,
            session_id=session_id,
            turn_id=turn_id,
            verdict=Verdict.NOT_FOUND,
            relevance=0.0,
            sources=(),
            escalation=escalation,
            searched=False,
            masked=dict(masked.counts),
        )
        return turn, Memory(policy) if now.solved else replace(memory, policy=policy)

    def _remember(self, text: str, turn: Turn, memory: Memory, cached: bool) -> None:
        self._store.add(text, turn, memory.to_json())
        at = datetime.fromtimestamp(self._clock(), tz=UTC)
        verdict = turn.verdict if turn.searched else None
        relevance = turn.relevance if turn.searched else None
        self._traces.add(
            TurnTrace(turn.turn_id, turn.session_id, at, "ok", verdict, relevance, cached, turn.timings_ms)
        )

    def _note_failure(self, turn_id: str, session_id: str, error: SipdError, elapsed: float) -> None:
        """A failed turn leaves a trace too, unless the store itself is what failed."""
        at = datetime.fromtimestamp(self._clock(), tz=UTC)
        trace = TurnTrace(turn_id, session_id, at, type(error).__name__, None, None, False, {"total": elapsed})
        try:
            self._traces.add(trace)
        except SipdError as second:
            log.error("the trace of a failed turn could not be kept: %s", second)


def _alike(words: str) -> _Said:
    """The same to the operator and to the caller, resting on no case."""
    return _Said(words, words, rests_on_cases=False)


def _worth_showing(found: SearchResult) -> tuple[Hit, ...]:
    """Cases with some bearing on the question; none beside a foreign one."""
    return tuple(hit for hit in found.hits if hit.relevance >= WORTH_SHOWING)


def _only_settles(now: Signals, memory: Memory) -> bool:
    """Says that the problem at hand is gone and asks for nothing; a step that was done ("LPJ sudah sah") is no such news."""
    if not now.solved or now.question or now.still_unsolved or now.failure:
        return False
    about_it = now.topics <= memory.policy.topics
    return now.thanks or (bool(memory.problem) and about_it and now.words <= SETTLED_WORDS)


def _may_follow_up(now: Signals, memory: Memory) -> bool:
    """Names no problem of its own: too short for one, or only says that the one at hand lasts."""
    if now.new_topic or now.how_to:
        return False
    return now.still_unsolved or (now.words <= FOLLOW_UP_WORDS and not now.topics - memory.policy.topics)


def _must_follow_up(now: Signals) -> bool:
    """Makes no sense alone: what became of a step, what the screen says, a word or two."""
    return now.still_unsolved or now.tried or now.told_message or now.words < STANDS_ALONE


def _same_problem(found: SearchResult, history: tuple[Exchange, ...]) -> bool | None:
    """The best case now was among the cases of the turn before; None when there is nothing to compare."""
    before = next((exchange.turn.sources for exchange in reversed(history) if exchange.turn.sources), ())
    if not before or not found.hits:
        return None
    return found.hits[0].case.id in {hit.case.id for hit in before[:3]}


def _remembered(memory: Memory, policy: ConversationState, text: str, turn: Turn, *, follow_up: bool) -> Memory:
    offered = tuple(hit.case.id for hit in turn.sources[:1]) if turn.context_used else ()
    if follow_up:
        return Memory(policy, memory.problem, tuple(dict.fromkeys(memory.tried + offered)))
    return Memory(policy, text, offered)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
