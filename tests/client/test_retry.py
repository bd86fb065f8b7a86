"""When a call is tried again: decided by pure functions, then seen on the wire with every wait written down."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest

from sipd_core.client import RetryPolicy, Timeouts
from sipd_core.client.retry import delay, retry_after
from sipd_core.errors import ProviderDownError, ProviderError, RateLimitedError
from tests import provider as p
from tests.client.asking import Waits, connected, embed, whole
from tests.provider import Fault, Provider

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
POLICY = RetryPolicy(retries=3, delay=0.5, longest=20.0)


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("attempt", "asked", "share", "seconds"),
    [
        (1, None, 1.0, 0.5),
        (2, None, 1.0, 1.0),
        (3, None, 1.0, 2.0),
        (3, None, 0.25, 0.5),
        (3, None, 0.0, 0.0),
        (9, None, 1.0, 20.0),
        (1_000, None, 1.0, 20.0),
        (1, 3.0, 1.0, 3.0),
        (1, 0.1, 1.0, 0.5),
        (1, 0.0, 0.0, 0.0),
        (1, 99.0, 0.0, 20.0),
    ],
)
def test_how_long_to_wait(attempt: int, asked: float | None, share: float, seconds: float) -> None:
    assert delay(POLICY, attempt, asked, share) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "1s"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
        ({"retry-after": http_date(NOW + timedelta(seconds=4))}, 4.0),
        ({"retry-after": http_date(NOW - timedelta(hours=1))}, 0.0),
        ({"retry-after": "Tue, 01 Sep 2026 08:00:09 -0000"}, 9.0),
        ({"retry-after": "Tue, 01 Sep 2026 15:00:09 +0700"}, 9.0),
        ({"retry-after": "Tue, 99 Sep 2026 08:00:09 GMT"}, None),
        ({"retry-after": http_date(NOW + timedelta(minutes=10)), "date": http_date(NOW + timedelta(seconds=598))}, 2.0),
    ],
)
def test_what_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, lambda: NOW) == seconds


@pytest.mark.parametrize("kind", ["embeddings", "chat"])
async def test_waits_grow_and_are_spread(provider: Provider, kind: p.Kind) -> None:
    provider.script(kind, p.ServerError(), p.Reset(), p.RateLimit(None))
    waits, shares = Waits(), iter([1.0, 0.5, 0.25])
    async with connected(provider, retry=RetryPolicy(3, 0.8), sleep=waits, random=lambda: next(shares)) as client:
        await (embed(client) if kind == "embeddings" else whole(client))
    assert waits == pytest.approx([0.8, 0.8, 0.8])


@pytest.mark.parametrize("kind", ["embeddings", "chat"])
async def test_the_latest_answer_says_how_long_to_wait(provider: Provider, kind: p.Kind) -> None:
    until = http_date(NOW + timedelta(seconds=3))
    faults: list[Fault] = [p.RateLimit("9"), p.RateLimit(until), p.RateLimit("0.5"), p.ServerError()]
    provider.script(kind, *faults)
    waits = Waits()
    async with connected(
        provider, retry=RetryPolicy(4, 0.1), sleep=waits, random=lambda: 1.0, now=lambda: NOW
    ) as client:
        await (embed(client) if kind == "embeddings" else whole(client))
    assert waits == pytest.approx([9.0, 3.0, 0.5, 0.8])


@pytest.mark.parametrize("kind", ["embeddings", "chat"])
@pytest.mark.parametrize("asked", ["21", http_date(NOW + timedelta(seconds=21)), "3600"])
async def test_a_provider_that_asks_for_too_much_is_left_alone(provider: Provider, kind: p.Kind, asked: str) -> None:
    provider.script(kind, p.RateLimit(asked), forever=True)
    waits, patient = Waits(), Timeouts(connect=1.0, first_byte=1.0, between=1.0, total=10_000.0)
    async with connected(provider, limits=patient, sleep=waits, now=lambda: NOW) as client:
        with pytest.raises(RateLimitedError) as raised:
            await (embed(client) if kind == "embeddings" else whole(client))
    assert (waits, provider.calls(kind), raised.value.retries) == ([], 1, 0)
    assert raised.value.retry_after == (3600.0 if asked == "3600" else 21.0)
    assert raised.value.status == 429


async def test_the_error_of_the_last_attempt_is_raised_with_what_it_asked(provider: Provider) -> None:
    provider.script("embeddings", p.ServerError(), p.Reset(), p.RateLimit("4"))
    async with connected(provider) as client:
        with pytest.raises(RateLimitedError) as raised:
            await embed(client)
    assert (raised.value.retries, raised.value.retry_after) == (2, 4.0)
    assert raised.value.request_id == provider.requests[2].request_id


async def test_no_wait_goes_beyond_the_deadline_of_the_call(provider: Provider) -> None:
    provider.script("embeddings", p.RateLimit("8"), forever=True)
    waits, at = Waits(), 100.0

    async def sleep(seconds: float) -> None:
        nonlocal at
        at += seconds
        await waits(seconds)

    limits = Timeouts(connect=1.0, first_byte=1.0, between=1.0, total=20.0)
    async with connected(provider, limits=limits, retries=9, sleep=sleep, clock=lambda: at) as client:
        with pytest.raises(RateLimitedError) as raised:
            await embed(client)
    assert (waits, raised.value.retries) == ([8.0, 8.0], 2)


async def test_waiting_counts_as_latency(provider: Provider) -> None:
    provider.script("embeddings", p.RateLimit("8"))
    at = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal at
        at += seconds

    async with connected(provider, sleep=sleep, clock=lambda: at) as client:
        assert (await embed(client)).meta.latency_ms == pytest.approx(8_000)


@pytest.mark.parametrize("retries", [0, 1, 4])
async def test_so_many_retries_and_no_more(provider: Provider, retries: int) -> None:
    provider.script("embeddings", p.ServerError(), forever=True)
    async with connected(provider, retries=retries) as client:
        with pytest.raises(ProviderDownError) as raised:
            await embed(client)
    assert (provider.calls("embeddings"), raised.value.retries) == (retries + 1, retries)


async def test_concurrent_calls_keep_their_own_count(provider: Provider) -> None:
    provider.script("embeddings", *[p.ServerError()] * 30)
    ends: list[int] = []
    async with connected(provider, retries=60, sleep=anyio.sleep, retry=RetryPolicy(60, 0.001)) as client:

        async def one(number: int) -> None:
            try:
                ends.append((await embed(client, f"teks {number}")).meta.retries)
            except ProviderError as error:
                pytest.fail(str(error))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, number)
    assert (len(ends), sum(ends)) == (20, 30)
    assert provider.calls("embeddings") == 50
