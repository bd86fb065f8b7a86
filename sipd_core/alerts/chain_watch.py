"""Whether the audit's chain is whole, looked at once a day in small steps: nobody need open its page to learn of it."""

import time
from collections.abc import Callable

import anyio
from anyio import to_thread

from sipd_core.alerts.model import Reading
from sipd_core.store.audit import AuditLog, Verification
from sipd_core.texts import text

AGAIN_SECONDS = 86_400.0
REST = 4.0
"""How many times as long as a step took the next one waits: pages have four fifths of the time."""


class ChainWatch:
    """What this process saw last of the chain; safe from any thread, but one look at a time."""

    def __init__(self, log: AuditLog, *, clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._clock = clock
        self._found: Verification | None = None
        self._at = 0.0

    def is_due(self) -> bool:
        """Whether the last look is a day old, or there was none since this process began."""
        return self._found is None or self._clock() - self._at >= AGAIN_SECONDS

    def note(self, found: Verification) -> None:
        """Somebody looked at the whole chain."""
        self._found, self._at = found, self._clock()

    async def look(self) -> Verification:
        """Look at every entry, some at a time, and rest in between; can be cancelled between two steps."""
        patrol = self._log.patrol()
        while True:
            began = time.monotonic()
            found = await to_thread.run_sync(patrol.step)
            if found is not None:
                self.note(found)
                return found
            await anyio.sleep(REST * (time.monotonic() - began))

    def reading(self) -> Reading | None:
        """Number of the first broken entry, 0 for a whole chain; None while this process has not looked."""
        if self._found is None:
            return None
        if self._found.flaw is None:
            return Reading(0.0)
        why = text(f"audit.flaw.{self._found.flaw}")
        return Reading(float(self._found.broken_at or 1), detail=why[:1].upper() + why[1:])
