"""Likeness of spelling: cosines of character n-grams between a question and every row.

A row's n-grams are those of its words, so they are kept once per distinct word. One reason to change: how misspelt words
are compared.
"""

import math
from collections import Counter
from itertools import chain

import numpy as np

from sipd_core.knowledge.lexical.entries import word_grams
from sipd_core.knowledge.lexical.postings import Floats, Integers
from sipd_core.knowledge.lexical.segments import Segments
from sipd_core.language import normalise

SIMILAR_WORDS = 60
"""Words of the base most like the question's, spelling alone; the others only share a syllable with it."""
EQUAL = 1e-6
"""Words whose likeness differs by less than this share are alike: which one comes first must not hang on rounding."""


class Spelling:
    """Scores by n-grams; how rare each of these is, is measured on the rows as they are."""

    def __init__(self, rows: Segments) -> None:
        words = sum(table.size for table in rows.spelling)
        held = sum((part.words.frequency(part.alive, words)[:-1] for part in rows.parts), np.zeros(words, np.int32))
        self._rows = rows
        self._is_held = held > 0
        self._rarity = self._rarities(held)
        self._lengths = _joined([table.norms(self._rarity) for table in rows.spelling])
        # as if no two words of a row shared an n-gram, which spares a pass over the n-grams of every row
        self._norms = [part.words.norms(self._lengths) for part in rows.parts]

    def scores(self, text: str) -> list[Floats]:
        """For each part, the cosine of the n-grams of `text` with those of each row, dead ones included."""
        counts = Counter(chain.from_iterable(word_grams(word) for word in normalise(text).split()))
        codes = self._rows.lexicon.grams.codes(counts, len(self._rarity) - 1)
        weighted = np.array(list(counts.values()), np.float32) * self._rarity[codes]
        norm = max(float(weighted @ weighted), 1e-9) ** 0.5
        by_word = _joined([table.sums(codes, weighted * self._rarity[codes]) for table in self._rows.spelling])
        similar = _largest(by_word / self._lengths * self._is_held, SIMILAR_WORDS)
        found = [part.words.sums(similar, by_word[similar]) for part in self._rows.parts]
        # the norms are approximate, hence the bound
        return [np.minimum(sums / (norms * norm), 1.0) for sums, norms in zip(found, self._norms, strict=True)]

    def _rarities(self, held: Integers) -> Floats:
        """Weight of every n-gram, the less, the more rows hold a word that holds it; and of one that no word holds."""
        tables, grams = self._rows.spelling, len(self._rows.lexicon.grams)
        ends = np.cumsum([table.size for table in tables])[:-1]
        by_table = np.split(held, ends) if tables else []
        frequency = sum(
            (table.totals(rows, grams) for table, rows in zip(tables, by_table, strict=True)), np.zeros(grams + 1)
        )
        unseen = math.log(1 + len(self._rows.keys)) + 1
        return (unseen - np.log1p(np.minimum(frequency, len(self._rows.keys)))).astype(np.float32)


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _largest(values: Floats, count: int) -> Integers:
    """Places of the `count` largest positive values and of those equal to the last of them, in order."""
    least = -np.partition(-values, count - 1)[count - 1] * (1 - EQUAL) if len(values) > count else 0.0
    return np.flatnonzero((values >= least) & (values > 0)).astype(np.int32)
