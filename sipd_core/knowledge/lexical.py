"""Words shared by a question and a case: BM25 over stems and meanings, and character n-grams for misspelt words.

One reason to change: how words are compared. BM25 is the library bm25s; n-grams are kept here. The index is a value over
arrays: it is built whole from texts and never edited.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from bm25s import BM25  # type: ignore[import-untyped]
from numpy.typing import NDArray

from sipd_core.language import concepts, is_stop_word, normalise, stems, words

logging.getLogger("bm25s").setLevel(logging.WARNING)  # the library sets DEBUG when imported, past any level of ours

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

K1 = 1.5
B = 0.75
"""Saturation and length normalisation of BM25; .9-2 measured the same, a smaller B costs 2-4 points on short complaints."""

WEIGHT_STEPS = 2
"""bm25s counts tokens, so a text of weight 1 is counted this many times; halves are the finest weight."""

GRAM_SIZES = (2, 3, 4)
CONCEPT_WEIGHT = 1.3
"""Weight of a shared meaning beside a shared word; 1.0 to 1.6 measured the same, .5 two points less."""

SIMILAR_WORDS = 60
"""Words of the base most like the question's, spelling alone; the others only share a syllable with it."""


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One row of the index: its key and its texts, each with the weight its words count (in halves, at least one)."""

    key: str
    texts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """What the words of one question say about every row; arrays of shape (rows,), dtype float32."""

    share: Floats
    """BM25 over the best attainable BM25 of the question, 0..1."""
    grams: Floats
    """Cosine of character n-grams, 0..1."""


class LexicalIndex:
    """Scores of a question against every row, by words, meanings and n-grams."""

    def __init__(self, entries: Iterable[LexicalEntry]) -> None:
        listed = list(entries)
        self.keys = tuple(entry.key for entry in listed)
        self.row_of = {key: row for row, key in enumerate(self.keys)}
        terms, surfaces = zip(*map(_tokens, listed), strict=True) if listed else ((), ())
        self._frequency = Counter(chain.from_iterable(map(set, terms)))
        self._bm25 = _bm25(terms) if self._frequency else None
        self._grams = WordGrams(surfaces)

    def scores(self, text: str) -> LexicalScores:
        """Scores of `text` (as a person wrote it, or cleaned) against all rows."""
        found, meanings = question_terms(text)
        reached = self._sums(found) + CONCEPT_WEIGHT * self._sums(meanings)
        attainable = self._most(found) + CONCEPT_WEIGHT * self._most(meanings)
        share = np.asarray(reached / max(attainable, 1e-9), np.float32)
        return LexicalScores(share, self._grams.scores(text))

    def matched(self, text: str, rows: Integers) -> list[tuple[str, ...]]:
        """For each of `rows`, the words of `text` it shares, in the order of the question."""
        found = list(dict.fromkeys(normalise(text).split()))
        table = [self._sums([stem])[rows] > 0 for stem in stems(found)]
        return [tuple(word for word, held in zip(found, table, strict=True) if held[at]) for at in range(len(rows))]

    def _sums(self, terms: Sequence[str]) -> Floats:
        """BM25 of every row for `terms`, shape (rows,); more than 0 where a row holds one of them."""
        if self._bm25 is None:
            return np.zeros(len(self.keys), np.float32)
        return np.asarray(self._bm25.get_scores_from_ids(self._bm25.get_tokens_ids(terms)), np.float32)

    def _most(self, terms: Sequence[str]) -> float:
        """The BM25 that no row can exceed for `terms`: their Lucene idf summed, an unknown one's as of frequency 0."""
        counts = (self._frequency[term] for term in terms)
        return sum(math.log(1 + (len(self.keys) - count + 0.5) / (count + 0.5)) for count in counts)


class Postings:
    """Term -> the documents that hold it and how often, as three parallel arrays sorted by term."""

    def __init__(self, documents: Sequence[Mapping[str, int]]) -> None:
        self.size = len(documents)
        self.vocabulary: dict[str, int] = {}
        codes = [self.vocabulary.setdefault(term, len(self.vocabulary)) for document in documents for term in document]
        counts = np.fromiter(chain.from_iterable(document.values() for document in documents), np.float32, len(codes))
        owners = np.repeat(np.arange(self.size, dtype=np.int32), [len(document) for document in documents])
        order = np.argsort(np.asarray(codes, np.int32), kind="stable")
        self.frequency = np.bincount(codes, minlength=len(self.vocabulary))
        self.codes = np.repeat(np.arange(len(self.vocabulary), dtype=np.int32), self.frequency)
        self.owners, self.counts = owners[order], counts[order]
        self._starts = np.cumsum(self.frequency) - self.frequency

    def sums(self, codes: Integers, factors: Floats) -> Floats:
        """Per document, the sum of factor times count over the given terms, shape (size,)."""
        lengths = self.frequency[codes]
        before = np.cumsum(lengths) - lengths
        places = np.repeat(self._starts[codes] - before, lengths) + np.arange(int(lengths.sum()))
        weights = self.counts[places] * np.repeat(factors, lengths)
        return np.bincount(self.owners[places], weights, minlength=self.size).astype(np.float32)

    def known(self, terms: Mapping[str, int]) -> tuple[Integers, Floats]:
        """Codes of the terms that occur at all, and their counts."""
        found = [(code, count) for term, count in terms.items() if (code := self.vocabulary.get(term)) is not None]
        return np.array([code for code, _ in found], np.int32), np.array([count for _, count in found], np.float32)


