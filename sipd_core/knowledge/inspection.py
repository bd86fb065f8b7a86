"""Looking through the base in the background: near duplicates, names of menus, texts that solve nothing; by version.

One reason to change: when the base is looked through anew.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sipd_core.documents import Case
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.clusters import Cluster, find_clusters
from sipd_core.knowledge.findings import Findings, Judged, findings_of
from sipd_core.knowledge.judgement import judgements_of
from sipd_core.knowledge.menus import menu_groups
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.texts import text

log = logging.getLogger(__name__)

COMPLAINT_VIEW: Final = 1
"""Place of the complaint alone among the views of a case (knowledge/views.py)."""
_KEYS_AT_ONCE: Final = 4_000
_CASES_BETWEEN: Final = 500
"""Cases judged between two looks at whether to go on."""
_IMPORTS_READ: Final = 2_000


@dataclass(frozen=True, slots=True)
class HealthView:
    """What is known now, and whether it is being worked out anew."""

    findings: Findings | None
    """The last that was worked out, None before the first time."""
    share: float | None
    """How much of the work under way is done, 0..1; None when there is none."""
    error: str | None = None
    """Why the last look failed, in Indonesian."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the findings depend on."""

    version: int
    model: str
    """The embedding model whose vectors are compared, empty for none."""
    whole: bool
    """No complaint waits for its vector."""


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Clusters, and what they were found in."""

    state: _State
    texts: Mapping[str, tuple[str, str]]
    """Case id -> (name of its menu, complaint)."""
    clusters: tuple[Cluster, ...]

    def serve(self, state: _State, texts: Mapping[str, tuple[str, str]]) -> bool:
        """Whether they still hold: nothing was asked anew or reworded since, rows may have gone and come back."""
        vectors = self.state.model == state.model and (self.state.whole or not state.whole)
        return vectors and texts.items() <= self.texts.items()


class _Stopped(Exception):  # noqa: N818
    """The console ends while the base is looked through."""


class Inspection:
    """Findings by version of the base. Safe from any thread; the work is done in one of its own."""

    def __init__(self, cases: CaseStore, vectors: EmbeddingStore, base: KnowledgeBase) -> None:
        self._cases = cases
        self._vectors = vectors
        self._base = base
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sipd-health")
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._job: Future[None] | None = None
        self._share = 0.0
        self._state: _State | None = None
        self._failed: tuple[_State, str] | None = None
        self._findings: Findings | None = None
        self._grouped: _Grouped | None = None
        self._judged: dict[str, Judged] = {}

    def close(self) -> None:
        """Stop looking; idempotent."""
        self._stopping.set()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def look(self, *, again: bool = False) -> HealthView:
        """What is known now; begins to work it out anew when the base has changed (`again`: after a failure too)."""
        wanted = self._wanted()
        with self._lock:
            running = self._job is not None and not self._job.done()
            failed = self._failed is not None and self._failed[0] == wanted and not again
            if not running and wanted != self._state and not failed and not self._stopping.is_set():
                self._share, self._failed = 0.0, None
                self._job = self._worker.submit(self._work, wanted)
                running = True
            error = self._failed[1] if self._failed and not running else None
            return HealthView(self._findings, self._share if running else None, error)

    def settle(self, timeout: float | None = None) -> HealthView:
        """What is known after at most `timeout` seconds of waiting for the work under way; None waits to its end."""
        view, job = self.look(), self._job
        if job is None or view.share is None:
            return view
        try:
            job.result(timeout)
        except TimeoutError:
            return view
        return self.look()

    def _wanted(self) -> _State:
        side, known, grouped = self._base.serving, self._state, self._grouped
        version, model = self._cases.version, side.name if side else ""
        if known and grouped and grouped.state.whole and (known.version, known.model) == (version, model):
            return known  # vectors made anew for a row that got a remedy tell nothing new of its complaint
        return _State(version, model, whole=not model or self._cases.pending_count(model) == 0)

    def _work(self, state: _State) -> None:
        try:
            self._find(state)
        except _Stopped:
            return
        except SipdError as error:
            self._failed = state, error.user_text
        except Exception:
            log.exception("the base could not be looked through")
            self._failed = state, text("health.errors.failed")

    def _find(self, state: _State) -> None:
        cases = self._cases.all()
        menus = menu_groups(Counter(case.menu for case in cases))
        names = {one.spelling: group.canonical for group in menus for one in group.spellings}
        grouped = self._group(state, cases, names)
        self._judge(cases)
        arrivals: dict[str, datetime] = {}
        for report in self._cases.imports(_IMPORTS_READ):  # the newest comes first
            arrivals.setdefault(report.file, report.at)
        found = findings_of(
            state.version,
            cases,
            self._cases.reports(),
            grouped.clusters,
            self._judged.values(),
            menus,
            arrivals,
            with_vectors=bool(state.model),
        )
        with self._lock:
            self._findings, self._grouped, self._state = found, grouped, state

    def _group(self, state: _State, cases: Sequence[Case], names: Mapping[str, str]) -> _Grouped:
        texts = {case.id: (names.get(case.menu, case.menu), case.issue) for case in cases}
        if self._grouped is not None and self._grouped.serve(state, texts):
            return self._grouped
        side = self._base.serving if state.model else None
        vectors = self._complaint_vectors(side.name, side.embedder.dimension) if side else None
        return _Grouped(state, texts, find_clusters(cases, names, vectors, self._hear))

    def _complaint_vectors(self, model: str, dimension: int) -> Callable[[Sequence[str]], NDArray[Any]]:
        """Vectors of complaints by case id, read in parts: a large base would not fit into memory twice."""
        keys = {case: key for case, at, key in self._cases.all_views(model) if at == COMPLAINT_VIEW}

        def vectors(ids: Sequence[str]) -> NDArray[Any]:
            found = np.zeros((len(ids), dimension), np.float16)
            for start in range(0, len(ids), _KEYS_AT_ONCE):
                part = ids[start : start + _KEYS_AT_ONCE]
                there = self._vectors.get([keys[id_] for id_ in part if id_ in keys], dimension)
                for at, id_ in enumerate(part, start):
                    vector = there.get(keys.get(id_, ""))
                    if vector is not None:
                        found[at] = vector
                self._hear(self._share)
            return found

        return vectors

    def _judge(self, cases: Sequence[Case]) -> None:
        """Judge the texts of every case without a remedy, those that are as before not again."""
        before, self._judged = self._judged, {}
        for at, case in enumerate(case for case in cases if not case.remedy):
            known = before.get(case.id)
            self._judged[case.id] = known if known and known.case == case else Judged(case, judgements_of(case))
            if at % _CASES_BETWEEN == 0:
                self._hear(self._share)

    def _hear(self, share: float) -> None:
        if self._stopping.is_set():
            raise _Stopped
        self._share = share
