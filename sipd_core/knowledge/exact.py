"""The vector index of a process that does not own Chroma's directory, or whose Chroma server is away: exact, in memory."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from sipd_core.embeddings import Vectors


class ExactIndex:
    """Exact search over vectors held in memory, read from SQL: for a process that does not own the Chroma directory."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._names: list[str] = []
        self._table: NDArray[np.float32] = np.empty((0, 0), np.float32)
        """A vector for each of `_names`, and room for more; whoever moves one holds `_moving`."""
        self._moving = Lock()
        self.epoch = ""

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        with self._moving:
            for id_ in ids:
                if id_ not in self._places:
                    self._places[id_] = len(self._names)
                    self._names.append(id_)
            self._make_room(len(self._names), vectors.shape[1])
            self._table[[self._places[id_] for id_ in ids]] = vectors

    def delete(self, ids: Iterable[str]) -> None:
        with self._moving:
            for id_ in ids:
                if (place := self._places.pop(id_, None)) is None:
                    continue
                last = self._names.pop()
                if last != id_:
                    self._names[place], self._places[last] = last, place
                    self._table[place] = self._table[len(self._names)]

    def ids(self) -> set[str]:
        return set(self._places)

    def holds_just(self, count: int) -> bool:
        return len(self._places) == count

    def size(self) -> int:
        return len(self._places)

    def vectors(self, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        with self._moving:
            return {id_: self._table[self._places[id_]].copy() for id_ in ids if id_ in self._places}

    def keep_epoch(self, epoch: str) -> None:
        self.epoch = epoch

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        with self._moving:
            if not self._names:
                return []
            similarities = self._table[: len(self._names)] @ vector
            best = np.argsort(-similarities)[:count]
            return [(self._names[at], float(similarities[at])) for at in best]

    def _make_room(self, rows: int, dimension: int) -> None:
        """Doubled as it grows, so that every vector is moved a few times at most."""
        if rows > len(self._table):
            table = np.empty((max(rows, 2 * len(self._table)), dimension), np.float32)
            if len(self._table):
                table[: len(self._table)] = self._table
            self._table = table
