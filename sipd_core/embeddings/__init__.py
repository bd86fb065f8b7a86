"""One contract for turning text into vectors; each provider is one module beside this file."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dimension), rows of unit length."""


class Embedder(Protocol):
    """Turns texts into unit vectors; raises EmbeddingError, never returns zeros."""

    @property
    def model(self) -> str:
        """Name of the model, part of every cache key and collection name."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    async def embed_queries(self, texts: list[str]) -> Vectors:
        """One row per question, in order."""

    async def embed_passages(self, texts: list[str]) -> Vectors:
        """One row per passage, in order."""

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads for `text`."""
