"""A histogram that only grows, as collectors of figures want it: what is known of it never has to be read again."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from an answer out of a cache to the longest that a model may take."""


@dataclass(frozen=True, slots=True)
class HistogramFigures:
    """What was added so far."""

    at_most: tuple[tuple[float, int], ...]
    """(seconds, how many took no longer), in order."""
    count: int
    total: float
    """Seconds, all together."""


class Histogram:
    """Counts durations in seconds; whoever uses it from several threads holds a lock."""

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, seconds: float) -> None:
        """One duration; a bound counts to what lies below it."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def figures(self) -> HistogramFigures:
        """A snapshot."""
        return HistogramFigures(
            tuple(zip(self._bounds, accumulate(self._counts), strict=False)), sum(self._counts), self._total
        )
