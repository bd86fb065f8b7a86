"""Paid calls over real sockets and real databases: for each way a call can end, what the books say."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import select

from sipd_core.breaker import Breaker, BreakerState
from sipd_core.client import ChatRequest, Message, OpenAIClient, RetryPolicy, Timeouts
from sipd_core.errors import (
    BadReplyError,
    BreakerOpenError,
    BrokenStreamError,
    BudgetExceededError,
    ProviderDownError,
    ProviderError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    StoreLockedError,
    TimedOutError,
    UnknownModelError,
    UnreachableError,
)
from sipd_core.metered import Kind, MeteredClient
from sipd_core.prices import PriceTable
from sipd_core.settings import SHIPPED_DATA
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.schema import usage
from sipd_core.usage import Books, CallRecord, Outcome, Usage, jakarta_day
from tests.provider import (
    CHAT_MODEL,
    EMBEDDING_MODEL,
    Empty,
    ErrorInStream,
    Fault,
    Length,
    Malformed,
    NoDone,
    NoFinish,
    NotFinite,
    NoUsage,
    Provider,
    RateLimit,
    Reset,
    ResetMidStream,
    ServerError,
    SlowFirstByte,
    Stall,
    Status,
    Truncate,
    WrongCount,
    WrongDimension,
)

pytestmark = pytest.mark.anyio

PRICES = PriceTable.load(SHIPPED_DATA / "prices.csv")
TEXTS = ["SP2D belum cair", "akun tidak bisa masuk"]
DIMENSION = 8
PATIENT = Timeouts(connect=10.0, first_byte=10.0, between=10.0, total=30.0)
QUICK = Timeouts(connect=2.0, first_byte=0.3, between=0.3, total=10.0)
"""For those only whose provider keeps silent: on a busy machine a healthy answer may take longer than this."""


def count_tokens(text: str) -> int:
    """An estimate that is easy to follow: one token for four characters, and one."""
    return len(text) // 4 + 1


PROMPT = sum(map(count_tokens, TEXTS))


@dataclass
class Till:
    """A metered client with everything behind it that a test looks at."""

    metered: MeteredClient
    database: Database
    settled: list[CallRecord] = field(default_factory=list)

    async def embed(self, texts: list[str] = TEXTS) -> Any:
        return await self.metered.embed(
            EMBEDDING_MODEL, texts, dimension=DIMENSION, operation="query_embedding", conversation="c1"
        )

    async def chat(self, model: str = CHAT_MODEL) -> str:
        async with self.metered.chat_stream(question(model), conversation="c1") as stream:
            async for _ in stream:
                pass
            return stream.text

    def rows(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(usage).order_by(usage.c.id)))

    def only(self) -> Any:
        (row,) = self.rows()
        return row


def question(model: str = CHAT_MODEL, max_tokens: int = 500) -> ChatRequest:
    return ChatRequest(model, tuple(Message("user", text) for text in TEXTS), max_tokens, 0.2)


@pytest.fixture
def provider() -> Any:
    with Provider(tokens=12, answer=lambda _: "Langkah pertama, buka menu Pencairan. ") as running:
        yield running


OpenTill = Callable[..., Any]


def limits_for(fault: Fault) -> Timeouts:
    return QUICK if isinstance(fault, SlowFirstByte | Stall) else PATIENT


@pytest.fixture
def open_till(provider: Provider, database: Database) -> OpenTill:
    """Opens a till on the provider and the database of this test."""

    @asynccontextmanager
    async def opened(
        *,
        daily: str | None = None,
        retries: int = 0,
        url: str | None = None,
        key: str | None = None,
        timeouts: Timeouts = PATIENT,
        books: Callable[[Books], Books] = lambda real: real,
        make_breaker: Callable[[], Breaker] = Breaker,
        count_tokens: Callable[[str], int] = count_tokens,
    ) -> AsyncIterator[Till]:
        tracker = CostTracker(database, daily_budget=Decimal(daily) if daily else None, usd_idr=Decimal(16_500))
        client = OpenAIClient(
            url or provider.url,
            key or provider.key,
            chat=timeouts,
            embedding=timeouts,
            retry=RetryPolicy(retries=retries, delay=0.01),
        )
        settled: list[CallRecord] = []
        metered = MeteredClient(
            client,
            books(tracker),
            PRICES,
            count_tokens=count_tokens,
            on_settled=settled.append,
            make_breaker=make_breaker,
        )
        try:
            yield Till(metered, database, settled)
        finally:
            await client.aclose()

    return opened


def money(model: str, used: Usage) -> int:
    """Pico-dollars of these tokens by the shipped table."""
    price = PRICES.price(model, jakarta_day(datetime.now(UTC)))
    assert price is not None
    return int(price.cost(used) * 10**12)


# -- embeddings --------------------------------------------------------------------------------------------------------


async def test_an_embedding_is_booked_as_the_provider_counted_it(open_till: OpenTill, provider: Provider) -> None:
    async with open_till() as till:
        vectors = await till.embed()
        row = till.only()
    assert vectors.shape == (2, DIMENSION)
    assert (row.outcome, row.operation, row.model, row.texts) == ("ok", "query_embedding", EMBEDDING_MODEL, 2)
    assert (row.prompt_tokens, row.estimated) == (provider.served[0].prompt_tokens, False)
    assert row.cost_pico_usd == money(EMBEDDING_MODEL, Usage(row.prompt_tokens)) > 0
    assert (row.conversation_id, row.request_id, row.retries) == ("c1", provider.requests[0].request_id, 0)
    assert row.latency_ms > 0
    assert [(record.outcome, record.usage.prompt) for record in till.settled] == [(Outcome.OK, row.prompt_tokens)]


async def test_usage_that_nobody_says_is_counted_and_marked(open_till: OpenTill, provider: Provider) -> None:
    provider.script("embeddings", NoUsage())
    async with open_till() as till:
        await till.embed()
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.estimated) == ("ok", PROMPT, True)
    assert row.cost_pico_usd == money(EMBEDDING_MODEL, Usage(PROMPT))


async def test_retries_are_part_of_the_one_record(open_till: OpenTill, provider: Provider) -> None:
    provider.script("embeddings", ServerError(503), RateLimit("0"))
    async with open_till(retries=3) as till:
        await till.embed()
        assert (till.only().outcome, till.only().retries) == ("ok", 2)


REFUSALS: list[tuple[Fault, type[ProviderError]]] = [
    (RateLimit(None), RateLimitedError),
    (ServerError(500), ProviderDownError),
    (Status(400, {"detail": "bad"}), RefusedRequestError),
    (Status(401, {"detail": "no"}), RefusedKeyError),
    (Status(404, {"detail": "The model does not exist."}), UnknownModelError),
]


@pytest.mark.parametrize(("fault", "error"), REFUSALS)
@pytest.mark.parametrize("kind", ["embeddings", "chat"])
async def test_a_refusal_is_booked_without_tokens_or_cost(
    open_till: OpenTill, provider: Provider, kind: Any, fault: Fault, error: type[ProviderError]
) -> None:
    provider.script(kind, fault)
    async with open_till() as till:
        with pytest.raises(error):
            await (till.embed() if kind == "embeddings" else till.chat())
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.completion_tokens, row.cost_pico_usd) == ("failed", 0, 0, 0)
    assert row.estimated is False
    assert row.request_id == provider.requests[0].request_id


USELESS: list[tuple[Fault, type[ProviderError]]] = [
    (Reset(), ProviderDownError),
    (SlowFirstByte(3), TimedOutError),
    (Malformed(), BadReplyError),
    (WrongCount(), BadReplyError),
    (WrongDimension(), BadReplyError),
    (NotFinite(), BadReplyError),
    (Empty(), BadReplyError),
]


@pytest.mark.parametrize(("fault", "error"), USELESS)
async def test_what_may_have_been_done_in_vain_is_booked_as_an_estimate(
    open_till: OpenTill, provider: Provider, fault: Fault, error: type[ProviderError]
) -> None:
    provider.script("embeddings", fault)
    async with open_till(timeouts=limits_for(fault)) as till:
        with pytest.raises(error):
            await till.embed()
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.estimated) == ("failed", PROMPT, True)
    assert row.cost_pico_usd == money(EMBEDDING_MODEL, Usage(PROMPT))


@pytest.mark.parametrize("kind", ["embeddings", "chat"])
async def test_a_provider_that_was_never_reached_leaves_nothing(open_till: OpenTill, kind: str) -> None:
    async with open_till(url="http://127.0.0.1:9/v1") as till:
        with pytest.raises(UnreachableError):
            await (till.embed() if kind == "embeddings" else till.chat())
        assert (till.rows(), till.settled) == ([], [])


async def test_an_unknown_price_is_booked_as_unknown(open_till: OpenTill, provider: Provider) -> None:
    provider.models = (*provider.models, "model-baru")
    async with open_till() as till:
        await till.chat("model-baru")
        row = till.only()
    assert (row.outcome, row.cost_pico_usd) == ("ok", None)
    assert row.prompt_tokens > 0


async def test_what_was_refused_is_free_also_at_an_unknown_price(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", ServerError())
    async with open_till() as till:
        with pytest.raises(ProviderDownError):
            await till.chat("model-baru")
        assert till.only().cost_pico_usd == 0


async def test_an_estimate_is_never_more_than_was_reserved(open_till: OpenTill, provider: Provider) -> None:
    provider.script("embeddings", NoUsage())
    provider.script("chat", NoUsage())
    async with open_till(count_tokens=lambda _: 10**6) as till:
        await till.embed()
        await till.chat()
        most = sum(len(text.encode()) + 16 for text in TEXTS)
        assert [(row.prompt_tokens, row.completion_tokens) for row in till.rows()] == [(most, 0), (most, 500)]


async def test_an_embedding_that_is_cancelled_is_paid_for_at_once(open_till: OpenTill, provider: Provider) -> None:
    provider.script("embeddings", SlowFirstByte(5))
    async with open_till() as till:
        async with anyio.create_task_group() as group:
            group.start_soon(till.embed)
            await arrived(provider, "embeddings")
            group.cancel_scope.cancel()
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.estimated) == ("stopped", PROMPT, True)


async def test_a_call_that_is_cancelled_before_it_is_sent_leaves_nothing(
    open_till: OpenTill, provider: Provider
) -> None:
    scope = anyio.CancelScope()

    class CancelsWhenOpened:
        def __init__(self, real: Books) -> None:
            self.settle, self.release, self._open = real.settle, real.release, real.open

        def open(self, call: CallRecord) -> int:
            entry = self._open(call)
            anyio.from_thread.run_sync(scope.cancel)
            return entry

    async with open_till(books=CancelsWhenOpened) as till:
        with scope:
            await till.embed()
        assert scope.cancelled_caught
        assert till.rows() == []
    assert provider.requests == []


# -- answers -----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_booked_before_its_end_is_seen(open_till: OpenTill, provider: Provider) -> None:
    provider.cached_tokens = 4
    async with open_till() as till:
        async with till.metered.chat_stream(question(), conversation="c1") as stream:
            assert stream.record is None
            pieces = []
            async for piece in stream:
                assert till.only().outcome == "open"
                pieces.append(piece)
            row = till.only()
        assert till.rows() == [row]
    served = provider.served[0]
    assert "".join(pieces) == stream.text and stream.finish_reason == "stop"
    assert (row.outcome, row.operation, row.texts) == ("ok", "chat", 1)
    assert (row.prompt_tokens, row.completion_tokens) == (served.prompt_tokens, served.completion_tokens)
    assert row.cached_tokens == 4
    assert stream.record == till.settled[0]
    assert stream.record is not None and stream.record.cost_usd == Decimal(row.cost_pico_usd) / 10**12


async def test_the_reservation_is_never_less_than_what_it_becomes(open_till: OpenTill, provider: Provider) -> None:
    async with open_till() as till:
        async with till.metered.chat_stream(question(max_tokens=64), conversation=None) as stream:
            worst = till.only()
            async for _ in stream:
                pass
        was = till.only()
    assert worst.prompt_tokens == sum(len(text.encode()) + 16 for text in TEXTS)
    assert worst.completion_tokens == 64
    assert was.prompt_tokens <= worst.prompt_tokens and was.cost_pico_usd <= worst.cost_pico_usd


async def test_an_answer_cut_by_its_limit_is_whole_for_the_books(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", Length())
    async with open_till() as till:
        await till.chat()
        assert till.only().outcome == "ok"


async def test_an_answer_without_usage_is_counted_from_its_text(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", NoUsage())
    async with open_till() as till:
        said = await till.chat()
        row = till.only()
    assert (row.outcome, row.estimated) == ("ok", True)
    assert (row.prompt_tokens, row.completion_tokens) == (PROMPT, count_tokens(said))


BREAKS: list[tuple[Fault, type[ProviderError]]] = [
    (Truncate(3), BrokenStreamError),
    (Truncate(3, abrupt=True), ProviderError),
    (NoFinish(), BrokenStreamError),
    (ResetMidStream(3), ProviderError),
    (Stall(3, 3), ProviderError),
    (ErrorInStream(3), ProviderError),
    (Malformed(), ProviderError),
]


@pytest.mark.parametrize(("fault", "error"), BREAKS)
async def test_a_broken_answer_is_booked_with_what_had_come(
    open_till: OpenTill, provider: Provider, fault: Fault, error: type[ProviderError]
) -> None:
    provider.script("chat", fault)
    said = ""
    async with open_till(timeouts=limits_for(fault)) as till:
        with pytest.raises(error):
            async with till.metered.chat_stream(question(), conversation=None) as stream:
                try:
                    async for piece in stream:
                        said += piece
                finally:
                    seen = till.only()
        assert till.only() == seen, "the books say so before the break is seen"
    assert (seen.outcome, seen.prompt_tokens > 0, bool(said)) == ("broken", True, True)
    if seen.estimated:
        assert (seen.prompt_tokens, seen.completion_tokens) == (PROMPT, count_tokens(said))
    assert seen.cost_pico_usd == money(CHAT_MODEL, Usage(seen.prompt_tokens, seen.completion_tokens))
    assert len(till.settled) == 1


async def test_usage_that_came_before_the_break_is_believed(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", NoDone())
    async with open_till() as till:
        with pytest.raises(BrokenStreamError):
            await till.chat()
        row = till.only()
    assert (row.outcome, row.estimated) == ("broken", False)
    assert row.completion_tokens == provider.served[0].completion_tokens


async def test_an_answer_that_never_begins_has_failed(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", SlowFirstByte(3))
    async with open_till(timeouts=QUICK) as till:
        with pytest.raises(TimedOutError):
            await till.chat()
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.completion_tokens, row.estimated) == ("failed", PROMPT, 0, True)


async def left_by_break(till: Till) -> str:
    async with till.metered.chat_stream(question(), conversation=None) as stream:
        async for _ in stream:
            if len(stream.text) > 10:
                break
        return stream.text


async def left_by_cancellation(till: Till) -> str:
    with anyio.CancelScope() as scope:
        async with till.metered.chat_stream(question(), conversation=None) as stream:
            async for _ in stream:
                if len(stream.text) > 10:
                    scope.cancel()
    return stream.text


async def left_by_an_error(till: Till) -> str:
    with pytest.raises(ZeroDivisionError):
        async with till.metered.chat_stream(question(), conversation=None) as stream:
            async for _ in stream:
                if len(stream.text) > 10:
                    raise ZeroDivisionError
    return stream.text


async def left_by_closing_a_generator(till: Till) -> str:
    said = ""

    async def pieces() -> AsyncIterator[str]:
        async with till.metered.chat_stream(question(), conversation=None) as stream:
            async for piece in stream:
                yield piece

    async with aclosing(pieces()) as reader:  # type: ignore[type-var]
        async for piece in reader:
            said += piece
            if len(said) > 10:
                break
    return said


async def left_for_one_piece_only(till: Till) -> str:
    """Whoever gives up waiting for a piece has closed the connection, which does not speak against the provider."""
    async with till.metered.chat_stream(question(), conversation=None) as stream:
        await anext(stream)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(stream)
        for _ in range(3):
            with pytest.raises(BrokenStreamError):
                await anext(stream)
        return stream.text


@pytest.mark.parametrize(
    "leave",
    [left_by_break, left_by_cancellation, left_by_an_error, left_by_closing_a_generator, left_for_one_piece_only],
)
async def test_whoever_leaves_still_pays(open_till: OpenTill, provider: Provider, leave: Callable[[Till], Any]) -> None:
    provider.tokens, provider.token_delay = 200, 0.005
    async with open_till() as till:
        said = await leave(till)
        row = till.only()
        assert till.metered.breaker(Kind.CHAT, CHAT_MODEL).state is BreakerState.CLOSED
    assert (row.outcome, row.estimated) == ("stopped", True)
    assert (row.prompt_tokens, row.completion_tokens) == (PROMPT, count_tokens(said))
    assert [record.outcome for record in till.settled] == [Outcome.STOPPED]


async def test_an_answer_cancelled_before_it_begins_is_paid_for(open_till: OpenTill, provider: Provider) -> None:
    provider.script("chat", SlowFirstByte(5))
    async with open_till() as till:
        async with anyio.create_task_group() as group:
            group.start_soon(till.chat)
            await arrived(provider, "chat")
            group.cancel_scope.cancel()
        row = till.only()
    assert (row.outcome, row.prompt_tokens, row.completion_tokens) == ("stopped", PROMPT, 0)


async def test_books_that_cannot_be_written_never_take_an_answer_away(
    open_till: OpenTill, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked:
        def __init__(self, real: Books) -> None:
            self.open, self.release = real.open, real.release

        def settle(self, entry: int, call: CallRecord) -> None:
            raise StoreLockedError("locked")

    async with open_till(books=Locked) as till:
        assert await till.chat()
        assert (await till.embed()).shape == (2, DIMENSION)
        assert [row.outcome for row in till.rows()] == ["open", "open"], "the reservation stays, and is closed later"
    assert "stays reserved" in caplog.text


# -- the breaker -------------------------------------------------------------------------------------------------------


async def test_a_provider_that_fails_is_left_alone_without_a_word_in_the_books(
    open_till: OpenTill, provider: Provider
) -> None:
    provider.script("chat", ServerError(), ServerError(), ServerError())
    async with open_till() as till:
        for _ in range(3):
            with pytest.raises(ProviderDownError):
                await till.chat()
        with pytest.raises(BreakerOpenError):
            await till.chat()
        assert len(till.rows()) == provider.calls("chat") == 3
        assert till.metered.breaker(Kind.CHAT, CHAT_MODEL).state is BreakerState.OPEN
        await till.embed()
        assert await till.chat("openai/gpt-oss-120b"), "other models and kinds of call go on"


async def test_what_is_wrong_with_the_request_does_not_open_the_breaker(
    open_till: OpenTill, provider: Provider
) -> None:
    provider.script("embeddings", *[Status(413, {"detail": "too long"})] * 5)
    async with open_till() as till:
        for _ in range(5):
            with pytest.raises(RefusedRequestError):
                await till.embed()
        assert (await till.embed()).shape == (2, DIMENSION)


async def test_a_refused_key_opens_the_breaker_at_once(open_till: OpenTill, provider: Provider) -> None:
    async with open_till(key="kunci-salah") as till:
        with pytest.raises(RefusedKeyError):
            await till.embed()
        with pytest.raises(BreakerOpenError):
            await till.embed()
    assert len(provider.requests) == 1


async def test_a_call_without_budget_does_not_count_against_the_provider(
    open_till: OpenTill, provider: Provider
) -> None:
    async with open_till(daily="0.0000001") as till:
        for _ in range(5):
            with pytest.raises(BudgetExceededError):
                await till.chat()
        assert till.rows() == []
        assert till.metered.breaker(Kind.CHAT, CHAT_MODEL).state is BreakerState.CLOSED
    assert provider.requests == []


async def test_only_failures_in_a_row_open_the_breaker(open_till: OpenTill, provider: Provider) -> None:
    async with open_till() as till:
        for _ in range(3):
            provider.script("chat", ServerError(), ServerError())
            for _ in range(2):
                with pytest.raises(ProviderDownError):
                    await till.chat()
            await till.chat()


async def test_a_probe_that_is_stopped_or_finds_no_budget_gives_its_place_to_the_next(
    open_till: OpenTill, provider: Provider
) -> None:
    provider.script("chat", ServerError())
    provider.tokens, provider.token_delay = 200, 0.001
    async with open_till(make_breaker=lambda: Breaker(1, rest=0.0), daily="0.001") as till:
        with pytest.raises(ProviderDownError):
            await till.chat()
        breaker = till.metered.breaker(Kind.CHAT, CHAT_MODEL)
        await left_by_break(till)
        with pytest.raises(BudgetExceededError):
            async with till.metered.chat_stream(question(max_tokens=10**6), conversation=None):
                pass
        assert breaker.state is BreakerState.HALF_OPEN
        await till.chat()
        assert till.metered.breaker(Kind.CHAT, CHAT_MODEL).state is BreakerState.CLOSED


# -- many at once ------------------------------------------------------------------------------------------------------


async def test_fifty_at_once_never_overshoot_a_small_budget(open_till: OpenTill, provider: Provider) -> None:
    provider.first_token_delay = 0.02
    worst = money(CHAT_MODEL, Usage(sum(len(text.encode()) + 16 for text in TEXTS), 500))
    ended: dict[str, int] = {"ok": 0, "refused": 0}
    highest = 0

    async def ask(till: Till) -> None:
        nonlocal highest
        try:
            await till.chat()
            ended["ok"] += 1
        except BudgetExceededError:
            ended["refused"] += 1
        highest = max(highest, sum(row.cost_pico_usd for row in await anyio.to_thread.run_sync(till.rows)))

    async with open_till(daily=str(Decimal(worst * 7) / 10**12)) as till:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask, till)
        assert [row.outcome for row in till.rows()] == ["ok"] * ended["ok"]
    assert ended["ok"] == provider.calls("chat") >= 7
    assert ended["refused"] == 50 - ended["ok"] > 0
    assert highest <= worst * 7


async def test_faults_at_random_lose_no_record_and_double_none(open_till: OpenTill, provider: Provider) -> None:
    provider.rate_429, provider.rate_500, provider.retry_after, provider.seed = 0.05, 0.02, "0", 3
    failures: list[ProviderError] = []

    async def ask(till: Till, limit: anyio.CapacityLimiter, n: int) -> None:
        async with limit:
            try:
                await (till.embed() if n % 2 else till.chat())
            except ProviderError as error:
                failures.append(error)

    async with open_till(retries=4) as till:
        limit = anyio.CapacityLimiter(20)
        async with anyio.create_task_group() as group:
            for n in range(200):
                group.start_soon(ask, till, limit, n)
        rows = till.rows()
    assert failures == []
    assert [row.outcome for row in rows] == ["ok"] * 200
    assert sum(1 + row.retries for row in rows) == len(provider.requests) > 200
    served = [reply for reply in provider.served if reply.status == 200]
    assert sorted(row.prompt_tokens for row in rows) == sorted(reply.prompt_tokens for reply in served)


CHILD = """
import sys, anyio
from decimal import Decimal
from pathlib import Path
from sipd_core.client import ChatRequest, Message, OpenAIClient, RetryPolicy, Timeouts
from sipd_core.metered import MeteredClient
from sipd_core.prices import PriceTable
from sipd_core.settings import SHIPPED_DATA
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker

