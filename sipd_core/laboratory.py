"""The retrieval lab: one question looked into, gold sets run in the background, the figures of the search put in force.

One reason to change: how the search of this base is measured and tuned. Runs are done one after another by the process
that was asked for them; what is in force stands in SQL, and every process follows it within seconds.
"""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from anyio import CancelScope, Event, create_task_group, move_on_after, sleep, to_thread

from sipd_core.chat.turn import Verdict
from sipd_core.comparison import Comparison, compare
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.explain import Explanation, explanation
from sipd_core.knowledge.sureness import with_sureness
from sipd_core.privacy import mask
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scoring import DEPTH, answered, figures
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldQuestion, GoldReport, GoldSet, GoldStore
from sipd_core.store.runs import Run, RunAnswer, RunStart, RunStore
from sipd_core.store.tuning import Tuning, TuningStore
from sipd_core.tables.gold import GoldRow, read_gold
from sipd_core.texts import text

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 2.0
"""How soon figures that another process put in force are followed."""
AGAIN_SECONDS = 5.0
BATCH = 25
"""Questions between two commits, which are also the moments at which a run can be stopped."""
TITLE = 160
"""Characters kept of the name of the case that came first."""


class Laboratory:
    """The room's work; what blocks is safe from any thread, the coroutines run on the engine's loop."""

    def __init__(
        self,
        base: KnowledgeBase,
        database: Database,
        *,
        environment: RetrievalSettings,
        ready: Callable[[], Awaitable[None]],
        samples: Path,
    ) -> None:
        """`environment`: the figures of the settings; `ready` returns when searches have all there is.

        `samples`: folder of the gold files shipped with the product.
        """
        self.gold = GoldStore(database)
        self.runs = RunStore(database)
        self.tunings = TuningStore(database)
        self.environment = environment
        self._base = base
        self._ready = ready
        self._samples = samples
        self._runner = uuid.uuid4().hex
        self._seq: int | None = None
        self._wake = Event()
        self._is_busy = False
        self._fitted: dict[tuple[str, int, str], RetrievalSettings] = {}

    @property
    def retrieval(self) -> RetrievalSettings:
        """What searches of this process go by."""
        return self._base.retrieval

    @property
    def version(self) -> int:
        """Version of the rows that searches see."""
        return self._base.version

    # --- what is in force ------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Let searches go by what stands in SQL."""
        current = self.tunings.current()
        if current is not None and current.seq != self._seq:
            self._use(current)

    def apply(self, run_id: str, *, actor: str, note: str = "") -> Tuning:
        """Put the figures of a run in force, for searches from now on; durable on return."""
        run = self.runs.get(run_id)
        return self._use(self.tunings.apply(run.retrieval, actor=actor, note=note, run_id=run_id))

    def apply_again(self, tuning: Tuning, *, actor: str, note: str = "") -> Tuning:
        """Put the figures of an earlier change in force."""
        return self._use(self.tunings.apply(tuning.retrieval, actor=actor, note=note, run_id=tuning.run_id))

    def go_back(self, seq: int, *, actor: str) -> Tuning:
        """Put in force what was before the change `seq`; raises SipdError when it is not in force any more."""
        return self._use(self.tunings.go_back(seq, actor=actor))

    def _use(self, tuning: Tuning) -> Tuning:
        self._base.retrieval = tuning.retrieval or self.environment
        self._seq = tuning.seq
        return tuning

    # --- one question, and gold sets -------------------------------------------------------------------------------

    async def explain(self, question: str, retrieval: RetrievalSettings) -> Explanation:
        """Every stage of one search, which is masked first and not counted among the searches of people."""
        await self._ready()
        masked = await to_thread.run_sync(mask, question)
        fitted = await self.fitted(retrieval)
        trial = await self._base.try_out(masked.text, fitted, candidates=True)
        return await to_thread.run_sync(explanation, masked, trial, fitted)

    async def fitted(self, retrieval: RetrievalSettings) -> RetrievalSettings:
        """`retrieval` with the sureness that its weights need on this base; measured once for the same rows."""
        if retrieval.is_calibrated:
            return replace(retrieval, sureness=1.0)
        serving = self._base.serving
        key = replace(retrieval, sureness=1.0).fingerprint, self._base.version, serving.name if serving else ""
        if key not in self._fitted:
            self._fitted[key] = await with_sureness(self._base, retrieval)
        return self._fitted[key]

    def add_samples(self, *, actor: str) -> tuple[GoldSet, GoldReport]:
        """The questions shipped with the product as a set, bound to the sample rows.

        Raises SipdError when there are no sample rows to bind them to.
        """
        name = text("laboratory.sample_set")
        known = next((one for one in self.gold.sets() if one.name == name), None)
        made = known or self.gold.create(name, actor=actor)
        rows: list[GoldRow] = []
        for path in sorted(self._samples.glob("*.csv"), reverse=True):
            with path.open("rb") as file:
                rows += read_gold(path.name, file).rows
        report = self.gold.add(made.id, rows, sample=True)
        found = self.gold.get(made.id)
        if found.questions == found.outside:
            self.gold.remove_set(made.id)
            raise SipdError("no sample rows", text_key="laboratory.error.no_samples")
        return found, report

    def compare(self, first_id: str, second_id: str) -> Comparison:
        """The second run against the first."""
        first, second = self.runs.get(first_id), self.runs.get(second_id)
        return compare(first, self.runs.answers(first_id), second, self.runs.answers(second_id))

    # --- runs ------------------------------------------------------------------------------------------------------

    def start(self, set_id: str, retrieval: RetrievalSettings, *, actor: str) -> Run:
        """Enter a run over a set, which this process does as soon as it is woken."""
        return self.runs.start(set_id, retrieval, actor=actor, runner=self._runner)

    def wake(self) -> None:
        """Look for runs now. Call it on the engine's loop."""
        self._wake.set()

    async def run(self) -> None:
        """Follow what is in force and do the runs, until cancelled; it never takes the engine down with it."""
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(self._keep_following)
                tasks.start_soon(self._work)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self.runs.leave, self._runner)

    async def _keep_following(self) -> None:
        while True:
            await sleep(FOLLOW_SECONDS)
            try:
                await to_thread.run_sync(self.follow)
                if self._is_busy:
                    await to_thread.run_sync(self.runs.touch, self._runner)
            except SipdError as error:
                log.warning("what is in force cannot be read: %s", error)

    async def _work(self) -> None:
        while True:
            try:
                while run := await to_thread.run_sync(self.runs.next, self._runner):
                    self._is_busy = True
                    await self._do(run)
            except SipdError as error:
                log.warning("runs pause: %s", error)
            self._is_busy = False
            with move_on_after(AGAIN_SECONDS):
                await self._wake.wait()
            self._wake = Event()

    async def _do(self, run: Run) -> None:
        """One run to its end, whatever that is."""
        try:
            await self._ready()
            await self._ask_all(run)
        except SipdError as error:
            log.warning("run %s failed: %s", run.id, error)
            await to_thread.run_sync(self.runs.fail, run.id, error.user_text)
        except Exception:
            code = uuid.uuid4().hex[:8]
            log.exception("run %s ended unexpectedly (code %s)", run.id, code)
            await to_thread.run_sync(self.runs.fail, run.id, SipdError(code, code=code).user_text)

    async def _ask_all(self, run: Run) -> None:
        page = await to_thread.run_sync(self.gold.page, run.set_id)
        asked = [question for question in page.questions if not question.is_lost]
        if not asked:
            raise SipdError("no questions", text_key="laboratory.error.no_questions")
        retrieval, model = await self.fitted(run.retrieval), self._model()
        version, cases = self._base.version, len(self._base)
        start = RunStart(retrieval, len(asked), page.total - len(asked), version, cases, model)
        if not await to_thread.run_sync(self.runs.begin, run.id, start):
            return
        answers: list[RunAnswer] = []
        for first in range(0, len(asked), BATCH):
            batch = await self._ask(asked[first : first + BATCH], retrieval)
            answers += batch
            if self._model() != model:
                raise SipdError("another model took over", text_key="laboratory.error.model_changed")
            if await to_thread.run_sync(self.runs.record, run.id, len(answers), batch):
                await to_thread.run_sync(self.runs.cancelled, run.id)
                return
        inside = [answer.answered for answer in answers if answer.wanted]
        outside = [answer.answered for answer in answers if not answer.wanted]
        await to_thread.run_sync(self.runs.finish, run.id, figures(inside, outside), self._base.version)

    async def _ask(self, questions: Sequence[GoldQuestion], retrieval: RetrievalSettings) -> list[RunAnswer]:
        if retrieval.use_vectors:
            await self._base.read_ahead([question.query for question in questions])
        return [await self._answer(question, retrieval) for question in questions]

    async def _answer(self, question: GoldQuestion, retrieval: RetrievalSettings) -> RunAnswer:
        started = time.perf_counter()
        result = (await self._base.try_out(question.query, retrieval, DEPTH)).result
        elapsed = (time.perf_counter() - started) * 1000
        if result.degraded and retrieval.use_vectors:
            raise SipdError(result.degraded, text_key="laboratory.error.degraded", reason=result.degraded)
        told = answered(
            question.style,
            question.wanted,
            [hit.case.id for hit in result.hits],
            relevance=result.relevance,
            found=result.verdict is not Verdict.NOT_FOUND,
            milliseconds=elapsed,
        )
        best = result.hits[0].case if result.hits else None
        name = f"{best.menu} — {' '.join(best.issue.split())}"[:TITLE] if best else ""
        wanted = tuple(sorted(question.wanted))
        return RunAnswer(question.id, question.query, wanted, told, result.verdict, best.id if best else None, name)

    def _model(self) -> str:
        serving = self._base.serving
        return serving.name if serving else ""
