"""A circuit breaker: after repeated failures the provider is left alone for a while, then tried with one call.

    closed ──(failures in a row, or one that will not heal by itself soon)──► open ──(rest is over)──► half-open
       ▲                                                                       ▲                          │
       └───────────────────────────── the probe succeeds ◄─────────────────────┴── the probe fails ◄──────┘

Not thread-safe: one breaker belongs to one event loop.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sipd_core.errors import (
    BreakerOpenError,
    ProviderError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    UnknownModelError,
)


class BreakerState(StrEnum):
    """Whether calls are let through: all, none, or one to try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Asked before each call and told how it ended; every `enter` is followed by one of
    `succeeded`, `failed` and `abandoned`."""

    def __init__(
        self,
        failures_to_open: int = 3,
        rest: float = 15.0,
        longest_rest: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rest` and `longest_rest` in seconds; each probe that fails doubles the rest up to the longest."""
        self._failures_to_open = failures_to_open
        self._first_rest = rest
        self._longest_rest = longest_rest
        self._clock = clock
        self._rest = rest
        self._failures = 0
        self._reopens_at: float | None = None
        self._probing = False
        self._period = 0
        self.reason: ProviderError | None = None
        """The last failure that counted, for those who ask why nothing is tried; None after a success."""

    @property
    def state(self) -> BreakerState:
        """As of now: an open breaker becomes half-open by the clock alone."""
        if self._reopens_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._reopens_at else BreakerState.HALF_OPEN

    @property
    def reopens_in(self) -> float:
        """Seconds until a call is tried again; 0 when one may be tried now."""
        return 0.0 if self._reopens_at is None else max(self._reopens_at - self._clock(), 0.0)

    def enter(self) -> int:
        """Let one call through and return its ticket; raises BreakerOpenError while none may be tried."""
        state = self.state
        if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self._probing):
            raise self._resting()
        self._probing = state is BreakerState.HALF_OPEN
        return self._period

    def succeeded(self, ticket: int) -> None:
        """The provider did its work."""
        if ticket == self._period:
            self._failures = 0
            self.reason = None
            if self._reopens_at is not None:
                self._begin(None)
                self._rest = self._first_rest

    def abandoned(self, ticket: int) -> None:
        """The call ended without a word about the provider, for instance because it was cancelled."""
        if ticket == self._period:
            self._probing = False

    def failed(self, ticket: int, error: BaseException) -> None:
        """The call ended with `error`; one that does not speak against the provider (a refused request, no budget)
        only gives its place back. Calls from before the last change are not counted: they are old news."""
        if not isinstance(error, ProviderError) or isinstance(error, RefusedRequestError):
            self.abandoned(ticket)
            return
        if ticket != self._period:
            return
        self._failures += 1
        self.reason = error
        was_probe = self._reopens_at is not None
        rest = self._known_rest(error)
        if rest is not None:
            self._begin(rest)
        elif was_probe:
            self._rest = min(self._rest * 2, self._longest_rest)
            self._begin(self._rest)
        elif self._failures >= self._failures_to_open:
            self._begin(self._rest)

    def _resting(self) -> BreakerOpenError:
        """Tells people what began the rest: that the key is refused helps them, that a breaker is open does not."""
        told: dict[str, Any] = {"text_key": self.reason.text_key, **self.reason.values} if self.reason else {}
        seconds = self.reopens_in
        return BreakerOpenError(f"resting for {seconds:.1f} s", sent=False, retry_after=seconds, **told)

    def _known_rest(self, error: ProviderError) -> float | None:
        """Seconds, where the error itself says how long it will last; never more than the longest rest."""
        if isinstance(error, RefusedKeyError | UnknownModelError):
            return self._longest_rest
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return min(max(error.retry_after, 0.0), self._longest_rest)
        return None

    def _begin(self, rest: float | None) -> None:
        """Start a new period: a rest of so many seconds, or closed."""
        self._reopens_at = None if rest is None else self._clock() + rest
        self._failures = 0
        self._probing = False
        self._period += 1
