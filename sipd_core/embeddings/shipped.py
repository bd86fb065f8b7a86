"""Vectors that come with the product: of its sample rows and labelled examples, so that the first start takes seconds.

They are a cache and nothing else: the key holds model, role and text, so a text that was changed is simply embedded.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class ShippedVectors:
    """Vectors by cache key, read from one `.npz` file: `keys` (n bytes of 64) and `vectors` (n, dimension) float16."""

    def __init__(self, path: Path) -> None:
        """A missing file is an empty cache."""
        self._rows: dict[str, int] = {}
        self._vectors = np.empty((0, 0), np.float16)
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                self._rows = {key.decode(): row for row, key in enumerate(file["keys"])}
                self._vectors = file["vectors"]

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are there, shape (dimension,) each."""
        return {key: self._vectors[self._rows[key]].astype(np.float32) for key in keys if key in self._rows}


def write_shipped(path: Path, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write the file anew, sorted by key so that equal content gives an equal file."""
    keys = sorted(vectors)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = np.stack([vectors[key] for key in keys]).astype(np.float16)
    np.savez_compressed(path, keys=np.array(keys, dtype="S64"), vectors=table)
