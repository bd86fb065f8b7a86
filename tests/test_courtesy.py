"""Background work steps back for people, and comes to its end all the same."""

from collections.abc import Callable

import anyio
import pytest
from anyio import from_thread, to_thread

from sipd_core.courtesy import LONGEST_WAIT, PORTION, REST_SHARE, SERVED_SECONDS, Courtesy


class Clock:
    """Stands still until it is told to go on, a little with each look if it is told that."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def never() -> bool:
    return False


def test_somebody_counts_as_served_for_a_moment_after_each_call() -> None:
    clock = Clock()
    courtesy = Courtesy(clock=clock)
    assert not courtesy.is_serving
    courtesy.served()
    clock.now = SERVED_SECONDS * 0.9
    assert courtesy.is_serving
    courtesy.served()
    clock.now += SERVED_SECONDS * 0.9
    assert courtesy.is_serving, "every call counts"
    clock.now += SERVED_SECONDS
    assert not courtesy.is_serving


@pytest.mark.anyio
async def test_work_rests_in_proportion_and_longer_while_people_are_served_but_not_for_ever() -> None:
    clock = Clock(0.1)
    courtesy = Courtesy(clock=clock)
    await courtesy.give_way(4.0, never)
    assert 4.0 * REST_SHARE <= clock.now < 4.0 * REST_SHARE + 1.0
    clock.now = 1_000.0
    courtesy.served()
    clock.now = 100.0  # until a thousand somebody is served without a break
    await courtesy.give_way(0.0, never)
    assert LONGEST_WAIT <= clock.now - 100.0 < LONGEST_WAIT + 1.0


@pytest.mark.anyio
async def test_work_that_somebody_waits_for_does_not_rest() -> None:
    clock = Clock(0.1)
    courtesy = Courtesy(clock=clock)
    courtesy.served()
    await courtesy.give_way(50.0, lambda: True)
    assert clock.now < 1.0


@pytest.mark.anyio
async def test_a_thread_pauses_only_after_a_portion_and_ends_when_its_task_is_cancelled() -> None:
    clock, portions = Clock(), 0
    courtesy = Courtesy(clock=clock)

    def work(cancel: Callable[[], None]) -> None:
        nonlocal portions
        breathe = courtesy.breather(lambda: True)
        while portions < 10:
            portions += 1
            if portions == 3:
                from_thread.run_sync(cancel)
                breathe()
                assert portions == 3, "before a portion is done nothing is looked at"
            clock.now += PORTION if portions == 5 else 0.0
            breathe()

    with anyio.CancelScope() as scope:
        await to_thread.run_sync(work, scope.cancel)
    assert portions == 5 and scope.cancelled_caught
