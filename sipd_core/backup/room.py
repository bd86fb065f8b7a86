"""Backups as a part of the engine: made on request and by schedule, tested, and records kept of them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio import to_thread

from sipd_core.backup import environment, schedule, trial
from sipd_core.backup.progress import OnStep, Step, WorkBoard, WorkKind
from sipd_core.backup.questions import Expectation, expect, probe_questions
from sipd_core.backup.schedule import Schedule
from sipd_core.backup.shelf import Entry, Shelf, alone
from sipd_core.backup.snapshot import Origin, Written, write_archive
from sipd_core.backup.trial import TrialReport, report_as_json
from sipd_core.errors import BackupBusyError, BackupError, NotFoundError, SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.settings import SHIPPED_DATA, Settings
from sipd_core.store.backups import (
    BackupKind,
    BackupRecord,
    BackupStatus,
    BackupStore,
    content_state,
    epoch,
)
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldStore
from sipd_core.store.key_check import known
from sipd_core.texts import text

log = logging.getLogger(__name__)

GOLD = SHIPPED_DATA / "gold" / "questions.csv"
POLL_SECONDS = 2.0
"""How soon a restore by another process is noticed, and a scheduled moment."""
SETTLING_SECONDS = 30.0
"""After a start: what a missed schedule catches up on waits until people have their first answers."""
STARTING_SECONDS = 15 * 60
"""After a start: by then a missed schedule is caught up on, or something is in its way."""
AGAIN_SECONDS = 30 * 60
"""After a scheduled backup failed."""
DEAD_SECONDS = 6 * 3_600
"""A scheduled backup that has not ended by then is of a process that was killed."""
ATTEMPTS = 3
"""To write rows and answers of the same state, while people change the base."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What whoever runs the engine gives to this room."""

    board: WorkBoard
    scheduled: bool
    """Whether this process makes the scheduled backups: a console does, the command line does not."""
    on_replaced: Callable[[], None]
    """Called once, on the loop, when another process has replaced the base: the engine must start anew."""


@dataclass(frozen=True, slots=True)
class BackupOverview:
    """What the page shows."""

    entries: tuple[Entry, ...]
    folder: Path
    next_due: datetime | None
    """None: no schedule."""
    keep: int
    brings_keys: bool
    """An archive made now would hold the keys of its texts: they lie in the key file, not in DATA_KEY."""

    @property
    def last_good(self) -> Entry | None:
        """The newest backup whose file is there; one that a restore made to be undone by does not count."""
        good = (entry for entry in self.entries if entry.path and entry.record.kind is not BackupKind.SAFETY)
        return next(good, None)


