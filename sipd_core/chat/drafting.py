"""Everything of a turn but a hosted model's words: mask, search, read intent and sentiment, decide, say it ourselves.

One reason to change: what a message means for the answer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from anyio import to_thread
from numpy.typing import NDArray

from sipd_core.cache import VectorOrigin
from sipd_core.chat.answer_cache import AnswerCache, KeptAnswer
from sipd_core.chat.answers import (
    compose,
    exhausted,
    for_caller,
    held,
    outside,
    small_talk,
    which,
)
from sipd_core.chat.approved_shelf import ApprovedShelf, Serving, served
from sipd_core.chat.escalation import HOLD, EscalationSettings, decide
from sipd_core.chat.memory import (
    Memory,
    looked_up,
    may_follow_up,
    must_follow_up,
    only_settles,
    remembered,
    same_problem,
)
from sipd_core.chat.prompts import Brief
from sipd_core.chat.several import complaints_in
from sipd_core.chat.signals import Signals, read_signals
from sipd_core.chat.suggestions import Suggestions, suggest
from sipd_core.chat.turn import (
    Escalation,
    Exchange,
    Impairment,
    Intent,
    Turn,
    Verdict,
)
from sipd_core.documents import Hit
from sipd_core.errors import MessageError
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.knowledge.relevance import Ground
from sipd_core.privacy import Masked, mask
from sipd_core.signatures import without_signature
from sipd_core.store.conversations import ConversationStore
from sipd_core.texts import text

OUTSIDE = 0.05
"""Relevance below which a message is about something else altogether."""
WORTH_SHOWING = 0.01
"""Relevance below which a card would say `0 % cocok`."""


@dataclass(frozen=True, slots=True)
class _Said:
    """The words of an answer that the console writes itself, to the operator and to the caller."""

    response: str
    for_caller: str
    rests_on_cases: bool
    can_be_written: bool = False
    """A hosted model may write it instead: there is a remedy to write from."""
    can_be_approved: bool = False
    """An answer that a person approved for the question may be given instead."""


@dataclass
class Draft:
    """A turn that lacks nothing but a hosted model's words, if it is to have them."""

    session_id: str
    masked: Masked
    complete: Callable[[], tuple[Turn, Memory]]
    timings: dict[str, float]
    brief: Brief | None = None
    """What a hosted model is to write from; None when the console's own words stand."""
    local: str = ""
    """The console's own words, for the case that no model can write."""
    kept: KeptAnswer | None = None
    """The answer that was given to the very same question before."""
    approved: bool = False
    """The answer that a person approved for the question is given."""
    found: SearchResult | None = None
    state: str | None = None
    """State of knowledge and settings; None when the answer must not be kept for others."""

    @cached_property
    def whole(self) -> tuple[Turn, Memory]:
        """The turn in the console's own words, and what the conversation remembers after it.

        Worked out when first asked for: while a model writes, nobody waits for intent and mood.
        """
        return self.complete()


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


