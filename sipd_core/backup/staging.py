"""From an archive to a database of its own beside the live one: every row looked at, in its own tables, then migrated.

Whatever is wrong with an archive shows here, while nothing that is in use has been touched.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from sipd_core.backup import archive
from sipd_core.backup.archive import ArchiveReader, Manifest
from sipd_core.backup.environment import settings_from_json
from sipd_core.backup.layout import content_tables, decoder, is_local, tables_from_json
from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.questions import Answers, answers_from_json
from sipd_core.backup.snapshot import RELEASED, ROWS
from sipd_core.backup.unsealing import Unsealed, keys_of, opened, settle
from sipd_core.errors import BackupError, SipdError, StoreFullError
from sipd_core.store import schema
from sipd_core.store.cipher import Cipher
from sipd_core.store.database import Database, remember_migrations
from sipd_core.store.schema import EPOCH_STATE, VERSION_STATE

PREFIX = "pemulihan-"
"""What the name of a folder begins with in which an archive is unpacked."""
SPARE_BYTES = 64 * 2**20
"""Left free on the disk when an archive is unpacked."""
GROWTH = 3
"""Unpacking needs about this many times the bytes of the members: a database, its log, and then the live one's log."""


PRICES_STATE = "restored_prices"
"""Name under which a restore leaves the price table until it is in its place; empty when there was none."""
NOTED = (EPOCH_STATE, VERSION_STATE, PRICES_STATE)
"""Facts of the base that a restore itself sets."""


@dataclass(frozen=True, slots=True)
class Staged:
    """An archive unpacked: its rows in today's tables, its texts under the key of here, and what it holds besides."""

    folder: Path
    manifest: Manifest
    database: Database
    said: Answers | None
    """What the base answered to the test questions as the archive was made."""
    unasked: bool
    """The archive has such answers, but they are sealed with a key that is not here."""
    settings: dict[str, str | None]
    prices: bytes | None
    unsealed: Unsealed

    @property
    def rows(self) -> int:
        """Rows that come back: all of the archive's, but for what went with texts that were left behind."""
        if self.unsealed.left.texts:
            return sum(counts(self.database).values())
        return sum(self.manifest.rows.values())


