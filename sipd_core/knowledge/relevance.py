"""From two kinds of scores to an order and to a relevance in 0..1.

One reason to change: how scores become a judgement. Cosines of a small model lie close together for anything at all, so
they are measured from what background sentences reach (calibration.py) and judged together with the words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.turn import Verdict
from sipd_core.knowledge.calibration import Calibration, is_whole, sigmoid
from sipd_core.knowledge.lexical import LexicalIndex, LexicalScores
from sipd_core.language import clean_query, with_full_names

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

LEXICAL_CANDIDATES = 60
"""Rows that the words alone may put forward."""

PARTIAL_SHARE = 0.5
"""Down to this share of the threshold a relevance still counts as `partial`."""

RIVALS = 10
"""How many of the next best cases the best one is compared with."""

ORDER_GRAMS = 0.15
ORDER_VECTOR = 0.1
"""Weights beside BM25's share (1.0): n-grams, and one background spread of vector similarity. Measured on two bases with 120
and 235 questions; .10-.20 and .08-.12 do equally well on both."""

WITH_VECTORS = (-1.9, 1.28, 0.74, 1.07, 2.54)
"""Intercept, then weights of: log odds of the field by vector, complaint's similarity in background spreads, share, margin."""

WORDS_ONLY = (-2.2, 0.22, 0.38, 1.9, 1.9)
"""Intercept, then weights of: log odds of the field by words, share, n-grams, margin. Both were learnt by a balanced
logistic regression on those questions and 38 and 76 foreign ones; weights learnt on one base judge the other nearly as well."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A question ready to be searched."""

    clean: str
    """Plain Indonesian, for the lexical side."""
    embedded: str
    """The text to embed: as `clean`, abbreviations written out, as in the embedded passages."""


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """What the vector side found: the question's unit vector, shape (d,), and cosines by view id (`case:position`)."""

    vector: NDArray[np.float32]
    cosines: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """One case in the order of usefulness. Only `relevance` is a probability."""

    case_id: str
    order: float
    relevance: float
    vector: float
    """Cosine of the nearest view, 0.0 when unknown."""
    lexical: float
    """BM25 over the best attainable, 0..1."""
    matched: tuple[str, ...]
    """Words of the question that the case shares."""


@dataclass(frozen=True, slots=True)
class _VectorScores:
    """By candidate row: cosine, and the complaint's and the mean similarity in spreads above the background."""

    cosine: Doubles
    complaint: Doubles
    mean: Doubles


def prepare(text: str) -> PreparedQuery:
    """The two forms of a question that the two sides of the search need."""
    clean = clean_query(text)
    return PreparedQuery(clean, with_full_names(clean))


def verdict(relevance: float, threshold: float) -> Verdict:
    """What the best case's relevance says; `threshold` is the setting SIMILARITY_THRESHOLD, on the calibrated scale."""
    if relevance >= threshold:
        return Verdict.FOUND
    return Verdict.PARTIAL if relevance >= PARTIAL_SHARE * threshold else Verdict.NOT_FOUND


class Ranker:
    """Orders and judges the cases of one knowledge base; immutable, a new one is built when the base changes."""

    def __init__(
        self, lexical: LexicalIndex, calibration: Calibration, biases: Mapping[str, float] | None = None
    ) -> None:
        """`biases` holds `calibration.biases(...)` of every view; without it words alone decide."""
        self._lexical = lexical
        self._calibration = calibration
        self._biases = biases or {}

    def rank(self, query: PreparedQuery, found: QueryVectors | None = None, limit: int = 10) -> list[Scored]:
        """The best `limit` cases, best first.

        `found` holds all views of a small base, or the nearest hundred or more of a large one; None when the vector
        side is not available: then words alone decide.
        """
        if not self._lexical.keys:
            return []
        words = self._lexical.scores(query.clean)
        use = found if found and found.cosines and self._calibration.has_vectors else None
        rows = self._candidates(words, use)
        vectors = self._vector_scores(rows, use) if use else None
        order = _order(words, rows, vectors)
        margin = order - _rivals(order)
        if vectors and use:
            field = np.full(len(rows), self._calibration.field_score(use.vector))
            relevance = _relevance(WITH_VECTORS, field, vectors.complaint, words.share[rows], margin)
        else:
            field = np.full(len(rows), self._calibration.word_score(query.clean))
            relevance = _relevance(WORDS_ONLY, field, words.share[rows], words.grams[rows], margin)
        best = np.argsort(-order, kind="stable")[:limit]
        return [
            Scored(
                self._lexical.keys[rows[at]],
                float(order[at]),
                float(relevance[at]),
                float(vectors.cosine[at]) if vectors else 0.0,
                float(words.share[rows[at]]),
                shared,
            )
            for at, shared in zip(best, self._lexical.matched(query.clean, rows[best]), strict=True)
        ]

    def _candidates(self, words: LexicalScores, found: QueryVectors | None) -> Integers:
        strength = words.share + ORDER_GRAMS * words.grams
        count = min(LEXICAL_CANDIDATES, len(strength))
        chosen = set(np.argpartition(-strength, count - 1)[:count].tolist())
        for view_id in found.cosines if found else ():
            row = self._lexical.row_of.get(_case_of(view_id))
            if row is not None:
                chosen.add(row)
        return np.array(sorted(chosen), dtype=np.int32)

    def _vector_scores(self, rows: Integers, found: QueryVectors) -> _VectorScores:
        """A view that is not among the nearest is taken to be as near as the last of them."""
        place = {self._lexical.keys[row]: at for at, row in enumerate(rows)}
        raw = np.full(len(rows), min(found.cosines.values()))
        lessened = {view: cosine - self._biases.get(view, 0.0) for view, cosine in found.cosines.items()}
        whole, complaint = np.full((2, len(rows)), min(lessened.values()))
        for view_id, value in lessened.items():
            at = place.get(_case_of(view_id))
            if at is not None:
                side = whole if is_whole(view_id) else complaint
                side[at] = max(side[at], value)
                raw[at] = max(raw[at], found.cosines[view_id])
        low, spread = self._calibration.nearest_mean, self._calibration.nearest_spread
        return _VectorScores(raw, (complaint - low) / spread, ((complaint + whole) / 2 - low) / spread)


def _order(words: LexicalScores, rows: Integers, vectors: _VectorScores | None) -> Doubles:
    order = np.asarray(words.share[rows] + ORDER_GRAMS * words.grams[rows], np.float64)
    return order + ORDER_VECTOR * vectors.mean if vectors else order


def _relevance(weights: Sequence[float], *columns: Doubles | Floats) -> Doubles:
    """Logistic combination: the first weight is the intercept, the others belong to `columns`, each of shape (rows,)."""
    return sigmoid(weights[0] + np.column_stack(columns) @ np.asarray(weights[1:]))


def _rivals(order: Doubles) -> float:
    """Mean order of the cases after the best one, 0 when there is none."""
    rivals = np.sort(order)[::-1][1 : RIVALS + 1]
    return float(rivals.mean()) if len(rivals) else 0.0


def _case_of(view_id: str) -> str:
    return view_id.rpartition(":")[0]
