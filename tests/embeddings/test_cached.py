"""Nothing is embedded twice, two roles never share a vector, a failure is never cached, every call is in the books."""

import functools
from collections.abc import Callable

import anyio
import numpy as np
import pytest
from anyio import CancelScope, Event
from anyio.abc import TaskGroup

from sipd_core.cache import EmbeddingCache, VectorOrigin
from sipd_core.embeddings import OnPart, Role, Vectors
from sipd_core.embeddings.cached import CachedEmbedder, Embedded
from sipd_core.embeddings.parts import embed_parts, split
from sipd_core.errors import EmbeddingError, StoreFullError, StoreLockedError
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.usage import CallRecord

pytestmark = pytest.mark.anyio


class CountingEmbedder:
    """An Embedder whose vector can be worked out by hand: the text's length on the role's axis. Long lists go two by two."""

    model = "hitung"
    dimension = 2

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken: set[str] = set()
        self.prefix = ""
        self.gate: Event | None = None

    async def embed_queries(self, texts: list[str]) -> Vectors:
        return await self._embed(texts, 0)

    async def embed_passages(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        return await self._in_parts(texts, 1, on_part)

    async def embed_examples(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        return await self._in_parts(texts, 0, on_part)

    def as_read(self, role: Role, text: str) -> str:
        return self.prefix + text

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def _in_parts(self, texts: list[str], axis: int, on_part: OnPart | None) -> Vectors:
        parts = split([0] * len(texts), max_items=2, max_size=0)
        return await embed_parts(
            parts, lambda part: self._embed(texts[part.start : part.stop], axis), on_part, dimension=2, workers=1
        )

    async def _embed(self, texts: list[str], axis: int) -> Vectors:
        self.seen += texts
        if self.gate:
            await self.gate.wait()
        if self.broken & set(texts):
            raise EmbeddingError("down", reason="uji")
        vectors = np.zeros((len(texts), 2), dtype=np.float32)
        vectors[:, axis] = [len(text) for text in texts]
        return vectors


class Bench:
    def __init__(self, database: Database, memory: EmbeddingCache | None) -> None:
        self.inner = CountingEmbedder()
        self.calls: list[CallRecord] = []
        self.monitor = PerformanceMonitor()
        self.store = EmbeddingStore(database, compress=True)
        self.embedder = CachedEmbedder(self.inner, memory, self.store, monitor=self.monitor, on_call=self.calls.append)

    @property
    def booked(self) -> list[tuple[str, int, int]]:
        return [(call.operation, call.usage.prompt, call.texts) for call in self.calls]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, EmbeddingCache(100, 60))


async def test_a_question_is_embedded_once(bench: Bench) -> None:
    first = await bench.embedder.queries(["apa itu spd"])
    again = await bench.embedder.queries(["apa itu spd"])
    assert (first.computed, again.computed) == (1, 0)
    assert bench.inner.seen == ["apa itu spd"]
    assert bench.monitor.get_stats().cache_hit_rate == 0.5


async def test_what_nobody_asked_is_left_out_of_the_figures(bench: Bench) -> None:
    for _ in range(2):
        await bench.embedder.queries(["apa itu spd"], counted=False)
    assert bench.inner.seen == ["apa itu spd"]
    assert bench.monitor.get_stats().cache_hit_rate is None


async def test_passages_are_durable(bench: Bench, database: Database) -> None:
    await bench.embedder.passages(["a", "bb", "a"])
    assert bench.inner.seen == ["a", "bb"]
    other = Bench(database, None)
    again = await other.embedder.passages(["bb", "ccc"])
    assert other.inner.seen == ["ccc"]
    assert again.vectors.tolist() == [[0, 2], [0, 3]]


async def test_examples_are_durable_questions(bench: Bench, database: Database) -> None:
    first = await bench.embedder.examples(["a", "bb", "ccc"])
    other = Bench(database, None)
    again = await other.embedder.examples(["ccc", "a", "bb"])
    assert (first.computed, again.computed, other.inner.seen) == (3, 0, [])
    assert again.vectors.tolist() == [[3, 0], [1, 0], [2, 0]]
    assert bench.booked == [("training_embedding", 3, 3)]


async def test_a_question_says_where_its_vector_came_from(bench: Bench) -> None:
    await bench.embedder.examples(["contoh"])
    asked = ["contoh", "contoh", "lain", "lain"]
    origins = [(await bench.embedder.queries([text])).origin for text in asked]
    kept, memory, miss = VectorOrigin.DURABLE, VectorOrigin.MEMORY, VectorOrigin.MISS
    assert origins == [kept, memory, miss, memory]
    assert bench.inner.seen == ["contoh", "lain"], "what SQL holds is not read again by the model"
    mixed = await bench.embedder.queries(["contoh", "baru", "contoh"])
    assert (mixed.origin, mixed.computed, mixed.vectors.tolist()) == (miss, 1, [[6, 0], [4, 0], [6, 0]])


async def test_a_database_that_cannot_be_read_does_not_keep_a_question_from_its_model(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError("locked")

    await bench.embedder.examples(["abc"])
    monkeypatch.setattr(bench.store, "get", locked)
    assert (await bench.embedder.queries(["abc"])).vectors.tolist() == [[3, 0]]


async def test_no_texts_ask_nothing(bench: Bench) -> None:
    for found in (await bench.embedder.queries([]), await bench.embedder.passages([])):
        assert (found.vectors.shape, found.keys, found.computed) == ((0, 2), (), 0)
    assert bench.calls == []


async def test_roles_do_not_share_vectors(bench: Bench) -> None:
    question, passage = await bench.embedder.queries(["abc"]), await bench.embedder.passages(["abc"])
    assert question.vectors.tolist() == [[3, 0]]
    assert passage.vectors.tolist() == [[0, 3]]


async def test_another_prefix_is_another_text(bench: Bench) -> None:
    await bench.embedder.examples(["a"])
    bench.inner.prefix = "query: "
    await bench.embedder.examples(["a"])
    assert bench.inner.seen == ["a", "a"]


async def test_a_failure_is_raised_and_not_cached(bench: Bench) -> None:
    bench.inner.broken = {"abc"}
    with pytest.raises(EmbeddingError):
        await bench.embedder.queries(["abc"])
    bench.inner.broken = set()
    assert (await bench.embedder.queries(["abc"])).vectors.tolist() == [[3, 0]]


async def test_every_call_is_in_the_books(bench: Bench) -> None:
    await bench.embedder.passages(["satu dua", "tiga"])
    await bench.embedder.passages(["satu dua"])
    await bench.embedder.queries(["satu"])
    assert bench.booked == [("index_embedding", 3, 2), ("query_embedding", 1, 1)]
    assert {call.cost_usd for call in bench.calls} == {0}


async def test_who_keeps_the_books_elsewhere_is_not_booked_here(database: Database) -> None:
    store, monitor = EmbeddingStore(database, compress=True), PerformanceMonitor()
    embedder = CachedEmbedder(CountingEmbedder(), None, store, monitor=monitor, on_call=None)
    assert (await embedder.passages(["a"])).computed + (await embedder.queries(["a"])).computed == 2


async def test_without_memory_nothing_is_remembered(database: Database) -> None:
    bench = Bench(database, None)
    await bench.embedder.queries(["x"])
    await bench.embedder.queries(["x"])
    assert bench.inner.seen == ["x", "x"]
    assert bench.embedder.stats() is None


async def test_a_failing_part_does_not_throw_away_the_others(bench: Bench, database: Database) -> None:
    bench.inner.broken = {"cc"}
    with pytest.raises(EmbeddingError):
        await bench.embedder.passages(["a", "b", "cc", "d", "e", "f"])
    assert bench.inner.seen == ["a", "b", "cc", "d"], "after a failure no further part is begun"
    assert bench.booked == [("index_embedding", 2, 2)]
    bench.inner.broken, bench.inner.seen = set(), []
    assert (await bench.embedder.passages(["a", "b", "cc"])).computed == 1
    assert bench.inner.seen == ["cc"]


async def test_progress_counts_every_text_once(bench: Bench) -> None:
    await bench.embedder.passages(["a", "bb"])
    steps: list[int] = []
    await bench.embedder.passages(["bb", "c", "dd", "c", "bb", "eee"], steps.append)
    assert steps == [2, 3, 1], "what is known at once, then part by part, doubles with their first"


async def test_a_part_is_durable_when_progress_tells_of_it(bench: Bench, database: Database) -> None:
    seen: list[tuple[int, int]] = []
    await bench.embedder.passages(["a", "bb", "ccc"], lambda n: seen.append((n, bench.store.size()[0])))
    assert seen == [(2, 2), (1, 3)]


async def test_a_full_disk_ends_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreFullError("full", path="/data")

    monkeypatch.setattr(bench.store, "put", full)
    with pytest.raises(StoreFullError):
        await bench.embedder.passages(["a"])
    assert bench.calls == []


async def test_what_came_back_before_a_cancellation_is_kept(bench: Bench) -> None:
    with CancelScope() as scope:
        await bench.embedder.passages(["a", "b", "c", "d"], lambda _: scope.cancel())
    assert scope.cancelled_caught
    assert bench.inner.seen[:2] == ["a", "b"]
    assert bench.store.size()[0] >= 2
    assert sum(texts for _, _, texts in bench.booked) == bench.store.size()[0]


class Askers:
    """Sessions that ask at the same time, each in a scope of its own."""

    def __init__(self, embedder: CachedEmbedder, group: TaskGroup) -> None:
        self._embedder = embedder
        self._group = group
        self.answers: list[Embedded | EmbeddingError] = []

    def ask(self, text: str) -> CancelScope:
        scope = CancelScope()
        self._group.start_soon(functools.partial(self._ask, text, scope))
        return scope

    async def _ask(self, text: str, scope: CancelScope) -> None:
        with scope:
            try:
                self.answers.append(await self._embedder.queries([text]))
            except EmbeddingError as error:
                self.answers.append(error)


@pytest.fixture
def held(bench: Bench) -> Callable[[], Event]:
    """Holds up the model until the event is set."""

    def hold() -> Event:
        bench.inner.gate = Event()
        return bench.inner.gate

    return hold


async def test_the_same_question_of_thirty_sessions_is_read_once(bench: Bench, held: Callable[[], Event]) -> None:
    async with anyio.create_task_group() as group:
        gate, askers = held(), Askers(bench.embedder, group)
        for _ in range(30):
            askers.ask("apa itu spd")
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert bench.inner.seen == ["apa itu spd"]
    assert [answer.vectors.tolist() for answer in askers.answers if isinstance(answer, Embedded)] == [[[11, 0]]] * 30
    assert bench.booked == [("query_embedding", 3, 1)]


async def test_the_session_that_began_may_leave(bench: Bench, held: Callable[[], Event]) -> None:
    async with anyio.create_task_group() as group:
        gate, askers = held(), Askers(bench.embedder, group)
        leader = askers.ask("abc")
        await anyio.wait_all_tasks_blocked()
        askers.ask("abc")
        await anyio.wait_all_tasks_blocked()
        leader.cancel()
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert len(askers.answers) == 1
    assert bench.inner.seen == ["abc"]


async def test_a_shared_failure_reaches_all_and_is_not_cached(bench: Bench, held: Callable[[], Event]) -> None:
    bench.inner.broken = {"abc"}
    async with anyio.create_task_group() as group:
        gate, askers = held(), Askers(bench.embedder, group)
        for _ in range(3):
            askers.ask("abc")
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert [type(answer) for answer in askers.answers] == [EmbeddingError] * 3
    bench.inner.broken = set()
    assert (await bench.embedder.queries(["abc"])).computed == 1
