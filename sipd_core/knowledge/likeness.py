"""How alike two complaints are by their terms, for many pairs at once, and which pairs are worth comparing.

One reason to change: how near duplicates are found among many. Everything works on arrays, in parts of bounded size.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]
"""Shape (n, 2): places of two complaints, the smaller first."""
Floats = NDArray[np.float32]
Counts = NDArray[np.int32]

HASHES_IN_BAND: Final = 3
BANDS: Final = 24
"""Two complaints that share half of their terms meet in at least one of the bands in 96 of 100 cases."""
NEIGHBOURS_IN_BUCKET: Final = 12
"""Complaints of one bucket that each is compared with: a bucket of thousands costs no more than its size."""
NEAREST: Final = 10
LARGEST_FAMILY: Final = 20_000
"""Complaints of one menu word among which nearest vectors are looked for."""
_PAIRS_AT_ONCE: Final = 200_000
_ROWS_AT_ONCE: Final = 512
_LOOSE_PAIRS: Final = 8_000_000
_RARE: Final = 2
"""A term of at most so many complaints may be a name or a slip of the pen: it counts little."""
_RARE_WEIGHT: Final = 1.0


class Bags:
    """The terms of every complaint as one array, each term with the weight of its rarity."""

    def __init__(self, terms: Sequence[Sequence[str]]) -> None:
        """`terms`: the distinct terms of each complaint."""
        vocabulary: dict[str, int] = {}
        codes = [vocabulary.setdefault(term, len(vocabulary)) for of in terms for term in of]
        lengths = np.fromiter(map(len, terms), np.int64, len(terms))
        self.size = max(len(vocabulary), 1)
        self.starts = np.concatenate(([0], np.cumsum(lengths)))
        rows = np.repeat(np.arange(len(terms), dtype=np.int64), lengths)
        self._keys = np.sort(rows * self.size + np.asarray(codes, np.int64))
        self.codes = self._keys % self.size
        counts = np.bincount(self.codes, minlength=self.size)
        idf = np.log1p(len(terms) / np.maximum(counts, 1))
        self._weights = np.where(counts > _RARE, idf, _RARE_WEIGHT)
        self._sums = np.bincount(rows, self._weights[self.codes], len(terms))

    def overlap(self, pairs: Pairs) -> tuple[Floats, Counts]:
        """Weight of the shared terms over the weight of all terms of each pair, 0..1, and how many terms are shared."""
        parts = [self._overlap(pairs[at : at + _PAIRS_AT_ONCE]) for at in range(0, max(len(pairs), 1), _PAIRS_AT_ONCE)]
        return np.concatenate([share for share, _ in parts]), np.concatenate([count for _, count in parts])

    def _overlap(self, pairs: Pairs) -> tuple[Floats, Counts]:
        one, other = pairs[:, 0], pairs[:, 1]
        lengths = self.starts[one + 1] - self.starts[one]
        before = np.cumsum(lengths) - lengths
        codes = self.codes[np.repeat(self.starts[one] - before, lengths) + np.arange(int(lengths.sum()))]
        wanted = np.repeat(other, lengths) * self.size + codes
        held = self._keys[np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)] == wanted
        owner = np.repeat(np.arange(len(pairs)), lengths)[held]
        common = np.bincount(owner, self._weights[codes[held]], len(pairs))
        share = common / np.maximum(self._sums[one] + self._sums[other] - common, 1e-9)
        return share.astype(np.float32), np.bincount(owner, minlength=len(pairs)).astype(np.int32)


def pairs_by_terms(bags: Bags, blocks: NDArray[np.int64], on_band: Callable[[float], None]) -> Pairs:
    """Pairs that share many terms (MinHash in bands); within a bucket those of one block stand together.

    `on_band` hears the share that is done.
    """
    signature = _signature(bags)
    rows = len(bags.starts) - 1
    found = _Found(rows)
    for band in range(BANDS):
        part = signature[:, band * HASHES_IN_BAND : (band + 1) * HASHES_IN_BAND].astype(np.uint64)
        keys = (part[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ (part[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)) ^ part[:, 2]
        for one, other in _within(keys, blocks):
            found.add(one, other)
        on_band((band + 1) / BANDS)
    return found.pairs()


def pairs_by_vectors(
    vectors: NDArray[Any], families: Sequence[NDArray[np.int64]], least: float, on_part: Callable[[float], None]
) -> Pairs:
    """Pairs of nearest neighbours within each family whose cosine is at least `least`.

    `vectors` has shape (rows, dimension), each of length one or zero; `families` are places of complaints. `on_part` is told
    the share that is done, often enough for others to be let pass in between.
    """
    found = _Found(len(vectors))
    for done, family in enumerate(families):
        some = family[:LARGEST_FAMILY]
        parts = max(-(-len(some) // _ROWS_AT_ONCE), 1)
        for part, (one, other) in enumerate(_nearest(vectors, some, least), start=1):
            found.add(one, other)
            on_part((done + part / parts) / len(families))
        on_part((done + 1) / len(families))
    return found.pairs()


def cosines(vectors: NDArray[Any], pairs: Pairs) -> Floats:
    """Cosine of each pair; NaN where one of them has no vector (length zero)."""
    there = np.asarray(vectors.any(axis=1))
    parts = []
    for at in range(0, len(pairs), _PAIRS_AT_ONCE // 10):
        one, other = pairs[at : at + _PAIRS_AT_ONCE // 10].T
        dots = np.einsum("ij,ij->i", vectors[one].astype(np.float32), vectors[other].astype(np.float32))
        parts.append(np.where(there[one] & there[other], dots, np.nan).astype(np.float32))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _signature(bags: Bags) -> NDArray[np.uint32]:
    """MinHash of every complaint, shape (rows, BANDS * HASHES_IN_BAND); one without terms has its place as its hash."""
    rows = len(bags.starts) - 1
    filled = np.flatnonzero(np.diff(bags.starts))
    made = np.empty((rows, BANDS * HASHES_IN_BAND), np.uint32)
    made[:] = np.arange(rows, dtype=np.uint32)[:, None]
    chance = np.random.default_rng(20_261)
    for column in range(made.shape[1]):
        hashes = chance.permutation(bags.size).astype(np.uint32)
        if len(filled):
            made[filled, column] = np.minimum.reduceat(hashes[bags.codes], bags.starts[filled])
    return made


class _Found:
    """Pairs as they are found, each kept once; put in order now and then, so that repeats do not pile up."""

    def __init__(self, rows: int) -> None:
        self._rows = max(rows, 1)
        self._parts: list[NDArray[np.int64]] = []
        self._loose = 0

    def add(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        self._parts.append(np.minimum(one, other) * self._rows + np.maximum(one, other))
        self._loose += len(one)
        if self._loose > _LOOSE_PAIRS:
            self._parts, self._loose = [self._distinct()], 0

    def pairs(self) -> Pairs:
        packed = self._distinct()
        return np.stack((packed // self._rows, packed % self._rows), axis=1)

    def _distinct(self) -> NDArray[np.int64]:
        return np.unique(np.concatenate(self._parts)) if self._parts else np.zeros(0, np.int64)


def _within(
    keys: NDArray[np.uint64], blocks: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places with equal keys, each with the next ones of its bucket."""
    order = np.lexsort((blocks, keys))
    ordered = keys[order]
    for step in range(1, NEIGHBOURS_IN_BUCKET + 1):
        met = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(met):
            return
        yield order[met], order[met + step]


def _nearest(
    vectors: NDArray[Any], family: NDArray[np.int64], least: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of a family with their nearest ones of it."""
    held = vectors[family].astype(np.float32)
    count = min(NEAREST, len(family) - 1)
    for at in range(0, len(family), _ROWS_AT_ONCE):
        scores = held[at : at + _ROWS_AT_ONCE] @ held.T
        scores[np.arange(len(scores)), np.arange(at, at + len(scores))] = -1.0
        best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        mine, which = np.nonzero(np.take_along_axis(scores, best, 1) >= least)
        yield family[mine + at], family[best[mine, which]]
