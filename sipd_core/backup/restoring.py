"""A restore from beginning to end, while no engine runs on the data: safety backup and replacement are one transaction."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.questions import Expectation
from sipd_core.backup.replacing import finish, rebuild_file, replace_content
from sipd_core.backup.room import origin_of
from sipd_core.backup.shelf import Shelf, alone, newest_archive
from sipd_core.backup.snapshot import write_archive
from sipd_core.backup.staging import Staged, staged
from sipd_core.backup.unsealing import Unsealed
from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import BackupError, StoreDamagedError
from sipd_core.settings import Settings
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStore, add_in, backup_deed, note_restored
from sipd_core.store.cipher import Cipher
from sipd_core.store.database import Database
from sipd_core.store.key_file import KEY_FILE
from sipd_core.texts import text

log = logging.getLogger(__name__)

CONSOLE_LOCK = "konsol.lock"
"""Held in the data folder by a console as long as it runs."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    rows: int
    safety: BackupRecord | None
    """The archive of what was there before; None when that could not be read."""
    damaged: Path | None = None
    """Where the database's damaged file was put aside."""
    unsealed: Unsealed = Unsealed()


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants what restored."""

    actor: str
    record_id: str | None = None
    expectation: Expectation | None = None
    """What the base that is about to go answers to the test questions."""


def restore_stopped(
    path: Path, settings: Settings, actor: str, on_step: OnStep, *, without_texts: bool = False
) -> Restored:
    """Restore an archive while the console is stopped; raises BackupError when one runs.

    `without_texts`: leave texts behind whose key is nowhere, instead of raising BackupError.
    """
    settings.sipd_data_dir.mkdir(parents=True, exist_ok=True)
    lock = console_lock(settings)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BackupError("a console runs", text_key="backup.error.console") from error
    try:
        data, cipher = settings.sipd_data_dir, Cipher.beside(settings.sipd_data_dir, settings.data_keys)
        with alone(data), staged(path, data, on_step, cipher, without_texts=without_texts) as unpacked:
            return restore_staged(unpacked, settings, Order(actor), on_step)
    finally:
        lock.release()


def restore_staged(unpacked: Staged, settings: Settings, order: Order, on_step: OnStep) -> Restored:
    """Replace the base by an unpacked archive; no engine of this process may be open.

    Killed at any moment, it leaves the old base or the new one. Raises StoreError, BackupError; then it is the old one.
    """
    rows = unpacked.rows
    try:
        safety = _replace(unpacked, settings, order, on_step)
        return Restored(rows, safety, unsealed=unpacked.unsealed)
    except StoreDamagedError as error:
        log.warning("what is there cannot be saved first: %s", error)
        assert settings.sqlite_file is not None, "only SQLite says so"
        damaged = rebuild_file(unpacked, settings.sqlite_file, on_step, now=datetime.now(UTC))
        database = _database(settings)
        try:
            finish(database, settings.sipd_data_dir)
            with database.write() as connection:  # the audit of before lies in the damaged file: this one begins anew
                database.note(connection, _restored(unpacked, order, damaged=damaged.name))
        finally:
            database.close()
        return Restored(rows, None, damaged, unpacked.unsealed)


def open_database(settings: Settings) -> Database:
    """The live database, with everything in place that a killed restore left to be done.

    Raises StoreDamagedError, and touches nothing, when its file is damaged or has been emptied.
    """
    newest = newest_archive(settings.backup_folder)
    try:
        if settings.sqlite_file is not None and newest is not None:
            _refuse_emptied(settings.sqlite_file)
        database = _database(settings)
    except StoreDamagedError as error:
        if newest:
            error.values["archive"] = newest
        raise
    try:
        finish(database, settings.sipd_data_dir)
    except BaseException:
        database.close()
        raise
    return database


def _restored(unpacked: Staged, order: Order, **told: object) -> Deed:
    made = datetime.fromtimestamp(unpacked.manifest.made_at, UTC).isoformat(timespec="seconds")
    left = unpacked.unsealed.left
    keys: dict[str, object] = {"archive_keys": True} if unpacked.unsealed.own_keys else {}
    if left.texts:
        keys |= {"texts_left": left.texts, "conversations_left": left.conversations}
    details = {"rows": unpacked.rows, "made_at": made, **keys, **told}
    return Deed(DeedKind.RESTORE, order.record_id or "", order.actor, details=details)


def _database(settings: Settings) -> Database:
    cipher = Cipher.beside(settings.sipd_data_dir, settings.data_keys)
    if settings.sqlite_file is None and not settings.data_keys:
        log.warning("%s", text("data_key.shared", path=settings.sipd_data_dir / KEY_FILE))
    return Database(settings.sql_url, audit_key=settings.audit_key.get_secret_value(), cipher=cipher)


def _refuse_emptied(file: Path) -> None:
    """SQLite takes an empty file for a new database; where backups were made there was one before."""
    if file.is_file() and not file.stat().st_size and not file.with_name(f"{file.name}-wal").exists():
        raise StoreDamagedError("an empty file", reason=text("backup.emptied"), path=str(file), archive="")


def console_lock(settings: Settings) -> FileLock:
    """The lock by which a running console is known."""
    return FileLock(settings.sipd_data_dir / CONSOLE_LOCK, thread_local=False)


def _replace(unpacked: Staged, settings: Settings, order: Order, on_step: OnStep) -> BackupRecord:
    database = _database(settings)
    try:
        shelf = Shelf(settings, BackupStore(database))
        record = shelf.begun(BackupKind.SAFETY, order.actor)
        done = record

        def save(connection: Connection) -> None:
            nonlocal done
            on_step(Step(StepName.SAFETY))
            origin = origin_of(settings, record, order.expectation)
            written = write_archive(connection, shelf.folder / record.file, origin, on_step)
            done = shelf.ended(record, written, datetime.now(UTC))

        def note(connection: Connection) -> None:
            add_in(connection, done)
            database.note(connection, backup_deed(done))
            database.note(connection, _restored(unpacked, order))
            if order.record_id is not None:
                note_restored(connection, order.record_id, datetime.now(UTC).timestamp(), order.actor)

        replace_content(unpacked, database, on_step, before=save, after=note)
        finish(database, settings.sipd_data_dir)
        return done
    finally:
        database.close()
