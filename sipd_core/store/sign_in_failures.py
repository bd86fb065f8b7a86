"""How often somebody may try to sign in, kept in SQL: it holds over restarts and for all processes together.

An attempt is entered before it is looked at, and taken out again when it succeeds, so no number of attempts at once gets
more tries than the limit. Names and addresses are kept as hashes: what was typed as a name may have been a password.
"""

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sipd_core.store.database import Database
from sipd_core.store.schema import sign_in_failures

NAME_TRIES, ADDRESS_TRIES = 5, 20
"""Attempts that need no waiting; many people may share an address."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 900.0
"""Seconds to wait after the last of those; each further failure doubles it, up to the longest."""
FORGOTTEN_SECONDS = 86_400.0


class SignInFailureStore:
    """Gives attempts out."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def take(self, login: str, address: str) -> float:
        """One attempt; 0, or the seconds to wait when it is one too many, and then it is not counted."""
        name, place = _subjects(login, address)
        with self._database.write() as connection:
            now = self._clock()
            connection.execute(delete(sign_in_failures).where(sign_in_failures.c.last_at < now - FORGOTTEN_SECONDS))
            wait = self._wait(connection, place, ADDRESS_TRIES, now)  # first, so that a flood of names leaves no rows
            wait = wait if wait > 0 else self._wait(connection, name, NAME_TRIES, now)
            if wait > 0:
                return wait
            counted = {"failures": sign_in_failures.c.failures + 1, "last_at": now}
            there = sign_in_failures.c.subject.in_((name, place))
            connection.execute(update(sign_in_failures).where(there).values(counted))
            return 0.0

    def succeeded(self, connection: Connection, login: str, address: str) -> None:
        """Within a transaction: the name starts anew; the address gets this one attempt back, for others share it."""
        of_name, of_address = _subjects(login, address)
        there = sign_in_failures.c.subject
        connection.execute(delete(sign_in_failures).where(there == of_name))
        less = sign_in_failures.c.failures - 1
        connection.execute(update(sign_in_failures).where(there == of_address).values(failures=less))

    def _wait(self, connection: Connection, subject: str, tries: int, now: float) -> float:
        """Seconds until the next attempt; the row is there afterwards, and locked where rows can be."""
        make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        row = {"subject": subject, "failures": 0, "last_at": now}
        connection.execute(make(sign_in_failures).on_conflict_do_nothing(), row)
        there = select(sign_in_failures).where(sign_in_failures.c.subject == subject).with_for_update()
        held = connection.execute(there).one()
        if held.failures < tries:
            return 0.0
        wait = min(FIRST_WAIT * 2.0 ** min(held.failures - tries, 20), LONGEST_WAIT)
        return float(held.last_at + wait - now)


def _subjects(login: str, address: str) -> tuple[str, str]:
    names = f"name {login.strip().casefold()}", f"address {address}"
    name, place = (hashlib.sha256(one.encode()).hexdigest() for one in names)
    return name, place
