"""The knowledge base: rows in SQL (the truth), vectors in the index, words in memory, kept in step and searched as one.

One side, which is one embedding model with its vectors and its calibration, serves. Beside it another may be built,
which takes over when it is whole: until then no search sees anything of it.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from anyio import Lock, create_task_group, to_thread
from numpy.typing import NDArray

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case, Hit
from sipd_core.errors import EmbeddingError, SipdError, StoreError, root_cause
from sipd_core.knowledge.calibration import Calibration, training_texts
from sipd_core.knowledge.index import VectorIndex
from sipd_core.knowledge.lexical import LexicalScores, kept
from sipd_core.knowledge.relevance import (
    Ground,
    PreparedQuery,
    QueryVectors,
    Ranking,
    Scored,
    ground,
    prepare,
)
from sipd_core.knowledge.side import Model, Side
from sipd_core.knowledge.snapshot import Snapshot, load, unread
from sipd_core.language import names_nothing
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore

log = logging.getLogger(__name__)

QUESTION_CHARACTERS = 1_200
"""Longer questions are embedded without their middle: 95 % of complaints are below 437 characters (FIELD.md), the
matter of a long story stands at its beginning or its end, and every hundred tokens cost a slow core 0.1 s."""
KEPT_AFTER = 500
"""Rows that a start may have to read again, each half a millisecond."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the base says to one question."""

    hits: tuple[Hit, ...]
    verdict: Verdict
    relevance: float
    """Calibrated relevance of the best hit, 0..1."""
    vector: NDArray[Any] | None = None
    """Embedding of the cleaned question by the model that serves as the search returns, None when none could be asked.
    The reader may be given it until the caller awaits anything else: then another model may have taken over."""
    origin: VectorOrigin | None = None
    """Where the question's vector came from, None when none could be had."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    degraded: str | None = None
    """Why only words were compared, in Indonesian."""
    ground: Ground = Ground.EMPTY
    """Why the verdict is what it is."""
    problem: str | None = None
    """Class of the error behind `degraded`."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A search with all that led to its result."""

    result: SearchResult
    query: PreparedQuery
    ranking: Ranking
    """The hits; every case that was looked at where that was wanted."""
    cases: Mapping[str, Case]
    """The cases of `ranking` by their ids."""
    version: int
    """Version of the rows that were searched."""


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The order of a question's cases, and how many rows report those that are shown."""

    ranking: Ranking
    reports: Mapping[str, int]


