"""Words shared by a question and a case: BM25 over stems and meanings, and character n-grams for misspelt words.

One reason to change: how words are compared. The index is a value over arrays: it is built whole from texts and never edited.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sipd_core.language import concepts, is_stop_word, normalise, stems, words

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

K1 = 1.5
B = 0.75
"""Saturation and length normalisation of BM25; .9-2 measured the same, a smaller B costs 2-4 points on short complaints."""

GRAM_SIZES = (2, 3, 4)
CONCEPT_WEIGHT = 1.3
"""Weight of a shared meaning beside a shared word; 1.0 to 1.6 measured the same, .5 two points less."""

SIMILAR_WORDS = 60
"""Words of the base most like the question's, spelling alone; the others only share a syllable with it."""


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

    def sums(self, codes: Integers, factors: Floats) -> Floats:
        """Per row, the sum of factor times weight over the given terms, shape (rows,)."""
        starts = self._starts[codes]
        lengths = self._starts[codes + 1] - starts
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
        weights = self._counts[places] * np.repeat(factors, lengths)
        return np.bincount(self._owners[places], weights, minlength=self.rows).astype(np.float32)

    def known(self, terms: Mapping[str, float]) -> tuple[Integers, Floats]:
        """Codes of the terms that occur at all, and their values."""
        found = [(code, value) for term, value in terms.items() if (code := self.vocabulary.get(term)) is not None]
        return np.array([code for code, _ in found], np.int32), np.array([value for _, value in found], np.float32)

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
        terms, surfaces = zip(*map(_counts, listed), strict=True) if listed else ((), ())
        self._terms = Postings(terms)
        self._rarity = _inverse_frequency(self._terms)
        _to_bm25(self._terms, self._rarity)
        self._grams = WordGrams(surfaces)

    def scores(self, text: str) -> LexicalScores:
        """Scores of `text` (as a person wrote it, or cleaned) against all rows."""
        weights = question_terms(text)
        codes, values = self._terms.known(weights)
        unseen = _unseen_rarity(len(self.keys)) * (sum(weights.values()) - float(values.sum()))
        attainable = (float(values @ self._rarity[codes]) + unseen) * (K1 + 1)
        return LexicalScores(self._terms.sums(codes, values) / max(attainable, 1e-9), self._grams.scores(text))

    def matched(self, text: str, rows: Integers) -> list[tuple[str, ...]]:
        """For each of `rows`, the words of `text` it shares, in the order of the question."""
        found = list(dict.fromkeys(normalise(text).split()))
        table = [self._holding(stem, rows) for stem in stems(found)]
        return [tuple(word for word, held in zip(found, table, strict=True) if held[at]) for at in range(len(rows))]

    def _holding(self, term: str, rows: Integers) -> NDArray[np.bool_]:
        code = self._terms.vocabulary.get(term)
        owners = self._terms.of(code)[0] if code is not None else np.empty(0, np.int32)
        place = np.searchsorted(owners, rows)
        return np.asarray(np.append(owners, -1)[place] == rows)


class WordGrams:
    """Character n-grams of whole words, kept per distinct word: a row's n-grams are those of its words."""

    def __init__(self, documents: Sequence[Mapping[str, float]]) -> None:
        self._words = Postings(documents)
        self._grams = Postings([Counter(word_grams(word)) for word in self._words.vocabulary])
        self._rarity = self._gram_rarity()
        self._lengths, self._norms = self._norms_of_words_and_rows()

    def scores(self, text: str) -> Floats:
        """Cosine of the n-grams of `text` with those of every row, shape (rows,)."""
        counts = Counter(chain.from_iterable(word_grams(word) for word in normalise(text).split()))
        codes, values = self._grams.known(counts)
        weighted = values * self._rarity[codes]
        unseen = _unseen_rarity(self._words.rows) ** 2 * (sum(c * c for c in counts.values()) - float(values @ values))
        norm = max(float(weighted @ weighted) + unseen, 1e-9) ** 0.5
        by_word = self._grams.sums(codes, weighted * self._rarity[codes])
        similar = _largest(by_word / self._lengths, SIMILAR_WORDS)
        cosines = self._words.sums(similar, by_word[similar]) / (self._norms * norm)
        return np.asarray(np.minimum(cosines, 1.0), np.float32)  # the norms are approximate

    def _gram_rarity(self) -> Floats:
        grams, owners, _ = self._grams.columns()
        frequency = np.bincount(grams, self._words.frequency[owners], minlength=len(self._grams.vocabulary))
        rows = self._words.rows
        return np.asarray(np.log((1 + rows) / (1 + np.minimum(frequency, rows))) + 1, np.float32)

    def _norms_of_words_and_rows(self) -> tuple[Floats, Floats]:
        """Lengths of the n-gram vectors of every word and of every row, as if no two words of a row shared an n-gram."""
        grams, owners, weights = self._grams.columns()
        squares = np.bincount(owners, (weights * self._rarity[grams]) ** 2, minlength=len(self._words.vocabulary))
        codes, rows, counts = self._words.columns()
        sums = np.bincount(rows, counts**2 * squares[codes], minlength=self._words.rows)
        return _positive_root(squares), _positive_root(sums)


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


def _counts(entry: LexicalEntry) -> tuple[dict[str, float], dict[str, float]]:
    """Weighted counts of the terms (stems and meanings) of a row, and of its words as written."""
    terms: dict[str, float] = defaultdict(float)
    surfaces: dict[str, float] = defaultdict(float)
    for text, weight in entry.texts:
        found = words(text)
        stemmed = stems(found)
        for word, stem in zip(found, stemmed, strict=True):
            if not is_stop_word(word):
                terms[stem] += weight
                surfaces[word] += weight
        for concept in concepts(stemmed):
            terms[concept] += weight
    return terms, surfaces


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


def _positive_root(values: NDArray[np.float64] | NDArray[np.int_]) -> Floats:
    return np.maximum(np.sqrt(values), 1e-6).astype(np.float32)


def _largest(values: Floats, count: int) -> Integers:
    """Places of the `count` largest positive values, in no order."""
    places = np.argpartition(-values, count)[:count] if len(values) > count else np.arange(len(values))
    return np.asarray(places[values[places] > 0], np.int32)
