"""The knowledge base: rows in SQL (the truth), vectors in the index, words in memory, kept in step and searched as one."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from anyio import Lock, to_thread
from numpy.typing import NDArray

from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case, Hit
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.errors import EmbeddingError, StoreError
from sipd_core.knowledge.calibration import Calibration, TrainingSet, fit, training_texts
from sipd_core.knowledge.index import ExactIndex, VectorIndex
from sipd_core.knowledge.lexical import LexicalIndex
from sipd_core.knowledge.relevance import PreparedQuery, QueryVectors, Ranker, Scored, prepare, verdict
from sipd_core.knowledge.views import MAX_CHUNKS, lexical_entry, passages_of
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore

log = logging.getLogger(__name__)

VECTOR_CANDIDATES = 200
"""Views asked of the index: all of a small base, more than any answer needs of a large one."""
QUESTION_CHARACTERS = 1_200
"""Longer questions are embedded without their middle: 95 % of complaints are below 437 characters (FIELD.md), the matter
of a long story stands at its beginning or its end, and every hundred tokens cost a slow core a tenth of a second."""
RANKED = 50
"""Cases ranked for one question at most."""
SELF_QUERIES = 20
"""Known vectors asked for after opening: ids can be there and never be found (MEASURED.md, two processes on one path)."""
MOST_VIEWS = MAX_CHUNKS + 1
FIT_VIEWS = 20_000
"""Views the calibration is fitted on at most; more add time and no precision."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the base says to one question."""

    hits: tuple[Hit, ...]
    verdict: Verdict
    relevance: float
    """Calibrated relevance of the best hit, 0..1."""
    vector: NDArray[Any] | None = None
    """Embedding of the cleaned question, None when no model could be asked."""
    cached: bool = False
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: str | None = None
    """Why only words were compared, in Indonesian."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a search needs, swapped whole when the base changes."""

    version: int
    cases: Mapping[str, Case]
    counts: Mapping[str, int]
    reports: Mapping[str, int]
    lexical: LexicalIndex
    calibration: Calibration
    biases: Mapping[str, float]
    ranker: Ranker


