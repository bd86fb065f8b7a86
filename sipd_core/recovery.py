"""Backups for pages and the command line: plain calls, and a restore that gives the engine up and opens it anew.

It outlives the engine, so a piece of work goes on and can be watched whatever page is left and whatever engine runs.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import BinaryIO

from anyio.from_thread import BlockingPortal
from filelock import Timeout

from sipd_core.backup.archive import ArchiveReader
from sipd_core.backup.progress import Step, StepName, Work, WorkBoard, WorkKind
from sipd_core.backup.restoring import Order, Restored, console_lock, restore_staged
from sipd_core.backup.room import BackupOverview, BackupRoom
from sipd_core.backup.shelf import alone
from sipd_core.backup.staging import staged
from sipd_core.backup.trial import TrialReport
from sipd_core.backup.unsealing import ArchiveKeys, look
from sipd_core.backup.words import left_behind
from sipd_core.errors import SipdError
from sipd_core.settings import Settings
from sipd_core.store.backups import BackupRecord
from sipd_core.store.cipher import Cipher

log = logging.getLogger(__name__)


class Recovery:
    """Every call is safe from any thread; failures are SipdErrors with a text for people."""

    def __init__(
        self,
        settings: Settings,
        board: WorkBoard,
        portal: BlockingPortal,
        room: Callable[[], BackupRoom],
        given_up: Callable[[], AbstractContextManager[None]],
        ready: Callable[[], None],
    ) -> None:
        """`room`: that of the engine that runs now; within `given_up()` none runs, after it a new one does, and `ready`
        returns when that one can answer."""
        self._settings = settings
        self._board = board
        self._portal = portal
        self._room = room
        self._given_up = given_up
        self._ready = ready
        self._lock = console_lock(settings)

    def claim(self) -> None:
        """Let other processes know that a console runs here."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            log.info("another console runs on this folder")

    def close(self) -> None:
        """Idempotent."""
        self._lock.release()

    @property
    def work(self) -> Work | None:
        """What is under way, else what ended last in this process."""
        return self._board.work

    @property
    def is_busy(self) -> bool:
        """Whether a piece of work is under way."""
        work = self._board.work
        return work is not None and work.running

    def overview(self) -> BackupOverview:
        return self._room().overview()

    def path(self, id_: str) -> Path:
        """Where the file of a backup is; raises NotFoundError."""
        return self._room().path_of(id_)

    def make(self, actor: str, target: Path | None = None) -> BackupRecord:
        """Make an archive and wait for it."""
        self._board.begin(WorkKind.BACKUP)
        with self._board.ending():
            return self._portal.call(lambda: self._room().make(actor, target=target))

    def test(self, id_: str) -> TrialReport:
        """Restore an archive aside, compare, and wait for the outcome; texts whose key is nowhere are counted."""
        path = self.path(id_)
        self._board.begin(WorkKind.TEST, id_)
        with self._board.ending():
            return self._portal.call(self._room().test, path, id_)

    def start_making(self, actor: str) -> None:
        """Make an archive in the background; raises BackupBusyError."""
        self._start(WorkKind.BACKUP, None, lambda: self._portal.call(lambda: self._room().make(actor)))

    def start_testing(self, id_: str) -> None:
        """Restore an archive aside and compare, in the background; raises NotFoundError, BackupBusyError."""
        path = self.path(id_)
        self._start(WorkKind.TEST, id_, lambda: self._portal.call(self._room().test, path, id_))

    def start_restoring(self, id_: str, actor: str, *, without_texts: bool = False) -> None:
        """Replace the base by an archive, in the background; raises NotFoundError, BackupBusyError.

        `without_texts`: leave behind what is sealed with a key that is nowhere, instead of failing.
        """
        path = self.path(id_)
        self._start(WorkKind.RESTORE, id_, lambda: self._restore(path, id_, actor, without_texts=without_texts))

    def keys_of(self, id_: str) -> ArchiveKeys:
        """What an archive says of the keys of its texts; raises NotFoundError, BackupError."""
        cipher = Cipher.beside(self._settings.sipd_data_dir, self._settings.data_keys)
        with ArchiveReader(self.path(id_)) as reader:
            return look(reader, cipher)

    def receive(self, file: BinaryIO, actor: str) -> BackupRecord:
        """Take in an archive that a person brings; raises BackupError when it is not whole."""
        with alone(self._settings.sipd_data_dir):
            return self._room().shelf.receive(file, actor, lambda _: None)

    def remove(self, id_: str) -> None:
        """Delete an archive; raises NotFoundError, BackupBusyError."""
        with alone(self._settings.sipd_data_dir):
            self._room().shelf.remove(id_)

    def _restore(self, path: Path, id_: str, actor: str, *, without_texts: bool = False) -> Restored:
        """Unpack and look at everything while the engine still answers; then replace, which is short."""
        data, on_step = self._settings.sipd_data_dir, self._board.step
        cipher = Cipher.beside(data, self._settings.data_keys)
        with alone(data), staged(path, data, on_step, cipher, without_texts=without_texts) as unpacked:
            expectation = self._portal.call(self._room().expectation)
            with self._given_up():
                restored = restore_staged(unpacked, self._settings, Order(actor, id_, expectation), on_step)
                on_step(Step(StepName.OPENING))
            self._ready()
            self._board.remark(left_behind(restored.unsealed.left))
            return restored

    def _start(self, kind: WorkKind, id_: str | None, work: Callable[[], object]) -> None:
        self._board.begin(kind, id_)

        def run() -> None:
            try:
                with self._board.ending():
                    work()
            except SipdError as error:
                log.warning("%s failed: %s", kind, error)
            except Exception:
                log.exception("%s ended unexpectedly", kind)

        threading.Thread(target=copy_context().run, args=(run,), name=f"sipd-{kind}", daemon=True).start()
