"""The embedding cache: bounded, timed, one entry leaves at a time; and what is under way is not begun again."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import numpy as np
import pytest
from anyio import CancelScope, Event

from sipd_core.cache import EmbeddingCache, SingleFlight


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


def test_an_entry_is_a_copy_that_nobody_can_change() -> None:
    cache, batch = EmbeddingCache(2, 60), np.ones((64, 4), dtype=np.float32)
    cache.set("a", batch[3])
    batch[3] = 7
    kept = cache.get("a")
    assert kept is not None
    assert kept.base is None, "a row must not keep its whole batch in memory"
    assert kept.tolist() == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 2


class Work:
    """Computes a key's length, when let; counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = Event()
        self.error: Exception | None = None
        self.cancelled = 0

    async def __call__(self, keys: list[str]) -> dict[str, int]:
        self.asked.append(keys)
        try:
            await self.gate.wait()
        except BaseException:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return {key: len(key) for key in keys}


class Callers:
    """Each asks for its keys in a scope of its own."""

    def __init__(self, work: Work) -> None:
        self.flights: SingleFlight[int] = SingleFlight()
        self.work = work
        self.got: list[tuple[dict[str, int], int] | Exception] = []

    def asking(self, *keys: str) -> tuple[CancelScope, Callable[[], Coroutine[Any, Any, None]]]:
        scope = CancelScope()

        async def ask() -> None:
            with scope:
                try:
                    self.got.append(await self.flights.get(keys, self.work))
                except Exception as error:
                    self.got.append(error)

        return scope, ask


@pytest.mark.anyio
async def test_the_same_key_is_computed_once_at_a_time() -> None:
    work = Work()
    callers = Callers(work)
    async with anyio.create_task_group() as group:
        for keys in (["a"], ["a"], ["a", "bb"], ["bb"]):
            group.start_soon(callers.asking(*keys)[1])
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
    assert work.asked == [["a"], ["bb"]]
    expected = [({"a": 1}, 1), ({"a": 1}, 0), ({"a": 1, "bb": 2}, 1), ({"bb": 2}, 0)]
    assert sorted(callers.got, key=str) == sorted(expected, key=str)
    assert await callers.flights.get(["a"], work) == ({"a": 1}, 1), "what is done is not kept here"


@pytest.mark.anyio
async def test_whoever_began_it_may_leave() -> None:
    work = Work()
    callers = Callers(work)
    leader, lead = callers.asking("a")
    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        group.start_soon(callers.asking("a")[1])
        await anyio.wait_all_tasks_blocked()
        leader.cancel()
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
    assert callers.got == [({"a": 1}, 0)]
    assert (len(work.asked), work.cancelled) == (1, 0)


@pytest.mark.anyio
async def test_the_last_one_to_leave_cancels_it() -> None:
    work = Work()
    callers = Callers(work)
    asking = [callers.asking("a"), callers.asking("a")]
    async with anyio.create_task_group() as group:
        for _, ask in asking:
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        for scope, _ in asking:
            scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert work.cancelled == 1
        work.gate.set()
    assert await callers.flights.get(["a"], work) == ({"a": 1}, 1)


@pytest.mark.anyio
async def test_who_comes_while_it_is_being_cancelled_begins_anew() -> None:
    """The end of a paid call takes a moment: it is booked in a shielded scope."""
    flights: SingleFlight[int] = SingleFlight()
    ending, ended, fresh = Event(), Event(), Work()
    fresh.gate.set()

    async def slow_to_end(keys: list[str]) -> dict[str, int]:
        try:
            await anyio.sleep_forever()
        finally:
            ending.set()
            with CancelScope(shield=True):
                await ended.wait()
        return {}

    async with anyio.create_task_group() as group:
        group.start_soon(flights.get, ["a"], slow_to_end)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
        with CancelScope(shield=True):
            await ending.wait()
            assert await flights.get(["a"], fresh) == ({"a": 1}, 1)
            ended.set()


@pytest.mark.anyio
async def test_a_failure_is_raised_for_all_and_forgotten() -> None:
    work = Work()
    work.error = ConnectionError("away")
    callers = Callers(work)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(callers.asking("a")[1])
        await anyio.wait_all_tasks_blocked()
        work.gate.set()
    assert callers.got == [work.error] * 3
    work.error = None
    assert await callers.flights.get(["a"], work) == ({"a": 1}, 1)
    assert work.asked == [["a"], ["a"]]
