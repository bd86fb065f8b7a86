"""A bounded cache of embeddings in memory: least recently used and expired entries leave one by one, never all at once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cachetools import TTLCache
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CacheStats:
    """How the cache does; keys follow the source document."""

    cache_size: int
    max_size: int
    hit_count: int
    miss_count: int
    hit_rate: float | None
    """None when nothing was looked up."""
    memory_usage_mb: float
    durable_entries: int = 0
    durable_mb: float = 0.0


class EmbeddingCache:
    """Vectors by key; safe to use from any thread. `timer` is in seconds."""

    def __init__(self, max_size: int, ttl_seconds: float, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._vectors: TTLCache[str, NDArray[np.float32]] = TTLCache(max_size, ttl_seconds, timer=timer)
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    def get(self, key: str) -> NDArray[np.float32] | None:
        """The vector, or None; counts as a hit or a miss."""
        with self._lock:
            vector = self._vectors.get(key)
            if vector is None:
                self._misses += 1
            else:
                self._hits += 1
            return vector

    def set(self, key: str, vector: NDArray[np.float32]) -> None:
        """Keep one vector until it is the least recently used or too old."""
        with self._lock:
            self._vectors[key] = vector

    def get_stats(self) -> CacheStats:
        """A consistent snapshot."""
        with self._lock:
            self._vectors.expire()
            size = sum(vector.nbytes for vector in self._vectors.values())
            looked_up = self._hits + self._misses
            return CacheStats(
                cache_size=len(self._vectors),
                max_size=int(self._vectors.maxsize),
                hit_count=self._hits,
                miss_count=self._misses,
                hit_rate=self._hits / looked_up if looked_up else None,
                memory_usage_mb=size / 2**20,
            )
