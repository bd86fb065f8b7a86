"""A small embedding model for tests: deterministic, counted, and it fails or waits when it is told to."""

from collections.abc import Sequence
from zlib import crc32

import anyio
import numpy as np

from sipd_core.embeddings import OnPart, Role, Vectors
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.parts import embed_parts, split
from sipd_core.errors import EmbeddingError
from sipd_core.knowledge.side import Model
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.embeddings import EmbeddingStore

PART = 8
"""Passages in one call."""


class WordEmbedder:
    """An Embedder of which the similarity can be worked out by hand: a text is the set of its words, hashed to places.

    Two of different names put the same word in different places.
    """

    def __init__(self, model: str = "kata", dimension: int = 64) -> None:
        self.model = model
        self.dimension = dimension
        self.read = 0
        """Passages read."""
        self.asked = 0
        """Questions read, examples included."""
        self.broken = False
        self.breaks_after: int | None = None
        """Passages after which every further part fails."""
        self.waits_after: int | None = None
        """Passages after which no further part comes back."""
        self.gate = anyio.Event()
        """Passages wait for it."""
        self.gate.set()

    async def embed_queries(self, texts: list[str]) -> Vectors:
        self.asked += len(texts)
        return self._embed(texts)

    async def embed_passages(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        async def embed(part: range) -> Vectors:
            await self.gate.wait()
            if self.waits_after is not None and self.read >= self.waits_after:
                await anyio.sleep_forever()
            if self.breaks_after is not None and self.read >= self.breaks_after:
                raise EmbeddingError("down", reason="uji")
            vectors = self._embed(texts[part.start : part.stop])
            self.read += len(part)
            return vectors

        parts = split([1] * len(texts), max_items=PART, max_size=len(texts))
        return await embed_parts(parts, embed, on_part, dimension=self.dimension, workers=1)

    async def embed_examples(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        self.asked += len(texts)
        vectors = self._embed(texts)
        if on_part:
            await on_part(range(len(texts)), vectors)
        return vectors

    def as_read(self, role: Role, text: str) -> str:
        return text

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if self.broken:
            raise EmbeddingError("down", reason="uji")
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                vectors[row, crc32(f"{self.model} {word}".encode()) % self.dimension] += 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def cached_model(inner: WordEmbedder, vectors: EmbeddingStore, round_size: int = 32) -> Model:
    """The model as every room gets it: behind the durable cache, not in the books."""
    embedder = CachedEmbedder(inner, None, vectors, monitor=PerformanceMonitor(), on_call=None)
    return Model(embedder, round_size)