class WordGrams:
    """Character n-grams of whole words, kept per distinct word: a row's n-grams are those of its words."""

    def __init__(self, documents: Sequence[Mapping[str, int]]) -> None:
        """`documents` holds the words of every row and how often each counts."""
        self._words = Postings(documents)
        self._grams = Postings([Counter(word_grams(word)) for word in self._words.vocabulary])
        grams, rows = self._grams, self._words.size
        frequency = np.bincount(grams.codes, self._words.frequency[grams.owners], len(grams.vocabulary))
        self._unseen = math.log(1 + rows) + 1
        self._rarity = (self._unseen - np.log1p(np.minimum(frequency, rows))).astype(np.float32)
        squares = np.bincount(grams.owners, (grams.counts * self._rarity[grams.codes]) ** 2, grams.size)
        self._lengths = _positive_root(squares)
        # as if no two words of a row shared an n-gram, which spares a pass over the n-grams of every row
        self._norms = _positive_root(
            np.bincount(self._words.owners, self._words.counts**2 * squares[self._words.codes], rows)
        )

    def scores(self, text: str) -> Floats:
        """Cosine of the n-grams of `text` with those of every row, shape (rows,)."""
        counts = Counter(chain.from_iterable(word_grams(word) for word in normalise(text).split()))
        codes, values = self._grams.known(counts)
        weighted = values * self._rarity[codes]
        unknown = sum(count**2 for count in counts.values()) - float(values @ values)
        norm = max(float(weighted @ weighted) + unknown * self._unseen**2, 1e-9) ** 0.5
        by_word = self._grams.sums(codes, weighted * self._rarity[codes])
        similar = _largest(by_word / self._lengths, SIMILAR_WORDS)
        cosines = self._words.sums(similar, by_word[similar]) / (self._norms * norm)
        return np.asarray(np.minimum(cosines, 1.0), np.float32)  # the norms are approximate


def question_terms(text: str) -> tuple[list[str], list[str]]:
    """Stems of the words that carry the matter of a question, and the meanings it names, each once."""
    return _distinct(stems(normalise(text).split())), _distinct(concepts(stems(words(text))))


def word_grams(word: str) -> list[str]:
    """Character n-grams of ` word `, with a space at both ends."""
    padded = f" {word} "
    return [padded[at : at + size] for size in GRAM_SIZES for at in range(len(padded) - size + 1)]


def _tokens(entry: LexicalEntry) -> tuple[list[str], Counter[str]]:
    """The terms (stems and meanings) of a row, repeated by weight, and its words as written, counted by weight."""
    terms: list[str] = []
    surfaces: Counter[str] = Counter()
    for text, weight in entry.texts:
        times = max(1, round(weight * WEIGHT_STEPS))
        found = words(text)
        kept = [word for word in found if not is_stop_word(word)]
        terms += (stems(kept) + concepts(stems(found))) * times
        surfaces.update(kept * times)
    return terms, surfaces


def _bm25(rows: Sequence[list[str]]) -> BM25:
    """BM25 as Lucene has it. Counts are multiplied by WEIGHT_STEPS and so is K1, which leaves every score as it was."""
    index = BM25(k1=K1 * WEIGHT_STEPS, b=B, method="lucene", backend="numpy", csc_backend="numpy")
    index.index(list(rows), show_progress=False)  # a tuple of two would be read as (ids, vocabulary)
    return index


def _distinct(terms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(terms))


def _positive_root(values: NDArray[np.float64] | NDArray[np.int_]) -> Floats:
    return np.maximum(np.sqrt(values), 1e-6).astype(np.float32)


def _largest(values: Floats, count: int) -> Integers:
    """Places of the `count` largest positive values, in no order."""
    places = np.argpartition(-values, count)[:count] if len(values) > count else np.arange(len(values))
    return np.asarray(places[values[places] > 0], np.int32)
