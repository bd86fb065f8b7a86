"""One embedding model at work on the base: its vectors in SQL and in its own collection, and its calibration."""

import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from numpy.typing import NDArray

from sipd_core.documents import Case
from sipd_core.embeddings import Vectors
from sipd_core.embeddings.cached import CachedEmbedder, Embedded
from sipd_core.knowledge.calibration import (
    Calibration,
    TrainingSet,
    fit,
    training_texts,
)
from sipd_core.knowledge.index import VectorIndex
from sipd_core.knowledge.views import (
    case_of,
    model_name,
    passages_of,
    view_id,
    view_ids,
)
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.schema import EPOCH_STATE

log = logging.getLogger(__name__)

SELF_QUERIES = 20
"""Known vectors asked for after opening: ids can be there and never be found (two processes wrote to one path)."""
SAME = 0.999
"""Cosine from which two vectors are of the same text, one of them kept as float16."""
FIT_CASES = 10_000
"""Cases the calibration is fitted on at most; more add time and no precision."""
STALE_SHARE = 0.02
"""Share of the rows that may change before the relevance is fitted anew: at once in a small base, and in a large one not
for every row that a person edits, as nothing that is measured would come out otherwise."""
FILLED_AT_ONCE = 2_000
"""Cases whose vectors are in memory at the same time while an index is filled from SQL or compared with it."""


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model that can be asked."""

    embedder: CachedEmbedder
    round_size: int
    """Cases whose texts are handed over together: as many as the model reads well at once."""

    @property
    def name(self) -> str:
        """`name/dimension`."""
        return model_name(self.embedder)


@dataclass(frozen=True, slots=True)
class Made:
    """Vectors of a batch of cases, durable in SQL, not yet in the index."""

    views: Mapping[str, Sequence[str]]
    """Case id -> embedding keys in the order of its views."""
    batch: Sequence[Case]
    embedded: Embedded


class Side:
    """The base as one model sees it. Two sides share the rows and nothing else."""

    def __init__(
        self, model: Model, index: VectorIndex, cases: CaseStore, vectors: EmbeddingStore, *, chunks: tuple[int, int]
    ) -> None:
        """`chunks`: size and overlap of the pieces a complaint is cut into, in characters."""
        self.model = model
        self.name = model.name
        self.embedder = model.embedder
        self.index = index
        self._cases = cases
        self._vectors = vectors
        self._chunks = chunks
        self._calibrated = -1
        """Version of the rows for which the last fit is known to do."""
        self._filling = threading.Lock()
        """Held while vectors are put in or taken out: a row may come back while it is being taken out."""

    async def embed(self, batch: Sequence[Case], on_progress: Callable[[float], None]) -> Made:
        """Make the vectors of `batch`, durable in SQL on return; raises EmbeddingError, what came before it is kept.

        `on_progress` hears how much was read since its last call, in cases: their number times the share of the texts.
        """
        passages = {case.id: passages_of(case, *self._chunks) for case in batch}
        texts = [passage for of_case in passages.values() for passage in of_case]
        share = len(batch) / len(texts)
        embedded = await self.embedder.passages(texts, on_progress=lambda count: on_progress(count * share))
        keys = iter(embedded.keys)
        return Made({id_: [next(keys) for _ in of_case] for id_, of_case in passages.items()}, batch, embedded)

    def unread(self, batch: Sequence[Case]) -> list[str]:
        """The different texts of `batch` that have no vector yet, so that the model would have to read them."""
        texts = [text for case in batch for text in passages_of(case, *self._chunks)]
        return self.embedder.unread_passages(texts)

    def put(self, made: Made) -> None:
        """Put vectors into the index, then acknowledge their cases. Repeating it after a kill changes nothing."""
        with self._filling:
            self.index.delete(_surplus(made.views))
            ids = [view_id(id_, at) for id_, keys in made.views.items() for at in range(len(keys))]
            self.index.upsert(ids, made.embedded.vectors)
            self._cases.mark_indexed(self.name, [(case, made.views[case.id]) for case in made.batch])
            self._take_out(made.views)

    def drop(self, case_ids: Collection[str]) -> None:
        """Take the vectors of rows that are gone or disabled out of the index; one that came back meanwhile stays."""
        with self._filling:
            self._take_out(case_ids)

    def _take_out(self, case_ids: Collection[str]) -> None:
        gone = set(case_ids) - self._cases.enabled(case_ids)
        self.index.delete(_surplus({id_: [] for id_ in sorted(gone)}))

    def vectors_of(self, case_ids: Collection[str]) -> tuple[list[str], Vectors]:
        """The acknowledged views of some cases, out of SQL: their ids, and their vectors, shape (views, dimension)."""
        found, vectors = self._vectors.of_views(self.name, sorted(case_ids), self.embedder.dimension)
        return [view_id(*view) for view in found], vectors

    def view_vectors(self) -> dict[str, NDArray[Any]]:
        """Embedding key -> vector of every acknowledged view, out of SQL."""
        keys = {key for _, _, key in self._cases.all_views(self.name)}
        return self._vectors.get(list(keys), self.embedder.dimension)

    def reconcile(self) -> None:
        """Bring the index in step with SQL: what a killed process left out is put in, what has no row is taken out."""
        epoch = self._cases.state(EPOCH_STATE) or ""
        some = self._cases.some_viewed(self.name, SELF_QUERIES, start=uuid.uuid4().hex[:4])
        is_same = epoch == self.index.epoch
        if is_same and self.index.holds_just(self._cases.view_count(self.name)) and self._finds(some):
            return
        wanted, there = self._cases.views(self.name), self.index.ids()
        self.index.delete(sorted(there.difference(view_id(*view) for view in wanted)))
        lacking = {case for case, at in wanted if view_id(case, at) not in there}
        if not is_same:
            lacking |= self._otherwise(sorted({case for case, _ in wanted} - lacking))
        whole = sorted({case for case, _ in wanted} - lacking)
        if not self._finds(whole[:: max(len(whole) // SELF_QUERIES, 1)]):
            log.warning("the vector index does not find its own vectors; all of them are put in again")
            lacking.update(whole)
        self._fill(sorted(lacking))
        if not is_same:
            self.index.keep_epoch(epoch)

    def _fill(self, case_ids: Sequence[str]) -> None:
        if case_ids:
            log.info("putting the vectors of %d cases of %s into the index from SQL", len(case_ids), self.name)
        for start in range(0, len(case_ids), FILLED_AT_ONCE):
            self.index.upsert(*self.vectors_of(case_ids[start : start + FILLED_AT_ONCE]))

    def _finds(self, case_ids: Sequence[str]) -> bool:
        """Whether the vectors of these cases are found by asking for them; equal texts may share the first place."""
        return all(_same_place(self.index, vector) for vector in self.vectors_of(case_ids)[1])

    def _otherwise(self, case_ids: Sequence[str]) -> set[str]:
        """Cases whose vectors in the index are not those of SQL: a restore brings an earlier text back under its id."""
        found: set[str] = set()
        for start in range(0, len(case_ids), FILLED_AT_ONCE):
            views, vectors = self.vectors_of(case_ids[start : start + FILLED_AT_ONCE])
            there = self.index.vectors(views)
            near = ((view, there.get(view), vector) for view, vector in zip(views, vectors, strict=True))
            found.update(case_of(view) for view, held, vector in near if held is None or float(held @ vector) < SAME)
        return found

    async def calibrate(self, version: int, cases: Callable[[], Sequence[Case]]) -> bool:
        """Fit the relevance on the rows of `version`, unless the last fit is of nearly the same; True when it was done now."""
        if version == self._calibrated:
            return False  # asked at every idle poll: SQL need not be asked for it
        done = await to_thread.run_sync(self._still_fits, version)
        if not done:
            rows = cases()
            training = await to_thread.run_sync(training_texts, rows)
            questions = (await self.embedder.examples(list(training.queries))).vectors
            fitted = await to_thread.run_sync(self._fit, training, questions)
            value = f"{self._recipe} {version} {len(rows)}\n{fitted.to_json()}"
            await to_thread.run_sync(self._cases.set_state, calibration_state(self.name), value)
        self._calibrated = version
        return not done

    def _still_fits(self, version: int) -> bool:
        head, _, body = (self._cases.state(calibration_state(self.name)) or "").partition("\n")
        recipe, *at = head.split(" ")
        if recipe != self._recipe or len(at) != 2 or _parse(body) is None:
            return False
        fitted, rows = map(int, at)
        return fitted <= version and self._cases.changed_since(fitted) <= STALE_SHARE * rows

    def _fit(self, training: TrainingSet, questions: NDArray[Any]) -> Calibration:
        views, vectors = self.vectors_of(self._cases.some_viewed(self.name, FIT_CASES))
        return fit(training, views, vectors, questions)

    @property
    def _recipe(self) -> str:
        """Changes with what makes a fit come out otherwise on the same rows."""
        return hashlib.sha256(f"{self.name}/{self._chunks}".encode()).hexdigest()[:16]


def calibration_state(model: str) -> str:
    """Name under which the base remembers what was measured with one model."""
    return f"calibration.{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def latest_calibration(cases: CaseStore, model: str | None) -> Calibration:
    """What was last measured with a model: the fit of an earlier version serves until the new one is ready."""
    _, _, body = (cases.state(calibration_state(model)) or "" if model else "").partition("\n")
    return _parse(body) or Calibration.prior()


def _surplus(views: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids that an earlier, longer form of the cases may have left behind."""
    return [view for id_, keys in views.items() for view in view_ids(id_, len(keys))]


def _same_place(index: VectorIndex, vector: NDArray[Any]) -> bool:
    nearest = index.nearest(vector, 1)
    return bool(nearest) and nearest[0][1] > SAME


def _parse(body: str) -> Calibration | None:
    try:
        return Calibration.from_json(body) if body else None
    except ValueError as error:
        log.warning("the stored calibration cannot be read and is fitted anew: %s", error)
        return None
