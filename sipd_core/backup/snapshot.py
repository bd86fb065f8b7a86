"""From the database to an archive: one moment of it, row by row, under a temporary name until it is whole."""

import errno
import logging
import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, MetaData, Table, func, select

from sipd_core.backup import archive
from sipd_core.backup.archive import ArchiveReader, ArchiveWriter, Manifest
from sipd_core.backup.layout import content_places, content_tables, encoder, shapes_as_json
from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.questions import Expectation, answers_as_json
from sipd_core.errors import BackupError, StoreFullError
from sipd_core.store import schema
from sipd_core.store.backups import (
    base_version,
    content_state,
    embedding_models,
    serving_model,
)
from sipd_core.store.cipher import cipher_of
from sipd_core.store.migrations import MIGRATIONS
from sipd_core.store.resealing import used_keys

log = logging.getLogger(__name__)

RELEASED = tuple(step.__name__ for step in MIGRATIONS)
"""The changes that today's tables have behind them."""
UNFINISHED = ".belum-selesai-"
"""What the name of an archive begins with that is still being made."""
ROWS = 500
"""Rows in memory at once."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an archive says of itself besides its rows."""

    made_at: float
    kind: str
    actor: str
    settings: bytes
    prices: bytes | None
    expectation: Expectation | None = None
    """Dropped when it is of another state than the rows."""


@dataclass(frozen=True, slots=True)
class Written:
    """An archive that is whole and durable."""

    path: Path
    manifest: Manifest
    bytes: int
    expected: bool
    """Whether it holds the answers to the test questions."""


def write_archive(
    connection: Connection,
    target: Path,
    origin: Origin,
    on_step: OnStep,
    *,
    metadata: MetaData = schema.metadata,
    migrations: tuple[str, ...] = RELEASED,
) -> Written:
    """Put all that `connection` sees into `target`, which appears when it is whole, checked and durable.

    The connection must see one moment (`Database.snapshot`, or a transaction that nobody can write beside). Raises
    StoreFullError, BackupError; then nothing is left but what was there before.
    """
    kept = _still_true(connection, origin.expectation)
    keys = used_keys(connection, content_places(metadata))
    with appearing(target) as (file, unfinished):
        with ArchiveWriter(file) as out:
            out.write(archive.SCHEMA, shapes_as_json(metadata))
            out.write(archive.SETTINGS, origin.settings)
            if origin.prices is not None:
                out.write(archive.PRICES, origin.prices)
            _write_sealed(connection, out, kept, keys, unfinished)
            _write_tables(connection, out, content_tables(metadata), on_step)
            manifest = out.finish(_head(connection, origin, kept, migrations, keys))
        file.flush()
        os.fsync(file.fileno())
        check(unfinished, on_step)
    return Written(target, manifest, target.stat().st_size, kept is not None)


def check(path: Path, on_step: OnStep) -> Manifest:
    """Read an archive from end to end; raises BackupError. Returns its manifest."""
    with ArchiveReader(path) as reader:
        done, total = 0, reader.manifest.unpacked_bytes

        def count(read: int) -> None:
            nonlocal done
            done += read
            on_step(Step(StepName.CHECKING, done, total))

        reader.verify(count)
        return reader.manifest


@contextmanager
def appearing(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file to write (and where it is meanwhile) that appears as `target` when the block ends well; else it is gone."""
    unfinished = target.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
    try:
        with _disk_errors(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("w+b") as file:
                yield file, unfinished
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
            archive.settle(target.parent)
    finally:
        if unfinished.exists():
            unfinished.unlink()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFullError(str(error), path=str(folder)) from error
        reason = error.strerror or type(error).__name__
        raise BackupError(str(error), text_key="backup.error.folder", path=str(folder), reason=reason) from error


def _write_sealed(
    connection: Connection, out: ArchiveWriter, kept: Expectation | None, keys: frozenset[str], file: Path
) -> None:
    """The answers to the test questions, sealed as texts of the database are, and the keys that lie nowhere else."""
    cipher = cipher_of(connection.dialect)
    if kept is not None:
        said = answers_as_json(kept.said).decode()
        out.write(archive.QUESTIONS, cipher.seal(said).encode())
        keys |= {cipher.sealing.id}
    if carried := cipher.carried(keys):
        own(file)
        out.write(archive.KEYS, "".join(f"{key.write()}\n" for key in carried).encode())


def own(file: Path) -> None:
    """Let only the owner read what holds keys, as he only reads the key file."""
    if os.name == "posix":
        file.chmod(0o600)


def _write_tables(connection: Connection, out: ArchiveWriter, tables: list[Table], on_step: OnStep) -> None:
    total = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    before = 0
    for table in tables:
        with closing(_lines(connection, table, before, total, on_step)) as lines:
            before += out.write_rows(table.name, lines)


def _lines(connection: Connection, table: Table, before: int, total: int, on_step: OnStep) -> Generator[bytes]:
    encode, done = encoder(table), before
    query = select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": ROWS}) as rows:
        for part in rows.partitions():
            for row in part:
                yield encode(row)
            done += len(part)
            on_step(Step(StepName.WRITING, done, total))


def _still_true(connection: Connection, expectation: Expectation | None) -> Expectation | None:
    if expectation is None or expectation.state != content_state(connection, expectation.model):
        return None
    return expectation


def _head(
    connection: Connection,
    origin: Origin,
    expectation: Expectation | None,
    migrations: tuple[str, ...],
    keys: frozenset[str],
) -> Manifest:
    return Manifest(
        product=archive.PRODUCT,
        format=archive.FORMAT,
        made_at=origin.made_at,
        kind=origin.kind,
        actor=origin.actor[:300],
        database="sqlite" if connection.dialect.name == "sqlite" else "postgresql",
        migrations=migrations,
        base_version=base_version(connection),
        serving_model=expectation.model if expectation else serving_model(connection),
        models=embedding_models(connection),
        members={},
        keys=tuple(sorted(keys)),
    )
