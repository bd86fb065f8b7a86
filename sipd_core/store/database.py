"""The one SQL database: connections, migrations, and errors in words people understand.

SQLite in WAL mode with full synchronisation (a committed write survives the process and the power) or PostgreSQL.
"""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from sipd_core.errors import StoreError, StoreFullError, StoreLockedError
from sipd_core.store import schema

log = logging.getLogger(__name__)

BUSY_SECONDS = 15
"""How long a writer waits for another one before it gives up."""

_bookkeeping = MetaData()
_migrations = Table("migrations", _bookkeeping, Column("name", String(80), primary_key=True))


def m001_create_tables(connection: Connection) -> None:
    """Everything of the first release."""
    schema.metadata.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (m001_create_tables,)
"""Applied in order, each in its own transaction, each once."""


class Database:
    """Owns the connection pool; `read()` and `write()` are the only ways to a connection."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.where = url.removeprefix("sqlite:///") if self.is_sqlite else "PostgreSQL"
        if self.is_sqlite:
            _make_folder(Path(self.where).parent)
            self._engine = create_engine(url, connect_args={"timeout": busy_seconds})
            event.listen(self._engine, "connect", _set_pragmas)
            event.listen(self._engine, "begin", _begin_immediate_when_writing)
        else:
            self._engine = create_engine(url, pool_pre_ping=True, pool_size=10)
        self._migrate()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading one consistent snapshot."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed and durable on leaving, rolled back on an exception."""
        with (
            self._translated(),
            self._engine.connect().execution_options(sipd_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def upsert(self, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
        """Insert `rows`, replacing those whose primary key exists."""
        if not rows:
            return
        keys = [column.name for column in table.primary_key]
        statement = self._insert(table)
        changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        if changes:
            statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        connection.execute(statement, rows)

    def close(self) -> None:
        """Give every connection back; the object is not usable afterwards."""
        self._engine.dispose()

    def _insert(self, table: Table) -> Any:
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def _migrate(self) -> None:
        with self.write() as connection:
            if not self.is_sqlite:
                # Two replicas may start at once; PostgreSQL's catalogue is not safe under concurrent CREATE TABLE IF NOT EXISTS.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5717)")
            _bookkeeping.create_all(connection)
        for migration in MIGRATIONS:
            with self.write() as connection:
                if not self.is_sqlite:
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5717)")
                name = migration.__name__
                if connection.execute(select(_migrations).where(_migrations.c.name == name)).first() is None:
                    migration(connection)
                    connection.execute(insert(_migrations), {"name": name})

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._store_error(error) from error

    def _store_error(self, error: SQLAlchemyError) -> StoreError:
        reason = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
        log.error("database error: %s", reason)
        folder = str(Path(self.where).parent) if self.is_sqlite else self.where
        if "database or disk is full" in reason or "No space left" in reason:
            return StoreFullError(reason, path=folder)
        if isinstance(error, OperationalError) and "locked" in reason:
            return StoreLockedError(reason)
        return StoreError(reason, reason=reason.splitlines()[0], path=folder)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        kind = StoreFullError if error.errno == errno.ENOSPC else StoreError
        raise kind(str(error), reason=error.strerror or type(error).__name__, path=str(folder)) from error


def _set_pragmas(connection: Any, _record: object) -> None:
    """WAL lets readers go on while one writes; FULL makes a commit durable before it is acknowledged."""
    connection.isolation_level = None  # SQLAlchemy's events begin transactions, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate_when_writing(connection: Connection) -> None:
    """A writer takes the lock at once: a read that turns into a write inside a transaction cannot wait and fails."""
    writing = connection.get_execution_options().get("sipd_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
