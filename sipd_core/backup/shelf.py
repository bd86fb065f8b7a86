"""The folder that archives lie in, the records of them, and the lock by which one process works there at a time."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from sipd_core.backup import schedule
from sipd_core.backup.archive import ArchiveReader, Manifest
from sipd_core.backup.progress import OnStep
from sipd_core.backup.snapshot import UNFINISHED, Written, appearing, check
from sipd_core.backup.staging import sweep
from sipd_core.errors import BackupBusyError, BackupError
from sipd_core.locale_id import JAKARTA
from sipd_core.settings import Settings
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus, BackupStore
from sipd_core.texts import text

ENDING = ".zip"
LOCK = "cadangan.lock"
_COPIED = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """A backup as the list shows it."""

    record: BackupRecord
    path: Path | None
    """Where its file is; None when it is not on this computer (any more)."""


class Shelf:
    """The archives of one installation."""

    def __init__(self, settings: Settings, records: BackupStore) -> None:
        self.folder = settings.backup_folder
        self._data = settings.sipd_data_dir
        self._keep = settings.backup_keep
        self.records = records

    def entries(self) -> tuple[Entry, ...]:
        """Every record, newest first."""
        return tuple(Entry(record, self.path(record)) for record in self.records.all())

    def path(self, record: BackupRecord) -> Path | None:
        """Where the file of a whole backup is, None when it is not there."""
        path = self.folder / record.file  # an absolute name stays what it is
        return path if record.status is BackupStatus.DONE and path.is_file() else None

    def begun(self, kind: BackupKind, actor: str, target: Path | None = None, slot: str | None = None) -> BackupRecord:
        """The record of a backup that is about to be made."""
        id_, at = uuid.uuid4().hex, datetime.now(UTC)
        file = str(target.absolute()) if target else file_name(at, id_)
        return BackupRecord(id_, file, str(self.folder), kind, actor, at, BackupStatus.RUNNING, slot=slot)

    def ended(self, record: BackupRecord, written: Written, now: datetime) -> BackupRecord:
        """The record of a backup that is whole."""
        seconds = (now - record.at).total_seconds()
        done = replace(record, status=BackupStatus.DONE, bytes=written.bytes, seconds=seconds)
        return replace(done, counts=tuple(written.manifest.rows.items()))

    def receive(self, file: BinaryIO, actor: str, on_step: OnStep) -> BackupRecord:
        """Take an archive in that a person brings; raises BackupError, and keeps nothing, when it is not whole."""
        id_ = uuid.uuid4().hex
        target = self.folder / file_name(datetime.now(UTC), id_)
        with appearing(target) as (out, unfinished):
            while part := file.read(_COPIED):
                out.write(part)
            out.flush()
            manifest = check(unfinished, on_step)
        record = self._known(id_, target, manifest, BackupKind.UPLOADED, actor)
        self.records.add(record)
        return record

    def remove(self, id_: str) -> None:
        """Delete an archive and its record; raises NotFoundError."""
        record = self.records.get(id_)
        self._discard([record])

    def tidy(self) -> None:
        """Let go what the rules of keeping let go."""
        records = self.records.all()
        self._discard(schedule.expired(records, self._keep, [one for one in records if self.path(one)]))

    def put_in_order(self) -> None:
        """At a start: leftovers of killed processes go, archives that nobody recorded are taken in."""
        sweep(self._data)
        for leftover in self.folder.glob(f"{UNFINISHED}*"):
            leftover.unlink(missing_ok=True)
        self.records.close_interrupted(str(self.folder), text("backup.interrupted"))
        known = {record.file for record in self.records.all()}
        for path in sorted(self.folder.glob(f"*{ENDING}")):
            if not {path.name, str(path.absolute())} & known:
                self.records.add(self._found(path))

    def _found(self, path: Path) -> BackupRecord:
        id_ = uuid.uuid4().hex
        try:
            with ArchiveReader(path) as reader:
                return self._known(id_, path, reader.manifest, BackupKind.FOUND, reader.manifest.actor)
        except BackupError as error:
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            place, failed = str(self.folder), BackupStatus.FAILED
            return BackupRecord(id_, path.name, place, BackupKind.FOUND, "", at, failed, problem=error.user_text)

    def _known(self, id_: str, path: Path, manifest: Manifest, kind: BackupKind, actor: str) -> BackupRecord:
        at, counts = datetime.fromtimestamp(manifest.made_at, UTC), tuple(manifest.rows.items())
        done, size = BackupStatus.DONE, path.stat().st_size
        return BackupRecord(id_, path.name, str(self.folder), kind, actor[:200], at, done, size, counts)

    def _discard(self, records: "list[BackupRecord] | tuple[BackupRecord, ...]") -> None:
        """Files first: a file without a record is taken in again, a record without a file would be a false promise."""
        for record in records:
            (self.folder / record.file).unlink(missing_ok=True)
        self.records.remove([record.id for record in records])


def file_name(at: datetime, id_: str) -> str:
    """`sipd-20261125-020000-a1b2c3.zip`, in Jakarta's time."""
    return f"sipd-{at.astimezone(JAKARTA):%Y%m%d-%H%M%S}-{id_[:6]}{ENDING}"


def newest_archive(folder: Path) -> Path | None:
    """The archive that was made last, as far as names and times of files tell; for when the records cannot be read."""
    archives = [path for path in folder.glob(f"*{ENDING}") if path.is_file()]
    return max(archives, key=lambda path: path.stat().st_mtime, default=None)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Nobody else works with this installation's backups meanwhile; raises BackupBusyError when somebody does."""
    data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BackupBusyError(str(error)) from error
    try:
        yield
    finally:
        lock.release()
