"""How often the same refusal is entered in the audit: a flood at the door must not fill the database."""

import threading
import time
from collections.abc import Callable

EVERY_SECONDS = 60.0
MOST_SUBJECTS = 500
"""Different refusals that are told apart within that time; what comes beyond counts as one."""
_OTHERS = "…"


class Sparing:
    """Says whether a refusal is entered now, and how many like it were not since the last that was; safe from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def due(self, subject: str) -> int | None:
        """How many went unentered since the last entry about `subject`; None: this one is not entered either."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            subject = subject if subject in self._seen or len(self._seen) < MOST_SUBJECTS else _OTHERS
            entered, held = self._seen.get(subject, (now - EVERY_SECONDS, 0))
            if now - entered < EVERY_SECONDS:
                self._seen[subject] = entered, held + 1
                return None
            self._seen[subject] = now, 0
            return held

    def _forget(self, now: float) -> None:
        """Let go of what is long past when there is much."""
        if len(self._seen) >= MOST_SUBJECTS:
            past = now - EVERY_SECONDS
            self._seen = {name: seen for name, seen in self._seen.items() if seen[0] > past}
