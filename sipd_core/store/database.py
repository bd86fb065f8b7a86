"""The one SQL database: connections, migrations, and errors in words people understand.

SQLite in WAL mode with full synchronisation (a committed write survives the process and the power) or PostgreSQL.
"""

import errno
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from sipd_core.deeds import Deed, acting
from sipd_core.errors import (
    KeyRetiredError,
    SipdError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from sipd_core.store import schema
from sipd_core.store.chain import Chain, Pending
from sipd_core.store.cipher import Cipher, hold
from sipd_core.store.key_check import admit, confirm
from sipd_core.store.leftovers import wipe
from sipd_core.store.migrations import MIGRATIONS
from sipd_core.texts import text

log = logging.getLogger(__name__)

_DAMAGE = ("malformed", "not a database", "file is encrypted")
"""How SQLite says that its file does not hold what it wrote."""
_WIPED = "plain_texts_wiped"
"""Entry beside the migrations: nothing is left in the files of what stood there before it was sealed."""
_NOTED = "sipd_noted"
"""Where a connection keeps the deeds of its transaction."""
BUSY_SECONDS = 15
"""How long a writer waits for another one before it gives up."""

_bookkeeping = MetaData()
_migrations = Table("migrations", _bookkeeping, Column("name", String(80), primary_key=True))


def remember_migrations(connection: Connection, names: Sequence[str]) -> None:
    """Tell a database whose tables were made otherwise which changes they have behind them, before it is opened."""
    _bookkeeping.create_all(connection)
    connection.execute(insert(_migrations), [{"name": name} for name in (*names, _WIPED)])


T = TypeVar("T")


class _Piece(Generic[T]):
    """A small piece of writing that waits for its transaction."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self._work = work
        self._context = copy_context()  # whoever commits for others does not act for them
        self._result: T | None = None
        self.error: Exception | None = None
        self.settled = False

    def run(self, connection: Connection) -> None:
        """Do the work; what it refuses is its own affair, what the database refuses concerns the whole transaction."""
        self.error = None
        try:
            self._result = self._context.run(self._work, connection)
        except StoreError:
            raise
        except SipdError as error:
            self.error = error

    def result(self) -> T:
        """What the work gave; raises what it raised."""
        if self.error is not None:
            raise self.error
        return cast(T, self._result)


class Database:
    """Owns the connection pool; `read()`, `write()` and `together()` are the only ways to a connection."""

    def __init__(
        self, url: str, *, busy_seconds: float = BUSY_SECONDS, audit_key: str = "", cipher: Cipher | None = None
    ) -> None:
        """`audit_key`: what entries of the audit are signed with, if anything. `cipher` seals and opens what people wrote;
        by default that of the key file beside SQLite's file, and none with PostgreSQL.

        Raises DataKeyError when texts are sealed with a key that the cipher lacks.
        """
        self.chain = Chain(audit_key)
        self.is_sqlite = url.startswith("sqlite")
        self.where = url.removeprefix("sqlite:///") if self.is_sqlite else "PostgreSQL"
        if self.is_sqlite:
            _make_folder(Path(self.where).parent)
            _make_file(Path(self.where))
            self._engine = create_engine(url, connect_args={"timeout": busy_seconds})
            event.listen(self._engine, "connect", _set_pragmas)
            event.listen(self._engine, "begin", _begin_immediate_when_writing)
        else:
            self._engine = create_engine(url, pool_pre_ping=True, pool_size=10)
        self.cipher = cipher or (Cipher.beside(Path(self.where).parent) if self.is_sqlite else Cipher())
        hold(self._engine.dialect, self.cipher)
        self._busy_seconds = busy_seconds
        self._writer = threading.Lock()
        self._leader = threading.Lock()
        self._pieces: deque[_Piece[Any]] = deque()
        self._migrate()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading one consistent snapshot."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection whose every read, however many and however late, sees the database at one moment."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(**level)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed and durable on leaving, with the deeds noted in it; rolled back on an exception."""
        with (
            self._translated(),
            self._taking_turns(),
            self._engine.connect().execution_options(sipd_write=True) as connection,
            connection.begin(),
        ):
            noted: list[Pending] = []
            connection.info[_NOTED] = noted
            self.cipher.begin()
            yield connection
            confirm(connection, self.cipher)
            if noted:
                self.chain.extend(connection, noted)

    def note(self, connection: Connection, deed: Deed) -> None:
        """Within `write` or `together`: let the audit know of a deed, in this transaction or not at all."""
        connection.info[_NOTED].append(self.chain.pending(deed, acting()))

    def together(self, work: Callable[[Connection], T]) -> T:
        """Do a small piece of writing, durable on return; whoever waits meanwhile shares one commit (group commit).

        Raises what `work` raises. It must refuse before it writes, and bear being done again when a neighbour fails.
        """
        piece = _Piece(work)
        self._pieces.append(piece)
        with self._leader:
            if not piece.settled:
                self._commit([self._pieces.popleft() for _ in range(len(self._pieces))])
        return piece.result()

    def _commit(self, pieces: list[_Piece[Any]]) -> None:
        try:
            with self.write() as connection:
                for piece in pieces:
                    piece.run(connection)
        except KeyRetiredError:
            self._commit(pieces)  # the new key is in force by now
        except Exception as error:  # whatever it is, nobody may take it for a commit
            if len(pieces) == 1:
                pieces[0].error = error
            else:
                for piece in pieces:
                    self._commit([piece])
        for piece in pieces:
            piece.settled = True

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        """SQLite lets waiting writers sleep and try again: 20 at once waited 240 ms (p95), taking turns 50 ms."""
        if not self.is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=self._busy_seconds):
            raise StoreLockedError("another thread writes for too long")
        try:
            yield
        finally:
            self._writer.release()

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

    def wipe(self, *, whole: bool = False) -> bool:
        """Overwrite what deleted or changed rows left in the files; False when it could not be done now.

        `whole`: write everything anew, which finds also what was left before this console overwrote anything.
        """
        return wipe(self._engine, whole=whole)

    def close(self) -> None:
        """Give every connection back; the object is not usable afterwards."""
        self._engine.dispose()

    def _insert(self, table: Table) -> Any:
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def _migrate(self) -> None:
        with self._migrating() as connection:
            fresh = not inspect(connection).has_table(_migrations.name)
            _bookkeeping.create_all(connection)
            if fresh:
                schema.metadata.create_all(connection)
                remember_migrations(connection, [step.__name__ for step in MIGRATIONS])
        for migration in MIGRATIONS:
            with self._migrating() as connection:
                name = migration.__name__
                if connection.execute(select(_migrations).where(_migrations.c.name == name)).first() is None:
                    migration(connection)
                    connection.execute(insert(_migrations), {"name": name})
        with self._migrating() as connection:
            admit(connection, self.cipher)
            wiped = connection.execute(select(_migrations).where(_migrations.c.name == _WIPED)).first()
        if wiped is None and self.wipe(whole=True):
            with self._migrating() as connection:
                self.upsert(connection, _migrations, [{"name": _WIPED}])

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        """Two replicas may start at once; PostgreSQL's catalogue is not safe under concurrent creation of tables."""
        with self.write() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5717)")
            yield connection

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
        if self.is_sqlite and any(sign in reason for sign in _DAMAGE):
            said = {"reason": reason.splitlines()[0], "path": self.where, "archive": text("backup.any_archive")}
            return StoreDamagedError(reason, **said)
        return StoreError(reason, reason=reason.splitlines()[0], path=folder)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        kind = StoreFullError if error.errno == errno.ENOSPC else StoreError
        raise kind(str(error), reason=error.strerror or type(error).__name__, path=str(folder)) from error


def _make_file(file: Path) -> None:
    """A new database is for this user's eyes alone, and so are the logs that SQLite keeps beside it."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError:
        return  # opening it as a database says what is wrong, in words


def _set_pragmas(connection: Any, _record: object) -> None:
    """WAL lets readers go on while one writes; FULL makes a commit durable before it is acknowledged."""
    connection.isolation_level = None  # SQLAlchemy's events begin transactions, not the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate_when_writing(connection: Connection) -> None:
    """A writer takes the lock at once: a read that turns into a write inside a transaction cannot wait and fails."""
    writing = connection.get_execution_options().get("sipd_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
