"""Streamed answers: what ends normally is whole, what is left stops upstream, and no connection is lost on the way."""

import gc
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from sipd_core.client import ChatStream, OpenAIClient, RetryPolicy, Timeouts
from sipd_core.errors import (
    BadReplyError,
    BrokenStreamError,
    ProviderDownError,
    ProviderError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    TimedOutError,
    UnknownModelError,
)
from sipd_core.usage import Usage
from tests import provider as p
from tests.client.asking import (
    COMPLAINT,
    LIMITS,
    QUESTION,
    Waits,
    connected,
    embed,
    everything_said,
    open_connections,
    until_error,
    whole,
)
from tests.provider import Fault, Provider
from tests.provider.replies import default_answer

pytestmark = pytest.mark.anyio

ANSWER = default_answer([])
HASTY = Timeouts(connect=5.0, first_byte=0.3, between=0.3, total=10.0)
"""For those only to whom nothing comes: on a busy machine a healthy answer may take longer than this."""
EAGER = Timeouts(connect=5.0, first_byte=5.0, between=0.5, total=10.0)
"""Patient until it begins, not after."""
DELTA = '{"choices":[{"index":0,"delta":{"content":"ya"},"finish_reason":null}]}'
FINISH = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


@asynccontextmanager
async def saying(
    *writes: str | float, keep_alive: bool = False, limits: Timeouts = LIMITS
) -> AsyncIterator[OpenAIClient]:
    """A client of a server that answers every request with just these bytes, numbers being pauses in seconds."""
    left = anyio.Event()

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            for part in (head, *writes):
                await (anyio.sleep(part) if isinstance(part, float) else stream.send(part.encode()))
            if keep_alive:
                await left.wait()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        url = f"http://127.0.0.1:{port}/v1"
        client = OpenAIClient(url, "k", chat=limits, embedding=limits, retry=RetryPolicy(0, 0.0), sleep=Waits())
        yield client
        left.set()
        await client.aclose()
        group.cancel_scope.cancel()


async def read(stream: ChatStream) -> list[str]:
    return [delta async for delta in stream]


# -- whole answers -----------------------------------------------------------------------------------------------------


async def test_a_whole_answer(provider: Provider) -> None:
    async with connected(provider) as client, client.chat_stream(QUESTION) as stream:
        first = await anext(stream)
        assert (stream.text, stream.finish_reason, stream.usage) == (first, None, None)
        early = stream.meta
        deltas = [first, *await read(stream)]
    assert "".join(deltas) == stream.text == ANSWER
    assert 1 < len(deltas) <= len(ANSWER.split()), "what is at hand comes in one piece"
    assert stream.finish_reason == "stop"
    assert stream.usage is not None
    assert (stream.usage.completion, stream.usage.estimated) == (provider.served[0].completion_tokens, False)
    assert stream.meta.request_id == provider.requests[0].request_id
    assert stream.meta == stream.meta
    assert 0 < early.latency_ms <= stream.meta.latency_ms
    sent = provider.requests[0].body
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize("place", ["last", "bare", "finish"])
async def test_usage_wherever_it_comes(provider: Provider, place: str) -> None:
    provider.usage_in = place  # type: ignore[assignment]
    async with connected(provider) as client:
        stream = await whole(client)
    assert stream.usage.prompt == provider.served[0].prompt_tokens > 0


async def test_usage_is_not_forgotten_when_other_events_follow() -> None:
    counted = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}'
    null = '{"choices":[],"usage":null}'
    async with saying(*(f"data: {event}\n\n" for event in (DELTA, counted, FINISH, null, "[DONE]"))) as client:
        assert (await whole(client)).usage == Usage(3, 1)


async def test_usage_that_never_comes_is_unknown(provider: Provider) -> None:
    provider.script("chat", p.NoUsage())
    async with connected(provider) as client:
        stream = await whole(client)
    assert (stream.usage, stream.finish_reason) == (None, "stop")


@pytest.mark.parametrize("fault", [p.SplitBytes(), p.OddLines()])
async def test_bytes_and_lines_may_be_cut_anywhere(provider: Provider, fault: Fault) -> None:
    provider.script("chat", fault)
    async with connected(provider) as client:
        assert (await whole(client)).text == ANSWER


async def test_an_answer_cut_by_its_token_limit_says_so(provider: Provider) -> None:
    provider.script("chat", p.Length())
    async with connected(provider) as client:
        stream = await whole(client)
    assert stream.finish_reason == "length"
    assert ANSWER.startswith(stream.text)


