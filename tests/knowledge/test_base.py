"""SQL, index and words stay in step: what one lacks is put right from SQL, and nothing is embedded for it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sipd_core.documents import Case, ImportReport
from sipd_core.embeddings import Vectors
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.errors import EmbeddingError
from sipd_core.knowledge.base import KnowledgeBase, view_id
from sipd_core.knowledge.index import ChromaIndex
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.cases import CaseStore, Stored
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from tests.builders import make_case, make_report

pytestmark = pytest.mark.anyio
DIMENSION = 64


class WordEmbedder:
    """An Embedder of which the similarity can be worked out by hand: a text is the set of its words, hashed to 64 places."""

    model = "kata"
    dimension = DIMENSION

    def __init__(self) -> None:
        self.read = 0
        self.broken = False

    async def embed_queries(self, texts: list[str]) -> Vectors:
        return self._embed(texts)

    async def embed_passages(self, texts: list[str]) -> Vectors:
        self.read += len(texts)
        return self._embed(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def _embed(self, texts: list[str]) -> Vectors:
        if self.broken:
            raise EmbeddingError("down", reason="uji")
        vectors = np.full((len(texts), DIMENSION), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                vectors[row, sum(map(ord, word)) % DIMENSION] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(f"sqlite:///{folder / 'sipd.db'}")
        self.cases = CaseStore(self.database)
        vectors = EmbeddingStore(self.database, compress=False)
        monitor = PerformanceMonitor()
        self.inner = WordEmbedder()
        self.embedder = CachedEmbedder(self.inner, None, vectors, monitor=monitor, on_call=lambda _: None)
        self.base = KnowledgeBase(
            self.cases, vectors, threshold=0.5, top_k=5, chunk_size=1000, chunk_overlap=100, monitor=monitor
        )

    def open_index(self) -> ChromaIndex:
        return ChromaIndex.local(self.folder / "chroma", "uji", "kata", DIMENSION)

    async def open(self) -> None:
        await self.base.open_vectors(self.embedder, self.open_index)

    def add(self, *batch: Case, id: str = "b1") -> None:
        def finish(report: ImportReport, stored: Stored) -> ImportReport:
            return report

        self.cases.add_import(make_report(id), batch, finish=finish)

    async def index(self) -> int:
        read = await self.base.index_batch(self.cases.pending(100))
        await self.base.refresh(force=True)
        return read

    def reopened(self) -> "Bench":
        self.base.close()
        self.database.close()
        return Bench(self.folder)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.add(*complaints(12))
    await made.open()
    await made.index()
    yield made
    made.base.close()


def complaints(count: int) -> Sequence[Case]:
    names = (
        "sp2d",
        "spm",
        "login",
        "dpa",
        "neraca",
        "jurnal",
        "pajak",
        "rekening",
        "kontrak",
        "pegawai",
        "jadwal",
        "cetak",
    )
    return [make_case(f"{names[n % 12]} bermasalah nomor {n}", row=n + 2) for n in range(count)]


async def ids(bench: Bench) -> set[str]:
    index = bench.open_index()
    try:
        return index.ids()
    finally:
        index.close()


async def test_a_stored_row_is_found_by_its_words_before_its_vector_is_made(bench: Bench) -> None:
    bench.add(make_case("kwitansi honorarium tercecer"), id="b2")
    await bench.base.refresh()
    result = await bench.base.search("kwitansi honorarium")
    assert result.hits[0].case.issue == "kwitansi honorarium tercecer"


async def test_indexing_again_reads_nothing(bench: Bench) -> None:
    before = bench.inner.read
    assert await bench.base.index_batch(bench.cases.all()) == 0
    assert bench.inner.read == before


async def test_vectors_missing_from_the_index_are_put_back_from_sql(bench: Bench) -> None:
    expected = {view_id(case, at) for case, at, _ in bench.cases.all_views()}
    bench.base.close()
    index = bench.open_index()
    index.delete(sorted(expected)[:7])
    index.upsert(["yatim:0"], np.ones((1, DIMENSION), np.float32))
    index.close()
    again = bench.reopened()
    await again.open()
    assert again.inner.read == 0
    again.base.close()
    assert await ids(again) == expected


async def test_an_index_that_does_not_find_its_vectors_is_filled_anew(bench: Bench) -> None:
    views = {view_id(case, at): key for case, at, key in bench.cases.all_views()}
    bench.base.close()
    index = bench.open_index()
    wrong = np.zeros((len(views), DIMENSION), np.float32)
    wrong[:, 0] = 1
    index.upsert(sorted(views), wrong)
    index.close()
    again = bench.reopened()
    await again.open()
    assert again.inner.read == 0
    right = again.base.view_vectors(DIMENSION)
    again.base.close()
    index = again.open_index()
    assert all(index.nearest(right[key], 1)[0][1] > 0.999 for key in views.values())
    index.close()


async def test_a_removed_row_is_neither_found_nor_left_in_the_index(bench: Bench) -> None:
    sample = make_case("contoh yang dihapus", sample=True)
    bench.add(sample, id="b2")
    await bench.index()
    assert bench.cases.remove_samples() == 1
    await bench.base.refresh()
    await bench.base.drop([sample.id])
    result = await bench.base.search("contoh yang dihapus")
    assert sample.id not in {hit.case.id for hit in result.hits}
    bench.base.close()
    assert not any(id_.startswith(sample.id) for id_ in await ids(bench))


async def test_a_changed_row_loses_the_views_it_no_longer_has(bench: Bench) -> None:
    long = make_case("awal " + "panjang sekali " * 200)
    bench.add(long, id="b2")
    await bench.index()
    before = sum(case == long.id for case, _, _ in bench.cases.all_views())
    bench.add(replace(long, remedy="lain", expected="lain"), id="b3")
    await bench.index()
    bench.base.close()
    there = {id_ for id_ in await ids(bench) if id_.startswith(long.id)}
    assert before > 2
    assert len(there) == sum(case == long.id for case, _, _ in bench.cases.all_views())


async def test_a_long_cell_comes_back_as_one_case(bench: Bench) -> None:
    long = make_case("pembuka cerita " + "yang berbelit-belit " * 150 + " akhirnya timbangan digital macet total")
    bench.add(long, id="b2")
    await bench.index()
    result = await bench.base.search("timbangan digital macet", top_k=10)
    assert [hit.case.id for hit in result.hits].count(long.id) == 1


async def test_a_failing_model_leaves_the_words_and_says_so(bench: Bench) -> None:
    bench.inner.broken = True
    result = await bench.base.search("neraca bermasalah nomor 4")
    assert result.hits[0].case.issue == "neraca bermasalah nomor 4"
    assert result.degraded
    assert result.vector is None


async def test_cases_already_tried_are_left_out(bench: Bench) -> None:
    first = (await bench.base.search("neraca bermasalah")).hits[0].case.id
    assert first not in {
        hit.case.id for hit in (await bench.base.search("neraca bermasalah", exclude=frozenset({first}))).hits
    }


async def test_a_calibration_is_fitted_once_for_the_same_rows(bench: Bench) -> None:
    await bench.base.calibrate()
    stored = bench.cases.state("calibration")
    await bench.base.calibrate()
    assert bench.cases.state("calibration") == stored
    bench.add(make_case("baris baru"), id="b2")
    await bench.index()
    await bench.base.calibrate()
    assert bench.cases.state("calibration") != stored


async def test_an_unreadable_calibration_is_fitted_anew(bench: Bench) -> None:
    bench.cases.set_state("calibration", "sidik\nbukan json")
    await bench.base.refresh(force=True)
    assert (await bench.base.search("neraca bermasalah nomor 4")).hits
