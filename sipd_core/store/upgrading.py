"""How far a change of the database is that takes long: for the log, and for pages that wait for the engine.

One reason to change: how it is told that something is under way before there is an engine to ask.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
"""Between two lines of the log."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Rows that are done, of all."""

    done: int
    total: int


class Teller:
    """Counts what is done of one change; a line in the log at its beginning, its end and every few seconds."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._done, self._told_at = 0, time.monotonic() - EVERY_SECONDS
        self.add(0)

    def add(self, rows: int) -> None:
        """So many more are done."""
        global _under_way
        self._done += rows
        _under_way = Upgrade(self._done, self._total)
        is_due = time.monotonic() - self._told_at >= EVERY_SECONDS or self._done >= self._total
        if self._total and is_due:
            self._told_at = time.monotonic()
            log.warning("%s: %d of %d rows; please wait", self._what, self._done, self._total)


@contextmanager
def telling(what: str, total: int) -> Iterator[Teller]:
    """Within the block a change is under way; nothing is told of one without rows."""
    global _under_way
    try:
        yield Teller(what, total)
    finally:
        _under_way = None


def under_way() -> Upgrade | None:
    """The long change that this process makes at the moment."""
    return _under_way if _under_way and _under_way.total else None


_under_way: Upgrade | None = None