class BackupRoom:
    """Makes and tests archives of the running base."""

    def __init__(self, settings: Settings, database: Database, base: KnowledgeBase, duties: Duties) -> None:
        self._settings = settings
        self._database = database
        self._base = base
        self._duties = duties
        self._schedule = Schedule(settings.backup_moment)
        self._stopped = False
        self._running_since: float | None = None
        """Since when backups are made here by themselves."""
        self.shelf = Shelf(settings, BackupStore(database))

    def overview(self) -> BackupOverview:
        """Everything that was made or brought here."""
        due = self._schedule.next_due(datetime.now(UTC))
        with self._database.read() as connection:
            brings_keys = bool(self._database.cipher.carried(known(connection)))
        return BackupOverview(self.shelf.entries(), self.shelf.folder, due, self._settings.backup_keep, brings_keys)

    def last_good_at(self) -> datetime | None:
        """When the newest backup was made that could be restored from here; None when there is none."""
        last = self.overview().last_good
        return last.record.at if last else None

    def is_catching_up(self) -> bool:
        """Whether a backup is being made, or is about to be because one was missed before this start; from any thread.

        What stays due for longer than a start takes is not about to be made: something is in its way.
        """
        records, now = self.shelf.records.all(), datetime.now(UTC)
        running = (one for one in records if one.status is BackupStatus.RUNNING and one.kind is not BackupKind.SAFETY)
        if any((now - one.at).total_seconds() < DEAD_SECONDS for one in running):
            return True
        due, since = self._schedule.last_due(now), self._running_since
        starting = since is not None and time.monotonic() - since < STARTING_SECONDS
        return starting and due is not None and self._is_due(due)

    async def run(self) -> None:
        """Until cancelled: notice a base that another process replaced; put the folder in order; make what is due."""
        before = await to_thread.run_sync(self._epoch)
        if self._duties.scheduled:
            await to_thread.run_sync(self._put_in_order)
            self._running_since = time.monotonic()
        started = time.monotonic()
        while True:
            await anyio.sleep(POLL_SECONDS)
            try:
                if await to_thread.run_sync(self._epoch) != before:
                    self._duties.on_replaced()
                    return
                if self._duties.scheduled and time.monotonic() - started >= SETTLING_SECONDS:
                    await self._make_if_due()
            except SipdError as error:
                log.warning("a scheduled backup could not be made: %s", error)

    def stop(self) -> None:
        """Let what is being written end at its next row: the engine is about to close."""
        self._stopped = True

    async def make(self, actor: str, *, target: Path | None = None) -> BackupRecord:
        """Make an archive now, in the folder or as `target`; raises SipdError, which is on record too.

        Its steps, as those of `test`, are told to the board, on which it must stand already.
        """
        with alone(self._settings.sipd_data_dir):
            record = self.shelf.begun(BackupKind.MANUAL, actor, target)
            await to_thread.run_sync(self.shelf.records.add, record)
            return await self._make(record)

    async def test(self, path: Path, id_: str | None = None) -> TrialReport:
        """Restore an archive aside and compare; the outcome is kept with the record `id_`. Texts that cannot be opened
        here are counted."""
        with alone(self._settings.sipd_data_dir):
            now = environment.public_settings(self._settings)
            on_step = self._guarded(self._duties.board.step)
            report = await trial.try_restore(path, self._settings, now, on_step, without_texts=True)
            if id_ is not None:
                await to_thread.run_sync(self.shelf.records.note_test, id_, report_as_json(report))
            return report

    def path_of(self, id_: str) -> Path:
        """Where the file of a backup is; raises NotFoundError when it is not on this computer."""
        path = self.shelf.path(self.shelf.records.get(id_))
        if path is None:
            raise NotFoundError(what=text("backup.file"))
        return path

    async def expectation(self) -> Expectation | None:
        """What the base answers to the test questions at the moment; None where it cannot be asked."""
        on_step = self._guarded(self._duties.board.step)
        try:
            questions = await to_thread.run_sync(probe_questions, GoldStore(self._database), GOLD)
            return await expect(self._base, self._database, questions, on_step)
        except SipdError as error:
            log.warning("a backup is made without answers to the test questions: %s", error)
            return None

    async def _make(self, record: BackupRecord) -> BackupRecord:
        on_step = self._guarded(self._duties.board.step)
        try:
            done = await self._written(record, on_step)
        except (SipdError, OSError) as error:
            said = error.user_text if isinstance(error, SipdError) else str(error)
            failed = replace(record, status=BackupStatus.FAILED, problem=said)
            await to_thread.run_sync(self.shelf.records.finish, failed)
            raise
        await to_thread.run_sync(self.shelf.records.finish, done)
        await to_thread.run_sync(self.shelf.tidy)
        return done

    async def _written(self, record: BackupRecord, on_step: OnStep) -> BackupRecord:
        for attempt in range(ATTEMPTS):
            expectation = await self.expectation()
            last = attempt == ATTEMPTS - 1
            written = await to_thread.run_sync(self._write, record, expectation, last, on_step)
            if written is not None:
                return self.shelf.ended(record, written, datetime.now(UTC))
        raise AssertionError("the last attempt writes in any case")

    def _write(
        self, record: BackupRecord, expectation: Expectation | None, last: bool, on_step: OnStep
    ) -> Written | None:
        """Write rows and answers of one state; None when the base has changed since it was asked."""
        with self._database.snapshot() as connection:
            if expectation and not last and content_state(connection, expectation.model) != expectation.state:
                return None
            origin = origin_of(self._settings, record, expectation)
            return write_archive(connection, self.shelf.folder / record.file, origin, on_step)

    async def _make_if_due(self) -> None:
        due = self._schedule.last_due(datetime.now(UTC))
        if due is None or not await to_thread.run_sync(self._is_due, due):
            return
        try:
            with self._duties.board.doing(WorkKind.BACKUP), alone(self._settings.sipd_data_dir):
                slot = schedule.slot_of(due)
                record = self.shelf.begun(BackupKind.SCHEDULED, text("backup.by_schedule"), slot=slot)
                if await to_thread.run_sync(self._claim, record):
                    await self._make(record)
        except BackupBusyError:
            return  # asked again in a moment

    def _claim(self, record: BackupRecord) -> bool:
        return self.shelf.records.claim(record, dead_after=DEAD_SECONDS, again_after=AGAIN_SECONDS)

    def _is_due(self, due: datetime) -> bool:
        """A base that holds nothing of its owner yet need not be saved."""
        records = self.shelf.records.all()
        return schedule.is_missed(due, records) and not self._is_tried(records, due) and self._holds_something()

    def _is_tried(self, records: tuple[BackupRecord, ...], due: datetime) -> bool:
        slot, now = schedule.slot_of(due), datetime.now(UTC)
        limits = {BackupStatus.FAILED: AGAIN_SECONDS, BackupStatus.RUNNING: DEAD_SECONDS, BackupStatus.DONE: 10**9}
        mine = (record for record in records if record.slot == slot)
        return any((now - record.at).total_seconds() < limits[record.status] for record in mine)

    def _holds_something(self) -> bool:
        counts = self._base.counts
        return counts["cases"] > counts["samples"] or self.shelf.records.is_talked_to()

    def _put_in_order(self) -> None:
        try:
            with alone(self._settings.sipd_data_dir):
                self.shelf.put_in_order()
        except BackupBusyError:
            log.info("another process works with the backups; the folder is put in order at the next start")

    def _epoch(self) -> str:
        with self._database.read() as connection:
            return epoch(connection)

    def _guarded(self, on_step: OnStep) -> OnStep:
        def step(step: Step) -> None:
            if self._stopped:
                raise BackupError("the engine closes", text_key="backup.error.stopped")
            on_step(step)

        return step


def origin_of(settings: Settings, record: BackupRecord, expectation: Expectation | None) -> Origin:
    """What an archive says of itself."""
    return Origin(
        record.at.timestamp(),
        record.kind,
        record.actor,
        environment.settings_as_json(settings),
        environment.own_prices(settings.sipd_data_dir),
        expectation,
    )
