"""How often one person, and one address, may ask and upload: in SQL, so that it holds over restarts and for all processes.

Only people in front of pages are counted; programs have keys with limits of their own, the command line none. An office behind
one address has many people, so an address may do a multiple of what a person may.
"""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sipd_core.deeds import CONSOLE, Source
from sipd_core.errors import TooOftenError
from sipd_core.locale_id import number
from sipd_core.store.database import Database
from sipd_core.store.rate_limits import RateLimitStore, Share

MINUTE, HOUR = 60.0, 3_600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What is let through: of one person, and of all who come from one address."""

    person: int
    address: int


class PeopleLimits:
    """Safe from any thread and any process."""

    def __init__(
        self, database: Database, *, messages: Pace, uploads: Pace, clock: Callable[[], float] = time.time
    ) -> None:
        """`messages` a minute, `uploads` an hour."""
        self._rates = RateLimitStore(database, clock=clock)
        self._messages, self._uploads = messages, uploads

    def message(self, source: Source) -> None:
        """Count one message; raises TooOftenError, which says how long to wait."""
        self._take(source, "message", self._messages, MINUTE)

    def upload(self, source: Source) -> None:
        """Count one file; raises TooOftenError, which says how long to wait."""
        self._take(source, "upload", self._uploads, HOUR)

    def _take(self, source: Source, what: str, pace: Pace, window: float) -> None:
        if source.where != CONSOLE or not (source.id or source.actor or source.address):
            return
        shares = [Share(_subject(what, "person", _person(source)), pace.person, window)]
        if source.address:
            shares.append(Share(_subject(what, "address", source.address), pace.address, window))
        refused = self._rates.take_all(shares)
        if refused is not None:
            share, seconds = refused
            whose = "person" if share is shares[0] else "address"
            times, wait = number(share.limit), number(math.ceil(seconds))
            raise TooOftenError(f"{what} by {whose}", text_key=f"limits.{what}_{whose}", times=times, seconds=wait)


def _person(source: Source) -> str:
    """Who it is, not what he is called. Where nobody signs in he is whoever comes from his address, or sits at the console."""
    return source.mark or source.address or source.where


def _subject(what: str, kind: str, who: str) -> str:
    """Not who it is himself: the table says how often, no more."""
    return f"{what}/{kind}/{hashlib.sha256(who.encode(errors='replace')).hexdigest()[:32]}"
