"""One streamed answer. Its one promise: what ends normally is whole."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import anyio

from sipd_core.client.connections import Answer
from sipd_core.client.failures import Failures
from sipd_core.client.replies import bad, usage_of
from sipd_core.client.retry import Trip
from sipd_core.client.sse import DONE, EventReader
from sipd_core.client.values import CallMeta
from sipd_core.errors import (
    BrokenStreamError,
    ProviderDownError,
    ProviderError,
    TimedOutError,
)
from sipd_core.texts import text
from sipd_core.usage import Usage

_DRAIN_SECONDS = 1.0
"""The end of the body comes with or right after `[DONE]`; a server that holds it back gets no longer than this."""

_PAUSE = 0.03
"""Seconds between two looks at the network: a person reads slower, and every look costs the other sessions' time."""
_AT_HAND = 0.001
"""Seconds: a read that takes longer had to wait, so nothing more was at hand."""


class ChatStream:
    """Iterate over it for the pieces of the answer's text, never empty; a model's reasoning is left out.

    Iteration ends normally only after a finish reason and `[DONE]`, with the body read to its end. Otherwise, once all
    that came was handed over, it raises what went wrong: BrokenStreamError when the stream was cut, TimedOutError
    when it stalled, BadReplyError when it made no sense, or the error that the provider reported in mid-stream.
    """

    def __init__(
        self,
        answer: Answer,
        trip: Trip,
        failures: Failures,
        *,
        between: float,
        private: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        """`between` in seconds; `private`: the texts that were sent, which no error may repeat."""
        self.usage: Usage | None = None
        """Known at the end; None when the provider did not say."""
        self.finish_reason: str | None = None
        self._answer = answer
        self._trip = trip
        self._failures = failures
        self._between = between
        self._private = private
        self._clock = clock
        self._reader = EventReader()
        self._pending: deque[str] = deque()
        self._given: list[str] = []
        self._failure: ProviderError | None = None
        self._done = False
        self._whole = False
        self._caught_up = False
        self._closed_at: float | None = None

    @property
    def text(self) -> str:
        """What was handed over so far."""
        return "".join(self._given)

    @property
    def meta(self) -> CallMeta:
        """How the call went so far."""
        until = self._clock() if self._closed_at is None else self._closed_at
        trip = self._trip
        return CallMeta((until - trip.started) * 1_000, trip.retries, trip.request_id, trip.met)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._pending:
            if self._whole:
                raise StopAsyncIteration
            if self._done or self._failure is not None:
                await self._finish()
            else:
                await self._next_events()
        self._given.append("".join(self._pending))
        self._pending.clear()
        return self._given[-1]

    async def begin(self) -> None:
        """Wait for the first piece of text, or for an end without any; raises what went wrong before it."""
        while not self._pending and not self._done and self._failure is None:
            await self._receive()
        if self._failure is not None and not self._pending:
            raise self._failure

    async def aclose(self) -> None:
        """Close the connection upstream unless the body was read to its end; idempotent."""
        if self._closed_at is None:
            self._closed_at = self._clock()
            await self._answer.aclose()

    async def _next_events(self) -> None:
        left = self._trip.deadline - self._clock()
        with anyio.move_on_after(min(self._between, left)) as scope:
            if self._caught_up:
                await anyio.sleep(_PAUSE)
            while True:
                asked = self._clock()
                await self._receive()
                self._caught_up = self._clock() - asked > _AT_HAND
                if self._caught_up or self._done or self._failure is not None:
                    break
        if scope.cancelled_caught:
            self._failure = TimedOutError(
                "the stream stalled" if self._between < left else "the whole call took too long"
            )

    async def _receive(self) -> None:
        """Read until at least one event has come; comments alone do not count."""
        events: list[bytes] = []
        while not events and self._failure is None:
            try:
                chunk = await self._answer.read()
            except ProviderDownError as error:
                self._failure = BrokenStreamError(str(error)) if self._given else error
                return
            events = self._reader.end() if chunk is None else self._reader.feed(chunk)
            self._take_all(events)
            if self._failure is None:
                self._failure = self._cut(ended=chunk is None)

    def _cut(self, *, ended: bool) -> BrokenStreamError | None:
        """Why what came by now is not a whole answer and will never be one."""
        if self._done:
            return BrokenStreamError("the stream has no finish reason") if self.finish_reason is None else None
        return BrokenStreamError("the stream ended without [DONE]") if ended else None

    def _take_all(self, events: list[bytes]) -> None:
        try:
            for event in events:
                self._take(event)
        except ProviderError as error:
            self._failure = error

    def _take(self, payload: bytes) -> None:
        if self._done or payload == DONE:
            self._done = True
            return
        event = _object(payload)
        failure = self._failures.of_event(event, self._private)
        if failure is not None:
            raise failure
        self.usage = usage_of(event) or self.usage
        content, finish_reason = _choice(event)
        if content:
            self._pending.append(content)
        self.finish_reason = finish_reason or self.finish_reason

    async def _finish(self) -> None:
        """Read on to the end, so that the connection can be used again, and say how the stream ended."""
        if self._failure is None:
            with anyio.move_on_after(_DRAIN_SECONDS):
                await self._drain()
        await self.aclose()
        if self._failure is not None:
            raise self._trip.signed(self._failure)
        self._whole = True

    async def _drain(self) -> None:
        try:
            while await self._answer.read() is not None:
                pass
        except ProviderError:
            # Everything that matters came before [DONE]; the connection is closed instead of kept.
            return


def _object(payload: bytes) -> dict[str, Any]:
    try:
        event = json.loads(payload)
    except ValueError as error:
        raise bad(text("errors.reply.not_json")) from error
    if not isinstance(event, dict):
        raise bad(text("errors.reply.not_json"))
    return event


def _choice(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Text and finish reason of an event; the one with the usage has no choice at all."""
    choices = event.get("choices") or [{}]
    choice = choices[0] if isinstance(choices, list) else None
    delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(delta, dict):
        raise bad(text("errors.reply.shape"))
    content, finish_reason = delta.get("content"), choice.get("finish_reason")
    if not isinstance(content, str | None) or not isinstance(finish_reason, str | None):
        raise bad(text("errors.reply.shape"))
    return content, finish_reason