class KnowledgeBase:
    """Searches; everything that blocks runs in worker threads."""

    def __init__(
        self,
        cases: CaseStore,
        vectors: EmbeddingStore,
        *,
        retrieval: RetrievalSettings,
        chunk_size: int,
        chunk_overlap: int,
        monitor: PerformanceMonitor,
        words_file: Path | None = None,
    ) -> None:
        """`words_file` keeps the words of the rows, so that a start need not read them all again."""
        self._cases = cases
        self._vectors = vectors
        self.retrieval = retrieval
        """What searches go by; another value takes effect with the next search."""
        self._chunks = chunk_size, chunk_overlap
        self._monitor = monitor
        self._building: Side | None = None
        self._refreshing = Lock()
        self._words_file = words_file
        self._kept_age = 0
        self._gone: frozenset[str] = frozenset()
        """Cases whose vectors are still to be taken out of the index."""
        self._snapshot = unread()

    @property
    def version(self) -> int:
        """The version of the rows that searches see."""
        return self._snapshot.version

    @property
    def serving(self) -> Side | None:
        """The side that searches use; None while words alone are compared."""
        return self._snapshot.side

    @property
    def calibration(self) -> Calibration:
        """What is known of questions of the field."""
        return self._snapshot.biases.calibration

    @property
    def building(self) -> Side | None:
        """The side that is to take over."""
        return self._building

    @property
    def counts(self) -> Mapping[str, int]:
        """`cases`, `samples`, `with_remedy`, `menus` that searches see: pages ask at every rerun."""
        return self._snapshot.counts

    def __len__(self) -> int:
        return len(self._snapshot.cases)

    async def open_side(self, model: Model, index: VectorIndex) -> Side:
        """A side on `index`, which is put in step with SQL; nothing is embedded and no search sees it yet."""
        side = Side(model, index, self._cases, self._vectors, chunks=self._chunks)
        await to_thread.run_sync(side.reconcile)
        return side

    async def serve(self, side: Side, then: Callable[[], None] | None = None) -> None:
        """Let `side` serve from now on; `then` is called in the same step of the loop."""
        async with self._refreshing:
            self._snapshot = await to_thread.run_sync(load, self._snapshot, self._cases, side, self._words_file)
            if self._building is not None and self._building.name == side.name:
                self._building = None
            if then is not None:
                then()

    def build(self, side: Side | None) -> None:
        """Build `side` beside the serving one; None: build nothing."""
        self._building = side

    async def take_over(self, then: Callable[[], None] | None = None) -> bool:
        """Let the side that is built serve if it is whole: nothing waits for its vectors and it is calibrated.

        Raises what its model raises; then the other one goes on serving.
        """
        side = self._building
        if side is None:
            return False
        await self.refresh()
        await self.calibrate(side)
        if await to_thread.run_sync(self._cases.pending_count, side.name):
            return False
        await self.serve(side, then)
        return True

    async def refresh(self, *, force: bool = False) -> bool:
        """Take over what changed in SQL; True when something had changed. With `force` the calibration is read again."""
        async with self._refreshing:
            version = await to_thread.run_sync(lambda: self._cases.version)
            if version == self._snapshot.version and not force:
                return False
            before = self._snapshot
            after = await to_thread.run_sync(load, before, self._cases, before.side, self._words_file)
            self._snapshot = after
            self._gone |= before.cases.keys() - after.cases.keys()
            await self._drop()
            return True

    async def keep_words(self) -> None:
        """Keep the words of the rows for the next start, when enough of them changed since that was done."""
        rows = self._snapshot.lexical.rows
        if self._words_file is not None and rows.age - self._kept_age >= KEPT_AFTER:
            self._kept_age = rows.age
            await to_thread.run_sync(kept.write, self._words_file, rows)

    async def search(
        self, text: str, top_k: int | None = None, *, exclude: frozenset[str] = frozenset()
    ) -> SearchResult:
        """The cases that fit a masked question, best first; words alone decide when no vector can be had.

        Cases in `exclude` (already tried without success) are left out; the others keep the relevance they have beside
        them. A question that names no problem finds nothing.
        """
        retrieval = self.retrieval
        while True:
            snapshot = self._snapshot
            found = await self._search(snapshot, text, retrieval, top_k, exclude)
            if self._snapshot.side is snapshot.side:
                break  # else another model took over meanwhile: its reader must not get this one's vector
        self._monitor.record_embedding_time(found.result.timings_ms["embed"])
        self._monitor.record_search_time(found.result.timings_ms["search"])
        return found.result

    async def try_out(
        self, text: str, retrieval: RetrievalSettings, top_k: int | None = None, *, candidates: bool = False
    ) -> Trial:
        """The search that `retrieval` would give, with its grounds; not counted among the searches of people.

        `candidates`: the grounds of every case that was looked at, not only of the hits.
        """
        snapshot, limit = self._snapshot, len(self) if candidates else 0
        if not retrieval.use_vectors:
            snapshot = replace(snapshot, side=None)  # nobody reads intent and mood here: no vector is needed
        return await self._search(snapshot, text, retrieval, top_k, frozenset(), limit, counted=False)

    async def read_ahead(self, questions: Sequence[str]) -> None:
        """Have the vectors of masked questions at hand, in as few calls as the model can do with.

        Raises EmbeddingError. Where no vectors are kept in memory there is nothing to be gained, and it does nothing.
        """
        side = self._snapshot.side
        if side is not None and side.embedder.remembers and questions:
            await side.embedder.queries([_head_and_tail(prepare(text).embedded) for text in questions], counted=False)

    async def at_hand(self, questions: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """The vectors of masked questions that cost nothing, by question, each of shape (dimension,); raises StoreError."""
        side = self._snapshot.side
        if side is None or not questions:
            return {}
        read = {question: _head_and_tail(prepare(question).embedded) for question in questions}
        try:
            found = await side.embedder.at_hand(list(dict.fromkeys(read.values())))
        except EmbeddingError as error:
            log.warning("questions are compared by their words alone: %s", error)
            return {}
        return {question: found[text] for question, text in read.items() if text in found}

    async def question_vectors(self, questions: Sequence[str]) -> NDArray[Any] | None:
        """Vectors of masked questions by the model that serves, shape (questions, dimension); None without a model.

        Raises EmbeddingError.
        """
        side = self._snapshot.side
        if side is None:
            return None
        return (await side.embedder.queries([as_embedded(text) for text in questions], counted=False)).vectors

    async def _drop(self) -> None:
        """Take the vectors of rows that are gone or disabled out of the index, at the next refresh if not now."""
        try:
            for side in (self.serving, self._building):
                if side is not None and self._gone:
                    await to_thread.run_sync(side.drop, self._gone)
            self._gone = frozenset()
        except StoreError as error:
            log.warning("vectors of %d rows that are gone stay in the index for now: %s", len(self._gone), error)

    async def calibrate(self, side: Side) -> None:
        """Fit the relevance of a side on the rows as they are now, unless that was done already."""
        snapshot = self._snapshot
        fitted = await side.calibrate(snapshot.version, lambda: list(snapshot.cases.values()))
        if fitted and side is self.serving:
            await self.refresh(force=True)

    def calibration_questions(self) -> list[str]:
        """The questions that `calibrate` embeds for the rows as they are now."""
        return list(training_texts(list(self._snapshot.cases.values())).queries)

    async def _search(
        self,
        snapshot: Snapshot,
        text: str,
        retrieval: RetrievalSettings,
        top_k: int | None,
        exclude: frozenset[str],
        limit: int = 0,
        *,
        counted: bool = True,
    ) -> Trial:
        """`limit`: cases whose grounds are wanted, at least the hits. `counted`: a person asked."""
        count = top_k or retrieval.top_k
        query = prepare(text)
        started = time.perf_counter()
        words, asked = await _compared(snapshot, query, counted=counted)
        embedded = time.perf_counter()
        rank = partial(
            self._rank, snapshot, query, words, retrieval, limit=max(limit, count), shown=count, exclude=exclude
        )
        try:
            ranked = await to_thread.run_sync(rank, asked.vector)
        except StoreError as error:
            ranked, asked = await to_thread.run_sync(rank, None), replace(asked, problem=error)
        finished = time.perf_counter()
        timings = {"embed": (embedded - started) * 1000, "search": (finished - embedded) * 1000}
        found = ranked.ranking.cases
        vague = names_nothing(text)
        hits = () if vague else tuple(_hit(one, snapshot, ranked.reports) for one in found[:count])
        why = Ground.VAGUE if vague and snapshot.cases else _ground(hits, retrieval.threshold)
        relevance = hits[0].relevance if hits else 0.0
        said, kind = (asked.problem.user_text, root_cause(asked.problem)) if asked.problem else (None, None)
        result = SearchResult(
            hits, why.verdict, relevance, asked.vector, asked.origin, timings, said, why, problem=kind
        )
        cases = {one.case_id: snapshot.cases[one.case_id] for one in found}
        return Trial(result, query, ranked.ranking, cases, snapshot.version)

    def _rank(
        self,
        snapshot: Snapshot,
        query: PreparedQuery,
        words: LexicalScores,
        retrieval: RetrievalSettings,
        vector: NDArray[Any] | None,
        *,
        limit: int,
        shown: int,
        exclude: frozenset[str],
    ) -> _Ranked:
        found: QueryVectors | None = None
        if retrieval.use_vectors and vector is not None and snapshot.side is not None:
            nearest = snapshot.side.index.nearest(vector, retrieval.vector_candidates)
            biases = snapshot.biases.of(view for view, _ in nearest)
            found = QueryVectors(vector, {view: cosine for view, cosine in nearest if view in biases}, biases)
        ranking = snapshot.ranker.judge(query, found, limit, exclude, words, retrieval)
        ids = [one.case_id for one in ranking.cases[:shown]]
        return _Ranked(ranking, self._cases.reported(ids, snapshot.aliases))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What became of the wish for a question's vector."""

    vector: NDArray[Any] | None = None
    origin: VectorOrigin | None = None
    problem: SipdError | None = None


async def _compared(snapshot: Snapshot, query: PreparedQuery, *, counted: bool) -> tuple[LexicalScores, _Asked]:
    """What the words say, worked out while the question's vector is waited for, and that vector."""
    found: list[_Asked] = []
    failed: list[SipdError] = []

    async def embed() -> None:
        try:
            found.append(await _embed(snapshot.side, query, counted=counted))
        except SipdError as error:
            failed.append(error)  # raised below: a task group would wrap it, and nobody would know it again

    async with create_task_group() as group:
        group.start_soon(embed)
        words = await to_thread.run_sync(snapshot.lexical.scores, query.clean)
    if failed:
        raise failed[0]
    return words, found[0]


async def _embed(side: Side | None, query: PreparedQuery, *, counted: bool) -> _Asked:
    """Vector of the cleaned question, shape (dimension,); the classifiers read it too, so one embedding serves all."""
    if side is None:
        return _Asked()
    try:
        embedded = await side.embedder.queries([_head_and_tail(query.embedded)], counted=counted)
    except EmbeddingError as error:
        return _Asked(problem=error)
    return _Asked(embedded.vectors[0], embedded.origin)


def _ground(hits: Sequence[Hit], threshold: float) -> Ground:
    if not hits:
        return Ground.EMPTY
    return ground(hits[0].relevance, threshold, has_remedy=bool(hits[0].case.remedy))


def as_embedded(question: str) -> str:
    """The text that a search hands to the embedding model for a question."""
    return _head_and_tail(prepare(question).embedded)


def _head_and_tail(question: str) -> str:
    if len(question) <= QUESTION_CHARACTERS:
        return question
    half = QUESTION_CHARACTERS // 2
    return f"{question[:half]} {question[-half:]}"


def _hit(scored: Scored, snapshot: Snapshot, reports: Mapping[str, int]) -> Hit:
    return Hit(
        case=snapshot.cases[scored.case_id],
        relevance=scored.relevance,
        vector=scored.vector,
        lexical=scored.lexical,
        also_reported=reports.get(scored.case_id, 1) - 1,
        matched=scored.matched,
    )
