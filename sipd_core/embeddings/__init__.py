"""One contract for turning text into vectors; each provider is one module beside this file."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dimension), rows of unit length."""

Role = Literal["query", "passage"]
"""A text is read as a question or as what answers it; models prefix the two differently."""

Operation = Literal["query_embedding", "index_embedding", "training_embedding"]
"""What an embedding was for, as it stands in the books."""

OnPart = Callable[[range, Vectors], Awaitable[None]]
"""Awaited with every part of a long list as it comes back: the places of its texts, and one row for each."""


class Embedder(Protocol):
    """Turns texts into unit vectors; raises EmbeddingError, never returns zeros.

    The long lists (passages, examples) go out in parts: one that fails lets those under way come back, and is then raised.
    """

    @property
    def model(self) -> str:
        """Name of the model, part of every cache key and collection name."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    async def embed_queries(self, texts: list[str]) -> Vectors:
        """One row per question, in order: somebody waits for them."""

    async def embed_passages(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        """One row per passage, in order."""

    async def embed_examples(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        """One row per question of a training set, in order: nobody waits for them."""

    def as_read(self, role: Role, text: str) -> str:
        """What stands for `text` in a cache key: the text and whatever settings make the model read around it."""

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads for `text`."""
