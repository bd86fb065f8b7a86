"""Against a real HTTP/2 server with TLS: what is shared, and what a call that is left does to the others."""

import asyncio
import json
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from sipd_core.client import OpenAIClient, RetryPolicy, Timeouts
from sipd_core.errors import ProviderError, TimedOutError, UnreachableError
from tests.client.asking import QUESTION, open_connections, whole

hypercorn = pytest.importorskip("hypercorn.asyncio")
trustme = pytest.importorskip("trustme")

pytestmark = pytest.mark.anyio

PATIENT = Timeouts(connect=30.0, first_byte=30.0, between=30.0, total=60.0)
HASTY = Timeouts(connect=30.0, first_byte=3.0, between=30.0, total=60.0)
"""For the one only that is not answered: on a busy machine a healthy answer takes its time."""
KEY = "kunci-sangat-rahasia"
NEVER, HELD = "tidak pernah", "ditahan"
"""Texts that are not answered at all, or not before the server is told so."""


@dataclass
class Server:
    """An application that knows how it was called."""

    seen: list[tuple[str, str, int]] = field(default_factory=list)
    """(path, HTTP version, the caller's port) of each request."""
    released: threading.Event = field(default_factory=threading.Event)

    async def until_seen(self, count: int) -> None:
        while len(self.seen) < count:
            await anyio.sleep(0.01)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.seen.append((scope["path"], scope["http_version"], scope["client"][1]))
        body = json.loads(await whole_body(receive))
        chat = scope["path"].endswith("completions")
        if not chat and body["input"] == [NEVER]:
            await anyio.sleep_forever()
        while not chat and body["input"] == [HELD] and not self.released.is_set():
            await anyio.sleep(0.01)
        kind = b"text/event-stream" if chat else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": STREAM if chat else VECTOR})


async def whole_body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


VECTOR = json.dumps({"data": [{"index": 0, "embedding": [0.0, 1.0]}]}).encode()
STREAM = (
    b'data: {"choices":[{"delta":{"content":"ya"}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@contextmanager
def listening(server: Server, authority: Any) -> Iterator[int]:
    """The port of hypercorn, which runs in a thread of its own with a certificate of `authority`."""
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    with authority.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as pem:
        config = hypercorn.Config()
        config.bind, config.certfile, config.keyfile = [f"fd://{bound.detach()}"], pem, pem
        config.graceful_timeout, config.errorlog = 0.0, None
        serving = hypercorn.serve(server, config, shutdown_trigger=stop.wait)
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()


@asynccontextmanager
async def serving(
    server: Server, *, trusted: bool = True, limits: Timeouts = PATIENT
) -> AsyncIterator[OpenAIClient]:
    """A client of `server` over TLS, HTTP/2 offered."""
    authority, trust = trustme.CA(), ssl.create_default_context()
    if trusted:
        authority.configure_trust(trust)
    with listening(server, authority) as port:
        client = OpenAIClient(
            f"https://localhost:{port}/v1",
            KEY,
            chat=limits,
            embedding=limits,
            retry=RetryPolicy(0, 0.0),
            verify=trust,
        )
        try:
            yield client
        finally:
            await client.aclose()


async def ask(client: OpenAIClient, text: str = "a") -> None:
    reply = await client.embed("m", [text], dimension=2)
    assert reply.vectors.tolist() == [[0.0, 1.0]]


async def test_calls_share_one_http2_connection_and_streams_have_their_own() -> None:
    async with serving(server := Server()) as client:
        await ask(client)
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(ask, client)
            for _ in range(3):
                group.start_soon(whole, client, QUESTION)
        calls = {seen[1:] for seen in server.seen if seen[0] == "/v1/embeddings"}
        streams = {version for path, version, _ in server.seen if path == "/v1/chat/completions"}
    assert len(server.seen) == 24
    assert [version for version, _ in calls] == ["2"]
    assert streams == {"1.1"}


async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    for name in (None, "httpx", "httpcore"):  # wherever else in the product they are told to keep quiet
        caplog.set_level(logging.DEBUG, name)
    async with serving(Server()) as client:
        for _ in range(100):
            await ask(client)
    assert "httpcore" in caplog.text
    assert KEY not in caplog.text


async def test_a_call_that_times_out_does_not_harm_the_one_beside_it() -> None:
    async with serving(server := Server(), limits=HASTY) as client:
        await ask(client)

        async def time_out() -> None:
            with pytest.raises(TimedOutError):
                await ask(client, NEVER)
            server.released.set()

        async with anyio.create_task_group() as group:
            group.start_soon(time_out)
            await anyio.sleep(1)  # the one beside it has this second after the end of the first
            group.start_soon(ask, client, HELD)
        await ask(client)
    assert len({port for _, _, port in server.seen[:3]}) == 1


async def test_two_hundred_calls_left_early_leave_no_stuck_connection() -> None:
    async with serving(server := Server()) as client:
        await ask(client)
        async with anyio.create_task_group() as group:
            group.start_soon(ask, client, HELD)
            await server.until_seen(2)
            for _ in range(4):
                await leave_fifty(client, server)
                await ask(client)
            server.released.set()
        await ask(client)
        assert not client._connections._retired
        assert [held for held in open_connections(client) if "Request" not in held or "IDLE" not in held] == []


async def leave_fifty(client: OpenAIClient, server: Server) -> None:
    """Fifty calls at once, left when the server knows of most of them; the others are anywhere on their way to it."""
    before = len(server.seen)
    async with anyio.create_task_group() as calls:
        for _ in range(50):
            calls.start_soon(ask, client, NEVER)
        await server.until_seen(before + 30)
        calls.cancel_scope.cancel()


async def test_a_call_under_way_while_the_client_closes_opens_no_new_connection() -> None:
    async with serving(server := Server()) as client:
        await ask(client)

        async def cut_off() -> None:
            with pytest.raises(ProviderError):
                await ask(client, NEVER)

        async with anyio.create_task_group() as group:
            group.start_soon(cut_off)
            await server.until_seen(2)
            await client.aclose()
        with pytest.raises(RuntimeError):
            await ask(client)
    assert len(server.seen) == 2


async def test_a_certificate_nobody_vouches_for_is_no_connection() -> None:
    async with serving(server := Server(), trusted=False) as client:
        with pytest.raises(UnreachableError, match="certificate") as raised:
            await ask(client)
    assert (raised.value.sent, server.seen) == (False, [])
