"""One embedding model at work on the base: its vectors in SQL and in its own collection, and its calibration."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from sipd_core.documents import Case
from sipd_core.embeddings.cached import CachedEmbedder, Embedded
from sipd_core.knowledge.calibration import (
    Calibration,
    TrainingSet,
    fit,
    training_texts,
)
from sipd_core.knowledge.index import VectorIndex
from sipd_core.knowledge.views import MAX_CHUNKS, model_name, passages_of
from sipd_core.store.cases import CaseStore
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.schema import EPOCH_STATE

log = logging.getLogger(__name__)

SELF_QUERIES = 20
"""Known vectors asked for after opening: ids can be there and never be found (two processes wrote to one path)."""
SAME = 0.999
"""Cosine from which two vectors are of the same text, one of them kept as float16."""
COMPARED = 2_000
"""Vectors read from the index at once."""
MOST_VIEWS = MAX_CHUNKS + 1
FIT_VIEWS = 20_000
"""Views the calibration is fitted on at most; more add time and no precision."""


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
        self._calibrated = ""

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
        self.index.delete(_surplus(made.views))
        ids = [view_id(id_, at) for id_, keys in made.views.items() for at in range(len(keys))]
        self.index.upsert(ids, made.embedded.vectors)
        self._cases.mark_indexed(self.name, [(case, made.views[case.id]) for case in made.batch])

    def drop(self, case_ids: Sequence[str]) -> None:
        """Take the vectors of cases that left SQL out of the index."""
        self.index.delete(_surplus({id_: [] for id_ in case_ids}))

    def stored(self) -> dict[str, NDArray[Any]]:
        """View id -> vector of every acknowledged view, out of SQL."""
        views = self._cases.all_views(self.name)
        vectors = self._vectors.get(list({key for _, _, key in views}), self.embedder.dimension)
        return {view_id(case, at): vectors[key] for case, at, key in views if key in vectors}

    def view_vectors(self) -> dict[str, NDArray[Any]]:
        """Embedding key -> vector of every acknowledged view, out of SQL."""
        keys = {key for _, _, key in self._cases.all_views(self.name)}
        return self._vectors.get(list(keys), self.embedder.dimension)

    def reconcile(self) -> None:
        """Bring the index in step with SQL: what a killed process left out is put in, what has no row is taken out."""
        stored = self.stored()
        there = self.index.ids()
        self.index.delete(sorted(there - stored.keys()))
        missing = [id_ for id_ in stored if id_ not in there]
        if len(missing) < len(stored) and not _finds_itself(self.index, stored):
            log.warning("the vector index does not find its own vectors; all of them are put in again")
            missing = list(stored)
        epoch = self._cases.state(EPOCH_STATE) or ""
        if epoch != self.index.epoch:
            missing += _otherwise(self.index, stored, there.difference(missing))
        if missing:
            log.info("putting %d vectors of %s into the index from SQL", len(missing), self.name)
            self.index.upsert(missing, _stack(stored, missing))
        if epoch != self.index.epoch:
            self.index.keep_epoch(epoch)

    async def calibrate(self, version: int, cases: Callable[[], Sequence[Case]]) -> bool:
        """Fit the relevance on the rows of `version`, unless that was done already; True when it was done now."""
        fingerprint = self._fingerprint(version)
        if fingerprint == self._calibrated:
            return False  # asked at every idle poll: neither the rows nor the stored JSON need be read for it
        known = await to_thread.run_sync(self._head) == fingerprint
        if not known:
            training = await to_thread.run_sync(training_texts, cases())
            questions = (await self.embedder.examples(list(training.queries))).vectors
            fitted = await to_thread.run_sync(self._fit, training, questions)
            value = f"{fingerprint}\n{fitted.to_json()}"
            await to_thread.run_sync(self._cases.set_state, calibration_state(self.name), value)
        self._calibrated = fingerprint
        return not known

    def _head(self) -> str:
        head, _, body = (self._cases.state(calibration_state(self.name)) or "").partition("\n")
        return head if _parse(body) is not None else ""

    def _fit(self, training: TrainingSet, questions: NDArray[Any]) -> Calibration:
        stored = self.stored()
        names = list(stored)[:FIT_VIEWS]
        if not names:
            return fit(training, [], None, None)
        return fit(training, names, _stack(stored, names), questions)

    def _fingerprint(self, version: int) -> str:
        return hashlib.sha256(f"{version}/{self.name}/{self._chunks}".encode()).hexdigest()[:16]


def view_id(case_id: str, position: int) -> str:
    """Id of one view in the index."""
    return f"{case_id}:{position}"


def calibration_state(model: str) -> str:
    """Name under which the base remembers what was measured with one model."""
    return f"calibration.{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def latest_calibration(cases: CaseStore, model: str | None) -> Calibration:
    """What was last measured with a model: the fit of an earlier version serves until the new one is ready."""
    _, _, body = (cases.state(calibration_state(model)) or "" if model else "").partition("\n")
    return _parse(body) or Calibration.prior()


def biases(calibration: Calibration, stored: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """View id -> what is subtracted from its cosines."""
    names = list(stored)
    return calibration.biases(names, _stack(stored, names)) if names else {}


def _surplus(views: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids that an earlier, longer form of the cases may have left behind."""
    return [view_id(id_, at) for id_, keys in views.items() for at in range(len(keys), MOST_VIEWS)]


def _stack(stored: Mapping[str, NDArray[Any]], names: Sequence[str]) -> NDArray[Any]:
    return np.stack([stored[name] for name in names])


def _finds_itself(index: VectorIndex, stored: Mapping[str, NDArray[Any]]) -> bool:
    """Whether known vectors are found by asking for them; equal texts may share the first place."""
    names = sorted(stored)[:: max(len(stored) // SELF_QUERIES, 1)][:SELF_QUERIES]
    return all(_same_place(index, stored[name]) for name in names)


def _otherwise(index: VectorIndex, stored: Mapping[str, NDArray[Any]], there: Iterable[str]) -> list[str]:
    """Ids whose vector in the index is not that of SQL: a restore brings an earlier text back under the same id."""
    ids = sorted(id_ for id_ in there if id_ in stored)
    found: list[str] = []
    for start in range(0, len(ids), COMPARED):
        vectors = index.vectors(ids[start : start + COMPARED])
        found += [id_ for id_, vector in vectors.items() if float(vector @ stored[id_]) < SAME]
    return found


def _same_place(index: VectorIndex, vector: NDArray[Any]) -> bool:
    nearest = index.nearest(vector, 1)
    return bool(nearest) and nearest[0][1] > SAME


def _parse(body: str) -> Calibration | None:
    try:
        return Calibration.from_json(body) if body else None
    except ValueError as error:
        log.warning("the stored calibration cannot be read and is fitted anew: %s", error)
        return None