async def main(url, key, database):
    long = Timeouts(30, 30, 30, 30)
    client = OpenAIClient(url, key, chat=long, embedding=long, retry=RetryPolicy(retries=0, delay=1))
    books = CostTracker(Database(database), usd_idr=Decimal(1))
    prices = PriceTable.load(SHIPPED_DATA / "prices.csv")
    metered = MeteredClient(client, books, prices, count_tokens=len, on_settled=print)
    request = ChatRequest("Qwen/Qwen3-30B-A3B-Instruct-2507", (Message("user", "SP2D"),), 100, 0.2)
    async with metered.chat_stream(request, conversation="c1") as stream:
        async for piece in stream:
            print("began", flush=True)

anyio.run(main, *sys.argv[1:])
"""


async def test_a_process_killed_in_mid_call_leaves_its_worst_case_behind(provider: Provider, tmp_path: Path) -> None:
    provider.script("chat", Stall(1, 60))
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    root = Path(__file__).resolve().parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, provider.url, provider.key, url],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "began\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    database = Database(url)
    books = CostTracker(database, usd_idr=Decimal(1))
    till = Till(None, database)  # type: ignore[arg-type]
    assert till.only().outcome == "open"
    assert books.close_interrupted(-1) == 1
    (record,) = books.calls(2)
    database.close()
    assert (record.outcome, record.usage) == (Outcome.INTERRUPTED, Usage(4 + 16, 100, estimated=True))
    assert record.cost_usd == Decimal("0.000032")


async def arrived(provider: Provider, kind: Any) -> None:
    """Wait until the provider has read a request of this kind."""
    with anyio.fail_after(10):
        while not provider.calls(kind):
            await anyio.sleep(0.01)
