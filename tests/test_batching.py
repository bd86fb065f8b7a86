"""Callers that ask together are answered by one call; nobody harms a neighbour, and nobody waits for ever."""

from collections.abc import AsyncIterator, Sequence

import anyio
import pytest
from anyio import CancelScope, ClosedResourceError, Event
from anyio.lowlevel import checkpoint

from sipd_core.batching import MicroBatcher

pytestmark = pytest.mark.anyio

LONG = 60.0
"""A window that no test sees the end of."""


class Refused(Exception):
    """May be the fault of one item."""


class Doubler:
    """Answers with twice the item; remembers its calls, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.ended: list[str] = []
        self.poison: set[int] = set()
        self.error: Exception | None = None
        self.gate: Event | None = None
        self.started = Event()

    async def __call__(self, items: list[int]) -> Sequence[int]:
        self.calls.append(items)
        self.started.set()
        try:
            if self.gate:
                await self.gate.wait()
        except BaseException:
            self.ended.append("cancelled")
            raise
        if self.error:
            raise self.error
        if self.poison & set(items):
            raise Refused(f"{items}")
        return [2 * item for item in items]


class Crowd:
    """Callers, each in a task and a scope of its own, and what became of each."""

    def __init__(self, batcher: MicroBatcher[int, int]) -> None:
        self.batcher = batcher
        self.results: dict[int, object] = {}
        self.scopes: dict[int, CancelScope] = {}

    async def ask(self, item: int) -> None:
        with CancelScope() as self.scopes[item]:
            try:
                self.results[item] = await self.batcher.submit(item)
            except Exception as error:
                self.results[item] = error
        self.results.setdefault(item, "left")


@pytest.fixture
def run() -> Doubler:
    return Doubler()


@pytest.fixture
async def batcher(run: Doubler) -> AsyncIterator[MicroBatcher[int, int]]:
    async with MicroBatcher(run, max_items=4, window=0, isolate=(Refused,)) as made:
        yield made


async def ask_all(batcher: MicroBatcher[int, int], items: Sequence[int]) -> dict[int, object]:
    crowd = Crowd(batcher)
    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(crowd.ask, item)
    return crowd.results


async def test_what_is_ready_in_one_pass_goes_out_together(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    assert await ask_all(batcher, [1, 2, 3]) == {1: 2, 2: 4, 3: 6}
    assert run.calls == [[1, 2, 3]]


async def test_a_full_batch_does_not_wait_for_its_window(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=2, window=LONG) as batcher:
        with anyio.fail_after(5):
            assert await ask_all(batcher, range(6)) == {item: 2 * item for item in range(6)}
    assert run.calls == [[0, 1], [2, 3], [4, 5]]


async def test_the_window_joins_those_who_come_a_little_later(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=3, window=LONG) as batcher, anyio.create_task_group() as group:
        crowd = Crowd(batcher)
        for item in range(3):
            group.start_soon(crowd.ask, item)
            for _ in range(10):
                await checkpoint()
    assert run.calls == [[0, 1, 2]]


async def test_a_lone_item_goes_when_its_window_is_over(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=4, window=0.001) as batcher:
        assert await batcher.submit(7) == 14


async def test_many_items_of_one_caller_keep_their_order(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    assert await batcher.submit_all(list(range(10))) == [2 * item for item in range(10)]
    assert run.calls == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert await batcher.submit_all([]) == []


async def test_a_cancelled_caller_does_not_harm_its_neighbours(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    run.gate, crowd = Event(), Crowd(batcher)
    async with anyio.create_task_group() as group:
        for item in (1, 2, 3):
            group.start_soon(crowd.ask, item)
        await run.started.wait()
        crowd.scopes[1].cancel()
        await anyio.wait_all_tasks_blocked()
        run.gate.set()
    assert crowd.results == {1: "left", 2: 4, 3: 6}
    assert run.calls == [[1, 2, 3]]


async def test_who_left_before_the_call_is_not_sent(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=3, window=LONG) as batcher, anyio.create_task_group() as group:
        crowd = Crowd(batcher)
        for item in (1, 2):
            group.start_soon(crowd.ask, item)
        await anyio.wait_all_tasks_blocked()
        crowd.scopes[1].cancel()
        await anyio.wait_all_tasks_blocked()
        group.start_soon(crowd.ask, 3)
    assert crowd.results == {1: "left", 2: 4, 3: 6}
    assert run.calls == [[2, 3]]


async def test_nothing_is_sent_when_all_have_left(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=3, window=LONG) as batcher, anyio.create_task_group() as group:
        crowd = Crowd(batcher)
        for item in (1, 2):
            group.start_soon(crowd.ask, item)
        await anyio.wait_all_tasks_blocked()
        for scope in crowd.scopes.values():
            scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert run.calls == []
        for item in (3, 4, 5):  # who comes next opens a batch of their own
            group.start_soon(crowd.ask, item)
    assert run.calls == [[3, 4, 5]]
    assert crowd.results == {1: "left", 2: "left", 3: 6, 4: 8, 5: 10}


async def test_who_comes_right_after_the_last_one_left_gets_an_answer(run: Doubler) -> None:
    async with MicroBatcher(run, max_items=4, window=0.001) as batcher:
        answers = []
        with CancelScope() as scope:
            try:
                scope.cancel()
                await batcher.submit(1)
            finally:
                with CancelScope(shield=True):
                    answers.append(await batcher.submit(2))
    assert answers == [4]
    assert run.calls == [[2]]


async def test_a_call_nobody_waits_for_is_cancelled(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    run.gate, crowd = Event(), Crowd(batcher)
    async with anyio.create_task_group() as group:
        for item in (1, 2):
            group.start_soon(crowd.ask, item)
        await run.started.wait()
        crowd.scopes[1].cancel()
        await anyio.wait_all_tasks_blocked()
        assert run.ended == []
        crowd.scopes[2].cancel()
        await anyio.wait_all_tasks_blocked()
        assert run.ended == ["cancelled"]
    run.gate = None
    assert await batcher.submit(3) == 6


async def test_one_poisonous_item_fails_alone(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    run.poison = {2}
    results = await ask_all(batcher, [1, 2, 3])
    assert (results[1], results[3]) == (2, 6)
    assert isinstance(results[2], Refused)
    assert run.calls[0] == [1, 2, 3]
    assert sorted(run.calls[1:]) == [[1], [2], [3]]


async def test_who_left_is_not_tried_again(run: Doubler, batcher: MicroBatcher[int, int]) -> None:
    run.poison, run.gate, crowd = {2}, Event(), Crowd(batcher)
    async with anyio.create_task_group() as group:
        for item in (1, 2, 3):
            group.start_soon(crowd.ask, item)
        await run.started.wait()
        crowd.scopes[1].cancel()
        await anyio.wait_all_tasks_blocked()
        run.gate.set()
    assert sorted(run.calls[1:]) == [[2], [3]]


async def test_any_other_error_goes_to_every_caller_without_another_try(
    run: Doubler, batcher: MicroBatcher[int, int]
) -> None:
    run.error = ConnectionError("away")
    results = await ask_all(batcher, [1, 2])
    assert list(results.values()) == [run.error, run.error]
    assert run.calls == [[1, 2]]
    run.error = None
    assert await batcher.submit(3) == 6


async def test_a_wrong_number_of_results_is_nobodys_result() -> None:
    async def lose_one(items: list[int]) -> list[int]:
        return items[1:]

    async with MicroBatcher(lose_one, max_items=4, window=0) as batcher:
        results = await ask_all(batcher, [1, 2])
    assert all(isinstance(result, ValueError) for result in results.values())


@pytest.mark.parametrize("window", [0, LONG])
async def test_closing_lets_nobody_wait_for_ever(run: Doubler, window: float) -> None:
    run.gate = Event()
    async with anyio.create_task_group() as group, MicroBatcher(run, max_items=4, window=window) as batcher:
        crowd = Crowd(batcher)
        for item in (1, 2):
            group.start_soon(crowd.ask, item)
        await anyio.wait_all_tasks_blocked()
    assert all(isinstance(result, ClosedResourceError) for result in crowd.results.values())
    assert len(crowd.results) == 2


async def test_outside_of_its_context_it_says_so(run: Doubler) -> None:
    batcher = MicroBatcher(run, max_items=4)
    for _ in range(2):
        with pytest.raises(ClosedResourceError):
            await batcher.submit(1)
        async with batcher:
            assert await batcher.submit(1) == 2


async def test_an_error_inside_its_context_is_passed_on_as_it_is(run: Doubler) -> None:
    with pytest.raises(KeyError):
        async with MicroBatcher(run, max_items=4):
            raise KeyError("x")
