"""Links with which somebody chooses a password, once. The link itself is shown when it is made; only its SHA-256 is kept."""

import secrets
import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from sipd_core.errors import SignInError
from sipd_core.store.database import Database
from sipd_core.store.schema import sign_in_links
from sipd_core.store.sessions import digest

FIRST_SECONDS = 3_600.0
"""How long the link of the very first start counts; the next start makes another."""
LINK_SECONDS = 3 * 86_400.0
"""How long an invitation counts."""
_TOKEN_BYTES = 32


class SignInLinkStore:
    """Makes, looks up and uses links."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def make(self, connection: Connection, person_id: str | None) -> str:
        """Within a transaction: a new link; those made before for the same person count no more."""
        now, token = self._clock(), secrets.token_urlsafe(_TOKEN_BYTES)
        connection.execute(delete(sign_in_links).where(sign_in_links.c.ends_at < now))
        if person_id is not None:
            self.forget(connection, person_id)
        ends = now + (FIRST_SECONDS if person_id is None else LINK_SECONDS)
        row = {"digest": digest(token), "person_id": person_id, "made_at": now, "ends_at": ends}
        connection.execute(insert(sign_in_links), row)
        return token

    def forget(self, connection: Connection, person_id: str | None) -> None:
        """Within a transaction: the links of somebody (None: of the first start) count no more."""
        connection.execute(delete(sign_in_links).where(sign_in_links.c.person_id.is_not_distinct_from(person_id)))

    def whose(self, token: str) -> str | None:
        """For whom a link is, None: for the first admin; raises SignInError when it does not count."""
        there = select(sign_in_links.c.person_id).where(*self._counts(token))
        with self._database.read() as connection:
            row = connection.execute(there).first()
        if row is None:
            raise SignInError("no such link", text_key="people.error.link")
        return None if row.person_id is None else str(row.person_id)

    def use(self, connection: Connection, token: str) -> None:
        """Within a transaction: the link counts no more; raises SignInError when it did not, or somebody was faster."""
        using = update(sign_in_links).where(*self._counts(token)).values(used_at=self._clock())
        if not connection.execute(using).rowcount:
            raise SignInError("no such link", text_key="people.error.link")

    def _counts(self, token: str) -> tuple[ColumnElement[bool], ...]:
        columns = sign_in_links.c
        return columns.digest == digest(token), columns.used_at.is_(None), columns.ends_at > self._clock()
