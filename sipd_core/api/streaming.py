"""An answer as it comes: parts of the engine's blocking iterator, and server-sent events made of them.

Whoever leaves cancels the work: the iterator is closed, which stops the model and keeps what had come.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import anyio
from anyio import CancelScope, CapacityLimiter, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sipd_core.chat.turn import AnswerPart

SILENCE_SECONDS = 15.0
"""After so long without a word a comment is sent, so that nothing between here and there gives the connection up."""


async def parts_of(source: Iterator[AnswerPart], threads: CapacityLimiter) -> AsyncGenerator[AnswerPart]:
    """The parts as they come, an empty text every now and then; leaving early cancels what makes them."""
    try:
        while (part := await to_thread.run_sync(next, source, None, limiter=threads)) is not None:
            yield part
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(source.close)  # type: ignore[attr-defined]  # a generator, as `answer` says


def event(name: str, data: Any) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class EventStream(Response):
    """Sends events until they end or nobody listens; then their source is closed."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], source: AsyncGenerator[AnswerPart]) -> None:
        """`events`, made of `source`, may give empty bytes, which say that there is nothing yet."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events, self._source = events, source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            async with aclosing(self._source), aclosing(self._events) as events:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                async for chunk in _kept_alive(events):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            group.cancel_scope.cancel()


async def _until_gone(receive: Receive, listening: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listening.cancel()


async def _kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    spoken = anyio.current_time()
    async for chunk in events:
        if not chunk and anyio.current_time() - spoken < SILENCE_SECONDS:
            continue
        spoken = anyio.current_time()
        yield chunk or b": \n\n"
