"""When a backup is due and what may go: times of Jakarta, and never the last good one."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from sipd_core.backup.schedule import FAILURES_KEPT, SAFETY_KEPT, Schedule, expired, is_missed, slot_of
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
"""02.30 on the 23rd in Jakarta."""


def record(n: int, kind: BackupKind, status: BackupStatus = BackupStatus.DONE) -> BackupRecord:
    """One that was made `n` hours ago."""
    return BackupRecord(f"{kind}{n}", f"{n}.zip", "di sini", kind, "Bu Admin", NOW - timedelta(hours=n), status)


@pytest.mark.parametrize(("at", "last", "following"), [(time(2), 23, 24), (time(3), 22, 23), (time(2, 30), 23, 24)])
def test_the_day_is_jakartas(at: time, last: int, following: int) -> None:
    schedule = Schedule(at)
    due, later = schedule.last_due(NOW), schedule.next_due(NOW)
    assert due is not None
    assert later is not None
    assert slot_of(due) == f"2026-11-{last}T{at:%H:%M}"
    assert slot_of(later) == f"2026-11-{following}T{at:%H:%M}"


def test_off_is_never() -> None:
    assert (Schedule(None).last_due(NOW), Schedule(None).next_due(NOW)) == (None, None)


def test_a_moment_is_missed_until_a_backup_was_made_after_it() -> None:
    due = NOW - timedelta(hours=5)
    assert is_missed(due, [])
    assert is_missed(due, [record(6, BackupKind.SCHEDULED)])
    assert is_missed(due, [record(1, BackupKind.SCHEDULED, BackupStatus.FAILED)])
    assert is_missed(due, [record(1, BackupKind.SAFETY), record(2, BackupKind.UPLOADED)])
    assert not is_missed(due, [record(1, BackupKind.SCHEDULED)])
    assert not is_missed(due, [record(1, BackupKind.MANUAL)])


def test_the_newest_stay_and_what_people_made_stays() -> None:
    scheduled = [record(n, BackupKind.SCHEDULED) for n in range(10)]
    safety = [record(n, BackupKind.SAFETY) for n in range(5)]
    people = [record(n, kind) for n in range(50, 60) for kind in (BackupKind.MANUAL, BackupKind.UPLOADED)]
    all_ = sorted([*scheduled, *safety, *people], key=lambda one: one.at, reverse=True)
    assert set(expired(all_, 7, all_)) == {*scheduled[7:], *safety[SAFETY_KEPT:]}


def test_the_last_good_one_never_goes() -> None:
    """Newer ones failed, or their files are not there any more."""
    good = [record(n, BackupKind.SCHEDULED) for n in range(100, 103)]
    newer = [record(n, BackupKind.SCHEDULED, BackupStatus.FAILED) for n in range(9)]
    assert good[0] not in expired([*newer, *good], 1, good)
    assert expired([*newer, *good], 1, good[:1]) == ()
    assert expired([*newer, *good], 1, []) == ()


def test_only_so_many_failures_stay_on_record() -> None:
    failed = [record(n, BackupKind.SCHEDULED, BackupStatus.FAILED) for n in range(FAILURES_KEPT + 2)]
    kept = replace(record(99, BackupKind.SCHEDULED))
    assert expired([*failed, kept], 7, [kept]) == tuple(failed[FAILURES_KEPT:])
