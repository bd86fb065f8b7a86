"""The embedding cache: bounded, timed, one entry leaves at a time."""

import numpy as np

from sipd_core.cache import EmbeddingCache


class Timer:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def vector(value: float) -> np.ndarray:
    return np.full(4, value, dtype=np.float32)


def test_hits_and_misses_are_counted() -> None:
    cache = EmbeddingCache(10, 60)
    assert cache.get_stats().hit_rate is None
    cache.set("a", vector(1))
    assert cache.get("a") is not None
    assert cache.get("b") is None
    stats = cache.get_stats()
    assert (stats.hit_count, stats.miss_count, stats.hit_rate, stats.cache_size, stats.max_size) == (1, 1, 0.5, 1, 10)
    assert stats.memory_usage_mb == 16 / 2**20


def test_the_least_recently_used_leaves_first() -> None:
    cache = EmbeddingCache(2, 60)
    cache.set("a", vector(1))
    cache.set("b", vector(2))
    cache.get("a")
    cache.set("c", vector(3))
    assert cache.get("b") is None
    assert cache.get("a") is not None


def test_entries_expire() -> None:
    timer = Timer()
    cache = EmbeddingCache(2, 60, timer=timer)
    cache.set("a", vector(1))
    timer.now = 61
    assert cache.get("a") is None
    assert cache.get_stats().cache_size == 0