class KnowledgeBase:
    """Searches and indexes; everything that blocks runs in worker threads."""

    def __init__(
        self,
        cases: CaseStore,
        vectors: EmbeddingStore,
        *,
        threshold: float,
        top_k: int,
        chunk_size: int,
        chunk_overlap: int,
        monitor: PerformanceMonitor,
    ) -> None:
        self._cases = cases
        self._vectors = vectors
        self._threshold = threshold
        self._top_k = top_k
        self._chunks = chunk_size, chunk_overlap
        self._monitor = monitor
        self._embedder: CachedEmbedder | None = None
        self._index: VectorIndex | None = None
        self._calibrated = ""
        self._refreshing = Lock()
        self._snapshot = _snapshot(0, {}, {}, LexicalIndex([]), Calibration.prior(), {})

    @property
    def version(self) -> int:
        """The version of the rows that searches see."""
        return self._snapshot.version

    @property
    def counts(self) -> Mapping[str, int]:
        """`cases`, `samples`, `with_remedy`, `menus` that searches see: pages ask at every rerun."""
        return self._snapshot.counts

    def __len__(self) -> int:
        return len(self._snapshot.cases)

    async def open_vectors(self, embedder: CachedEmbedder, open_index: Callable[[], VectorIndex]) -> None:
        """Take the model and the index into use, and put the index in step with SQL without embedding anything."""
        index = await to_thread.run_sync(open_index)
        await to_thread.run_sync(self._reconcile, index, embedder.dimension)
        self._embedder, self._index = embedder, index
        await self.refresh(force=True)

    async def open_exact(self, embedder: CachedEmbedder) -> None:
        """Search SQL's vectors in memory: for a process that must leave the index to its owner."""
        stored = await to_thread.run_sync(self._stored_vectors, embedder.dimension)
        self._embedder, self._index = embedder, ExactIndex(stored)
        await self.refresh(force=True)

    async def refresh(self, *, force: bool = False) -> bool:
        """Take over what changed in SQL; True when something had changed."""
        async with self._refreshing:
            version = await to_thread.run_sync(lambda: self._cases.version)
            if version == self._snapshot.version and not force:
                return False
            self._snapshot = await to_thread.run_sync(self._load, version)
            return True

    async def search(
        self, text: str, top_k: int | None = None, *, exclude: frozenset[str] = frozenset()
    ) -> SearchResult:
        """The cases that fit a masked question, best first; words alone decide when no vector can be had.

        Cases in `exclude` (already tried without success) are left out, and the others judged as if they were not there.
        """
        snapshot = self._snapshot
        query = prepare(text)
        started = time.perf_counter()
        vector, cached, degraded = await self._embed(query)
        embedded = time.perf_counter()
        try:
            scored = await to_thread.run_sync(self._rank, snapshot, query, vector, exclude)
        except StoreError as error:
            scored, degraded = await to_thread.run_sync(self._rank, snapshot, query, None, exclude), error.user_text
        finished = time.perf_counter()
        timings = {"embed": (embedded - started) * 1000, "search": (finished - embedded) * 1000}
        self._monitor.record_embedding_time(timings["embed"])
        self._monitor.record_search_time(timings["search"])
        hits = tuple(_hit(one, snapshot) for one in scored[: top_k or self._top_k])
        relevance = hits[0].relevance if hits else 0.0
        found = verdict(relevance, self._threshold) if hits else Verdict.NOT_FOUND
        if found is Verdict.FOUND and not hits[0].case.remedy:
            found = Verdict.PARTIAL  # the complaint is known, what solves it is not
        return SearchResult(hits, found, relevance, vector, cached, timings, degraded)

    async def index_batch(self, batch: Sequence[Case]) -> int:
        """Make `batch` findable by meaning, durably: vectors into SQL, then into the index, then acknowledge.

        Returns how many texts the model had to read. Repeating it after a kill changes nothing and embeds nothing.
        """
        if self._embedder is None or self._index is None:
            raise EmbeddingError("no embedding model is loaded", reason="model belum siap")
        views = {case.id: passages_of(case, *self._chunks) for case in batch}
        embedded = await self._embedder.passages([passage for passages in views.values() for passage in passages])
        ids = [view_id(case.id, at) for case in batch for at in range(len(views[case.id]))]
        await to_thread.run_sync(self._index.delete, _surplus(views))
        await to_thread.run_sync(self._index.upsert, ids, embedded.vectors)
        keys = dict(zip(ids, embedded.keys, strict=True))
        by_case = [(case, [keys[view_id(case.id, at)] for at in range(len(views[case.id]))]) for case in batch]
        await to_thread.run_sync(self._cases.mark_indexed, by_case)
        return embedded.computed

    async def drop(self, case_ids: Sequence[str]) -> None:
        """Take the vectors of cases that left SQL out of the index."""
        if self._index is not None and case_ids:
            await to_thread.run_sync(self._index.delete, _surplus({id_: [] for id_ in case_ids}))

    async def calibrate(self) -> None:
        """Fit the relevance on the rows as they are now, unless that was done already."""
        fingerprint = self._fingerprint()
        if fingerprint == self._calibrated:
            return  # asked at every idle poll: the stored JSON need not be read for it
        if await to_thread.run_sync(self._stored_calibration, fingerprint) is not None:
            self._calibrated = fingerprint
            return
        snapshot = self._snapshot
        training = await to_thread.run_sync(training_texts, list(snapshot.cases.values()))
        questions = (await self._embedder.examples(list(training.queries))).vectors if self._embedder else None
        fitted = await to_thread.run_sync(self._fit, training, questions)
        await to_thread.run_sync(self._cases.set_state, "calibration", f"{fingerprint}\n{fitted.to_json()}")
        self._calibrated = fingerprint
        await self.refresh(force=True)

    def calibration_questions(self) -> list[str]:
        """The questions that `calibrate` embeds for the rows as they are now."""
        return list(training_texts(list(self._snapshot.cases.values())).queries)

    def view_vectors(self, dimension: int) -> dict[str, NDArray[Any]]:
        """Embedding key -> vector of every acknowledged view."""
        return self._vectors.get(list({key for _, _, key in self._cases.all_views()}), dimension)

    def close(self) -> None:
        """Release the index; idempotent."""
        if self._index is not None:
            self._index.close()

    async def _embed(self, query: PreparedQuery) -> tuple[NDArray[Any] | None, bool, str | None]:
        """Vector of the cleaned question, shape (dimension,); the classifiers read it too, so one embedding serves all."""
        if self._embedder is None:
            return None, False, None
        try:
            embedded = await self._embedder.queries([_head_and_tail(query.embedded)])
        except EmbeddingError as error:
            return None, False, error.user_text
        return embedded.vectors[0], embedded.computed == 0, None

    def _rank(
        self, snapshot: _Snapshot, query: PreparedQuery, vector: NDArray[Any] | None, exclude: frozenset[str]
    ) -> list[Scored]:
        found: QueryVectors | None = None
        if vector is not None and self._index is not None and snapshot.biases:
            nearest = self._index.nearest(vector, min(VECTOR_CANDIDATES, len(snapshot.biases)))
            cosines = {id_: cosine for id_, cosine in nearest if id_ in snapshot.biases}
            found = QueryVectors(vector, cosines)
        return snapshot.ranker.rank(query, found, limit=RANKED, exclude=exclude)

    def _load(self, version: int) -> _Snapshot:
        cases = {case.id: case for case in self._cases.all()}
        old = self._snapshot
        lexical = (
            old.lexical if old.version == version else LexicalIndex(lexical_entry(case) for case in cases.values())
        )
        dimension = self._embedder.dimension if self._embedder else 0
        stored = self._stored_vectors(dimension) if self._index is not None else {}
        calibration = self._stored_calibration(self._fingerprint(version)) or self._latest_calibration()
        names = list(stored)
        biases = calibration.biases(names, _stack(stored, names)) if names else {}
        return _snapshot(version, cases, self._cases.reports(), lexical, calibration, biases)

    def _fit(self, training: TrainingSet, questions: NDArray[Any] | None) -> Calibration:
        stored = self._stored_vectors(self._embedder.dimension) if self._embedder else {}
        names = list(stored)[:FIT_VIEWS]
        if questions is None or not names:
            return fit(training, [], None, None)
        return fit(training, names, _stack(stored, names), questions)

    def _stored_vectors(self, dimension: int) -> dict[str, NDArray[Any]]:
        """View id -> vector of every acknowledged view, out of SQL."""
        views = self._cases.all_views()
        vectors = self._vectors.get(list({key for _, _, key in views}), dimension)
        return {view_id(case, at): vectors[key] for case, at, key in views if key in vectors}

    def _reconcile(self, index: VectorIndex, dimension: int) -> None:
        """Bring the index in step with SQL: what a killed process left out is put in, what has no row is taken out."""
        stored = self._stored_vectors(dimension)
        there = index.ids()
        index.delete(sorted(there - stored.keys()))
        missing = [id_ for id_ in stored if id_ not in there]
        if len(missing) < len(stored) and not _finds_itself(index, stored):
            log.warning("the vector index does not find its own vectors; all of them are put in again")
            missing = list(stored)
        if missing:
            log.info("putting %d vectors into the index from SQL", len(missing))
            index.upsert(missing, _stack(stored, missing))

    def _stored_calibration(self, fingerprint: str) -> Calibration | None:
        stored = self._cases.state("calibration") or ""
        head, _, body = stored.partition("\n")
        return _parse(body) if head == fingerprint else None

    def _latest_calibration(self) -> Calibration:
        """The fit of an earlier version serves until the new one is ready."""
        _, _, body = (self._cases.state("calibration") or "").partition("\n")
        return _parse(body) or Calibration.prior()

    def _fingerprint(self, version: int | None = None) -> str:
        model = self._embedder.model if self._embedder else "lexical"
        of = f"{self.version if version is None else version}/{model}/{self._chunks}"
        return hashlib.sha256(of.encode()).hexdigest()[:16]


