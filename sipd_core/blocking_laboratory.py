"""The retrieval lab for pages: plain calls from any thread. One reason to change: what the page of the lab asks for."""

from collections.abc import Callable, Sequence
from typing import BinaryIO

from anyio.from_thread import BlockingPortal

from sipd_core.comparison import Comparison
from sipd_core.knowledge.explain import Explanation
from sipd_core.laboratory import Laboratory
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.gold import GoldReport, GoldSet, GoldStore
from sipd_core.store.runs import Run, RunAnswer
from sipd_core.store.tuning import Tuning
from sipd_core.tables.gold import gold_csv, read_gold


class BlockingLaboratory:
    """Every call is safe from any thread; failures are SipdErrors with a text for people."""

    def __init__(self, portal: BlockingPortal, room: Callable[[], Laboratory]) -> None:
        """`room`: the lab of the engine that runs."""
        self._portal = portal
        self._room = room

    @property
    def _laboratory(self) -> Laboratory:
        return self._room()

    @property
    def gold(self) -> GoldStore:
        """The gold sets and their questions."""
        return self._laboratory.gold

    @property
    def retrieval(self) -> RetrievalSettings:
        """What searches go by."""
        return self._laboratory.retrieval

    @property
    def environment(self) -> RetrievalSettings:
        """What they go by while nothing else is put in force."""
        return self._laboratory.environment

    @property
    def version(self) -> int:
        """Version of the rows that searches see."""
        return self._laboratory.version

    def explain(self, question: str, retrieval: RetrievalSettings) -> Explanation:
        """Every stage of one search with these figures."""
        return self._portal.call(self._laboratory.explain, question, retrieval)

    def upload(self, set_id: str, name: str, file: BinaryIO) -> GoldReport:
        """Take the questions of a file; raises TableError."""
        table = read_gold(name, file)
        report = self.gold.add(set_id, table.rows)
        rejections = sorted((*table.rejections, *report.rejections), key=lambda rejection: rejection.row)
        return GoldReport(report.added, report.changed, report.unchanged, report.masked, tuple(rejections))

    def lost(self, set_id: str) -> int:
        """Questions of a set none of whose cases a search can find any more."""
        return sum(question.is_lost for question in self.gold.page(set_id).questions)

    def export(self, set_id: str) -> bytes:
        """Every question of a set in the format of the upload, cases by their ids."""
        questions = self.gold.page(set_id).questions
        return gold_csv((one.query, [case.id for case in one.cases], one.style) for one in questions)

    def add_samples(self, actor: str) -> tuple[GoldSet, GoldReport]:
        """The questions shipped with the product as a set; raises SipdError without sample rows."""
        return self._laboratory.add_samples(actor=actor)

    def start(self, set_id: str, wanted: Sequence[RetrievalSettings], actor: str) -> tuple[Run, ...]:
        """Run a set with each of the figures, one after another, in the background."""
        runs = tuple(self._laboratory.start(set_id, retrieval, actor=actor) for retrieval in wanted)
        self._portal.call(self._laboratory.wake)
        return runs

    def stop(self, run_id: str) -> None:
        """Ask for the end of a run, whichever process does it."""
        self._laboratory.runs.stop(run_id)

    def runs(self, set_id: str, limit: int = 50) -> tuple[Run, ...]:
        """Runs over a set, newest first."""
        return self._laboratory.runs.list(set_id, limit)

    def answers(self, run_id: str) -> tuple[RunAnswer, ...]:
        """How a run answered each question, in their order."""
        return self._laboratory.runs.answers(run_id)

    def compare(self, first_id: str, second_id: str) -> Comparison:
        """The second run against the first."""
        return self._laboratory.compare(first_id, second_id)

    def in_force(self) -> Tuning | None:
        """The change that is in force; None while nothing was ever changed."""
        return self._laboratory.tunings.current()

    def history(self, limit: int = 50) -> tuple[Tuning, ...]:
        """What was put in force, newest first."""
        return self._laboratory.tunings.history(limit)

    def apply(self, run_id: str, actor: str, note: str = "") -> Tuning:
        """Put the figures of a run in force."""
        return self._laboratory.apply(run_id, actor=actor, note=note)

    def apply_again(self, tuning: Tuning, actor: str, note: str = "") -> Tuning:
        """Put the figures of an earlier change in force."""
        return self._laboratory.apply_again(tuning, actor=actor, note=note)

    def go_back(self, seq: int, actor: str) -> Tuning:
        """Put in force what was before the change `seq`; raises SipdError when it is not in force any more."""
        return self._laboratory.go_back(seq, actor=actor)
