"""Keys of programs that use the HTTP interface. A key is shown once, when it is made; only its SHA-256 is kept.

A key is 256 random bits, so a plain hash keeps it safe: there is nothing to guess that a slow hash would slow down.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import NotFoundError
from sipd_core.privacy import mask
from sipd_core.scopes import Scope
from sipd_core.store.database import Database
from sipd_core.store.schema import api_keys
from sipd_core.store.times import moment
from sipd_core.texts import text

_SHAPE = re.compile(r"sipd_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES = 32
_NOTE_AFTER = 60.0
"""Seconds between two notes that a key was used: not every request is worth a write."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; all times are timezone-aware, UTC."""

    id: str
    """The part of the key that may be seen."""
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    """The last use, to the minute."""


class ApiKeyStore:
    """Makes, finds, lists and revokes keys."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, scopes: Collection[Scope], days: float | None = None) -> tuple[ApiKey, str]:
        """A new key, good for `days` (None: until it is revoked), and the one chance to read it; durable on return."""
        now, id_ = self._clock(), secrets.token_hex(4)
        key = f"sipd_{id_}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        row = {
            "id": id_,
            "name": mask(name).text[:200],
            "digest": _digest(key),
            "scopes": " ".join(sorted(scopes)),
            "created_at": now,
            "expires_at": None if days is None else now + days * 86_400,
        }
        with self._database.write() as connection:
            connection.execute(insert(api_keys), row)
            details = {"name": row["name"], "scopes": sorted(scopes), "days": days}
            self._database.note(connection, Deed(DeedKind.KEY_MADE, id_, details=details))
        return self.get(id_), key

    def get(self, id_: str) -> ApiKey:
        """Raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == id_)).first()
        if row is None:
            raise NotFoundError(what=text("access.key", id=id_))
        return _key(row)

    def list(self) -> tuple[ApiKey, ...]:
        """Every key there ever was, the newest first."""
        query = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        with self._database.read() as connection:
            return tuple(map(_key, connection.execute(query).all()))

    def count(self) -> int:
        """How many keys there ever were."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(api_keys)).scalar_one())

    def find(self, key: str) -> ApiKey | None:
        """The key of this secret, also an expired or revoked one; None when there is none. Notes that it was used."""
        match = _SHAPE.fullmatch(key)
        if match is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == match[1])).first()
        if not hmac.compare_digest(row.digest if row else "", _digest(key)) or row is None:
            return None
        self._note_use(row)
        return _key(row)

    def revoke(self, id_: str) -> ApiKey:
        """Let a key count no more, from the next request on in every process; raises NotFoundError."""
        revoking = update(api_keys).where(api_keys.c.id == id_, api_keys.c.revoked_at.is_(None))
        with self._database.write() as connection:
            if connection.execute(revoking.values(revoked_at=self._clock())).rowcount:
                self._database.note(connection, Deed(DeedKind.KEY_REVOKED, id_))
        return self.get(id_)

    def _note_use(self, row: Row[Any]) -> None:
        now = self._clock()
        if row.used_at is None or now - row.used_at >= _NOTE_AFTER:
            noting = update(api_keys).where(api_keys.c.id == row.id).values(used_at=now)
            self._database.together(lambda connection: connection.execute(noting))


def shown_id(key: str | None) -> str:
    """The part of a key that may be seen; empty for what does not look like a key."""
    match = _SHAPE.fullmatch(key or "")
    return match[1] if match else ""


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else moment(seconds)

    scopes = frozenset(map(Scope, row.scopes.split()))
    return ApiKey(
        row.id, row.name, scopes, moment(row.created_at), at(row.expires_at), at(row.revoked_at), at(row.used_at)
    )
