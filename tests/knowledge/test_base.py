"""SQL, index and words stay in step: what one lacks is put right from SQL, and nothing is embedded for it."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from sipd_core.documents import CaseDelta, Case, ChangeKind, ImportReport
from sipd_core.embeddings.cached import CachedEmbedder, Embedded
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.index import ChromaHome, ChromaIndex
from sipd_core.knowledge.lexical.entries import row_terms
from sipd_core.knowledge.side import Model, Side, calibration_state
from sipd_core.knowledge.views import view_id, view_ids
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.schema import EPOCH_STATE, VERSION_STATE, removals
from sipd_core.store.schema import cases as case_table
from tests.builders import make_case, make_report
from tests.words import WordEmbedder, cached_model

pytestmark = pytest.mark.anyio
DIMENSION = 64
MODEL = f"kata/{DIMENSION}"
CALIBRATION = calibration_state(MODEL)


class Bench:
    def __init__(self, folder: Path, chunk_size: int = 1_000) -> None:
        self.folder = folder
        self.database = Database(f"sqlite:///{folder / 'sipd.db'}")
        self.cases = CaseStore(self.database)
        self.vectors = EmbeddingStore(self.database, compress=False)
        self.inner = WordEmbedder()
        self.model = cached_model(self.inner, self.vectors)
        self.home = open_home(folder)
        self.base = KnowledgeBase(
            self.cases,
            self.vectors,
            retrieval=RetrievalSettings(),
            chunk_size=chunk_size,
            chunk_overlap=100,
            monitor=PerformanceMonitor(),
        )

    @property
    def side(self) -> Side:
        assert self.base.serving is not None
        return self.base.serving

    async def opened(self, model: Model) -> Side:
        return await self.base.open_side(model, self.home.collection(model.embedder.model, model.embedder.dimension))

    async def open(self) -> None:
        await self.base.serve(await self.opened(self.model))

    def add(self, *batch: Case, id: str = "b1") -> None:
        def finish(report: ImportReport, stored: Stored) -> ImportReport:
            return report

        self.cases.add_import(make_report(id), batch, finish=finish)

    async def index(self, side: Side | None = None) -> int:
        """What waits for a side; returns how many texts the model read for it."""
        side = side or self.side
        made = await side.embed(self.cases.pending(side.name, 100), lambda _: None)
        side.put(made)
        await self.base.refresh(force=True)
        return made.embedded.computed

    def close(self) -> None:
        self.home.close()
        self.database.close()

    def reopened(self, chunk_size: int = 1_000) -> "Bench":
        self.close()
        return Bench(self.folder, chunk_size)


def open_home(folder: Path) -> ChromaHome:
    return ChromaHome.local(folder / "chroma", "uji")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.add(*complaints(12))
    await made.open()
    await made.index()
    yield made
    made.close()


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


@contextmanager
def collection(bench: Bench) -> Iterator[ChromaIndex]:
    """The serving collection, looked into while the console is away."""
    bench.close()
    home = open_home(bench.folder)
    try:
        yield home.collection("kata", DIMENSION)
    finally:
        home.close()


def ids(bench: Bench) -> set[str]:
    with collection(bench) as index:
        return index.ids()


async def test_a_stored_row_is_found_by_its_words_before_its_vector_is_made(bench: Bench) -> None:
    bench.add(make_case("kwitansi honorarium tercecer"), id="b2")
    await bench.base.refresh()
    result = await bench.base.search("kwitansi honorarium")
    assert result.hits[0].case.issue == "kwitansi honorarium tercecer"


async def test_indexing_again_reads_nothing(bench: Bench) -> None:
    before = bench.inner.read
    made = await bench.side.embed(bench.cases.all(), lambda _: None)
    bench.side.put(made)
    assert (made.embedded.computed, bench.inner.read) == (0, before)


async def test_vectors_missing_from_the_index_are_put_back_from_sql(bench: Bench) -> None:
    expected = {view_id(case, at) for case, at, _ in bench.cases.all_views(MODEL)}
    with collection(bench) as index:
        index.delete(sorted(expected)[:7])
        index.upsert(["yatim:0"], np.ones((1, DIMENSION), np.float32))
    again = bench.reopened()
    await again.open()
    assert again.inner.read == 0
    assert ids(again) == expected


async def test_an_index_that_does_not_find_its_vectors_is_filled_anew(bench: Bench) -> None:
    views = {view_id(case, at): key for case, at, key in bench.cases.all_views(MODEL)}
    with collection(bench) as index:
        wrong = np.zeros((len(views), DIMENSION), np.float32)
        wrong[:, 0] = 1
        index.upsert(sorted(views), wrong)
    again = bench.reopened()
    await again.open()
    assert again.inner.read == 0
    right = again.side.view_vectors()
    with collection(again) as index:
        assert all(index.nearest(right[key], 1)[0][1] > 0.999 for key in views.values())


async def test_a_removed_row_is_neither_found_nor_left_in_the_index(bench: Bench) -> None:
    sample = make_case("contoh yang dihapus", sample=True)
    bench.add(sample, id="b2")
    await bench.index()
    assert bench.cases.remove_samples() == 1
    await bench.base.refresh()
    result = await bench.base.search("contoh yang dihapus")
    assert sample.id not in {hit.case.id for hit in result.hits}
    assert not any(id_.startswith(sample.id) for id_ in ids(bench))


async def test_a_changed_row_loses_the_views_it_no_longer_has(bench: Bench) -> None:
    """Its text is cut into longer pieces than it was."""
    long = make_case("awal " + "panjang sekali " * 200)
    bench.add(long, id="b2")
    await bench.index()
    again = bench.reopened(chunk_size=4_000)
    await again.open()
    before = {id_ for id_ in again.side.index.ids() if id_.startswith(long.id)}
    again.add(replace(long, remedy="lain", expected="lain"), id="b3")
    await again.index()
    after = {id_ for id_ in again.side.index.ids() if id_.startswith(long.id)}
    again.close()
    assert len(before) > 2
    assert after == {view_id(long.id, 0), view_id(long.id, 1)}


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
    await bench.base.calibrate(bench.side)
    stored, asked = bench.cases.state(CALIBRATION), bench.inner.asked
    bench.cases.set_state(CALIBRATION, "berubah")
    await bench.base.calibrate(bench.side)
    assert bench.cases.state(CALIBRATION) == "berubah"  # asked at every poll, it is not even read again
    assert (stored or "").count("\n") == 1
    assert bench.inner.asked == asked
    bench.add(make_case("baris baru"), id="b2")
    await bench.index()
    await bench.base.calibrate(bench.side)
    assert bench.cases.state(CALIBRATION) not in (stored, "berubah")


async def test_a_calibration_outlives_a_restart(bench: Bench) -> None:
    await bench.base.calibrate(bench.side)
    again = bench.reopened()
    await again.base.refresh()
    await again.open()
    await again.base.calibrate(again.side)
    assert again.inner.asked == 0
    again.close()


async def test_an_unreadable_calibration_is_fitted_anew(bench: Bench) -> None:
    bench.cases.set_state(CALIBRATION, "sidik\nbukan json")
    await bench.base.refresh(force=True)
    assert (await bench.base.search("neraca bermasalah nomor 4")).hits
    await bench.base.calibrate(bench.side)
    assert "bukan json" not in (bench.cases.state(CALIBRATION) or "")


async def test_a_built_side_is_not_seen_before_it_takes_over(bench: Bench) -> None:
    other = WordEmbedder("huruf", 32)
    side = await bench.opened(cached_model(other, bench.vectors))
    bench.base.build(side)
    await bench.index(side)
    result = await bench.base.search("neraca bermasalah nomor 4")
    assert result.vector is not None and result.vector.shape == (DIMENSION,)
    assert await bench.base.take_over()
    result = await bench.base.search("neraca bermasalah nomor 4")
    assert result.vector is not None and result.vector.shape == (32,)
    assert result.hits[0].vector > 0.5
    assert (bench.base.serving, bench.base.building) == (side, None)


async def test_a_side_that_is_not_whole_does_not_take_over(bench: Bench) -> None:
    side = await bench.opened(cached_model(WordEmbedder("huruf", 32), bench.vectors))
    bench.base.build(side)
    await bench.index(side)
    bench.add(make_case("baris baru"), id="b2")
    assert not await bench.base.take_over()
    assert bench.side.name == MODEL
    assert bench.base.building is side


async def test_base_and_reader_change_in_one_step(bench: Bench) -> None:
    side = await bench.opened(cached_model(WordEmbedder("huruf", 32), bench.vectors))
    bench.base.build(side)
    await bench.index(side)
    seen: list[str] = []
    await bench.base.take_over(lambda: seen.append(bench.side.name))
    assert seen == ["huruf/32"]


async def test_a_question_that_is_under_way_at_the_take_over_is_asked_again(bench: Bench) -> None:
    """Its vector would otherwise reach a reader that was taught with the new model."""
    side = await bench.opened(cached_model(WordEmbedder("huruf", 32), bench.vectors))
    await bench.index(side)
    old = bench.side.embedder

    async def overtaken(texts: list[str], *, counted: bool = True) -> Embedded:
        embedded = await CachedEmbedder.queries(old, texts, counted=counted)
        await bench.base.serve(side)
        return embedded

    bench.side.embedder.queries = overtaken  # type: ignore[method-assign]
    result = await bench.base.search("neraca bermasalah nomor 4")
    assert result.vector is not None and result.vector.shape == (32,)


async def test_a_removed_row_leaves_the_built_side_too(bench: Bench) -> None:
    side = await bench.opened(cached_model(WordEmbedder("huruf", 32), bench.vectors))
    bench.base.build(side)
    await bench.index(side)
    gone = bench.cases.all()[0].id
    bench.cases.change(ChangeKind.DELETE, {gone: None}, actor="uji")
    await bench.base.refresh()
    assert not any(id_.startswith(gone) for one in (side, bench.side) for id_ in one.index.ids())


async def test_other_figures_take_effect_with_the_next_search(bench: Bench) -> None:
    await bench.base.calibrate(bench.side)
    question = "neraca bermasalah nomor 4"
    before = await bench.base.search(question)
    bench.base.retrieval = RetrievalSettings(threshold=before.relevance + 0.001, top_k=2, use_vectors=False)
    after = await bench.base.search(question)
    assert (len(before.hits), len(after.hits)) == (5, 2)
    assert before.hits[0].vector > 0 and {hit.vector for hit in after.hits} == {0.0}
    assert after.vector is not None  # intent and mood are still read from it
    bench.base.retrieval = RetrievalSettings()
    assert [hit.case.id for hit in (await bench.base.search(question)).hits] == [hit.case.id for hit in before.hits]


def some_retrieval(rng: random.Random) -> RetrievalSettings:
    return RetrievalSettings(
        threshold=rng.uniform(0.05, 0.95),
        top_k=rng.randint(1, 12),
        order_vector=rng.choice([0.0, 0.05, 0.1, 0.5]),
        order_grams=rng.choice([0.0, 0.15, 0.9]),
        vector_candidates=rng.choice([1, 3, 200]),
        use_vectors=rng.random() < 0.7,
        sureness=rng.choice([0.3, 1.0, 2.0]),
    )


@pytest.mark.parametrize("retrieval", [RetrievalSettings(), *map(some_retrieval, map(random.Random, range(20)))])
async def test_a_trial_is_the_search_with_its_grounds(bench: Bench, retrieval: RetrievalSettings) -> None:
    await bench.base.calibrate(bench.side)
    bench.base.retrieval = retrieval
    for question in ("neraca bermasalah", "sp2d blm bs dicetak nomor 3", "resep sayur asem", "login"):
        found, trial = await bench.base.search(question), await bench.base.try_out(question, retrieval, candidates=True)
        assert [(hit.case.id, hit.relevance) for hit in trial.result.hits] == [
            (hit.case.id, hit.relevance) for hit in found.hits
        ]
        assert trial.result.verdict is found.verdict
        ranked = trial.ranking.cases
        assert [one.case_id for one in ranked[: len(found.hits)]] == [hit.case.id for hit in found.hits]
        assert len(ranked) >= len(found.hits) and trial.cases.keys() == {one.case_id for one in ranked}
        share = [
            one.lexical + retrieval.order_grams * one.grams + retrieval.order_vector * (one.nearness or 0.0)
            for one in ranked
        ]
        assert [one.order for one in ranked] == pytest.approx(share, abs=1e-5)
        judged = trial.ranking.judgement
        assert judged is not None
        assert found.relevance == pytest.approx(judged.scope * judged.right / judged.right**0.5)
        assert judged.by_words is not retrieval.use_vectors


async def test_a_changed_row_is_not_found_by_its_old_meaning(bench: Bench) -> None:
    """Its old vector is in the index until the new one takes its place."""
    await bench.base.calibrate(bench.side)
    old = bench.cases.all()[0]
    assert (await bench.base.search(old.issue)).hits[0].vector > 0.5
    bench.cases.change(ChangeKind.EDIT, {old.id: replace(old, issue="timbangan digital macet")}, actor="uji")
    await bench.base.refresh()
    assert view_ids(old.id)[0] in bench.side.index.ids()
    assert bench.base._snapshot.biases.of(view_ids(old.id)) == {}
    await bench.index()
    assert (await bench.base.search("timbangan digital macet")).hits[0].vector > 0.5


async def test_a_row_that_is_switched_on_again_is_found_by_meaning_and_nothing_is_read(bench: Bench) -> None:
    case = bench.cases.all()[0]
    read = bench.inner.read
    for enabled in (False, True):
        bench.cases.change(ChangeKind.DISABLE, {case.id: replace(case, enabled=enabled)}, actor="uji")
        await bench.base.refresh()
        assert not {view_id(case.id, 0), view_id(case.id, 1)} & bench.side.index.ids()
    await bench.index()
    assert {view_id(case.id, 0), view_id(case.id, 1)} <= bench.side.index.ids()
    assert bench.inner.read == read


async def test_a_refresh_takes_what_changed_and_nothing_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[str] = []
    for name in ("all", "reports", "all_views", "views"):
        monkeypatch.setattr(bench.cases, name, lambda *_, name=name: whole.append(name))
    deltas: list[CaseDelta] = []
    since = bench.cases.since

    def watched(version: int) -> CaseDelta:
        deltas.append(since(version))
        return deltas[-1]

    monkeypatch.setattr(bench.cases, "since", watched)
    part = bench.base._snapshot.lexical.rows.parts[0]
    bench.add(make_case("kwitansi honorarium tercecer"), id="b2")
    await bench.base.refresh()
    await bench.base.refresh(force=True)
    assert [len(delta.changed) for delta in deltas] == [1, 0]
    assert part.terms is bench.base._snapshot.lexical.rows.parts[0].terms
    assert whole == []


async def test_a_vector_made_for_a_row_that_went_meanwhile_is_taken_out_again(bench: Bench) -> None:
    late = make_case("baris yang dihapus selagi dibaca")
    bench.add(late, id="b2")
    made = await bench.side.embed([late], lambda _: None)
    bench.cases.change(ChangeKind.DELETE, {late.id: None}, actor="uji")
    await bench.base.refresh()
    bench.side.put(made)
    assert not any(id_.startswith(late.id) for id_ in bench.side.index.ids())


async def test_a_row_that_is_switched_off_while_it_is_read_stays_out_of_the_index(bench: Bench) -> None:
    """Also after a kill, when the index is brought in step with what SQL says was read."""
    case = make_case("baris yang dinonaktifkan selagi dibaca")
    bench.add(case, id="b2")
    made = await bench.side.embed([case], lambda _: None)
    bench.cases.change(ChangeKind.DISABLE, {case.id: replace(case, enabled=False)}, actor="uji")
    bench.side.put(made)
    assert view_id(case.id, 0) not in bench.side.index.ids()
    again = bench.reopened()
    (bench.folder / "chroma" / "open").touch()  # as a killed process leaves it
    await again.open()
    held = again.side.index.ids()
    found = await again.base.search(case.issue)
    again.close()
    assert not held & set(view_ids(case.id))
    assert case.id not in {hit.case.id for hit in found.hits}


async def test_a_row_that_came_back_before_it_was_dropped_stays(bench: Bench) -> None:
    case = bench.cases.all()[0]
    bench.side.drop([case.id])
    assert view_id(case.id, 0) in bench.side.index.ids()


async def test_what_another_process_made_findable_is_found_at_once(bench: Bench) -> None:
    """On a shared index; the version of the rows does not change with their vectors."""
    await bench.base.calibrate(bench.side)
    other = KnowledgeBase(
        bench.cases,
        bench.vectors,
        retrieval=RetrievalSettings(),
        chunk_size=1_000,
        chunk_overlap=100,
        monitor=PerformanceMonitor(),
    )
    await other.serve(await other.open_side(bench.model, bench.side.index))
    bench.add(make_case("timbangan digital macet"), id="b2")
    await other.refresh()
    made = await bench.side.embed(bench.cases.pending(MODEL, 9), lambda _: None)
    bench.side.put(made)
    assert (await other.search("timbangan digital macet")).hits[0].vector > 0.9


async def test_an_index_that_was_closed_in_order_is_not_listed_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[ChromaIndex] = []
    ids = ChromaIndex.ids
    monkeypatch.setattr(ChromaIndex, "ids", lambda index: (listed.append(index), ids(index))[1])
    again = bench.reopened()
    await again.open()
    assert not listed
    again.close()
    (bench.folder / "chroma" / "open").touch()  # as a killed process leaves it
    killed = Bench(bench.folder)
    await killed.open()
    assert len(listed) == 1
    killed.close()


async def test_one_row_of_many_does_not_ask_for_another_calibration(bench: Bench) -> None:
    bench.add(*[make_case(f"keluhan lain tentang {n} hal") for n in range(100)], id="b2")
    while bench.cases.pending_count(MODEL):
        await bench.index()
    await bench.base.calibrate(bench.side)
    fitted = bench.cases.state(CALIBRATION)
    bench.add(make_case("satu baris baru"), id="b3")
    await bench.index()
    await bench.base.calibrate(bench.side)
    assert bench.cases.state(CALIBRATION) == fitted
    bench.add(*[make_case(f"baris baru {n}") for n in range(5)], id="b4")
    await bench.index()
    await bench.base.calibrate(bench.side)
    assert bench.cases.state(CALIBRATION) != fitted


async def test_a_restored_base_is_read_whole(bench: Bench) -> None:
    """Rows of a restore carry the versions they had then; the epoch says that they are of another base."""
    bench.cases.change(ChangeKind.DELETE, {bench.cases.all()[0].id: None}, actor="uji")
    await bench.base.refresh()
    with bench.database.write() as connection:
        connection.execute(update(case_table).values(issue="isi dari cadangan", version=1))
        connection.execute(delete(removals))
    bench.cases.set_state(EPOCH_STATE, "lain")
    bench.cases.set_state(VERSION_STATE, str(bench.cases.version + 1))
    await bench.base.refresh()
    assert {case.issue for case in bench.base._snapshot.cases.values()} == {"isi dari cadangan"}


async def test_a_start_reads_no_row_whose_words_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipd_core.knowledge.base.KEPT_AFTER", 10)
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    cases = CaseStore(database)
    read: list[str] = []
    real = row_terms
    monkeypatch.setattr(
        "sipd_core.knowledge.lexical.segments.row_terms", lambda entry: (read.append(entry.key), real(entry))[1]
    )

    async def started() -> KnowledgeBase:
        base = KnowledgeBase(
            cases,
            EmbeddingStore(database, compress=False),
            retrieval=RetrievalSettings(),
            chunk_size=1_000,
            chunk_overlap=100,
            monitor=PerformanceMonitor(),
            words_file=tmp_path / "words.npz",
        )
        await base.refresh()
        await base.keep_words()
        return base

    cases.add_import(make_report("b1"), complaints(12), finish=lambda report, _: report)
    await started()
    assert len(read) == 12
    read.clear()
    new, gone = make_case("timbangan digital macet"), cases.all()[3]
    cases.add_import(make_report("b2"), [new], finish=lambda report, _: report)
    cases.change(ChangeKind.DELETE, {gone.id: None}, actor="uji")
    base = await started()
    assert read == [new.id]
    assert (await base.search("timbangan digital")).hits[0].case.id == new.id
    assert gone.id not in {hit.case.id for hit in (await base.search(gone.issue, top_k=20)).hits}
    database.close()


async def test_only_what_people_ask_counts_among_the_figures(bench: Bench) -> None:
    kept, counts = bench.side.embedder, list[bool]()

    async def heard(texts: list[str], *, counted: bool = True) -> Embedded:
        counts.append(counted)
        return await CachedEmbedder.queries(kept, texts, counted=counted)

    bench.side.embedder.queries = heard  # type: ignore[method-assign]
    await bench.base.try_out("neraca", RetrievalSettings())
    await bench.base.search("neraca")
    assert counts == [False, True]
