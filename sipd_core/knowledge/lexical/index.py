"""Words against rows: BM25 over stems and meanings, and character n-grams for misspelt words.

One reason to change: how words are compared. The index is a value; a changed base gives another one, which shares with it
whatever did not change, and scores as if it had been built whole. That is why BM25 is written out here: bm25s, with which
the tests compare it, knows no changed row, and building it anew for one of 100,000 rows takes 2.7 s (this index: .25 s).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sipd_core.knowledge.lexical.entries import (
    WEIGHT_STEPS,
    LexicalEntry,
    question_terms,
)
from sipd_core.knowledge.lexical.postings import Flags, Floats, Integers
from sipd_core.knowledge.lexical.segments import Lexicon, Segments
from sipd_core.knowledge.lexical.spelling import Spelling
from sipd_core.language import normalise, stems

K1 = 1.5
B = 0.75
"""Saturation and length normalisation of BM25; .9-2 measured the same, a smaller B costs 2-4 points on short complaints."""

CONCEPT_WEIGHT = 1.3
"""Weight of a shared meaning beside a shared word; 1.0 to 1.6 measured the same, .5 two points less."""


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """What the words of one question say about every row; arrays of shape (rows,), dtype float32."""

    share: Floats
    """BM25 over the best attainable BM25 of the question, 0..1."""
    grams: Floats
    """Cosine of character n-grams, 0..1."""


class LexicalIndex:
    """Scores of a question against every row, by words, meanings and n-grams."""

    def __init__(self, entries: Iterable[LexicalEntry] = (), rows: Segments | None = None) -> None:
        """The rows of an earlier index, if they are given, and `entries` in the place of those of the same keys."""
        self.rows = (rows or Segments(Lexicon())).updated(entries)
        self.keys = self.rows.keys
        self.row_of = self.rows.row_of
        self._rarity = self._rarities()
        self._saturation = self._saturations()
        self._spelling = Spelling(self.rows)

    def updated(self, entries: Iterable[LexicalEntry], removed: Collection[str] = ()) -> "LexicalIndex":
        """The index with `entries` in the place of the rows of the same keys, and without the rows `removed`."""
        rows = self.rows.updated(entries, removed)
        return self if rows is self.rows else LexicalIndex(rows=rows)

    def scores(self, text: str) -> LexicalScores:
        """Scores of `text` (as a person wrote it, or cleaned) against all rows."""
        found, meanings = question_terms(text)
        weights = dict.fromkeys(found, 1.0) | dict.fromkeys(meanings, CONCEPT_WEIGHT)
        codes = self._codes(weights)
        factors = np.array(list(weights.values()), np.float32) * self._rarity[codes]
        reached = [self._reached(at, codes, factors) for at in range(len(self.rows.parts))]
        return LexicalScores(
            self._living(reached) / max(float(factors.sum()), 1e-9), self._living(self._spelling.scores(text))
        )

    def matched(self, text: str, rows: Integers) -> list[tuple[str, ...]]:
        """For each of `rows`, the words of `text` it shares, in the order of the question."""
        found = list(dict.fromkeys(normalise(text).split()))
        table = self._holds(stems(found), rows)
        return [tuple(word for word, held in zip(found, column, strict=True) if held) for column in table.T]

    def _reached(self, at: int, codes: Integers, factors: Floats) -> Floats:
        """BM25 as Lucene has it, for the rows of one part. Counts are in WEIGHT_STEPS and so is the saturation."""
        part, saturation = self.rows.parts[at], self._saturation[at]
        total = np.zeros(len(part.keys), np.float32)
        for (owners, counts), factor in zip(part.terms.lists(codes), factors, strict=True):
            np.add.at(total, owners, factor * counts / (counts + saturation.take(owners)))
        return total

    def _holds(self, terms: Sequence[str], rows: Integers) -> Flags:
        """Whether each of the rows holds each of the terms, shape (terms, rows)."""
        held, start = np.zeros((len(terms), len(rows)), np.bool_), 0
        for part in self.rows.parts:
            places = self.rows.places[rows] - start
            here = np.flatnonzero((places >= 0) & (places < len(part.keys)))
            for at, (owners, _) in enumerate(part.terms.lists(self._codes(terms)) if len(here) else ()):
                held[at, here] = _among(places[here], owners)
            start += len(part.keys)
        return held

    def _codes(self, terms: Iterable[str]) -> Integers:
        return self.rows.lexicon.terms.codes(terms, len(self._rarity) - 1)

    def _living(self, by_part: Sequence[Floats]) -> Floats:
        """One array over the rows of what was worked out for each part, dead rows included."""
        whole = np.concatenate(by_part) if by_part else np.zeros(0, np.float32)
        return whole if len(whole) == len(self.keys) else whole[self.rows.places]

    def _rarities(self) -> Floats:
        """Lucene's idf of every term, and of one that no row holds."""
        terms, rows = len(self.rows.lexicon.terms), len(self.keys)
        held = sum((part.terms.frequency(part.alive, terms) for part in self.rows.parts), np.zeros(terms + 1, np.int32))
        return np.log1p((rows - held + 0.5) / (held + 0.5)).astype(np.float32)

    def _saturations(self) -> list[Floats]:
        """For each part and row, how many of a term count as half of the most there can be."""
        lengths = [part.lengths for part in self.rows.parts]
        total = sum(int(part.lengths[part.alive].sum()) for part in self.rows.parts)
        average = max(total / max(len(self.keys), 1), 1e-9)
        return [(K1 * WEIGHT_STEPS * (1 - B + B * of_part / average)).astype(np.float32) for of_part in lengths]


def _among(places: NDArray[np.intp], owners: Integers) -> Flags:
    """Whether each of the places is one of `owners`, which are ascending and many."""
    at = np.minimum(np.searchsorted(owners, places), len(owners) - 1)
    return owners[at] == places if len(owners) else np.zeros(len(places), np.bool_)
