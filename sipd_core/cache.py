"""What is known is not computed again, and what is being computed is not computed twice.

The cache is bounded: least recently used and expired entries leave one by one, never all at once.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
from anyio import CancelScope, ClosedResourceError, Event
from cachetools import TTLCache
from numpy.typing import NDArray

Result = TypeVar("Result")


class VectorOrigin(StrEnum):
    """Where the vector of a question came from."""

    MEMORY = "memory"
    """It was kept in this process, or was just being computed for somebody else."""
    DURABLE = "durable"
    """It was kept in SQL."""
    MISS = "miss"
    """The model had to read the question."""


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
    durable_saved_mb: float = 0.0
    """What the same vectors would take more as float32 (ENABLE_COMPRESSION)."""


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
        """Keep a copy of one vector until it is the least recently used or too old."""
        kept = np.array(vector, dtype=np.float32)  # a row out of a batch would keep the whole batch alive
        kept.setflags(write=False)
        with self._lock:
            self._vectors[key] = kept

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


class SingleFlight(Generic[Result]):
    """Callers that want the same key at the same time share one computation; a failure is raised for all, and forgotten.

    The computation is nobody's own: it goes on while one caller waits, and is cancelled with the last one. For use on one
    asyncio event loop; nothing needs to be opened or closed, because the last caller leaves after the work has ended.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}

    async def get(
        self, wanted: Collection[str], compute: Callable[[list[str]], Awaitable[Mapping[str, Result]]]
    ) -> tuple[dict[str, Result], int]:
        """The results of `wanted`, and how many of them this caller's `compute` was asked for (others were under way)."""
        own = [key for key in wanted if key not in self._flights]
        if own:
            self._start(own, compute)
        flights = list(dict.fromkeys(self._flights[key] for key in wanted))
        for flight in flights:
            flight.waiting += 1
        try:
            results = {key: result for flight in flights for key, result in (await flight.results()).items()}
        finally:
            with CancelScope(shield=True):
                for flight in flights:
                    await self._leave(flight)
        return {key: results[key] for key in wanted}, len(own)

    def _start(self, keys: list[str], compute: Callable[[list[str]], Awaitable[Mapping[str, Result]]]) -> None:
        flight: _Flight[Result] = _Flight(keys)
        self._flights |= dict.fromkeys(keys, flight)
        flight.task = asyncio.create_task(self._fly(flight, compute))

    async def _fly(
        self, flight: "_Flight[Result]", compute: Callable[[list[str]], Awaitable[Mapping[str, Result]]]
    ) -> None:
        with flight.scope:
            try:
                flight.landed = await compute(flight.keys)
            except Exception as error:
                flight.error = error
            finally:
                self._forget(flight)
                flight.done.set()

    def _forget(self, flight: "_Flight[Result]") -> None:
        for key in flight.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def _leave(self, flight: "_Flight[Result]") -> None:
        flight.waiting -= 1
        if flight.waiting == 0 and not flight.done.is_set():
            self._forget(flight)  # who comes now must not join what is being cancelled
            flight.scope.cancel()
            await flight.done.wait()


class _Flight(Generic[Result]):
    """One computation, under way or just done."""

    task: "asyncio.Task[None]"
    """Kept here because the event loop holds tasks weakly."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.waiting = 0
        self.done = Event()
        self.scope = CancelScope()
        self.landed: Mapping[str, Result] | None = None
        self.error: Exception = ClosedResourceError()

    async def results(self) -> Mapping[str, Result]:
        await self.done.wait()
        if self.landed is None:
            raise self.error
        return self.landed
