"""How much a caller may ask in a minute, kept in SQL: it holds over restarts and for all processes together.

Each caller is one row with one moment: until when the requests he was given are worked off, each taking its share of
the minute (the generic cell rate algorithm). One statement looks, decides and writes, so no two processes can both give the
last one away; nothing has to be counted or cleared.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from sipd_core.errors import SipdError
from sipd_core.store.database import Database
from sipd_core.store.schema import rate_limits

WINDOW = 60.0
"""Seconds in which a caller may use his whole limit at once, or bit by bit."""
_HAIR = 0.001
"""Seconds by which a sum of floats may end beyond the minute."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of several limits that a request must keep within."""

    subject: str
    limit: int
    window: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller."""

    limit: int
    """Requests in `WINDOW` seconds."""
    remaining: int
    reset: float
    """Seconds until the whole limit is there again."""
    retry_after: float | None = None
    """Seconds until the next request is let through; None when this one was."""


class _RefusedError(SipdError):
    """One request too many."""

    def __init__(self, share: Share, seconds: float) -> None:
        super().__init__(f"{share.subject} exceeds {share.limit}")
        self.share, self.seconds = share, max(seconds, _HAIR)


class RateLimitStore:
    """Gives requests out."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def take(self, subject: str, limit: int) -> Allowance:
        """One request of `subject`, which has `limit` in a window; `retry_after` is set when it is one too many."""
        return self._database.together(lambda connection: self._take(connection, subject, limit))

    def take_all(self, shares: Sequence[Share]) -> tuple[Share, float] | None:
        """One request within several limits at once: counted at all of them, or at none.

        None when it is let through; else the limit it exceeds, and the seconds to wait.
        """
        try:
            self._database.together(lambda connection: self._take_all(connection, shares))
        except _RefusedError as refused:
            return refused.share, refused.seconds
        return None

    def _take_all(self, connection: Connection, shares: Sequence[Share]) -> None:
        """Looks at all before it counts at any: whoever waits for the same commit must find nothing half done."""
        now = self._clock()
        for share in shares:
            at = select(rate_limits.c.spent_until).where(rate_limits.c.subject == share.subject).with_for_update()
            until = connection.execute(at).scalar() or now
            over = max(until, now) + share.window / share.limit - share.window - now
            if over > _HAIR:
                raise _RefusedError(share, over)
        for share in shares:
            part = share.window / share.limit
            connection.execute(self._statement(connection, share.subject, now, part, share.window)).scalar()

    def _take(self, connection: Connection, subject: str, limit: int) -> Allowance:
        now, share = self._clock(), WINDOW / limit
        spent = connection.execute(self._statement(connection, subject, now, share, WINDOW)).scalar()
        if spent is not None:
            left = WINDOW - (spent - now)
            return Allowance(limit, min(max(math.floor(left / share + 0.01), 0), limit - 1), max(spent - now, 0.0))
        until = connection.execute(
            select(rate_limits.c.spent_until).where(rate_limits.c.subject == subject)
        ).scalar_one()
        return Allowance(limit, 0, until - now, retry_after=max(until + share - WINDOW - now, _HAIR))

    @staticmethod
    def _statement(connection: Connection, subject: str, now: float, share: float, window: float) -> Any:
        """Enters the request and returns the new moment, or does nothing and returns no row."""
        is_sqlite = connection.dialect.name == "sqlite"
        insert = sqlite.insert(rate_limits) if is_sqlite else postgresql.insert(rate_limits)
        later = func.max if is_sqlite else func.greatest
        spent = later(rate_limits.c.spent_until, literal(now)) + share
        return (
            insert.values(subject=subject, spent_until=now + share)
            .on_conflict_do_update(
                index_elements=[rate_limits.c.subject],
                set_={"spent_until": spent},
                where=spent <= now + window + _HAIR,
            )
            .returning(rate_limits.c.spent_until)
        )
