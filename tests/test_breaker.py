"""The circuit breaker, on a clock that only moves when told."""

import asyncio

import pytest

from sipd_core.breaker import Breaker, BreakerState
from sipd_core.errors import (
    BadReplyError,
    BreakerOpenError,
    BrokenStreamError,
    BudgetExceededError,
    ProviderDownError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    StoreLockedError,
    TimedOutError,
    UnknownModelError,
    UnreachableError,
)
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(3, rest=15.0, longest_rest=120.0, clock=clock)


def state(breaker: Breaker) -> BreakerState:
    """Asked anew each time: it changes by the clock alone."""
    return breaker.state


def fail(breaker: Breaker, times: int = 1, error: BaseException | None = None) -> None:
    for _ in range(times):
        breaker.failed(breaker.enter(), error or ProviderDownError())


def test_it_opens_after_failures_in_a_row_and_not_before(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded(breaker.enter())
    fail(breaker, 2)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker)
    assert (state(breaker), breaker.reopens_in) == (BreakerState.OPEN, 15.0)
    with pytest.raises(BreakerOpenError) as caught:
        breaker.enter()
    assert (caught.value.retry_after, caught.value.sent) == (15.0, False)


def test_after_the_rest_one_probe_at_a_time_is_let_through(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 14.9
    with pytest.raises(BreakerOpenError):
        breaker.enter()
    clock.now += 0.1
    assert (state(breaker), breaker.reopens_in) == (BreakerState.HALF_OPEN, 0.0)
    probe = breaker.enter()
    with pytest.raises(BreakerOpenError):
        breaker.enter()
    breaker.succeeded(probe)
    assert state(breaker) is BreakerState.CLOSED
    breaker.enter()
    breaker.enter()


def test_each_failing_probe_doubles_the_rest_up_to_the_longest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    rests = []
    for _ in range(5):
        clock.now += breaker.reopens_in
        fail(breaker)
        rests.append(breaker.reopens_in)
    assert rests == [30.0, 60.0, 120.0, 120.0, 120.0]
    clock.now += 120
    breaker.succeeded(breaker.enter())
    fail(breaker, 3)
    assert breaker.reopens_in == 15.0, "a success forgets the long rests"


@pytest.mark.parametrize("error", [RefusedKeyError(status=401), UnknownModelError(status=404, model="x", served="y")])
def test_what_will_not_heal_soon_opens_at_once_for_longest(breaker: Breaker, error: BaseException) -> None:
    fail(breaker, 1, error)
    assert (state(breaker), breaker.reopens_in) == (BreakerState.OPEN, 120.0)


@pytest.mark.parametrize(("said", "rest"), [(7.5, 7.5), (3_600.0, 120.0), (-5.0, 0.0)])
def test_a_storm_with_a_known_end_rests_until_then(breaker: Breaker, said: float, rest: float) -> None:
    fail(breaker, 1, RateLimitedError(status=429, retry_after=said))
    assert breaker.reopens_in == rest
    assert state(breaker) is not BreakerState.CLOSED


def test_a_storm_without_an_end_counts_as_one_failure(breaker: Breaker) -> None:
    fail(breaker, 2, RateLimitedError(status=429))
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker, 1, RateLimitedError(status=429))
    assert breaker.reopens_in == 15.0


@pytest.mark.parametrize(
    "error", [UnreachableError(sent=False), TimedOutError(), BadReplyError(reason="x"), BrokenStreamError()]
)
def test_what_speaks_against_the_provider_counts(breaker: Breaker, error: BaseException) -> None:
    fail(breaker, 3, error)
    assert state(breaker) is BreakerState.OPEN


HARMLESS = [RefusedRequestError(status=400), asyncio.CancelledError(), BudgetExceededError(), StoreLockedError()]


@pytest.mark.parametrize("error", HARMLESS)
def test_what_says_nothing_of_the_provider_does_not_count(breaker: Breaker, error: BaseException) -> None:
    fail(breaker, 10, error)
    assert state(breaker) is BreakerState.CLOSED


@pytest.mark.parametrize("error", HARMLESS)
def test_a_probe_that_says_nothing_gives_its_place_back(breaker: Breaker, clock: Clock, error: BaseException) -> None:
    fail(breaker, 3)
    clock.now += 15
    fail(breaker, 2, error)
    breaker.abandoned(breaker.enter())
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.succeeded(breaker.enter())
    assert state(breaker) is BreakerState.CLOSED


def test_calls_from_before_it_opened_change_nothing_any_more(breaker: Breaker, clock: Clock) -> None:
    tickets = [breaker.enter() for _ in range(50)]
    for ticket in tickets[:49]:
        breaker.failed(ticket, ProviderDownError())
    assert breaker.reopens_in == 15.0, "fifty failures at once are one storm"
    breaker.succeeded(tickets[49])
    assert state(breaker) is BreakerState.OPEN
    clock.now += 15
    probe = breaker.enter()
    breaker.abandoned(tickets[49])
    with pytest.raises(BreakerOpenError):
        breaker.enter()
    breaker.succeeded(probe)
    assert state(breaker) is BreakerState.CLOSED


def test_whoever_is_turned_away_is_told_what_began_the_rest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 2)
    fail(breaker, 1, UnknownModelError(status=404, model="x", served="y, z"))
    with pytest.raises(BreakerOpenError) as caught:
        breaker.enter()
    assert caught.value.user_text == "Model x tidak tersedia di layanan. Yang tersedia: y, z."
    clock.now += 120
    breaker.succeeded(breaker.enter())
    assert breaker.reason is None
