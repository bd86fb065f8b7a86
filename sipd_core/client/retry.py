"""What is tried again, and when: exponential backoff with full jitter, over tenacity.

Full jitter spreads callers that failed together best (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
Blog, 2015).
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from sipd_core.client.values import RetryPolicy
from sipd_core.errors import (
    BrokenStreamError,
    ProviderDownError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
    UnreachableError,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

_PASSING = (RateLimitedError, ProviderDownError, UnreachableError, TimedOutError, BrokenStreamError)
"""Failures that another attempt may not meet."""


@dataclass(slots=True)
class Trip:
    """One call on its way through its attempts."""

    started: float
    deadline: float
    """Both in the seconds of the client's clock."""
    retries: int = 0
    met: tuple[str, ...] = ()
    """Class names of the errors that were tried again."""
    reached: bool = False
    """Something of any attempt was sent."""
    request_id: str | None = None
    """Of the latest answer."""

    def signed(self, error: ProviderError) -> ProviderError:
        """`error` with what is known of the call as a whole."""
        error.retries, error.retried_for = self.retries, self.met
        error.request_id = error.request_id or self.request_id
        error.sent = self.reached
        return error


class Retrying:
    """Runs a call up to `policy.retries` times more."""

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        """`random` gives shares from 0 to 1."""
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._random = random

    async def run(self, trip: Trip, attempt: Callable[[], Awaitable[T]]) -> T:
        """The first result; the error of the last attempt says how many retries there were and if any was sent."""

        async def once() -> T:  # tenacity awaits only what was declared with `async def`
            return await attempt()

        try:
            # tenacity keeps its state by thread, not by task: one object for each call.
            retrying = AsyncRetrying(
                sleep=self._sleep,
                retry=retry_if_exception_type(_PASSING),
                wait=self._wait,
                stop=lambda state: self._stop(state, trip),
                before_sleep=lambda state: _count(state, trip),
                reraise=True,
            )
            return await retrying(once)
        except ProviderError as error:
            trip.signed(error)
            raise

    def _wait(self, state: RetryCallState) -> float:
        return delay(self._policy, state.attempt_number, _error(state).retry_after, self._random())

    def _stop(self, state: RetryCallState, trip: Trip) -> bool:
        """No attempt is left, none would come in time, or the provider does not want one so soon."""
        return (
            state.attempt_number > self._policy.retries
            or (_error(state).retry_after or 0.0) > self._policy.longest
            or state.upcoming_sleep >= trip.deadline - self._clock()
        )


def delay(policy: RetryPolicy, attempt: int, retry_after: float | None, share: float) -> float:
    """Seconds to wait after the failure of `attempt` (the first is 1); `share` is the jitter, 0 to 1."""
    backoff = share * min(policy.longest, policy.delay * 2.0 ** (attempt - 1))
    return max(backoff, min(retry_after or 0.0, policy.longest))


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> float | None:
    """Seconds an answer asks to wait (retry-after-ms, or Retry-After as seconds or date); None when it does not."""
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1_000
    asked = headers.get("retry-after", "")
    seconds = _seconds(asked)
    if seconds is not None:
        return seconds
    until = _date(asked)
    if until is None:
        return None
    # Measured by the clock that named the date, where it tells: ours may be wrong by minutes.
    return max(0.0, (until - (_date(headers.get("date", "")) or now())).total_seconds())


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _error(state: RetryCallState) -> ProviderError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ProviderError), "only these are tried again"
    return error


def _count(state: RetryCallState, trip: Trip) -> None:
    trip.retries = state.attempt_number
    trip.met = (*trip.met, type(_error(state)).__name__)
    log.debug("attempt %d failed (%s), next in %.2f s", state.attempt_number, _error(state), state.upcoming_sleep)