class Drafter:
    """Works out what is to be answered; everything it embeds or keeps is masked first."""

    def __init__(
        self,
        base: KnowledgeBase,
        store: ConversationStore,
        reader: Reader,
        *,
        settings: ConversationSettings,
        degraded: Callable[[], Impairment | None],
        kept_answers: AnswerCache | None = None,
        approved: ApprovedShelf | None = None,
        knowledge_state: Callable[[], str] = str,
    ) -> None:
        """`kept_answers` is None where none are kept; they belong to one `knowledge_state`."""
        self._base = base
        self._store = store
        self._reader = reader
        self._settings = settings
        self._degraded = degraded
        self._kept_answers = kept_answers
        self._approved = approved
        self._knowledge_state = knowledge_state

    async def draft(self, message: str, session_id: str, turn_id: str, *, instead_of: str = "") -> Draft:
        """The turn for a message; raises MessageError, StoreError.

        `instead_of`: the id of an answer that the message has and that is to be written anew, whatever was kept or approved.
        """
        self._check(message)
        began = time.perf_counter()
        masked = await to_thread.run_sync(mask, message)  # a long hostile message must not hold up the loop
        timings = {"mask": since(began)}
        history, stored = await to_thread.run_sync(self._before, session_id, instead_of)
        memory = Memory.from_json(stored)
        now = read_signals(without_signature(masked.text) or masked.text)
        if now.small_talk or only_settles(now, memory):
            timings |= {"embed": 0.0, "search": 0.0}
            return Draft(
                session_id, masked, lambda: self._small_talk(masked, now, memory, session_id, turn_id), timings
            )
        state = None if history or self._kept_answers is None else self._knowledge_state()
        kept = None if instead_of else self._kept(masked.text, state)
        asked, *rest = complaints_in(masked.text)
        found, follow_up = (kept.found, False) if kept else await self._search(asked, now, memory)
        timings |= {"embed": 0.0, "search": 0.0} if kept else found.timings_ms
        same = True if follow_up else same_problem(found, history)
        signs, _ = decide(memory.policy, now, sentiment=0.0, same_problem=same, settings=self._settings.escalation)
        said = _first_of(rest, self._said(found, now, memory, signs, follow_up=follow_up))
        fresh = said.can_be_approved and not (follow_up or instead_of)
        approved = await self._approved_answer(masked.text, found, timings) if fresh else None

        def complete() -> tuple[Turn, Memory]:
            began = time.perf_counter()
            intent = self._reader.intent(masked.text, found.vector)
            sentiment = self._reader.sentiment(masked.text, found.vector)
            escalation, policy = decide(
                memory.policy, now, sentiment=sentiment, same_problem=same, settings=self._settings.escalation
            )
            # What holds a remedy back is told by signs alone, so only the explanation can differ.
            final = self._said(found, now, memory, escalation, follow_up=follow_up)
            final = said if said.can_be_written else _first_of(rest, final)
            turn = self._compose(final, found, masked, session_id, turn_id, intent, sentiment, escalation)
            turn = replace(turn, suggestions=(*turn.suggestions, *rest))
            turn = served(turn, approved) if approved else turn
            timings["classify"] = since(began)
            return turn, remembered(memory, policy, asked, turn, follow_up=follow_up, vague=now.vague)

        brief = None
        if said.can_be_written and approved is None:
            retry = now.still_unsolved and bool(memory.tried)
            brief = Brief(masked.text, found.verdict, _worth_showing(found), history, retry)
        return Draft(
            session_id,
            masked,
            complete,
            timings,
            brief=brief,
            local=said.response,
            kept=kept if brief else None,
            approved=approved is not None,
            found=found,
            state=state if state is None or state == self._knowledge_state() else None,  # changed under the search
        )

    async def _approved_answer(
        self, question: str, found: SearchResult, timings: dict[str, float]
    ) -> Serving | None:
        """What people approved for the question, if anything; looking for it is part of the search."""
        if self._approved is None:
            return None
        looked = time.perf_counter()
        approved = await self._approved.find(question, found)
        timings["search"] += since(looked)
        return approved

    def _before(self, session_id: str, instead_of: str) -> tuple[tuple[Exchange, ...], str | None]:
        """What was said before the message, and the policy's memory then."""
        if not instead_of:
            return self._store.history(session_id, self._settings.max_history)
        there = self._store.before(instead_of, self._settings.max_history)
        return there.history, there.state_before

    def _kept(self, question: str, state: str | None) -> KeptAnswer | None:
        return self._kept_answers.get(question, state) if self._kept_answers and state is not None else None

    async def _search(self, message: str, now: Signals, memory: Memory) -> tuple[SearchResult, bool]:
        """Cases for the message, or for the problem it goes on about; tells which (True: it goes on)."""
        if not memory.problem or not may_follow_up(now, memory):
            return await self._base.search(message), False
        alone = None
        if not must_follow_up(now):
            alone = await self._base.search(message)
            if alone.verdict is Verdict.FOUND or (alone.relevance < OUTSIDE and not now.continues):
                return alone, False
            if now.continues:
                return alone, True  # the case at hand would be found again, and says nothing of what is asked now
        exclude = frozenset(memory.tried) if now.still_unsolved else frozenset()
        whole = await self._base.search(looked_up(memory, message, now), exclude=exclude)
        return (_after(alone, whole) if alone else whole), True

    def _compose(
        self,
        said: _Said,
        found: SearchResult,
        masked: Masked,
        session_id: str,
        turn_id: str,
        intent: Intent,
        sentiment: float,
        escalation: Escalation,
    ) -> Turn:
        impaired = _impaired(found) or self._degraded()
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
            degraded=impaired.said if impaired else None,
            problem=impaired.problem if impaired else None,
        )

    def _said(
        self, found: SearchResult, now: Signals, memory: Memory, escalation: Escalation, *, follow_up: bool
    ) -> _Said:
        """The answer itself. A remedy is not offered where trying it could do harm, or where a person was asked for."""
        if HOLD.intersection(escalation.reasons):
            return _alike(held(escalation.explanation))
        if now.wants_person:
            return _alike(text("answer.wants_person"))
        if found.ground is Ground.VAGUE:
            return _alike(which(unsolved=now.still_unsolved))
        retry = now.still_unsolved and bool(memory.tried)
        has_remedy = found.verdict is not Verdict.NOT_FOUND and bool(found.hits and found.hits[0].case.remedy)
        if retry and not has_remedy:
            return _Said(exhausted(len(memory.tried)), for_caller(Verdict.NOT_FOUND, ()), rests_on_cases=False)
        foreign = found.relevance < OUTSIDE and not (follow_up or now.names_field)
        if foreign and len(self._base):
            return replace(_alike(outside()), can_be_approved=True)
        answer = compose(
            found.verdict, found.hits, limit=self._settings.max_response, retry=retry, empty_base=not len(self._base)
        )
        words = for_caller(found.verdict, found.hits)
        return _Said(answer, words, rests_on_cases=True, can_be_written=has_remedy, can_be_approved=not retry)

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


def _impaired(found: SearchResult) -> Impairment | None:
    return Impairment(found.degraded, found.problem or "") if found.degraded else None


def _after(first: SearchResult, second: SearchResult) -> SearchResult:
    """The second search, with the time that both took and whatever the first had to compute."""
    timings = {stage: took + first.timings_ms.get(stage, 0.0) for stage, took in second.timings_ms.items()}
    computed = VectorOrigin.MISS in (first.origin, second.origin)
    return replace(second, timings_ms=timings, origin=VectorOrigin.MISS if computed else second.origin)


def _first_of(rest: Sequence[str], said: _Said) -> _Said:
    """An answer to the first of several complaints says so; a model would write to all of them, and is not asked."""
    if not rest or not said.rests_on_cases:
        return said
    response = f"{text('answer.several', count=len(rest) + 1)}\n\n{said.response}"
    return replace(said, response=response, can_be_written=False, can_be_approved=False)


def _alike(words: str) -> _Said:
    """The same to the operator and to the caller, resting on no case."""
    return _Said(words, words, rests_on_cases=False)


def _worth_showing(found: SearchResult) -> tuple[Hit, ...]:
    """Cases with some bearing on the question; none beside a foreign one."""
    return tuple(hit for hit in found.hits if hit.relevance >= WORTH_SHOWING)


def since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
