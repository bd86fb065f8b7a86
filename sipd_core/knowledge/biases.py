"""How near every view is to any question at all, which is subtracted from its cosines.

Worked out for the views that a search finds, from their vectors in SQL, and remembered: a large base has hundreds of
thousands of views, and most are never found. What SQL does not know as read is left out, so that a vector that is on its way
into the index or out of it has no say.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

from sipd_core.embeddings import Vectors
from sipd_core.knowledge.calibration import Calibration
from sipd_core.knowledge.views import case_of, view_ids

Reader = Callable[[Collection[str]], tuple[Sequence[str], Vectors]]
"""Case ids -> their acknowledged views: ids, and vectors, shape (views, dimension)."""


class ViewBiases:
    """The biases of one model's views under one calibration. Any thread may ask."""

    def __init__(self, calibration: Calibration, read: Reader, known: dict[str, float] | None = None) -> None:
        self.calibration = calibration
        self._read = read
        self._known = known or {}

    def of(self, view_ids: Iterable[str]) -> dict[str, float]:
        """The biases of those views that are acknowledged; raises StoreError."""
        wanted = list(view_ids)
        new = {case_of(view) for view in wanted if view not in self._known}
        if new and self.calibration.has_vectors:
            self._known |= self.calibration.biases(*self._read(new))
        return {view: self._known[view] for view in wanted if view in self._known}

    def without(self, case_ids: Collection[str]) -> "ViewBiases":
        """The same, these cases forgotten: their views are others now, or none."""
        known = dict(self._known)
        for view in chain.from_iterable(map(view_ids, case_ids)):
            known.pop(view, None)
        return ViewBiases(self.calibration, self._read, known)
