"""What people enter: nothing is ever changed, a correction counts at once, and everything can be taken back."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from sipd_core.errors import SpendingError
from sipd_core.rates import DatedRate, RateTable
from sipd_core.store.database import Database
from sipd_core.store.entries import NOTE_LENGTH, EntryLog
from sipd_core.store.exchange_rates import rate_list
from sipd_core.store.schema import rate_entries

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def log(database: Database) -> EntryLog[DatedRate]:
    return rate_list(database, clock=lambda: 1_000.5)


def put(log: EntryLog[DatedRate], rupiah: str, day: date = NOVEMBER, note: str = "") -> int:
    return log.add(DatedRate(day, Decimal(rupiah)), actor="Sari", note=note).seq


def rates(log: EntryLog[DatedRate]) -> list[str]:
    return [f"{rate.rupiah:.2f}" for rate in log.live()]


def test_what_is_entered_counts_at_once_and_exactly(log: EntryLog[DatedRate]) -> None:
    assert log.live() == ()
    put(log, "16512.345678")
    assert log.live() == (DatedRate(NOVEMBER, Decimal("16512.345678")),)


def test_a_correction_is_a_new_entry_and_an_undo_brings_back_what_was(log: EntryLog[DatedRate]) -> None:
    put(log, "16000")
    wrong = put(log, "1600")
    undo = log.undo(wrong, actor="Budi")
    assert rates(log) == ["16000.00"]
    assert [(entry.seq, entry.actor, entry.undoes, entry.undone_by) for entry in log.entries()] == [
        (3, "Budi", 2, None),
        (2, "Sari", None, 3),
        (1, "Sari", None, None),
    ]
    log.undo(undo.seq, actor="Budi")
    assert rates(log) == ["16000.00", "1600.00"]


def test_nobody_undoes_twice(log: EntryLog[DatedRate]) -> None:
    seq = put(log, "16000")
    log.undo(seq, actor="Sari")
    for gone in (seq, 99):
        with pytest.raises(SpendingError):
            log.undo(gone, actor="Budi")
    assert len(log.entries()) == 2


def test_a_note_is_masked_and_cut(log: EntryLog[DatedRate]) -> None:
    put(log, "16000", note="dari Bank, NIP 198501012010011001 " + "x" * 600)
    (entry,) = log.entries()
    assert (
        "198501012010011001" not in entry.note and entry.note.startswith("dari Bank") and len(entry.note) == NOTE_LENGTH
    )
    assert entry.at.timestamp() == 1_000.5


def test_another_process_sees_it_within_moments(log: EntryLog[DatedRate], database: Database) -> None:
    other = rate_list(database)
    put(other, "15000")
    assert rates(log) == ["15000.00"]
    put(other, "17000")
    assert rates(log) == ["15000.00"], "kept for a moment"
    log._kept_until = -1.0
    assert rates(log) == ["15000.00", "17000.00"]


def test_the_same_object_as_long_as_nothing_changes(log: EntryLog[DatedRate]) -> None:
    put(log, "16000")
    first = log.live()
    log._kept_until = -1.0
    assert log.live() is first


def test_entries_at_once_all_get_a_number_of_their_own(log: EntryLog[DatedRate], database: Database) -> None:
    barrier = threading.Barrier(8)

    def enter(n: int) -> None:
        barrier.wait()
        for k in range(5):
            put(log, str(16_000 + 10 * n + k))

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.live()) == 40
    with database.read() as connection:
        assert connection.execute(select(func.max(rate_entries.c.seq))).scalar_one() == 40


def test_the_rate_of_a_day_is_the_newest_that_holds_then() -> None:
    start = Decimal(15_000)
    table = RateTable(
        start, (DatedRate(NOVEMBER, Decimal(2)), DatedRate(OCTOBER, Decimal(1)), DatedRate(NOVEMBER, Decimal(3)))
    )
    days = date(2026, 9, 30), OCTOBER, date(2026, 10, 31), NOVEMBER, date(2027, 1, 1)
    assert [table.on(day) for day in days] == [start, 1, 1, 3, 3]
    assert RateTable(start).on(NOVEMBER) == start