async def test_an_answer_without_a_word_ends_without_one(provider: Provider) -> None:
    provider.script("chat", p.Empty())
    async with connected(provider) as client:
        stream = await whole(client)
    assert (stream.text, stream.finish_reason) == ("", "stop")


async def test_reasoning_is_left_out(provider: Provider) -> None:
    provider.reasoning = "coba pikir dulu"
    async with connected(provider) as client:
        assert (await whole(client)).text == ANSWER


async def test_done_without_a_blank_line_after_it_is_the_end() -> None:
    async with saying(f"data: {DELTA}\n\ndata: {FINISH}\n\ndata: [DONE]") as client:
        assert (await whole(client)).text == "ya"


async def test_the_answer_is_whole_when_the_server_keeps_the_line_open() -> None:
    async with saying(f"data: {DELTA}\n\ndata: {FINISH}\n\ndata: [DONE]\n\n", keep_alive=True) as client:
        with anyio.fail_after(5):
            assert (await whole(client)).text == "ya"


# -- faults ------------------------------------------------------------------------------------------------------------

BEFORE_THE_FIRST_DELTA: list[tuple[Fault, type[ProviderError], int]] = [
    (p.RateLimit("0"), RateLimitedError, 3),
    (p.ServerError(502), ProviderDownError, 3),
    (p.Status(408, {}), ProviderDownError, 3),
    (p.Status(409, {}), ProviderDownError, 3),
    (p.Reset(), ProviderDownError, 3),
    (p.ResetMidStream(0), ProviderDownError, 3),
    (p.Truncate(0), BrokenStreamError, 3),
    (p.Truncate(0, abrupt=True), ProviderDownError, 3),
    (p.ErrorInStream(0), ProviderDownError, 3),
    (p.Status(400, {"detail": "no"}), RefusedRequestError, 1),
    (p.Status(401, {"detail": "no"}), RefusedKeyError, 1),
    (p.Status(403, {"detail": "no"}), RefusedKeyError, 1),
    (p.Status(404, {"detail": "no"}), UnknownModelError, 1),
    (p.Status(413, {"detail": "no"}), RefusedRequestError, 1),
    (p.Status(422, {"detail": "no"}), RefusedRequestError, 1),
    (p.Status(200, {"choices": []}), BadReplyError, 1),
    (p.Status(200, ["a"]), BadReplyError, 1),
    (p.Status(200, {"error": {"message": "no", "code": 401}}), RefusedKeyError, 1),
    (p.Status(200, {"error": {"message": "no", "code": "429"}}), RateLimitedError, 3),
    (p.Status(200, "<html>"), BrokenStreamError, 3),
]
AFTER_THE_FIRST_DELTA: list[tuple[Fault, type[ProviderError]]] = [
    (p.ResetMidStream(3), BrokenStreamError),
    (p.Truncate(3), BrokenStreamError),
    (p.Truncate(3, abrupt=True), BrokenStreamError),
    (p.Truncate(1_000), BrokenStreamError),
    (p.NoDone(), BrokenStreamError),
    (p.NoFinish(), BrokenStreamError),
    (p.Malformed(), BadReplyError),
    (p.ErrorInStream(3), ProviderDownError),
]


@pytest.mark.parametrize(("fault", "error", "requests"), BEFORE_THE_FIRST_DELTA)
async def test_before_the_first_delta(
    provider: Provider, fault: Fault, error: type[ProviderError], requests: int
) -> None:
    provider.script("chat", fault, forever=True)
    async with connected(provider) as client:
        deltas, raised = await until_error(client)
        assert open_connections(client) == [] or all("IDLE" in held for held in open_connections(client))
    assert deltas == []
    assert type(raised) is error
    assert (provider.calls("chat"), raised.retries, raised.sent) == (requests, requests - 1, True)
    assert provider.key not in everything_said(raised)


@pytest.mark.parametrize(("fault", "error"), AFTER_THE_FIRST_DELTA)
async def test_after_the_first_delta_nothing_is_tried_again(
    provider: Provider, fault: Fault, error: type[ProviderError]
) -> None:
    provider.script("chat", fault, forever=True)
    async with connected(provider) as client:
        deltas, raised = await until_error(client)
    assert deltas
    assert ANSWER.startswith("".join(deltas))
    assert type(raised) is error
    assert (provider.calls("chat"), raised.retries, raised.sent) == (1, 0, True)
    assert raised.request_id == provider.requests[0].request_id
    assert provider.key not in everything_said(raised)


async def test_every_delta_that_came_is_handed_over_before_the_error(provider: Provider) -> None:
    provider.script("chat", p.Truncate(5), p.ErrorInStream(5))
    async with connected(provider) as client:
        assert [len("".join((await until_error(client))[0]).split()) for _ in range(2)] == [5, 5]


