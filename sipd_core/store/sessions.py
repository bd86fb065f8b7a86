"""Who is signed in where. The token is in the browser's cookie alone; here only its SHA-256 is kept.

A token is 256 random bits, so a plain hash keeps it safe: there is nothing to guess that a slow hash would slow down.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sipd_core.store.database import Database
from sipd_core.store.people import Account, read_account
from sipd_core.store.schema import sign_in_sessions
from sipd_core.store.times import moment

_TOKEN_BYTES = 32
NOTE_AFTER = 60.0
"""Seconds between two notes that a session is used: not every click is worth a write."""
KEPT_SECONDS = 30 * 86_400
"""How long a session that ended is remembered: its browser is told that it ended, a stranger is told nothing."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser in which somebody is signed in; times are timezone-aware, UTC."""

    id: str
    person_id: str
    began_at: datetime
    seen_at: datetime
    """The last use, to the minute."""
    ends_at: datetime
    address: str
    browser: str


class SessionStore:
    """Begins, finds and ends sessions."""

    def __init__(self, database: Database, *, idle: float, longest: float, clock: Callable[[], float] = time.time) -> None:
        """`idle`: seconds without use after which a session ends; `longest`: seconds after which it ends anyway."""
        self._database = database
        self._idle, self._longest = idle, longest
        self._clock = clock

    def begin(self, connection: Connection, person_id: str, address: str, browser: str, proof: str | None = None) -> str:
        """Within a transaction: a new session, and the one chance to read its token."""
        now, token = self._clock(), secrets.token_urlsafe(_TOKEN_BYTES)
        connection.execute(delete(sign_in_sessions).where(sign_in_sessions.c.ends_at < now - KEPT_SECONDS))
        row = {"digest": digest(token), "id": secrets.token_hex(6), "person_id": person_id, "proof": proof}
        times = {"began_at": now, "seen_at": now, "ends_at": now + self._longest}
        connection.execute(insert(sign_in_sessions), row | times | {"address": address[:64], "browser": browser[:80]})
        return token

    def find(self, token: str) -> tuple[Session, Account] | None:
        """The session of a token and whose it is, if it still counts and its person may come in."""
        query = select(sign_in_sessions).where(sign_in_sessions.c.digest == digest(token), *self._counts())
        with self._database.read() as connection:
            row = connection.execute(query).first()
            account = read_account(connection, row.person_id) if row is not None else None
        if row is None or account is None or account.disabled_at is not None:
            return None
        return _session(row), account

    def was(self, token: str) -> bool:
        """Whether this ever was the token of a session that is remembered."""
        query = select(sign_in_sessions.c.id).where(sign_in_sessions.c.digest == digest(token))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def is_spent(self, connection: Connection, proof: str) -> bool:
        """Within a transaction: whether what a provider said has opened a session already."""
        query = select(sign_in_sessions.c.id).where(sign_in_sessions.c.proof == proof)
        return connection.execute(query).first() is not None

    def touch(self, token: str) -> None:
        """Note that a session is used."""
        now = self._clock()
        there = sign_in_sessions.c.digest == digest(token)
        old = sign_in_sessions.c.seen_at < now - NOTE_AFTER
        noting = update(sign_in_sessions).where(there, old, *self._counts()).values(seen_at=now)
        self._database.together(lambda connection: connection.execute(noting))

    def of(self, person_id: str) -> tuple[Session, ...]:
        """The sessions of somebody that count, the last used first."""
        query = select(sign_in_sessions).where(sign_in_sessions.c.person_id == person_id, *self._counts())
        with self._database.read() as connection:
            return tuple(map(_session, connection.execute(query.order_by(sign_in_sessions.c.seen_at.desc()))))

    def end(self, connection: Connection, person_id: str, *, only: str = "", but: str = "") -> int:
        """Within a transaction: end the sessions of somebody, `only` one or all `but` one (ids); how many did count."""
        ending = update(sign_in_sessions).where(sign_in_sessions.c.person_id == person_id, *self._counts())
        if only:
            ending = ending.where(sign_in_sessions.c.id == only)
        if but:
            ending = ending.where(sign_in_sessions.c.id != but)
        return connection.execute(ending.values(ended_at=self._clock())).rowcount

    def _counts(self) -> tuple[Any, ...]:
        now, columns = self._clock(), sign_in_sessions.c
        return columns.ended_at.is_(None), columns.ends_at > now, columns.seen_at > now - self._idle


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _session(row: Row[Any]) -> Session:
    began, seen, ends = moment(row.began_at), moment(row.seen_at), moment(row.ends_at)
    return Session(row.id, row.person_id, began, seen, ends, row.address, row.browser)
