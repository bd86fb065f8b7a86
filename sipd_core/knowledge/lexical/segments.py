"""The rows of the index in parts, so that a small change costs a small part and not the whole of it again.

A part is never edited: a row that changes or goes is flagged in it, and its new form stands in a new part. Parts of like
size are joined, which keeps them few and copies a row a few times at most. One reason to change: how rows come and go.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, compress
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sipd_core.knowledge.lexical.entries import LexicalEntry, row_terms, word_grams
from sipd_core.knowledge.lexical.postings import Flags, Integers, Postings, Vocabulary

JOINED_SHARE = 4
"""A part is joined with the one before it when that has at most this many times as many rows."""
READ_AT_ONCE = 4_096
"""Rows whose terms are in memory as text at the same time."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The vocabularies that all parts share: stems and meanings, words as written, and the n-grams of these."""

    terms: Vocabulary = field(default_factory=Vocabulary)
    words: Vocabulary = field(default_factory=Vocabulary)
    grams: Vocabulary = field(default_factory=Vocabulary)


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows, of which only those flagged `alive` count."""

    keys: tuple[str, ...]
    digests: NDArray[np.uint64]
    lengths: Integers
    """Terms of each row, counted by weight."""
    terms: Postings
    words: Postings
    alive: Flags

    @property
    def count(self) -> int:
        """How many rows are alive."""
        return int(self.alive.sum())

    @classmethod
    def of(cls, entries: Sequence[LexicalEntry], lexicon: Lexicon) -> Self:
        """The rows of a few entries; their terms enter the lexicon."""
        terms, words = zip(*map(row_terms, entries), strict=True)
        return cls(
            tuple(entry.key for entry in entries),
            np.array([entry.digest for entry in entries], np.uint64),
            np.array([counted.total() for counted in terms], np.int32),
            Postings.of(terms, lexicon.terms),
            Postings.of(words, lexicon.words),
            np.ones(len(entries), np.bool_),
        )

    @classmethod
    def joined(cls, parts: Sequence["Part"]) -> Self:
        """One part of the rows that are alive in each."""
        keys = tuple(chain.from_iterable(compress(part.keys, part.alive) for part in parts))
        return cls(
            keys,
            np.concatenate([part.digests[part.alive] for part in parts]),
            np.concatenate([part.lengths[part.alive] for part in parts]),
            Postings.joined([(part.terms, part.alive) for part in parts]),
            Postings.joined([(part.words, part.alive) for part in parts]),
            np.ones(len(keys), np.bool_),
        )


class Segments:
    """All rows of one state of the index; a value. Rows are numbered over those alive, part after part."""

    def __init__(
        self, lexicon: Lexicon, parts: Sequence[Part] = (), spelling: Sequence[Postings] = (), age: int = 0
    ) -> None:
        """`spelling`: the n-grams of the words of the lexicon, in one or more tables, word after word.

        `age`: how many rows came or went since the first of these states.
        """
        self.lexicon = lexicon
        self.age = age
        self.parts = tuple(parts)
        self.spelling = tuple(spelling)
        self.keys = tuple(chain.from_iterable(compress(part.keys, part.alive) for part in parts))
        self.row_of = {key: row for row, key in enumerate(self.keys)}
        self.alive = np.concatenate([part.alive for part in parts] or [np.zeros(0, np.bool_)])
        self.places = np.flatnonzero(self.alive)
        """Place of each row among the rows of all parts, the dead ones counted."""

    def updated(self, entries: Iterable[LexicalEntry], removed: Collection[str] = ()) -> "Segments":
        """With `entries` instead of the rows of the same keys, and without the rows `removed`."""
        digests = np.concatenate([part.digests for part in self.parts] or [np.zeros(0, np.uint64)])[self.places]
        fresh = {
            entry.key: entry
            for entry in entries
            if (row := self.row_of.get(entry.key)) is None or digests[row] != entry.digest
        }
        gone = [row for key in chain(fresh, removed) if (row := self.row_of.get(key)) is not None]
        if not fresh and not gone:
            return self
        parts = _grown(self._without(gone), list(fresh.values()), self.lexicon)
        age = self.age + len(fresh) + len(gone)
        return Segments(self.lexicon, parts, _spelt(self.spelling, self.lexicon), age)

    def whole(self) -> "Segments":
        """The same rows in one part, over a lexicon that holds nothing besides."""
        if not self.keys:
            return Segments(Lexicon())
        part, spelling = Part.joined(self.parts), _joined(self.spelling)
        used = np.zeros(spelling.size, np.bool_)
        used[part.words.codes] = True
        grams = Postings.joined([(spelling, used)])
        lexicon = Lexicon(
            _used(self.lexicon.terms, part.terms),
            _used(self.lexicon.words, part.words),
            _used(self.lexicon.grams, grams),
        )
        part = replace(part, terms=part.terms.renumbered(), words=part.words.renumbered())
        return Segments(lexicon, [part], [grams.renumbered()])

    def _without(self, rows: Sequence[int]) -> list[Part]:
        """The parts with these rows flagged; one that is mostly dead is written anew."""
        if not rows:
            return list(self.parts)
        alive = self.alive.copy()
        alive[self.places[list(rows)]] = False
        ends = np.cumsum([len(part.keys) for part in self.parts])
        left = [replace(part, alive=flags) for part, flags in zip(self.parts, np.split(alive, ends[:-1]), strict=True)]
        return [part if 2 * part.count >= len(part.keys) else Part.joined([part]) for part in left if part.count]


def _grown(parts: list[Part], entries: Sequence[LexicalEntry], lexicon: Lexicon) -> list[Part]:
    """The parts and those of new entries, a few thousand at a time."""
    for start in range(0, len(entries), READ_AT_ONCE):
        new = Part.of(entries[start : start + READ_AT_ONCE], lexicon)
        first = _first_taken([part.count for part in parts], new.count)
        parts = [*parts[:first], Part.joined([*parts[first:], new]) if first < len(parts) else new]
    return parts


def _spelt(tables: Sequence[Postings], lexicon: Lexicon) -> list[Postings]:
    """The n-grams of every word of the lexicon, those of its new words among them."""
    new = lexicon.words.terms(sum(table.size for table in tables))
    if not new:
        return list(tables)
    table = Postings.of([Counter(word_grams(word)) for word in new], lexicon.grams)
    first = _first_taken([table.size for table in tables], table.size)
    return [*tables[:first], _joined([*tables[first:], table])]


def _first_taken(counts: Sequence[int], new: int) -> int:
    """From which on the last ones are joined with a new one: none is much larger than what follows it."""
    first = len(counts)
    while first and counts[first - 1] <= JOINED_SHARE * new:
        first -= 1
        new += counts[first]
    return first


def _joined(tables: Sequence[Postings]) -> Postings:
    return Postings.joined([(table, np.ones(table.size, np.bool_)) for table in tables])


def _used(vocabulary: Vocabulary, table: Postings) -> Vocabulary:
    """The terms that a table holds, numbered as in `table.renumbered()`."""
    terms = vocabulary.terms()
    return Vocabulary(terms[code] for code in table.codes)
