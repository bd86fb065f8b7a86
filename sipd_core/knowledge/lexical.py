"""Words shared by a question and a case: BM25 over stems and meanings, and character n-grams for misspelt words.

One reason to change: how words are compared. The index is a value over arrays: it is built whole from texts and never edited.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sipd_core.language import CONCEPT_MARK, concepts, is_stop_word, normalise, stems, words

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

K1 = 1.5
B = 0.75
GRAM_SIZES = (2, 3, 4)
CONCEPT_WEIGHT = 0.8


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One row of the index: its key and its texts, each with the weight its words count."""

    key: str
    texts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """What the words of one question say about every row; arrays of shape (rows,), dtype float32."""

    share: Floats
    """BM25 over the best attainable BM25 of the question, 0..1."""
    coverage: Floats
    """Share of the question's words that the row holds, weighted by rarity, 0..1."""
    grams: Floats
    """Cosine of character n-grams, 0..1."""


class Postings:
    """Term -> rows and weights, as three arrays (compressed sparse columns)."""

    def __init__(self, documents: Sequence[Mapping[str, float]]) -> None:
        self.rows = len(documents)
        self.vocabulary: dict[str, int] = {}
        codes = [self.vocabulary.setdefault(term, len(self.vocabulary)) for doc in documents for term in doc]
        counts = np.fromiter((count for doc in documents for count in doc.values()), np.float32, len(codes))
        owners = np.repeat(np.arange(self.rows, dtype=np.int32), [len(doc) for doc in documents])
        columns = np.asarray(codes, dtype=np.int32)
        order = np.argsort(columns, kind="stable")
        self._owners, self._counts = owners[order], counts[order]
        self._starts = np.searchsorted(columns[order], np.arange(len(self.vocabulary) + 1))
        self.frequency = np.diff(self._starts)

    def of(self, code: int) -> tuple[Integers, Floats]:
        """Rows that hold the term, and the weight of it in each."""
        span = slice(self._starts[code], self._starts[code + 1])
        return self._owners[span], self._counts[span]

    def columns(self) -> tuple[Integers, Integers, Floats]:
        """Every posting: term code, row, weight, sorted by term."""
        codes = np.repeat(np.arange(len(self.vocabulary), dtype=np.int32), self.frequency)
        return codes, self._owners, self._counts

    def reweigh(self, weights: Floats) -> None:
        """Put new weights in place of the counts, in the order of `columns`."""
        self._counts = weights


class LexicalIndex:
    """Scores of a question against every row, by words, meanings and n-grams."""

    def __init__(self, entries: Iterable[LexicalEntry]) -> None:
        listed = list(entries)
        self.keys = tuple(entry.key for entry in listed)
        self.row_of = {key: row for row, key in enumerate(self.keys)}
        surfaces = [_surface_counts(entry) for entry in listed]
        self._terms = Postings([_term_counts(entry) for entry in listed])
        self._rarity = _inverse_frequency(self._terms)
        _to_bm25(self._terms, self._rarity)
        self._grams = WordGrams(surfaces)

    def scores(self, text: str) -> LexicalScores:
        """Scores of `text` (as a person wrote it, or cleaned) against all rows."""
        weights = question_terms(text)
        share = np.zeros(len(self.keys), np.float32)
        coverage = np.zeros(len(self.keys), np.float32)
        best = covered = 0.0
        for term, weight in weights.items():
            code = self._terms.vocabulary.get(term)
            rarity = float(self._rarity[code]) if code is not None else _unseen_rarity(len(self.keys))
            best += weight * rarity * (K1 + 1)
            covered += weight * rarity
            if code is not None:
                rows, values = self._terms.of(code)
                share[rows] += weight * values
                coverage[rows] += weight * rarity
        return LexicalScores(share / max(best, 1e-9), coverage / max(covered, 1e-9), self._grams.scores(text))

    def matched(self, text: str, key: str) -> tuple[str, ...]:
        """Words of `text` that the row shares, in the order of the question."""
        row = self.row_of[key]
        found = normalise(text).split()
        shared = (word for word, stem in zip(found, stems(found), strict=True) if self._holds(stem, row))
        return tuple(dict.fromkeys(shared))

    def _holds(self, term: str, row: int) -> bool:
        code = self._terms.vocabulary.get(term)
        return code is not None and bool(np.any(self._terms.of(code)[0] == row))


