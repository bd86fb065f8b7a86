"""The lab: runs that are whole or say why not, figures in force that searches follow, and a way back."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from sipd_core.cache import EmbeddingCache
from sipd_core.documents import ChangeKind, ImportReport
from sipd_core.embeddings import Vectors
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.exact import ExactIndex
from sipd_core.knowledge.side import Model
from sipd_core.laboratory import FOLLOW_SECONDS, Laboratory
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.runs import SILENT_SECONDS, Run, RunStatus, RunStore
from sipd_core.tables.gold import GoldRow
from tests.builders import make_case, make_report
from tests.words import WordEmbedder

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[1]
GOLD = ROOT / "data" / "gold"
NAMES = (
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
CASES = [make_case(f"{name} bermasalah nomor {n}", row=n + 2, remedy=f"Cara {name}") for n, name in enumerate(NAMES)]
BY_WORDS = RetrievalSettings(use_vectors=False)


class Desk:
    """One process: a base of twelve cases with vectors, and its lab."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.cases = CaseStore(database)
        vectors = EmbeddingStore(database, compress=False)
        self.inner = WordEmbedder()
        monitor = PerformanceMonitor()
        memory = EmbeddingCache(1_000, 3_600)
        self.model = Model(CachedEmbedder(self.inner, memory, vectors, monitor=monitor, on_call=None), 32)
        self.base = KnowledgeBase(
            self.cases, vectors, retrieval=RetrievalSettings(), chunk_size=1_000, chunk_overlap=100, monitor=monitor
        )
        self.ready = anyio.Event()
        self.ready.set()
        self.lab = Laboratory(self.base, database, environment=RetrievalSettings(), ready=self.ready.wait, samples=GOLD)

    async def open(self) -> None:
        if not self.cases.counts()["cases"]:
            self.cases.add_import(make_report("b1", file="log.csv"), CASES, finish=_finish)
        side = await self.base.open_side(self.model, ExactIndex())
        if waiting := self.cases.pending(side.name, 100):
            side.put(await side.embed(waiting, lambda _: None))
        await self.base.serve(side)
        await self.base.calibrate(side)

    def make_set(self, count: int = 12, outside: int = 3) -> str:
        made = self.lab.gold.create("Uji", actor="Sari")
        rows = [GoldRow(n + 2, CASES[n % 12].issue + " kok" * (n // 12), (CASES[n % 12].id,)) for n in range(count)]
        rows += [GoldRow(count + n + 2, f"resep sayur asem ke {n} yang segar", ()) for n in range(outside)]
        self.lab.gold.add(made.id, rows)
        return made.id

    async def until(self, run: Run, *status: RunStatus) -> Run:
        """The run once it has one of these states."""
        with anyio.fail_after(30):
            while (found := self.lab.runs.get(run.id)).status not in status:
                await anyio.sleep(0.01)
        return found

    async def done(self, set_id: str, retrieval: RetrievalSettings) -> Run:
        run = self.lab.start(set_id, retrieval, actor="Sari")
        self.lab.wake()
        return await self.until(run, RunStatus.DONE, RunStatus.FAILED)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Desk"]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.lab.run)
            yield self
            tasks.cancel_scope.cancel()


def _finish(report: ImportReport, stored: Stored) -> ImportReport:
    return report


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = Desk(database)
    await made.open()
    async with made.at_work():
        yield made


async def test_a_run_asks_every_question_and_keeps_what_it_found(desk: Desk) -> None:
    set_id = desk.make_set(30)
    run = await desk.done(set_id, RetrievalSettings())
    assert (run.status, run.total, run.done, run.skipped) == (RunStatus.DONE, 33, 33, 0)
    assert (run.model, run.cases, run.version, run.moved) == ("kata/64", 12, desk.base.version, False)
    found = run.figures
    assert found is not None and found.ranking.hit_1 == 1.0 and found.ranking.n == 30
    assert found.abstention is not None and found.abstention.n == 3
    assert found.p50_ms is not None and found.p50_ms > 0
    answers = desk.lab.runs.answers(run.id)
    assert [answer.query for answer in answers] == [one.query for one in desk.lab.gold.page(set_id).questions]
    for answer in answers:
        result = await desk.base.search(answer.query)
        assert (answer.best_id, answer.answered.relevance) == (result.hits[0].case.id, result.relevance)
        assert answer.verdict is result.verdict


async def test_a_run_leaves_the_live_figures_and_production_alone(desk: Desk) -> None:
    set_id = desk.make_set()
    before = desk.base.retrieval
    run = await desk.done(set_id, replace(BY_WORDS, threshold=0.9))
    assert run.status is RunStatus.DONE and desk.base.retrieval == before
    assert desk.base._monitor.get_stats().search.count == 0


async def test_questions_are_embedded_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    embed = desk.inner.embed_queries

    async def counted(texts: list[str]) -> Vectors:
        calls.append(len(texts))
        return await embed(texts)

    monkeypatch.setattr(desk.inner, "embed_queries", counted)
    assert (await desk.done(desk.make_set(), RetrievalSettings())).done == 15
    (together,) = calls
    assert 3 <= together <= 15, "those outside at least; complaints that the calibration has read are in SQL already"


async def test_questions_whose_case_is_gone_are_left_out_and_told(desk: Desk) -> None:
    set_id = desk.make_set()
    desk.cases.change(ChangeKind.DELETE, {CASES[0].id: None}, actor="x", note="")
    await desk.base.refresh()
    run = await desk.done(set_id, BY_WORDS)
    assert (run.total, run.skipped) == (14, 1)


async def test_an_empty_set_fails_with_what_to_do(desk: Desk) -> None:
    run = await desk.done(desk.lab.gold.create("Kosong", actor="x").id, BY_WORDS)
    assert run.status is RunStatus.FAILED and "Tambahkan pertanyaan" in (run.error or "")


async def test_a_run_whose_model_fails_gives_no_figures_of_words_alone(desk: Desk) -> None:
    set_id = desk.make_set()
    desk.inner.broken = True
    run = await desk.done(set_id, RetrievalSettings())
    assert run.status is RunStatus.FAILED and run.error and run.figures is None
    assert (await desk.done(set_id, BY_WORDS)).status is RunStatus.DONE


async def test_a_run_is_stopped_in_the_middle(desk: Desk) -> None:
    set_id = desk.make_set(200)
    run = desk.lab.start(set_id, RetrievalSettings(), actor="Sari")
    waiting = desk.lab.start(set_id, RetrievalSettings(), actor="Sari")
    desk.lab.runs.stop(waiting.id)
    desk.lab.wake()
    await desk.until(run, RunStatus.RUNNING)
    desk.lab.runs.stop(run.id)
    stopped = await desk.until(run, RunStatus.CANCELLED)
    assert 0 < stopped.done < 203
    assert len(desk.lab.runs.answers(run.id)) == stopped.done
    assert desk.lab.runs.answers(waiting.id) == ()
    assert (await desk.done(set_id, BY_WORDS)).status is RunStatus.DONE  # and the next one goes on


async def test_a_run_that_was_under_way_at_the_end_of_its_process_is_interrupted(database: Database) -> None:
    desk = Desk(database)
    await desk.open()
    set_id = desk.make_set(200)
    async with desk.at_work():
        run = desk.lab.start(set_id, RetrievalSettings(), actor="Sari")
        desk.lab.wake()
        await desk.until(run, RunStatus.RUNNING)
    left = desk.lab.runs.get(run.id)
    assert left.status is RunStatus.INTERRUPTED
    again = Desk(database)
    await again.open()
    async with again.at_work():
        assert (await again.done(set_id, left.retrieval)).status is RunStatus.DONE
    assert again.lab.runs.get(run.id).status is RunStatus.INTERRUPTED


async def test_what_is_applied_changes_searches_at_once_and_going_back_changes_them_back(desk: Desk) -> None:
    set_id = desk.make_set()
    question = "neraca bermasalah nomor 4"
    before = await desk.base.search(question)
    run = await desk.done(set_id, replace(BY_WORDS, top_k=2))
    made = desk.lab.apply(run.id, actor="Sari", note="coba")
    after = await desk.base.search(question)
    assert (len(before.hits), len(after.hits)) == (5, 2)
    assert {hit.vector for hit in after.hits} == {0.0}
    desk.lab.go_back(made.seq, actor="Sari")
    assert [hit.relevance for hit in (await desk.base.search(question)).hits] == [hit.relevance for hit in before.hits]


async def test_other_processes_and_later_ones_follow_what_is_in_force(desk: Desk, database: Database) -> None:
    other = Desk(database)
    await other.open()
    run = await desk.done(desk.make_set(), replace(BY_WORDS, top_k=2))
    async with other.at_work():
        desk.lab.apply(run.id, actor="Sari")
        with anyio.fail_after(FOLLOW_SECONDS + 10):
            while other.lab.retrieval.top_k != 2:
                await anyio.sleep(0.02)
    later = Desk(database)
    later.lab.follow()
    assert later.lab.retrieval == run.retrieval


async def test_other_weights_get_the_sureness_they_need_and_keep_it(desk: Desk) -> None:
    wild = RetrievalSettings(order_vector=0.5)
    run = await desk.done(desk.make_set(), wild)
    assert run.retrieval.sureness < 0.8 and replace(run.retrieval, sureness=1.0) == wild
    desk.lab.apply(run.id, actor="Sari")
    assert desk.lab.retrieval == run.retrieval
    assert (await desk.lab.fitted(replace(run.retrieval, order_vector=0.1))).sureness == 1.0


async def test_a_question_is_explained_as_it_is_answered(desk: Desk) -> None:
    question = "min, neraca blm bermasalah, password saya Rahasia#99"
    told = await desk.lab.explain(question, RetrievalSettings())
    found = await desk.base.search(told.masked)
    assert "Rahasia" not in told.masked and told.masks
    assert ("blm", "belum") in told.cleaning.expanded
    assert told.cleaning.clean in told.embedded or told.cleaning.named
    assert [one.case.id for one in told.fused[:5]] == [hit.case.id for hit in found.hits]
    assert [one.place for one in told.fused] == list(range(1, 11))
    for one in (*told.fused, *told.by_words, *told.by_vectors):
        assert one.order == pytest.approx(one.from_words + one.from_grams + (one.from_vectors or 0.0), abs=1e-5)
    assert told.by_vectors[0].scored.nearness == max(one.scored.nearness or 0.0 for one in told.by_vectors)
    assert (told.result.verdict, told.result.ground) == (found.verdict, found.ground)
    assert told.considered == 12 and told.partial_from == 0.25


async def test_two_runs_are_compared_on_what_they_have_in_common(desk: Desk) -> None:
    set_id = desk.make_set()
    first = await desk.done(set_id, RetrievalSettings())
    question = desk.lab.gold.page(set_id).questions[0]
    desk.lab.gold.edit({question.id: GoldRow(1, "lain sama sekali", (CASES[1].id,))})
    second = await desk.done(set_id, replace(BY_WORDS, threshold=1.0))
    told = desk.lab.compare(first.id, second.id)
    assert (len(told.pairs), told.unpaired, told.same_rows) == (14, 2, True)
    assert told.before.ranking.n == 11
    assert told.hits.won + told.hits.lost + told.hits.tied == 11
    assert sum(pair.is_outside for pair in told.pairs) == 3 == told.refusals.tied + told.refusals.won


async def test_the_shipped_questions_need_the_sample_rows(desk: Desk) -> None:
    with pytest.raises(SipdError) as refused:
        desk.lab.add_samples(actor="Sari")
    assert "data contoh" in refused.value.user_text
    assert desk.lab.gold.sets() == ()


async def test_a_run_waits_until_everything_is_there(desk: Desk) -> None:
    desk.ready = anyio.Event()
    desk.lab._ready = desk.ready.wait
    run = desk.lab.start(desk.make_set(), BY_WORDS, actor="Sari")
    desk.lab.wake()
    await anyio.wait_all_tasks_blocked()
    assert desk.lab.runs.get(run.id).status is RunStatus.QUEUED
    desk.ready.set()
    await desk.until(run, RunStatus.DONE)


async def test_a_killed_run_is_told_as_interrupted_and_kept_as_far_as_it_came(tmp_path: Path) -> None:
    """SIGKILL in the middle; the sign of life it gave last is made old, so that nobody has to wait for it here."""
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    script = (
        "import sys, anyio\n"
        "from sipd_core.store.database import Database\n"
        "from tests.test_laboratory import Desk, RetrievalSettings\n"
        "async def main():\n"
        "    desk = Desk(Database(sys.argv[1]))\n"
        "    await desk.open()\n"
        "    async with desk.at_work():\n"
        "        run = desk.lab.start(desk.make_set(2000), RetrievalSettings(), actor='Sari')\n"
        "        desk.lab.wake()\n"
        "        while desk.lab.runs.get(run.id).done < 50:\n"
        "            await anyio.sleep(0.01)\n"
        "        print(run.id, flush=True)\n"
        "        await anyio.sleep(60)\n"
        "anyio.run(main)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    run_id = (await anyio.to_thread.run_sync(child.stdout.readline)).decode().strip()
    child.kill()
    child.wait()
    child.stdout.close()
    database = Database(url)
    left = RunStore(database).get(run_id)
    assert 50 <= left.done < 2_003 and len(RunStore(database).answers(run_id)) == left.done
    runs = RunStore(database, clock=lambda: time.time() + SILENT_SECONDS)
    assert runs.get(run_id).status is RunStatus.INTERRUPTED
    runs.stop(run_id)
    assert runs.get(run_id).status is RunStatus.CANCELLED
    database.close()
