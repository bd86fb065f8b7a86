"""What is under way with backups at the moment, for whoever asks, and that it is one thing at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from sipd_core.errors import BackupBusyError, SipdError


class WorkKind(StrEnum):
    """What people can have done."""

    BACKUP = "backup"
    TEST = "test"
    RESTORE = "restore"


class StepName(StrEnum):
    """Parts of the work, in the order in which they come."""

    ASKING = "asking"
    """The test questions."""
    WRITING = "writing"
    """Rows into an archive."""
    CHECKING = "checking"
    """What was written is read again."""
    READING = "reading"
    """An archive is unpacked and every row looked at."""
    SEALING = "sealing"
    """Texts that were sealed elsewhere come under the key of here."""
    SEARCHING = "searching"
    """A base of its own is built of it, and asked."""
    SAFETY = "safety"
    """What is there now is put into an archive."""
    REPLACING = "replacing"
    OPENING = "opening"
    """The console starts on what it holds now."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a part of the work is; `total` is 0 where that is not known. Units: bytes, rows or questions."""

    name: StepName
    done: int = 0
    total: int = 0


OnStep = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work, running or over."""

    kind: WorkKind
    backup_id: str | None
    started: datetime
    step: Step | None = None
    ended: datetime | None = None
    error: str | None = None
    """Why it failed, in Indonesian."""
    remark: str = ""
    """What must be known of how it went well, in Indonesian."""

    @property
    def running(self) -> bool:
        return self.ended is None


class WorkBoard:
    """The piece of work of this process; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: Work | None = None

    @property
    def work(self) -> Work | None:
        """What is under way, else what ended last; None before the first."""
        return self._work

    @contextmanager
    def doing(self, kind: WorkKind, backup_id: str | None = None) -> Iterator[OnStep]:
        """Announce a piece of work as long as it lasts; raises BackupBusyError while there is another."""
        self.begin(kind, backup_id)
        with self.ending():
            yield self.step

    def begin(self, kind: WorkKind, backup_id: str | None = None) -> None:
        """Announce a piece of work, `ending` will end it; raises BackupBusyError while there is another."""
        with self._lock:
            if self._work is not None and self._work.running:
                raise BackupBusyError("another piece of work is under way")
            self._work = Work(kind, backup_id, datetime.now(UTC))

    @contextmanager
    def ending(self) -> Iterator[None]:
        """The announced work ends with the block, well or with the error that leaves it."""
        error: str | None = None
        try:
            yield
        except SipdError as failed:
            error = failed.user_text
            raise
        except BaseException as failed:
            error = SipdError(repr(failed), code="cadangan").user_text
            raise
        finally:
            with self._lock:
                if self._work is not None:
                    self._work = replace(self._work, ended=datetime.now(UTC), error=error)

    def remark(self, said: str) -> None:
        """What must be known of the announced work when it has gone well."""
        with self._lock:
            if self._work is not None:
                self._work = replace(self._work, remark=said)

    def step(self, step: Step) -> None:
        """How far the announced work is."""
        with self._lock:
            if self._work is not None:
                self._work = replace(self._work, step=step)
