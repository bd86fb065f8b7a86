"""Work in the background steps back for people: pages and turns have the processor first.

One reason to change: how much of the processor such work may take.
"""

import time
from collections.abc import Callable
from typing import Final

import anyio
from anyio import from_thread

SERVED_SECONDS: Final = 1.5
"""How long somebody counts as being served after his last call: a page makes several, and draws in between."""
LONGEST_WAIT: Final = 2.0
"""How long one portion of work waits for people at most, so that it is done one day on a console that never rests."""
REST_SHARE: Final = 0.5
"""Seconds of rest for each second of work while nobody is served."""
PORTION: Final = 0.03
"""Seconds a thread computes before it looks whether it should pause; Python lets only one thread compute at a time."""
_LOOK: Final = 0.02


class Courtesy:
    """Knows whether somebody is being served. Safe from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._called_at = float("-inf")

    def served(self) -> None:
        """Somebody asks for something now."""
        self._called_at = self._clock()

    @property
    def is_serving(self) -> bool:
        """Whether somebody asked a moment ago."""
        return self._clock() - self._called_at < SERVED_SECONDS

    async def give_way(self, worked: float, hurried: Callable[[], bool]) -> None:
        """Pause after a portion that took `worked` seconds, longer while people are served; not at all when `hurried`."""
        rested, began = worked * REST_SHARE, self._clock()
        while not hurried() and self._rests(self._clock() - began, rested):
            await anyio.sleep(_LOOK)

    def breather(self, hurried: Callable[[], bool]) -> Callable[[], None]:
        """For one piece of work in a worker thread, to be called often: pauses as `give_way` after each PORTION.

        Ends the work by raising what a cancelled task raises, when the task that waits for it was cancelled.
        """
        resumed = self._clock()

        def breathe() -> None:
            nonlocal resumed
            now = self._clock()
            if now - resumed < PORTION:
                return
            from_thread.check_cancelled()
            rested = (now - resumed) * REST_SHARE
            while not hurried() and self._rests(self._clock() - now, rested):
                time.sleep(_LOOK)
            resumed = self._clock()

        return breathe

    def _rests(self, paused: float, rested: float) -> bool:
        return paused < rested or (self.is_serving and paused < LONGEST_WAIT)