@pytest.mark.parametrize("fault", [p.RateLimit("0"), p.ServerError(), p.Reset(), p.Truncate(0), p.ErrorInStream(0)])
async def test_a_passing_fault_is_not_noticed(provider: Provider, fault: Fault) -> None:
    provider.script("chat", fault, fault)
    async with connected(provider) as client:
        stream = await whole(client)
    assert (stream.text, stream.meta.retries) == (ANSWER, 2)
    assert stream.meta.request_id == provider.requests[2].request_id


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ('{"error":{"message":"no","code":429}}', RateLimitedError),
        ('{"error":{"message":"no","code":"rate_limit"}}', ProviderDownError),
        ('{"error":"no"}', ProviderDownError),
        ('{"detail":"no"}', ProviderDownError),
        ('{"object":"error","message":"no","code":400}', RefusedRequestError),
        ('{"choices":[{"delta":{"content":5}}]}', BadReplyError),
        ('{"choices":[{"delta":"x"}]}', BadReplyError),
        ('{"choices":{"delta":{}}}', BadReplyError),
        ('{"choices":["x"]}', BadReplyError),
        ("[1]", BadReplyError),
        ("x", BadReplyError),
    ],
)
async def test_what_an_event_in_mid_stream_becomes(event: str, error: type[ProviderError]) -> None:
    writes = f"data: {DELTA}\n\ndata: {event}\n\ndata: {FINISH}\n\ndata: [DONE]\n\n"
    async with saying(writes) as client:
        deltas, raised = await until_error(client)
    assert (deltas, type(raised)) == (["ya"], error)


async def test_an_error_in_mid_stream_repeats_neither_key_nor_complaint() -> None:
    echo = f'{{"error":{{"message":"no: kunci-sangat-rahasia {COMPLAINT}"}}}}'
    async with saying(f"data: {DELTA}\n\ndata: {echo}\n\n") as client:
        client._failures._key = "kunci-sangat-rahasia"
        _, raised = await until_error(client)
    assert str(raised) == "no: *** ***"


# -- time --------------------------------------------------------------------------------------------------------------


async def test_a_slow_first_token_is_tried_again(provider: Provider) -> None:
    provider.script("chat", p.SlowFirstByte(8))
    limits = Timeouts(connect=5.0, first_byte=2.0, between=5.0, total=20.0)
    async with connected(provider, limits=limits) as client:
        stream = await whole(client)
    assert (stream.text, stream.meta.retries, provider.calls("chat")) == (ANSWER, 1, 2)


@pytest.mark.parametrize("fault", [p.SlowFirstByte(5), p.Stall(0, 5)])
async def test_a_first_token_that_never_comes(provider: Provider, fault: Fault) -> None:
    provider.script("chat", fault, forever=True)
    async with connected(provider, limits=HASTY, retries=1) as client:
        deltas, raised = await until_error(client)
        assert open_connections(client) == []
    assert (deltas, type(raised), provider.calls("chat")) == ([], TimedOutError, 2)


async def test_the_wait_for_the_first_token_may_be_longer_than_between_two(provider: Provider) -> None:
    provider.script("chat", p.Stall(0, 1.0))
    async with connected(provider, limits=EAGER) as client:
        assert (await whole(client)).meta.retries == 0


async def test_a_stall_in_mid_stream_is_the_end(provider: Provider) -> None:
    provider.script("chat", p.Stall(3, 5), forever=True)
    async with connected(provider, limits=EAGER) as client:
        deltas, raised = await until_error(client)
        assert open_connections(client) == []
        assert len("".join(deltas).split()) == 3
        assert (type(raised), provider.calls("chat"), raised.retries) == (TimedOutError, 1, 0)
        provider.clear()
        assert (await whole(client)).text == ANSWER


async def test_comments_alone_do_not_keep_a_stream_alive() -> None:
    pings = (part for _ in range(60) for part in (0.05, ": ping\n\n"))
    async with saying(f"data: {DELTA}\n\n", *pings, limits=EAGER) as client:
        deltas, raised = await until_error(client)
    assert (deltas, type(raised)) == (["ya"], TimedOutError)


async def test_no_stream_is_longer_than_the_whole_call_may_take() -> None:
    slow = [part for _ in range(60) for part in (0.05, f"data: {DELTA}\n\n")]
    limits = Timeouts(connect=1.0, first_byte=1.0, between=1.0, total=1.0)
    async with saying(*slow, limits=limits) as client:
        with anyio.fail_after(2.5):
            deltas, raised = await until_error(client)
    assert 1 <= len(deltas) < 40
    assert type(raised) is TimedOutError