class WordGrams:
    """Character n-grams of whole words, kept per distinct word: a row's n-grams are those of its words."""

    def __init__(self, documents: Sequence[Mapping[str, float]]) -> None:
        self._words = Postings(documents)
        self._grams = Postings([Counter(word_grams(word)) for word in self._words.vocabulary])
        self._rarity = self._gram_rarity()
        self._codes, self._rows, self._counts = self._words.columns()
        self._norms = self._row_norms()

    def scores(self, text: str) -> Floats:
        """Cosine of the n-grams of `text` with those of every row, shape (rows,)."""
        counts = Counter(chain.from_iterable(word_grams(word) for word in normalise(text).split()))
        by_word = np.zeros(len(self._words.vocabulary), np.float32)
        norm = 0.0
        for gram, count in counts.items():
            code = self._grams.vocabulary.get(gram)
            rarity = float(self._rarity[code]) if code is not None else _unseen_rarity(self._words.rows)
            norm += (count * rarity) ** 2
            if code is not None:
                owners, weights = self._grams.of(code)
                by_word[owners] += count * rarity * rarity * weights
        sums = np.bincount(self._rows, self._counts * by_word[self._codes], minlength=self._words.rows)
        return (sums / (self._norms * max(norm, 1e-9) ** 0.5)).astype(np.float32)

    def _gram_rarity(self) -> Floats:
        grams, owners, _ = self._grams.columns()
        frequency = np.bincount(grams, self._words.frequency[owners], minlength=len(self._grams.vocabulary))
        rows = self._words.rows
        return np.asarray(np.log((1 + rows) / (1 + np.minimum(frequency, rows))) + 1, np.float32)

    def _row_norms(self) -> Floats:
        """Length of every row's n-gram vector, as if no two words of a row shared an n-gram."""
        grams, owners, weights = self._grams.columns()
        squares = np.bincount(owners, (weights * self._rarity[grams]) ** 2, minlength=len(self._words.vocabulary))
        sums = np.bincount(self._rows, self._counts**2 * squares[self._codes], minlength=self._words.rows)
        return np.maximum(np.sqrt(sums), 1e-6).astype(np.float32)


def question_terms(text: str) -> dict[str, float]:
    """Stems and meanings of a question, each once, with the weight it counts."""
    found = normalise(text).split()
    terms = dict.fromkeys(stems(found), 1.0)
    terms.update(dict.fromkeys(concepts(stems(words(text))), CONCEPT_WEIGHT))
    return terms


def word_grams(word: str) -> list[str]:
    """Character n-grams of ` word `, with a space at both ends."""
    padded = f" {word} "
    return [padded[at : at + size] for size in GRAM_SIZES for at in range(len(padded) - size + 1)]


def _term_counts(entry: LexicalEntry) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text, weight in entry.texts:
        stemmed = stems(found := words(text))
        for word, stem in zip(found, stemmed, strict=True):
            if not is_stop_word(word):
                counts[stem] += weight
        for concept in concepts(stemmed):
            counts[concept] += weight
    return counts


def _surface_counts(entry: LexicalEntry) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text, weight in entry.texts:
        for word in words(text):
            if not is_stop_word(word):
                counts[word] += weight
    return counts


def _inverse_frequency(postings: Postings) -> Floats:
    frequency = postings.frequency
    return np.log(1 + (postings.rows - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)


def _unseen_rarity(rows: int) -> float:
    return float(np.log(1 + (rows + 0.5) / 0.5))


def _to_bm25(postings: Postings, rarity: Floats) -> None:
    """Replace counts by BM25 weights (Robertson and Zaragoza 2009, eq. 3.15, with the never negative idf of Lucene)."""
    codes, rows, counts = postings.columns()
    lengths = np.bincount(rows, counts, minlength=postings.rows)
    average = max(float(lengths.mean()) if postings.rows else 0.0, 1e-9)
    saturation = counts + K1 * (1 - B + B * lengths[rows] / average)
    postings.reweigh((rarity[codes] * counts * (K1 + 1) / saturation).astype(np.float32))
