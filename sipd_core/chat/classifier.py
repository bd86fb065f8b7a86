"""One small text classifier for both local models: softmax regression on n-grams, cues and an optional embedding.

It is fitted at the start of the process from the shipped examples. The blocks of features stay apart as kernels
(n, n) during the fit, so a thousand examples and twelve thousand n-grams cost one small matrix; afterwards the
weights are one dense matrix per block.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sipd_core.embeddings import Vectors
from sipd_core.errors import SipdError

Array = NDArray[np.float32]
Cues = Callable[[str], Array]
"""Text -> a fixed number of hand-made figures, each about 0..1."""

_WORD = re.compile(r"[^\W_]+|[?!]|[,.;:](?=\s|$)|[\U0001F300-\U0001FAFF☹☺♥❤✅❌]")
_STRETCHED = re.compile(r"(\w)\1{2,}")
_MIN_EXAMPLES_WITH_NGRAM = 2
_NGRAM_LENGTHS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message; `strength` is -1..1 for sentiment and None for intent."""

    text: str
    label: str
    strength: float | None = None


def load_examples(path: Path) -> list[Example]:
    """The rows of a CSV file with the columns text, label and perhaps strength; raises SipdError when it is unfit."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_example(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise SipdError(f"training examples {path}: {error!r}") from error


def _example(row: Mapping[str, str]) -> Example:
    strength = row.get("strength")
    return Example(row["text"], row["label"], float(strength) if strength else None)


def tokens(text: str) -> list[str]:
    """Lower-case words, numbers, marks that end a clause, and emoji; "kereeen" is read as "keren"."""
    return _WORD.findall(_STRETCHED.sub(r"\1", text.lower()))


class NgramSpace:
    """Words, pairs of words and character 2-4-grams inside words, weighted tf-idf; built from the examples alone."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = Counter(gram for text in texts for gram in set(_grams(text)))
        kept = sorted(gram for gram, count in counts.items() if count >= _MIN_EXAMPLES_WITH_NGRAM)
        self._index = {gram: position for position, gram in enumerate(kept)}
        self._idf = np.array([math.log(len(texts) / counts[gram]) + 1 for gram in kept], dtype=np.float32)

    def __len__(self) -> int:
        return len(self._index)

    def sparse(self, text: str) -> tuple[NDArray[np.intp], Array]:
        """Positions and values of the text's known n-grams; the values have length 1 (or are empty)."""
        found = Counter(self._index[gram] for gram in _grams(text) if gram in self._index)
        positions = np.fromiter(found, dtype=np.intp, count=len(found))
        counts = np.fromiter(found.values(), dtype=np.float32, count=len(found))
        values = (1 + np.log(counts)) * self._idf[positions]
        return positions, (values / max(float(np.linalg.norm(values)), 1e-9)).astype(np.float32)

    def dense(self, texts: Sequence[str]) -> Array:
        """Shape (texts, n-grams), for the fit only."""
        rows = np.zeros((len(texts), len(self)), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            positions, values = self.sparse(text)
            row[positions] = values
        return rows


@lru_cache(maxsize=64)
def _grams(text: str) -> tuple[str, ...]:
    """Of one text, which the classifiers of intent and of mood read one after the other."""
    words = tokens(text)
    pairs = zip(["^", *words], [*words, "$"], strict=True)
    inside = (gram for word in words for gram in _inside(word))
    return (*(f"w:{word}" for word in words), *(f"w:{left} {right}" for left, right in pairs), *inside)


@lru_cache(maxsize=20_000)
def _inside(word: str) -> tuple[str, ...]:
    padded = f"<{word}>"
    return tuple(
        padded[start : start + length] for length in _NGRAM_LENGTHS for start in range(len(padded) - length + 1)
    )


@dataclass(frozen=True, slots=True)
class Blend:
    """How much each block of features counts, and how strongly weights are held back (`ridge`)."""

    ngrams: float = 1.0
    cues: float = 1.0
    embedding: float = 1.0
    ridge: float = 2e-4


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text says: probabilities in the order of the labels, and a strength (0 where none was taught)."""

    probabilities: NDArray[np.float64]
    strength: float


@dataclass(frozen=True, slots=True)
class _Head:
    """Fitted weights of one choice of blocks; the columns are the labels and, last, the strength."""

    ngrams: Array
    cues: Array
    bias: NDArray[np.float64]
    embedding: Array | None = None


class TextClassifier:
    """Softmax regression of the label and ridge regression of the strength, with the embedding and without it."""

    def __init__(
        self, examples: Sequence[Example], vectors: Vectors | None, cues: Cues, blend: Blend, labels: Sequence[str]
    ) -> None:
        """Fits at once; `vectors` has one row per example. Raises SipdError unless the examples cover the labels."""
        if {example.label for example in examples} != set(labels):
            raise SipdError(f"training examples do not cover exactly the labels {sorted(labels)}")
        if vectors is not None and len(vectors) != len(examples):
            raise SipdError(f"{len(vectors)} vectors for {len(examples)} training examples")
        self.labels = tuple(labels)
        self._cues, self._blend = cues, blend
        self._ngrams = NgramSpace([example.text for example in examples])
        self._fit(examples, vectors)

    def _fit(self, examples: Sequence[Example], vectors: Vectors | None) -> None:
        texts = [example.text for example in examples]
        targets = np.array([[example.label == label for label in self.labels] for example in examples], dtype=float)
        strengths = np.array([example.strength or 0.0 for example in examples])
        words = self._blend.ngrams * self._ngrams.dense(texts)
        cues = np.asarray([self._cues(text) for text in texts], dtype=np.float32) * np.float32(self._blend.cues)
        gram = np.asarray(1 + words @ words.T + cues @ cues.T, dtype=np.float64)
        solve = partial(_solve, targets=targets, strengths=strengths, ridge=self._blend.ridge)
        self._text_head = _head(solve(gram=gram), words, cues)
        self._full_head: _Head | None = None
        if vectors is not None:
            self._centre = vectors.mean(axis=0)
            spread = float(np.linalg.norm(vectors - self._centre, axis=1).mean())
            self._scale = self._blend.embedding / spread
            meaning = np.asarray((vectors - self._centre) * self._scale, dtype=np.float32)
            self._full_head = _head(solve(gram=gram + meaning @ meaning.T), words, cues, meaning)

    def read(self, text: str, vector: Array | None) -> Reading:
        """The reading of one text; without a vector (the embedding is unavailable) words and cues decide alone."""
        head = self._text_head if vector is None or self._full_head is None else self._full_head
        positions, values = self._ngrams.sparse(text)
        outputs = head.bias + self._blend.ngrams * (values @ head.ngrams[positions])
        outputs = outputs + self._blend.cues * (self._cues(text) @ head.cues)
        if vector is not None and head.embedding is not None:
            outputs = outputs + ((vector - self._centre) * self._scale) @ head.embedding
        return Reading(softmax(outputs[:-1]), float(outputs[-1]))


def _head(coefficients: NDArray[np.float64], words: Array, cues: Array, meaning: Array | None = None) -> _Head:
    dual = coefficients.astype(np.float32)
    embedding = None if meaning is None else meaning.T @ dual
    return _Head(words.T @ dual, cues.T @ dual, coefficients.sum(axis=0), embedding)


def _solve(
    gram: NDArray[np.float64], targets: NDArray[np.float64], strengths: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Dual coefficients, shape (n, labels + 1)."""
    return np.column_stack([fit_softmax(gram, targets, ridge), fit_ridge(gram, strengths, ridge)])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def fit_softmax(
    gram: NDArray[np.float64], targets: NDArray[np.float64], ridge: float, steps: int = 80
) -> NDArray[np.float64]:
    """Dual coefficients of shape (n, labels) of L2-regularised softmax regression; `gram` holds the inner products.

    Accelerated gradient descent (Nesterov 1983) with a fixed step of one over the Lipschitz bound. The gradient in the
    weights is `X.T @ (residual + ridge * A)`, so the coefficients `A` move without the weights ever being formed.
    Every label weighs the same whatever its count.
    """
    share = (targets / targets.sum(axis=0)).sum(axis=1, keepdims=True) / targets.shape[1]
    step = 1 / (0.5 * _largest_eigenvalue(np.sqrt(share) * gram * np.sqrt(share.T)) + ridge)
    current = ahead = np.zeros_like(targets)
    for count in range(steps):
        residual = share * (softmax(gram @ ahead) - targets)
        previous, current = current, ahead - step * (residual + ridge * ahead)
        ahead = current + count / (count + 3) * (current - previous)
    return current


def _largest_eigenvalue(matrix: NDArray[np.float64], rounds: int = 30) -> float:
    """Of a symmetric matrix without negative eigenvalues, by power iteration; 5 % are added to stay above it."""
    direction = np.full(len(matrix), 1 / math.sqrt(len(matrix)))
    for _ in range(rounds):
        image = matrix @ direction
        direction = image / np.linalg.norm(image)
    return 1.05 * float(direction @ matrix @ direction)


def fit_ridge(gram: NDArray[np.float64], targets: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Dual coefficients (n) of ridge regression on the same inner products."""
    count = len(targets)
    return np.asarray(np.linalg.solve(gram + count * ridge * np.eye(count), targets))