def _head_and_tail(question: str) -> str:
    if len(question) <= QUESTION_CHARACTERS:
        return question
    half = QUESTION_CHARACTERS // 2
    return f"{question[:half]} {question[-half:]}"


def view_id(case_id: str, position: int) -> str:
    """Id of one view in the index."""
    return f"{case_id}:{position}"


def _snapshot(
    version: int,
    cases: Mapping[str, Case],
    reports: Mapping[str, int],
    lexical: LexicalIndex,
    calibration: Calibration,
    biases: Mapping[str, float],
) -> _Snapshot:
    counts = {
        "cases": len(cases),
        "samples": sum(case.sample for case in cases.values()),
        "with_remedy": sum(bool(case.remedy) for case in cases.values()),
        "menus": len({case.menu for case in cases.values()}),
    }
    return _Snapshot(
        version, cases, counts, reports, lexical, calibration, biases, Ranker(lexical, calibration, biases, cases)
    )


def _hit(scored: Scored, snapshot: _Snapshot) -> Hit:
    return Hit(
        case=snapshot.cases[scored.case_id],
        relevance=scored.relevance,
        vector=scored.vector,
        lexical=scored.lexical,
        also_reported=snapshot.reports.get(scored.case_id, 1) - 1,
        matched=scored.matched,
    )


def _surplus(views: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids that an earlier, longer form of the cases may have left behind."""
    return [view_id(id_, at) for id_, passages in views.items() for at in range(len(passages), MOST_VIEWS)]


def _stack(stored: Mapping[str, NDArray[Any]], names: Sequence[str]) -> NDArray[Any]:
    return np.stack([stored[name] for name in names])


def _finds_itself(index: VectorIndex, stored: Mapping[str, NDArray[Any]]) -> bool:
    """Whether known vectors are found by asking for them; equal texts may share the first place."""
    names = sorted(stored)[:: max(len(stored) // SELF_QUERIES, 1)][:SELF_QUERIES]
    return all(_same_place(index, stored[name]) for name in names)


def _same_place(index: VectorIndex, vector: NDArray[Any]) -> bool:
    nearest = index.nearest(vector, 1)
    return bool(nearest) and nearest[0][1] > 0.999


def _parse(body: str) -> Calibration | None:
    try:
        return Calibration.from_json(body) if body else None
    except ValueError as error:
        log.warning("the stored calibration cannot be read and is fitted anew: %s", error)
        return None
