"""How many requests came over HTTP, how they ended and how long they took, since this process started."""

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping

from sipd_core.tally import Histogram, HistogramFigures

Label = tuple[str, str]
"""Method and path; both empty for what is no operation of ours."""


class Tally:
    """Counts; safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[tuple[str, str, int]] = Counter()
        self._lasted: defaultdict[Label, Histogram] = defaultdict(Histogram)

    def add(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request; `status` 0: the caller left before there was an answer."""
        with self._lock:
            self._ended[method, path, status] += 1
            self._lasted[method, path].add(seconds)

    def ended(self) -> Mapping[tuple[str, str, int], int]:
        """(method, path, status) -> requests."""
        with self._lock:
            return dict(self._ended)

    def lasted(self) -> Mapping[Label, HistogramFigures]:
        """(method, path) -> how long they took."""
        with self._lock:
            return {label: histogram.figures() for label, histogram in self._lasted.items()}
