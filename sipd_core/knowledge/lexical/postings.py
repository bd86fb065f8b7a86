"""Which documents hold which terms, and how often, as arrays. One reason to change: how such a table is laid out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

T = TypeVar("T", bound=np.generic)

MOST = np.iinfo(np.uint16).max
"""A term counts this often in one document at most; every score is saturated long before."""

UNKNOWN = -1
"""Number of a term that no document holds. Tables by term have one place more than there are terms: this one's."""


class Vocabulary:
    """Terms by number. It only grows: a number given out stays true for every table over the same vocabulary."""

    def __init__(self, terms: Iterable[str] = ()) -> None:
        self._codes = {term: code for code, term in enumerate(terms)}

    def __len__(self) -> int:
        return len(self._codes)

    def terms(self, start: int = 0) -> list[str]:
        """The terms from number `start` on, in order."""
        return list(islice(self._codes, start, None))

    def code(self, term: str) -> int:
        """The number of a term, given out now when it has none. One thread at a time."""
        return self._codes.setdefault(term, len(self._codes))

    def codes(self, terms: Iterable[str], below: int) -> Integers:
        """The number of each term; UNKNOWN for one that has none, or none lower than `below`."""
        found = (self._codes.get(term, UNKNOWN) for term in terms)
        return np.array([code if code < below else UNKNOWN for code in found], np.int32)


@dataclass(frozen=True, slots=True)
class Postings:
    """A table of documents (numbered from 0) by terms; immutable, sorted by term, then by document."""

    size: int
    """Number of documents."""
    codes: Integers
    """The terms that occur, ascending."""
    starts: NDArray[np.int64]
    """Where the postings of each of `codes` begin, and where the last ones end; shape (len(codes) + 1,)."""
    owners: Integers
    counts: NDArray[np.uint16]

    @classmethod
    def of(cls, documents: Sequence[Mapping[str, int]], vocabulary: Vocabulary) -> Self:
        """The table of documents given as counted terms; new terms enter the vocabulary."""
        code = vocabulary.code
        codes = np.array([code(term) for document in documents for term in document], np.int32)
        counts = np.array(list(chain.from_iterable(document.values() for document in documents)), np.int64)
        owners = np.repeat(np.arange(len(documents), dtype=np.int32), [len(document) for document in documents])
        return cls._sorted(len(documents), codes, owners, np.minimum(counts, MOST).astype(np.uint16))

    @classmethod
    def joined(cls, parts: Sequence[tuple[Self, Flags]]) -> Self:
        """One table of the documents that are flagged in each part, numbered anew in the same order."""
        codes, owners, counts, size = [], [], [], 0
        for table, alive in parts:
            kept = alive[table.owners]
            codes.append(table.spread(table.codes)[kept])
            owners.append((np.cumsum(alive, dtype=np.int32) - 1 + size)[table.owners[kept]])
            counts.append(table.counts[kept])
            size += int(alive.sum())
        return cls._sorted(size, np.concatenate(codes), np.concatenate(owners), np.concatenate(counts))

    @classmethod
    def _sorted(cls, size: int, codes: Integers, owners: Integers, counts: NDArray[np.uint16]) -> Self:
        order = np.argsort(codes, kind="stable")
        distinct, starts = np.unique(codes[order], return_index=True)
        return cls(size, distinct, np.append(starts, len(codes)), owners[order].astype(np.int32), counts[order])

    def renumbered(self) -> Self:
        """The same table over the vocabulary of its own terms alone, in the same order."""
        return replace(self, codes=np.arange(len(self.codes), dtype=np.int32))

    def spread(self, by_code: NDArray[T]) -> NDArray[T]:
        """A value for each of `codes`, repeated for each of its postings."""
        return np.repeat(by_code, np.diff(self.starts))

    def frequency(self, alive: Flags, terms: int) -> Integers:
        """In how many of the flagged documents each of the first `terms` terms occurs, shape (terms + 1,)."""
        if not alive.all():
            return self.totals(alive.astype(np.int32), terms)
        total = np.zeros(terms + 1, np.int32)
        total[self.codes] = np.diff(self.starts)
        return total

    def totals(self, by_document: Integers, terms: int) -> Integers:
        """For each of the first `terms` terms, the sum over the documents that hold it, shape (terms + 1,)."""
        total = np.zeros(terms + 1, np.int32)
        if len(self.codes):
            total[self.codes] = np.add.reduceat(by_document[self.owners], self.starts[:-1])
        return total

    def norms(self, weights: Floats) -> Floats:
        """Length of every document's vector, a term weighing count times `weights[term]`; shape (size,), never 0."""
        squares = (self.spread(weights[self.codes]) * self.counts) ** 2
        return np.maximum(np.sqrt(np.bincount(self.owners, squares, self.size)), 1e-6).astype(np.float32)

    def lists(self, codes: Integers) -> Iterator[tuple[Integers, NDArray[np.uint16]]]:
        """For each of the terms, in their order: the documents that hold it, ascending, and how often each does."""
        first = self.starts[np.searchsorted(self.codes, codes, "left")]
        last = self.starts[np.searchsorted(self.codes, codes, "right")]
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            yield self.owners[start:end], self.counts[start:end]

    def sums(self, codes: Integers, factors: Floats) -> Floats:
        """Per document, the sum of factor times count over the given terms, shape (size,)."""
        total = np.zeros(self.size, np.float32)
        for (owners, counts), factor in zip(self.lists(codes), factors, strict=True):
            np.add.at(total, owners, factor * counts)  # as fast as bincount, and nothing has to be copied together
        return total
