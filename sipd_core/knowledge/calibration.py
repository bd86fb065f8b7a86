"""What a base and its embedding model make of "relevant": measured on the base itself, kept as JSON.

One reason to change: how a relevance is learnt. Two things are measured at start, with at most 400 embedded questions:
a linear discriminator of questions of the field against background sentences, and how near such background sentences
come to the base's rows anyway. The few weights that make a relevance of them are constants, learnt on labelled
questions (relevance.py); a small base therefore needs no labels, and cannot overfit.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sipd_core.documents import Case
from sipd_core.embeddings import Vectors
from sipd_core.knowledge.views import is_whole
from sipd_core.language import (
    background_sentences,
    clean_query,
    concepts,
    field_sentences,
    question_text,
    stems,
    words,
)

Floats = NDArray[np.float64]

UNSEEN_ODDS = -0.7
"""Log odds of a term that neither the base nor the background holds: rather a foreign word."""

MAX_COUNTED = 2_000
"""Complaints whose words are counted."""

MAX_QUERIES = 400
"""Questions embedded for one calibration."""

RECIPE = 2
"""Raised when a fit of the same base comes out otherwise: the weights of relevance.py belong to one recipe."""

_SEED = 2025
_CUT_WORDS = (3, 8)
_RIDGE = 0.2
"""Strength of the penalty on the discriminator's weights (1/C of the usual notation). At .1 the chosen sample of rows
shows through more in the judgements, at 1 near questions are told apart less well (AUROC .935 instead of .948)."""
_STEPS = 12


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Questions to embed before a fit: first those of the field, then the background."""

    field: tuple[str, ...]
    background: tuple[str, ...]
    complaints: tuple[str, ...] = ()
    """Complaints whose words are counted; they are not embedded."""

    @property
    def queries(self) -> tuple[str, ...]:
        """All of them in the order `fit` expects their vectors."""
        return (*self.field, *self.background)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured on one base with one embedding model."""

    mean_query: tuple[float, ...] = ()
    """Average question, length = dimension; empty when the base was calibrated without vectors."""
    field_weights: tuple[float, ...] = ()
    field_offset: float = 0.0
    nearest_mean: float = 0.0
    """Mean over background sentences of the similarity (less bias) of the nearest view."""
    nearest_spread: float = 1.0
    word_odds: Mapping[str, float] = field(default_factory=dict)
    """Stem or meaning -> log odds of standing in a question of the field."""

    @property
    def has_vectors(self) -> bool:
        """Whether vectors were there when this was measured."""
        return bool(self.mean_query)

    def to_json(self) -> str:
        """This calibration as one JSON object, about ten bytes a number."""
        return json.dumps({"recipe": RECIPE, **asdict(self)})

    @classmethod
    def prior(cls) -> "Calibration":
        """What is known before any base is measured: the words of the shipped sentences."""
        return fit(training_texts(()), (), None, None)

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """The calibration written by `to_json`; raises ValueError for anything else, also for another recipe's."""
        try:
            values = json.loads(text)
            if values["recipe"] != RECIPE:
                raise ValueError("a calibration of another recipe")
            return cls(
                tuple(map(float, values["mean_query"])),
                tuple(map(float, values["field_weights"])),
                float(values["field_offset"]),
                float(values["nearest_mean"]),
                float(values["nearest_spread"]),
                {str(term): float(odds) for term, odds in values["word_odds"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a calibration") from error

    def biases(self, view_ids: Sequence[str], view_vectors: Vectors) -> dict[str, float]:
        """How near every view is to the average question: what is subtracted from its cosines."""
        if not self.has_vectors or not len(view_ids):
            return {}
        near = np.asarray(view_vectors, np.float32) @ np.asarray(self.mean_query, np.float32)
        return dict(zip(view_ids, map(float, near), strict=True))

    def field_score(self, query_vector: NDArray[np.float32]) -> float:
        """Log odds that a question is about the field at all."""
        return float(np.asarray(query_vector, np.float64) @ np.asarray(self.field_weights) + self.field_offset)

    def word_score(self, clean: str) -> float:
        """Log odds, from its words alone, that a question is about the field at all."""
        return sum(self.word_odds.get(term, UNSEEN_ODDS) for term in _terms(clean))


def training_texts(cases: Sequence[Case]) -> TrainingSet:
    """The questions a fit needs: rows' complaints, shipped ones, and the background.

    Every sampled complaint is asked once, every other one cut to a few words: twice as many rows as with both forms, so
    that less hangs on which rows were drawn. The seed is fixed: equal bases give equal questions (and cached embeddings).
    """
    background = background_sentences()
    shipped = field_sentences()
    rng = random.Random(_SEED)
    ordered = sorted(cases, key=lambda case: case.id)
    wanted = MAX_QUERIES - len(background) - len(shipped)
    chosen = rng.sample(ordered, min(wanted, len(ordered)))
    whole = [text for case in chosen if (text := clean_query(case.issue))]
    own = [text if at % 2 else _cut(text, rng) for at, text in enumerate(whole)]
    counted = rng.sample(ordered, min(MAX_COUNTED, len(ordered)))
    return TrainingSet(
        _embedded((*own, *shipped)), _embedded(background), tuple(clean_query(case.issue) for case in counted)
    )


def fit(
    training: TrainingSet, view_ids: Sequence[str], view_vectors: Vectors | None, query_vectors: Vectors | None
) -> Calibration:
    """Measure a calibration from the vectors of the views, (n, d), and of `training.queries`, (m, d).

    Either may be None or empty (no vectors yet): then words alone will decide.
    """
    odds = _word_odds((*training.complaints, *map(clean_query, field_sentences())), training.background)
    if view_vectors is None or query_vectors is None or not len(view_vectors) or not len(query_vectors):
        return Calibration(word_odds=odds)
    complaints = np.fromiter((not is_whole(view_id) for view_id in view_ids), bool, len(view_ids))
    questions = np.asarray(query_vectors, np.float64)
    is_field = np.arange(len(questions)) < len(training.field)
    mean = questions.mean(axis=0)
    weights = _logistic(questions - mean, is_field)
    nearest = _nearest(questions[~is_field], np.asarray(view_vectors, np.float64)[complaints], mean)
    return Calibration(
        tuple(map(float, mean)),
        tuple(map(float, weights[:-1])),
        float(weights[-1] - mean @ weights[:-1]),
        float(nearest.mean()),
        max(float(nearest.std()), 1e-3),
        odds,
    )


def _terms(clean: str) -> frozenset[str]:
    found = stems(words(clean))
    return frozenset(chain((stem for stem in found if not stem.isdigit()), concepts(found)))


def _word_odds(positive: Sequence[str], negative: Sequence[str]) -> dict[str, float]:
    """Log odds of every term, smoothed by half a sentence (naive Bayes, Bernoulli, presence only)."""
    inside = Counter(chain.from_iterable(map(_terms, positive)))
    outside = Counter(chain.from_iterable(map(_terms, negative)))
    scale = math.log((len(negative) + 1) / (len(positive) + 1))
    return {
        term: math.log((inside[term] + 0.5) / (outside[term] + 0.5)) + scale for term in inside.keys() | outside.keys()
    }


def _cut(text: str, rng: random.Random) -> str:
    found = text.split()
    count = rng.randint(*_CUT_WORDS)
    start = rng.randint(0, max(0, len(found) - count))
    return " ".join(found[start : start + count])


def _embedded(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(question_text, texts))


def _nearest(questions: Floats, views: Floats, mean: Floats) -> Floats:
    """Similarity of the nearest view to every question, less the view's bias, shape (len(questions),)."""
    return np.asarray((questions @ views.T - views @ mean).max(axis=1))


def _logistic(table: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Weights and offset of a ridge logistic regression with balanced classes, by Newton's method.

    Shape (d + 1,). Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., 4.4.1.
    """
    inputs = np.hstack([table, np.ones((len(table), 1))])
    shares = np.where(positive, 0.5 / positive.mean(), 0.5 / (1 - positive.mean()))
    penalty = np.append(np.full(table.shape[1], _RIDGE), 0.0)
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        chance = sigmoid(inputs @ weights)
        gradient = inputs.T @ (shares * (chance - positive)) + penalty * weights
        curvature = (inputs * (shares * chance * (1 - chance))[:, None]).T @ inputs + np.diag(penalty)
        weights -= np.linalg.solve(curvature + 1e-9 * np.eye(len(weights)), gradient)
    return weights


def sigmoid(values: Floats) -> Floats:
    """The logistic function, safe for large values."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0))))
