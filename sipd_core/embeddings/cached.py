"""An Embedder that asks memory first, then the durable store, then the model; only the model's work enters the books."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from sipd_core.cache import CacheStats, EmbeddingCache
from sipd_core.embeddings import Embedder, Vectors
from sipd_core.embeddings.shipped import ShippedVectors
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.usage import CallRecord

Role = Literal["query", "passage"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors with their keys; `computed` is how many texts the model had to read."""

    vectors: Vectors
    keys: tuple[str, ...]
    computed: int


class CachedEmbedder:
    """The wrapper every room uses; a failed embedding is raised and never cached."""

    def __init__(
        self,
        inner: Embedder,
        memory: EmbeddingCache | None,
        store: EmbeddingStore,
        *,
        shipped: ShippedVectors | None = None,
        monitor: PerformanceMonitor,
        on_call: Callable[[CallRecord], None],
        cost_per_token: Decimal | None = Decimal(0),
    ) -> None:
        self._inner = inner
        self._memory = memory
        self._store = store
        self._shipped = shipped
        self._monitor = monitor
        self._on_call = on_call
        self._cost_per_token = cost_per_token

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    def key(self, role: Role, text: str) -> str:
        """Cache key: two models, two dimensions or two roles never share a vector."""
        return hashlib.sha256(
            f"{self.model}\x1f{self.dimension}\x1f{role}\x1f{text}".encode(errors="replace")
        ).hexdigest()

    async def queries(self, texts: list[str]) -> Embedded:
        """One vector per question, kept in memory only: what people ask is not stored beside the rows."""
        return await self._embed(texts, "query", "query_embedding", durable=False)

    async def passages(self, texts: list[str]) -> Embedded:
        """One vector per passage, durable before they are returned."""
        return await self._embed(texts, "passage", "index_embedding", durable=True)

    async def examples(self, texts: list[str]) -> Embedded:
        """One question vector per shipped example, durable: computed at the first start only."""
        return await self._embed(texts, "query", "training_embedding", durable=True)

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads for `text`."""
        return self._inner.count_tokens(text)

    def stats(self) -> CacheStats | None:
        """Figures of the memory cache, None when it is switched off."""
        return self._memory.get_stats() if self._memory else None

    async def _embed(self, texts: list[str], role: Role, operation: str, *, durable: bool) -> Embedded:
        keys = [self.key(role, text) for text in texts]
        known = self._from_memory(keys) if role == "query" and not durable else {}
        if durable:
            known |= await to_thread.run_sync(self._from_store, keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known |= await self._compute(missing, role, operation, durable=durable)
        vectors = np.stack([known[key] for key in keys]) if keys else np.empty((0, self.dimension), np.float32)
        return Embedded(vectors, tuple(keys), len(missing))

    def _from_store(self, keys: list[str]) -> dict[str, NDArray[np.float32]]:
        """What SQL holds, and what the product brings along, which is copied into SQL: the index is rebuilt from there."""
        known = self._store.get(keys, self.dimension)
        brought = self._shipped.get(key for key in keys if key not in known) if self._shipped else {}
        if brought:
            self._store.put(self.model, brought, {})
        return known | brought

    def _from_memory(self, keys: list[str]) -> dict[str, NDArray[np.float32]]:
        if self._memory is None:
            return {}
        found = {key: vector for key in keys if (vector := self._memory.get(key)) is not None}
        for key in keys:
            if key in found:
                self._monitor.record_cache_hit()
            else:
                self._monitor.record_cache_miss()
        return found

    async def _compute(
        self, missing: dict[str, str], role: Role, operation: str, *, durable: bool
    ) -> dict[str, NDArray[np.float32]]:
        embed: Callable[[list[str]], Awaitable[Vectors]]
        embed = self._inner.embed_queries if role == "query" else self._inner.embed_passages
        started = time.perf_counter()
        vectors = await embed(list(missing.values()))
        elapsed = (time.perf_counter() - started) * 1000
        computed = dict(zip(missing, vectors, strict=True))
        tokens = {key: self.count_tokens(text) for key, text in missing.items()}
        if durable:
            await to_thread.run_sync(self._store.put, self.model, computed, tokens)
        elif self._memory is not None:
            for key, vector in computed.items():
                self._memory.set(key, vector)
        await to_thread.run_sync(self._on_call, self._record(operation, sum(tokens.values()), len(missing), elapsed))
        return computed

    def _record(self, operation: str, tokens: int, texts: int, elapsed: float) -> CallRecord:
        cost = None if self._cost_per_token is None else self._cost_per_token * tokens
        return CallRecord(datetime.now(UTC), operation, self.model, tokens, texts, elapsed, cost)
