"""Who writes an answer: the hosted model, the fallback model, or the console itself, in this order, decided anew each time."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from sipd_core.chat.prompts import Brief, CountTokens, build, build_rest
from sipd_core.chat.turn import AnsweredBy, Withdrawn
from sipd_core.client import ChatRequest, Message
from sipd_core.errors import (
    BadReplyError,
    BudgetExceededError,
    ProviderError,
    SipdError,
)
from sipd_core.texts import text
from sipd_core.usage import CallRecord, Usage

log = logging.getLogger(__name__)

WHOLE = "stop"
CUT = "length"
"""The two ways in which a model may end: any other (a filter, a tool) leaves no answer for a person."""
CHARACTERS_PER_TOKEN = 3
"""Of Indonesian prose, a little low, so that the token limit is not reached before the limit in characters."""


class PaidStream(Protocol):
    """The pieces of one paid answer."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Raises ProviderError when the answer breaks."""

    @property
    def finish_reason(self) -> str | None:
        """Why the model ended."""


class PaidChat(Protocol):
    """Chat calls that are reserved, booked and guarded."""

    def chat_stream(
        self, request: ChatRequest, *, conversation: str | None, on_settled: Callable[[CallRecord], None] | None
    ) -> AbstractAsyncContextManager[PaidStream]:
        """Raises ProviderError or BudgetExceededError; `on_settled` hears what the books say, however it ended."""


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The figures of a hosted answer."""

    models: tuple[str, ...]
    """The first choice, then the fallback."""
    context_tokens: int
    temperature: float
    max_characters: int


@dataclass(slots=True)
class Writing:
    """One answer while it is written: what is in here counts when writing is cut short."""

    text: str = ""
    model: str = ""
    """The hosted model that wrote `text`; empty for the console itself."""
    whole: bool = False
    """Ended by the writer, at no limit: fit to be kept for others."""
    cut: bool = False
    calls: list[CallRecord] = field(default_factory=list)
    """What the books say of every call that was made for it, also of those that failed."""
    problems: list[SipdError] = field(default_factory=list)
    """Why each earlier choice did not write it."""

    @property
    def answered_by(self) -> AnsweredBy:
        return AnsweredBy.HOSTED if self.model else AnsweredBy.LOCAL

    @property
    def cost(self) -> Decimal | None:
        """USD of all calls; one unknown price makes the sum unknown."""
        known = [call.cost_usd for call in self.calls if call.cost_usd is not None]
        return sum(known, Decimal(0)) if len(known) == len(self.calls) else None

    @property
    def usage(self) -> Usage:
        """Tokens of all calls."""
        used = [call.usage for call in self.calls]
        return Usage(
            sum(one.prompt for one in used),
            sum(one.completion for one in used),
            sum(one.cached for one in used),
            estimated=any(one.estimated for one in used),
        )

    @property
    def retries(self) -> int:
        """Of all calls, with those that never reached the provider and stand in no books."""
        unsent = sum(error.retries for error in self.problems if isinstance(error, ProviderError) and not error.sent)
        return unsent + sum(call.retries for call in self.calls)

    @property
    def degraded(self) -> str | None:
        """Which mode this is and why, in Indonesian; None for the first choice."""
        if not self.problems:
            return None
        reason = self.problems[0].user_text
        if self.model:
            return text("answer.mode.fallback", model=self.model, reason=reason)
        return text("answer.mode.local", reason=reason)

    def begin(self, model: str) -> None:
        """Start over with the next choice."""
        self.text, self.model = "", model


class Answerer:
    """Writes answers with hosted models; the local answer is always at hand."""

    def __init__(self, chat: PaidChat, settings: AnswerSettings, *, count_tokens: CountTokens) -> None:
        self._chat = chat
        self._settings = settings
        self._count_tokens = count_tokens

    async def write(
        self, brief: Brief, local: str, conversation: str, writing: Writing
    ) -> AsyncIterator[str | Withdrawn]:
        """The answer in pieces, collected in `writing`; never fails for the provider's sake."""
        messages = build(brief, budget=self._settings.context_tokens, count_tokens=self._count_tokens)
        async for piece in self._by_a_model(messages, conversation, writing):
            yield piece
        if not writing.model:
            writing.text, writing.whole = local, True
            yield local

    async def go_on(
        self, brief: Brief, so_far: str, conversation: str, writing: Writing
    ) -> AsyncIterator[str | Withdrawn]:
        """The rest of an answer that was cut, in pieces; raises what kept the last model from writing it."""
        budget = self._settings.context_tokens
        messages = build_rest(brief, so_far, budget=budget, count_tokens=self._count_tokens)
        async for piece in self._by_a_model(messages, conversation, writing):
            yield piece
        if not writing.model:
            raise writing.problems[-1]

    async def _by_a_model(
        self, messages: Sequence[Message], conversation: str, writing: Writing
    ) -> AsyncIterator[str | Withdrawn]:
        """What the first model that can writes; `writing` names none when no one could."""
        for model in self._settings.models:
            writing.begin(model)
            try:
                async for piece in self._attempt(model, messages, conversation, writing):
                    yield piece
                return
            except (ProviderError, BudgetExceededError) as error:
                log.warning("%s did not answer: %s", model, type(error).__name__)
                writing.problems.append(error)
                if writing.text:
                    yield Withdrawn()
        writing.begin("")

    async def _attempt(
        self, model: str, messages: Sequence[Message], conversation: str, writing: Writing
    ) -> AsyncIterator[str]:
        limit = self._settings.max_characters
        request = ChatRequest(model, tuple(messages), limit // CHARACTERS_PER_TOKEN, self._settings.temperature)
        paid = self._chat.chat_stream(request, conversation=conversation, on_settled=writing.calls.append)
        async with paid as stream:
            async for piece in stream:
                writing.text += piece
                yield piece
            reason = stream.finish_reason
        if reason not in (WHOLE, CUT) or not writing.text.strip():
            raise BadReplyError(f"finish_reason {reason!r}", reason=text("answer.mode.no_answer"))
        writing.cut = reason == CUT or len(writing.text) > limit
        writing.whole = not writing.cut
