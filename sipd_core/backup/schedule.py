"""When a backup is due, and which old ones may go. Pure: time and records are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sipd_core.locale_id import JAKARTA
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus

SAFETY_KEPT = 3
"""Safety backups that are kept: each undoes one restore."""
FAILURES_KEPT = 20
"""Failed attempts that stay on record."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The daily moment, on Jakarta's clock; None: never."""

    at: time | None

    def last_due(self, now: datetime) -> datetime | None:
        """The latest scheduled moment that is not in the future."""
        if self.at is None:
            return None
        today = datetime.combine(now.astimezone(JAKARTA).date(), self.at, JAKARTA)
        return today if today <= now else today - timedelta(days=1)

    def next_due(self, now: datetime) -> datetime | None:
        """The first scheduled moment that is still to come."""
        last = self.last_due(now)
        return last + timedelta(days=1) if last else None


def slot_of(due: datetime) -> str:
    """The name of a scheduled moment, by which one process claims it for all."""
    return f"{due.astimezone(JAKARTA):%Y-%m-%dT%H:%M}"


def is_missed(due: datetime, records: Sequence[BackupRecord]) -> bool:
    """Whether no backup was made since a scheduled moment, by the schedule or by a person."""
    made = (BackupKind.SCHEDULED, BackupKind.MANUAL)
    return not any(
        record.status is BackupStatus.DONE and record.kind in made and record.at >= due for record in records
    )


def expired(records: Sequence[BackupRecord], keep: int, whole: Sequence[BackupRecord]) -> tuple[BackupRecord, ...]:
    """Records whose file, or which themselves, may go.

    Of scheduled backups the newest `keep` stay, of safety ones SAFETY_KEPT; what people made or brought stays. `whole`
    are those whose files are there, newest first: the newest of them never goes.
    """
    protected = {record.id for record in whole[:1]}
    old: list[BackupRecord] = []
    for kind, kept in ((BackupKind.SCHEDULED, keep), (BackupKind.SAFETY, SAFETY_KEPT)):
        old += [record for record in whole if record.kind is kind][kept:]
    failed = [record for record in records if record.status is BackupStatus.FAILED]
    return tuple(record for record in old if record.id not in protected) + tuple(failed[FAILURES_KEPT:])
