"""Paid calls: let through by the breaker, reserved in the books, made, and settled before anybody sees the result.

    breaker ─► reserve the worst case ─► client ─► settle what it was ─► result

| how the call ended                                  | entry in the books                                        |
|-----------------------------------------------------|-----------------------------------------------------------|
| whole                                               | ok; usage as the provider said, else estimated            |
| never sent (breaker open, no budget, no connection) | none                                                      |
| refused with a status (4xx, 5xx)                    | failed; no tokens, no cost                                |
| sent, but no answer that can be used                | failed; the prompt estimated                              |
| broken while text was coming                        | broken; prompt and text so far estimated                  |
| the caller went away                                | stopped; prompt and text so far estimated                 |
| the process died                                    | open, later interrupted; the worst case                   |
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

import numpy as np
from anyio import CancelScope, get_cancelled_exc_class, to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from numpy.typing import NDArray

from sipd_core.breaker import Breaker
from sipd_core.client import CallMeta, ChatRequest, ChatStream, OpenAIClient
from sipd_core.errors import BrokenStreamError, ProviderError, StoreError
from sipd_core.prices import Price, PriceTable
from sipd_core.usage import Books, CallRecord, Outcome, Usage, jakarta_day

log = logging.getLogger(__name__)

ADDED_TOKENS = 16
"""What a provider adds to one text or message at most: its role, its marks of beginning and end."""


class Kind(StrEnum):
    """What is asked of a model; each kind and model has a breaker of its own."""

    EMBEDDING = "embedding"
    CHAT = "chat"


class MeteredClient:
    """The only way to a call that costs money. Belongs to one event loop."""

    def __init__(
        self,
        client: OpenAIClient,
        books: Books,
        prices: PriceTable,
        *,
        count_tokens: Callable[[str], int],
        on_settled: Callable[[CallRecord], None],
        send_dimension: bool = True,
        make_breaker: Callable[[], Breaker] = Breaker,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`count_tokens` estimates what the provider does not say (called in a worker thread); `on_settled` gets every
        record on the loop once it is in the books; `clock` is Unix time, `timer` measures durations, in seconds."""
        self._client = client
        self._books = books
        self._prices = prices
        self._count_tokens = count_tokens
        self._on_settled = on_settled
        self._send_dimension = send_dimension
        self._make_breaker = make_breaker
        self._clock = clock
        self._timer = timer
        self._breakers: dict[tuple[Kind, str], Breaker] = {}

    def breaker(self, kind: Kind, model: str) -> Breaker:
        """The breaker of one kind of call to one model, for a look at its state."""
        if (kind, model) not in self._breakers:
            self._breakers[kind, model] = self._make_breaker()
        return self._breakers[kind, model]

    async def embed(
        self, model: str, texts: Sequence[str], *, dimension: int, operation: str, conversation: str | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, shape (n, dimension), in order; raises ProviderError, BudgetExceededError, StoreError."""
        most = Usage(sum(map(_most_tokens, texts)))
        call = self._call(Kind.EMBEDDING, model, operation, texts, most, conversation)
        await call.reserve()
        try:
            reply = await self._client.embed(model, texts, dimension=dimension, send_dimension=self._send_dimension)
        except BaseException as error:
            await call.failed(error)
            raise
        await call.succeeded(reply.usage, reply.meta)
        return reply.vectors

    @asynccontextmanager
    async def chat_stream(
        self,
        request: ChatRequest,
        *,
        conversation: str | None,
        on_settled: Callable[[CallRecord], None] | None = None,
    ) -> AsyncIterator["MeteredStream"]:
        """The answer as it comes; raises ProviderError, BudgetExceededError, StoreError. Leaving early stops the call
        upstream and books what had come by then. `on_settled` hears of this call's record, however it ended."""
        said = [message.content for message in request.messages]
        most = Usage(sum(map(_most_tokens, said)), request.max_tokens)
        call = self._call(Kind.CHAT, request.model, "chat", said, most, conversation, on_settled)
        await call.reserve()
        stream: MeteredStream | None = None
        try:
            async with self._client.chat_stream(request) as upstream:
                stream = MeteredStream(upstream, call)
                yield stream
        except BaseException as error:
            if stream is None:
                await call.failed(error)
            raise
        finally:
            if stream is not None:
                await stream.settle_stopped()

    def _call(
        self,
        kind: Kind,
        model: str,
        operation: str,
        texts: Sequence[str],
        most: Usage,
        conversation: str | None,
        on_settled: Callable[[CallRecord], None] | None = None,
    ) -> "PaidCall":
        at = datetime.fromtimestamp(self._clock(), tz=UTC)
        price = self._prices.price(model, jakarta_day(at))
        worst = CallRecord(
            at=at,
            operation=operation,
            model=model,
            usage=most,
            texts=1 if kind is Kind.CHAT else len(texts),
            latency_ms=0.0,
            cost_usd=_cost(price, most),
            conversation=conversation,
            outcome=Outcome.OPEN,
        )

        def settled(record: CallRecord) -> None:
            self._on_settled(record)
            if on_settled is not None:
                on_settled(record)

        return PaidCall(
            worst,
            price,
            self._books,
            self.breaker(kind, model),
            estimate=lambda said: self._estimate(texts, said, most),
            on_settled=settled,
            timer=self._timer,
        )

    def _estimate(self, texts: Sequence[str], said: str, most: Usage) -> Usage:
        """Tokens counted here; never more than was reserved, so that an estimate cannot overshoot a budget."""
        prompt = min(sum(map(self._count_tokens, texts)), most.prompt)
        return Usage(prompt, min(self._count_tokens(said), most.completion) if said else 0, estimated=True)


class MeteredStream:
    """The pieces of one paid answer; ends, or raises ProviderError, when its record is in the books."""

    def __init__(self, upstream: ChatStream, call: "PaidCall") -> None:
        self._upstream = upstream
        self._pieces = aiter(upstream)
        self._call = call
        self._cancelled = False

    @property
    def text(self) -> str:
        """What has come so far."""
        return self._upstream.text

    @property
    def finish_reason(self) -> str | None:
        """Why the model ended; None until it has."""
        return self._upstream.finish_reason

    @property
    def record(self) -> CallRecord | None:
        """What the books say of the call; None until it is settled."""
        return self._call.record

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            await self._call.succeeded(self._upstream.usage, self._upstream.meta, self.text)
            raise
        except Exception as error:
            if not self._cancelled:  # a connection that was closed under a waiting reader is not the provider's fault
                await self._call.failed(error, self._upstream.usage, self._upstream.meta, self.text)
            raise
        except BaseException:
            self._cancelled = True
            raise

    async def settle_stopped(self) -> None:
        """Book a call whose reader has gone; nothing when it is settled already."""
        await self._call.stopped(self._upstream.usage, self._upstream.meta, self.text)


class PaidCall:
    """One call from its reservation to its settlement, of which there is exactly one, however it ends."""

    def __init__(
        self,
        worst: CallRecord,
        price: Price | None,
        books: Books,
        breaker: Breaker,
        *,
        estimate: Callable[[str], Usage],
        on_settled: Callable[[CallRecord], None],
        timer: Callable[[], float],
    ) -> None:
        """`estimate` counts the prompt and the text that has come."""
        self.record: CallRecord | None = None
        self._worst = worst
        self._price = price
        self._books = books
        self._breaker = breaker
        self._estimate = estimate
        self._on_settled = on_settled
        self._timer = timer
        self._over = False

    async def reserve(self) -> None:
        """Take a place and enter the worst case; whatever is raised leaves neither behind."""
        self._ticket = self._breaker.enter()
        try:
            self._entry = await to_thread.run_sync(self._books.open, self._worst)
        except BaseException as error:
            self._breaker.failed(self._ticket, error)
            raise
        self._began = self._timer()
        try:
            await checkpoint_if_cancelled()
        except BaseException:
            self._breaker.abandoned(self._ticket)
            await self._shielded(self._release)
            raise

    async def succeeded(self, usage: Usage | None, meta: CallMeta, said: str = "") -> None:
        """The answer is whole."""
        if not self._over:
            self._breaker.succeeded(self._ticket)
            await self._settle(Outcome.OK, usage, said, meta)

    async def stopped(self, usage: Usage | None, meta: CallMeta, said: str) -> None:
        """Whoever asked went away; the provider may have done its part."""
        if not self._over:
            self._breaker.abandoned(self._ticket)
            await self._settle(Outcome.STOPPED, usage, said, meta)

    async def failed(
        self, error: BaseException, usage: Usage | None = None, meta: CallMeta | None = None, said: str = ""
    ) -> None:
        """The call ended with `error`, be it the provider's or a cancellation."""
        if self._over:
            return
        self._breaker.failed(self._ticket, error)
        if isinstance(error, ProviderError):
            if not error.sent and not said:
                await self._shielded(self._release)
                return
            meta = meta or CallMeta(self._elapsed_ms(), error.retries, error.request_id, error.retried_for)
            if usage is None and not said and (error.status or 0) >= 400:
                usage = Usage(0)
        meta, outcome = meta or CallMeta(self._elapsed_ms(), 0, None), _outcome(error, said)
        cause = None if outcome is Outcome.STOPPED else type(error).__name__
        await self._settle(outcome, usage, said, meta, cause)

    async def _settle(
        self, outcome: Outcome, usage: Usage | None, said: str, meta: CallMeta, cause: str | None = None
    ) -> None:
        await self._shielded(lambda: self._enter(outcome, usage, said, meta, cause))
        if self.record is not None:
            self._on_settled(self.record)

    def _enter(self, outcome: Outcome, usage: Usage | None, said: str, meta: CallMeta, cause: str | None) -> None:
        used = usage if usage is not None else self._estimate(said)
        self.record = replace(
            self._worst,
            usage=used,
            latency_ms=meta.latency_ms,
            cost_usd=_cost(self._price, used),
            retries=meta.retries,
            outcome=outcome,
            request_id=meta.request_id,
            error=cause,
            retried_for=meta.retried_for,
        )
        self._books.settle(self._entry, self.record)

    def _release(self) -> None:
        self._books.release(self._entry)

    async def _shielded(self, work: Callable[[], None]) -> None:
        """Write the books, in a worker thread, also for a caller that is cancelled.

        Books that cannot be written never take an answer away from a person: the reservation, which is durable, stays
        and is closed at its worst case later.
        """
        self._over = True
        with CancelScope(shield=True):
            try:
                await to_thread.run_sync(work)
            except StoreError as error:
                log.error("a call of %s stays reserved in the books: %s", self._worst.model, error)

    def _elapsed_ms(self) -> float:
        return (self._timer() - self._began) * 1_000


def _outcome(error: BaseException, said: str) -> Outcome:
    if isinstance(error, get_cancelled_exc_class()):
        return Outcome.STOPPED
    return Outcome.BROKEN if said or isinstance(error, BrokenStreamError) else Outcome.FAILED


def _cost(price: Price | None, usage: Usage) -> Decimal | None:
    """What was not used is free, also where the price is unknown."""
    if not usage.total:
        return Decimal(0)
    return None if price is None else price.cost(usage)


def _most_tokens(text: str) -> int:
    """A token of any byte-pair encoding stands for one byte at least."""
    return len(text.encode(errors="replace")) + ADDED_TOKENS