# -- connections -------------------------------------------------------------------------------------------------------


async def test_the_connection_is_used_again(provider: Provider) -> None:
    provider.script("chat", p.OddLines(), p.SplitBytes(), p.NoUsage(), p.Empty(), p.Length())
    async with connected(provider) as client:
        for _ in range(8):
            await whole(client)
    assert {request.connection for request in provider.requests} == {1}


async def test_a_consumer_that_stops_stops_the_provider(provider: Provider) -> None:
    provider.tokens, provider.token_delay = 10_000, 0.005
    async with connected(provider) as client:
        async with client.chat_stream(QUESTION) as stream:
            async for _ in stream:
                if stream.text.count(" ") >= 3:
                    break
        with anyio.fail_after(2):
            while not provider.cancelled:
                await anyio.sleep(0.005)
        assert provider.cancelled[0].sent < 50
        assert open_connections(client) == []
        with pytest.raises(BrokenStreamError):
            await read(stream)
        await stream.aclose()


async def test_an_error_of_the_consumer_is_not_swallowed(provider: Provider) -> None:
    async with connected(provider) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.chat_stream(QUESTION):
                1 / 0  # noqa: B018
        assert open_connections(client) == []


async def test_two_hundred_cancelled_streams_leave_nothing_behind(provider: Provider) -> None:
    provider.tokens, provider.token_delay, provider.first_token_delay = 10_000, 0.002, 0.01
    async with connected(provider, connections=10) as client:

        async def leave(after: float) -> None:
            with anyio.move_on_after(after):
                await whole(client)
                pytest.fail("it was to be cancelled")

        for batch in range(20):
            async with anyio.create_task_group() as group:
                for number in range(10):
                    group.start_soon(leave, 0.004 * (batch % 4) + 0.003 * number)
        assert open_connections(client) == []
        provider.tokens = 5
        assert (await whole(client)).finish_reason == "stop"
        with anyio.fail_after(5):
            while len(provider.cancelled) + sum(one.ended == "whole" for one in provider.served) < len(
                provider.requests
            ):
                await anyio.sleep(0.01)
    gc.collect()


async def test_fifty_at_once_over_one_client(provider: Provider) -> None:
    provider.tokens, provider.token_delay = 20, 0.002
    texts: list[str] = []
    async with connected(provider, connections=20) as client, anyio.create_task_group() as group:

        async def one() -> None:
            await embed(client)
            texts.append((await whole(client)).text)

        for _ in range(50):
            group.start_soon(one)
    assert len(texts) == 50
    assert len(set(texts)) == 1
    for kind in ("embeddings", "chat"):
        assert len({request.connection for request in provider.requests if request.kind == kind}) <= 20


def test_threads_of_a_portal_share_one_client(provider: Provider) -> None:
    provider.tokens, provider.token_delay = 10, 0.002
    client = OpenAIClient(provider.url, provider.key, chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(1, 0.0))
    found: list[str] = []
    with start_blocking_portal() as portal:
        threads = [
            threading.Thread(target=lambda: found.append(portal.call(whole, client, QUESTION).text)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        portal.call(whole, client, QUESTION)
        portal.call(client.aclose)
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_page_that_leaves_stops_the_provider(provider: Provider) -> None:
    provider.tokens, provider.token_delay = 10_000, 0.005
    client = OpenAIClient(provider.url, provider.key, chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(1, 0.0))
    with start_blocking_portal() as portal:
        for _ in range(10):
            task: Future[object] = portal.start_task_soon(whole, client, QUESTION)
            while not any(one.deltas for one in provider.served[-1:]):
                portal.call(anyio.sleep, 0.005)
            task.cancel()
            while len(provider.cancelled) < len(provider.requests):
                portal.call(anyio.sleep, 0.005)
        deadline = time.monotonic() + 5  # the last one may have been cancelled while it was connecting
        while portal.call(_held, client) and time.monotonic() < deadline:
            portal.call(anyio.sleep, 0.005)
        assert portal.call(_held, client) == []
        provider.tokens = 5
        assert portal.call(whole, client, QUESTION).finish_reason == "stop"
        portal.call(client.aclose)


async def _held(client: OpenAIClient) -> list[str]:
    return open_connections(client)


async def test_after_closing_there_is_no_call(provider: Provider) -> None:
    async with connected(provider) as client:
        await whole(client)
        await client.aclose()
        await client.aclose()
        with pytest.raises(RuntimeError):
            await whole(client)
