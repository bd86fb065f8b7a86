"""One TCP connection of the scripted provider: h11 reads requests, a task plays the steps of each reply."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, cast

import h11

from tests.provider.account import Account, Cancelled, Ended, Received, Served
from tests.provider.steps import Cut, End, Head, Reply, Send, Step, Wait

KINDS = {"/v1/embeddings": "embeddings", "/v1/chat/completions": "chat", "/v1/models": "models"}

Answerer = Callable[[Received, str], Reply]
"""From a request and its method to the reply."""

Failed = Callable[[Exception], None]
"""Told when the double itself is at fault; its client sees a reset."""


class Connection(asyncio.Protocol):
    """Serves one request after the other; a client that leaves cancels the reply it was getting."""

    def __init__(self, answer: Answerer, account: Account, live: "set[Connection]", failed: Failed) -> None:
        self._answer, self._account, self._live, self._failed = answer, account, live, failed
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request
        self._body = bytearray()
        self.task: asyncio.Task[None] | None = None
        account.connections += 1
        self.number = account.connections

    # -- what asyncio calls --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._live.add(self)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        self._live.discard(self)
        if self.task is not None:
            self.task.cancel()

    def abort(self) -> None:
        self._transport.abort()

    # -- requests ------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        while self.task is None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self._transport.close()
                return
            match event:
                case h11.Request():
                    self._request, self._body = event, bytearray()
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    self.task = asyncio.get_running_loop().create_task(self._serve())
                case _:
                    return

    def _received(self) -> Received:
        path = self._request.target.decode()
        bare = path.partition("?")[0]
        return Received(
            kind=KINDS.get(bare, bare),
            path=path,
            headers={name.decode().lower(): value.decode() for name, value in self._request.headers},
            body=parsed(bytes(self._body)),
            at=time.monotonic(),
            http_version=self._request.http_version.decode(),
            connection=self.number,
            number=self._account.arrived,
        )

    async def _serve(self) -> None:
        counted = self._request.target != b"/_log"
        self._account.arrived += counted
        received = self._received()
        served = Served(received.request_id, received.kind)
        if counted:
            self._account.requests.append(received)
        try:
            reply = self._answer(received, self._request.method.decode())
            served.texts, served.prompt_tokens = len(reply.texts), reply.prompt_tokens
            served.completion_tokens = reply.completion_tokens
            if counted:
                self._account.served.append(served)
            await self._play(reply, served, received.at)
        except asyncio.CancelledError:
            served.ended = "cancelled"
            self._account.cancelled.append(Cancelled(served.request_id, served.kind, served.deltas))
            raise
        except Exception as error:
            self._failed(error)
            self._transport.abort()
        self._next()

    def _next(self) -> None:
        """Keep-alive: the request that may already wait in the buffer is served on the same connection."""
        self.task = None
        if self._transport.is_closing():
            return
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._advance()
        else:
            self._transport.close()

    # -- replies -------------------------------------------------------------------------------------------------------

    async def _play(self, reply: Reply, served: Served, due: float) -> None:
        """Delays count from the arrival of the request, so that what the double itself computes is no part of them."""
        ready, deltas = bytearray(), 0
        for step in reply.steps:
            if isinstance(step, Send):
                ready += self._sent(h11.Data(data=step.data))
                deltas += step.part == "delta"
                continue
            if isinstance(step, Wait):
                self._flush(ready)
                served.deltas = deltas
                due += step.seconds
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            elif isinstance(step, Head):
                served.status = step.status
                self._account.texts += reply.texts
                ready += self._sent(self._head(step, served.request_id))
            else:
                served.deltas = deltas
                self._finish(step, ready, served)

    def _head(self, head: Head, request_id: str) -> h11.Response:
        body = ("transfer-encoding", "chunked") if head.length is None else ("content-length", str(head.length))
        limits = rate_limits(self._account.arrived)
        first = [("content-type", head.content_type), ("x-request-id", request_id), body]
        return h11.Response(status_code=head.status, headers=[*first, *limits, *head.headers])

    def _finish(self, step: Step, ready: bytearray, served: Served) -> None:
        ended: Ended = "whole" if step == End() else "cut"
        served.ended = "reset" if step == Cut(reset=True) else ended
        if isinstance(step, End):
            ready += self._sent(h11.EndOfMessage())
        self._flush(ready)
        if isinstance(step, Cut):
            reset(self._transport) if step.reset else self._transport.close()

    def _flush(self, ready: bytearray) -> None:
        if ready:
            self._transport.write(bytes(ready))
            ready.clear()

    def _sent(self, event: Any) -> bytes:
        return self._http.send(event) or b""


def parsed(body: bytes) -> Any:
    """None for a body that is missing or not JSON: the answer to that is the caller's."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def rate_limits(used: int) -> list[tuple[str, str]]:
    """Resets are `1s`, never bare numbers."""
    return [
        ("x-ratelimit-limit-requests", "600"),
        ("x-ratelimit-remaining-requests", str(max(0, 600 - used))),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-limit-tokens", "400000"),
        ("x-ratelimit-remaining-tokens", str(max(0, 400_000 - 100 * used))),
        ("x-ratelimit-reset-tokens", "1s"),
    ]


def reset(transport: asyncio.Transport) -> None:
    """Lingering for 0 seconds makes the kernel send RST instead of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
