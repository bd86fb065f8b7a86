"""Nothing is embedded twice, two roles never share a vector, a failure is never cached, every call is in the books."""

import numpy as np
import pytest

from sipd_core.cache import EmbeddingCache
from sipd_core.embeddings import Vectors
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.errors import EmbeddingError
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.usage import CallRecord

pytestmark = pytest.mark.anyio


class CountingEmbedder:
    """An Embedder whose vector can be worked out by hand: the text's length on the role's axis."""

    model = "hitung"
    dimension = 2

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken = False

    async def embed_queries(self, texts: list[str]) -> Vectors:
        return self._embed(texts, 0)

    async def embed_passages(self, texts: list[str]) -> Vectors:
        return self._embed(texts, 1)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def _embed(self, texts: list[str], axis: int) -> Vectors:
        if self.broken:
            raise EmbeddingError("down", reason="uji")
        self.seen += texts
        vectors = np.zeros((len(texts), 2), dtype=np.float32)
        vectors[:, axis] = [len(text) for text in texts]
        return vectors


class Bench:
    def __init__(self, database: Database, memory: EmbeddingCache | None) -> None:
        self.inner = CountingEmbedder()
        self.calls: list[CallRecord] = []
        self.monitor = PerformanceMonitor()
        store = EmbeddingStore(database, compress=True)
        self.embedder = CachedEmbedder(self.inner, memory, store, monitor=self.monitor, on_call=self.calls.append)


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, EmbeddingCache(100, 60))


async def test_a_question_is_embedded_once(bench: Bench) -> None:
    first = await bench.embedder.queries(["apa itu spd"])
    again = await bench.embedder.queries(["apa itu spd"])
    assert (first.computed, again.computed) == (1, 0)
    assert bench.inner.seen == ["apa itu spd"]
    assert bench.monitor.get_stats().cache_hit_rate == 0.5


async def test_passages_are_durable(bench: Bench, database: Database) -> None:
    await bench.embedder.passages(["a", "bb", "a"])
    assert bench.inner.seen == ["a", "bb"]
    other = Bench(database, None)
    again = await other.embedder.passages(["bb", "ccc"])
    assert other.inner.seen == ["ccc"]
    assert again.vectors.tolist() == [[0, 2], [0, 3]]


async def test_roles_do_not_share_vectors(bench: Bench) -> None:
    question, passage = await bench.embedder.queries(["abc"]), await bench.embedder.passages(["abc"])
    assert question.vectors.tolist() == [[3, 0]]
    assert passage.vectors.tolist() == [[0, 3]]


async def test_a_failure_is_raised_and_not_cached(bench: Bench) -> None:
    bench.inner.broken = True
    with pytest.raises(EmbeddingError):
        await bench.embedder.queries(["abc"])
    bench.inner.broken = False
    assert (await bench.embedder.queries(["abc"])).vectors.tolist() == [[3, 0]]


async def test_every_call_is_in_the_books(bench: Bench) -> None:
    await bench.embedder.passages(["satu dua", "tiga"])
    await bench.embedder.passages(["satu dua"])
    assert [(call.operation, call.tokens, call.texts, call.cost_usd) for call in bench.calls] == [
        ("index_embedding", 3, 2, 0)
    ]


async def test_without_memory_nothing_is_remembered(database: Database) -> None:
    bench = Bench(database, None)
    await bench.embedder.queries(["x"])
    await bench.embedder.queries(["x"])
    assert bench.inner.seen == ["x", "x"]
    assert bench.embedder.stats() is None