@contextmanager
def staged(
    path: Path, beside: Path, on_step: OnStep, cipher: Cipher | None = None, *, without_texts: bool = False
) -> Iterator[Staged]:
    """Unpack an archive into a folder under `beside` that goes with the block, its texts sealed under the key of `cipher`.

    Raises BackupError when it is damaged, foreign, of a newer console or, but for `without_texts`, sealed with a key that
    neither the cipher has (by default that of the key file of `beside`) nor the archive; StoreFullError when there is no
    room for it.
    """
    cipher = cipher or Cipher.beside(beside)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=beside))
    try:
        with ArchiveReader(path) as reader:
            _check_age(reader.manifest)
            _check_room(reader.manifest, folder)
            file = folder / "sipd.db"
            _fill(reader, file, on_step)
            cipher.make()
            database = _migrated(file, Cipher((*cipher.keys, *keys_of(reader))))
            try:
                with _translated(file):
                    unsealed = settle(database, cipher, on_step, without_texts=without_texts)
                yield _staged(reader, folder, database, unsealed)
            finally:
                database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(beside: Path) -> None:
    """Remove what killed processes left of unpacked archives; only while nobody can be unpacking one."""
    for folder in beside.glob(f"{PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _staged(reader: ArchiveReader, folder: Path, database: Database, unsealed: Unsealed) -> Staged:
    told = opened(reader.read(archive.QUESTIONS), database.cipher) if reader.has(archive.QUESTIONS) else None
    unasked = told is None and reader.has(archive.QUESTIONS)
    said = answers_from_json(told) if told is not None else None
    settings = settings_from_json(reader.read(archive.SETTINGS)) if reader.has(archive.SETTINGS) else {}
    prices = reader.read(archive.PRICES) if reader.has(archive.PRICES) else None
    return Staged(folder, reader.manifest, database, said, unasked, settings, prices, unsealed)


def _check_age(manifest: Manifest) -> None:
    """The rows' schema must be one that this console's was once."""
    if set(manifest.migrations) - set(RELEASED):
        raise BackupError(f"migrations {manifest.migrations}", text_key="backup.error.newer")
    if manifest.migrations != RELEASED[: len(manifest.migrations)] or not manifest.migrations:
        raise BackupError(f"migrations {manifest.migrations}", text_key="backup.error.foreign")


def _check_room(manifest: Manifest, folder: Path) -> None:
    free, needed = shutil.disk_usage(folder).free, GROWTH * manifest.unpacked_bytes + SPARE_BYTES
    if needed > free:
        raise StoreFullError(f"{needed} bytes needed, {free} free", path=str(folder.parent))


def _fill(reader: ArchiveReader, file: Path, on_step: OnStep) -> None:
    metadata = tables_from_json(reader.read(archive.SCHEMA))
    tables = content_tables(metadata)
    if {table.name for table in tables} != set(reader.manifest.rows):
        raise BackupError("the tables are not those of the manifest")
    engine = _quick_engine(file)
    try:
        with _translated(file), engine.begin() as connection:
            metadata.create_all(connection)
            remember_migrations(connection, reader.manifest.migrations)
            total, before = sum(reader.manifest.rows.values()), 0
            for table in tables:
                before += _load(connection, reader, table, Step(StepName.READING, before, total), on_step)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise BackupError("rows refer to rows that are not there")
    finally:
        engine.dispose()


def _load(connection: Connection, reader: ArchiveReader, table: Table, before: Step, on_step: OnStep) -> int:
    decode, part, done = decoder(table), [], 0
    for line in reader.lines(table.name):
        part.append(decode(line))
        if len(part) == ROWS:
            connection.execute(insert(table), part)
            done, part = done + len(part), []
            on_step(Step(before.name, before.done + done, before.total))
    if part:
        connection.execute(insert(table), part)
    on_step(Step(before.name, before.done + done + len(part), before.total))
    return done + len(part)


def _quick_engine(file: Path) -> Engine:
    """This file is thrown away when anything goes wrong: nothing need be durable, and references are checked at the end."""
    engine = create_engine(f"sqlite:///{file}")

    def hurry(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", hurry)
    return engine


def _migrated(file: Path, cipher: Cipher) -> Database:
    """The same file as a database of today; raises BackupError when its tables are not those of any release."""
    with _translated(file):
        database = Database(f"sqlite:///{file}", cipher=cipher)
    try:
        with _translated(file), database.read() as connection:
            _check_tables(connection)
    except BaseException:
        database.close()
        raise
    return database


def _check_tables(connection: Connection) -> None:
    """Today's tables, no more and no fewer, with today's columns."""
    seen = inspect(connection)
    tables = {table.name: table for table in content_tables(schema.metadata)}
    local = {table.name for table in schema.metadata.sorted_tables if is_local(table)}
    if set(seen.get_table_names()) - local - {"migrations"} != set(tables):
        raise BackupError(f"tables {seen.get_table_names()}")
    for name, table in tables.items():
        if {column["name"] for column in seen.get_columns(name)} != set(table.columns.keys()):
            raise BackupError(f"columns of {name}")


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    """What a database or a reader of rows says to what an archive brings is the archive's fault, but for a full disk."""
    try:
        yield
    except (BackupError, StoreFullError):
        raise
    except (SQLAlchemyError, SipdError, ValueError, RecursionError, OverflowError) as error:
        if "disk is full" in str(error):
            raise StoreFullError(str(error), path=str(file.parent.parent)) from error
        raise BackupError(repr(error)[:500]) from error


def counts(database: Database) -> dict[str, int]:
    """Table -> number of its rows, of the tables that archives hold; what a restore itself notes is left out."""
    with database.read() as connection:
        return {table.name: _count(connection, table) for table in content_tables(schema.metadata)}


def _count(connection: Connection, table: Table) -> int:
    query = select(func.count()).select_from(table)
    if table is schema.knowledge_state:
        query = query.where(table.c.name.not_in(NOTED))
    return connection.execute(query).scalar_one()
