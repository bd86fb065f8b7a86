"""The room over a real database: what is found wrong is written once, shown, acknowledged, and found right again."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, update

from sipd_core.alerts import wording
from sipd_core.alerts.chain_watch import ChainWatch
from sipd_core.alerts.model import DEFAULTS, EventKind, Kind, LogFilter, State, Watched
from sipd_core.alerts.room import AlertRoom
from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import AlertError, SpendingError
from sipd_core.store.audit import AuditLog
from sipd_core.store.schema import audit_entries
from sipd_core.texts import text
from tests.alerts.conftest import NOON, Desk, happened, only

pytestmark = pytest.mark.anyio
EVER = LogFilter(NOON - timedelta(days=400))


def standing_of(room: AlertRoom, kind: Kind) -> Watched:
    return next(one for one in room.watched() if one.rule.kind is kind)


async def test_errors_give_an_alarm_that_ends_when_they_are_over(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.ERROR_RATE)
    desk.turns(40, failed=4)
    assert await room.pass_by()
    (fired,) = room.events(EVER)
    assert (fired.event, fired.value, fired.threshold) == (EventKind.FIRED, 10.0, 5)
    assert [one.rule.kind for one in room.open()] == [Kind.ERROR_RATE]
    desk.pass_minutes(16)
    desk.turns(40)
    for _ in range(3):
        await room.pass_by()
        desk.pass_minutes(1)
    assert happened(room.events(EVER)) == ["recovered", "fired"]
    assert room.open() == ()
    assert standing_of(room, Kind.ERROR_RATE).standing.state is State.OK  # type: ignore[union-attr]


async def test_slow_answers_and_a_cold_cache_are_seen(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.SLOW, threshold=2, min_turns=5)
    desk.turns(10, seconds=2.5, cached=1)
    assert [(e.rule, e.value) for e in room.look()] == [(Kind.SLOW, 2.5)]
    only(room, Kind.CACHE_HITS, threshold=20, min_turns=5)
    assert [(e.rule, e.event, e.value) for e in room.look()] == [
        (Kind.SLOW, EventKind.SWITCHED_OFF, 2.5),
        (Kind.CACHE_HITS, EventKind.FIRED, 10.0),
    ]


async def test_budgets_are_of_jakartas_day_and_month(desk: Desk) -> None:
    desk.budgets = Decimal(1), Decimal(10)
    room = desk.room()
    desk.spend("0.85")
    await room.pass_by()
    assert [(e.rule, e.value) for e in room.events(EVER)] == [(Kind.DAILY_BUDGET, 85.0)]
    desk.pass_minutes(12 * 60 + 1)  # past midnight in Jakarta
    for _ in range(3):
        await room.pass_by()
    assert happened(room.events(EVER)) == ["recovered", "fired"]
    desk.spend("7.2")
    await room.pass_by()
    assert {e.rule for e in room.events(LogFilter(desk.now))} == {Kind.DAILY_BUDGET, Kind.MONTHLY_BUDGET}


async def test_a_provider_that_stays_away_is_an_alarm_wherever_it_was_noticed(desk: Desk) -> None:
    first, second = desk.room(), desk.room()
    only(first, Kind.PROVIDER)
    for _ in range(5):
        desk.trouble = None
        await first.pass_by()
        desk.trouble = "Kunci ditolak."
        assert not await second.pass_by()  # it does not look, but what it sees counts
        desk.pass_minutes(1)
    assert first.events(EVER) == ()
    desk.trouble = None
    await first.pass_by()
    (fired,) = first.events(EVER)
    assert (fired.rule, fired.value, fired.detail) == (Kind.PROVIDER, 5.0, "Kunci ditolak.")


async def test_a_base_that_nobody_saves_is_an_alarm_and_a_backup_ends_it(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.BACKUP)
    await room.pass_by()
    assert standing_of(room, Kind.BACKUP).standing.state is State.NO_DATA  # type: ignore[union-attr]
    desk.saved_at = NOON - timedelta(days=3)
    with desk.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO conversations (id, title, created_at, updated_at, turns, escalated)"
            f" VALUES ('s', 't', {(NOON - timedelta(days=9)).timestamp()}, 0, 1, false)"
        )
    await room.pass_by()
    desk.saved_at = NOON
    for _ in range(3):
        await room.pass_by()
    assert [(e.event, e.value) for e in room.events(EVER)] == [
        (EventKind.RECOVERED, 0.0),
        (EventKind.FIRED, 3.0),
    ]


async def test_a_backup_that_a_start_catches_up_on_is_waited_for(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.BACKUP)
    desk.saved_at, desk.catching_up = NOON - timedelta(days=3), True
    with desk.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO conversations (id, title, created_at, updated_at, turns, escalated)"
            f" VALUES ('s', 't', {(NOON - timedelta(days=9)).timestamp()}, 0, 1, false)"
        )
    await room.pass_by()
    standing = standing_of(room, Kind.BACKUP).standing
    assert standing is not None and standing.state is State.NO_DATA
    assert standing.reading.detail == text("alerts.missing.catching_up")
    desk.saved_at, desk.catching_up = NOON, False
    await room.pass_by()
    assert [(e.event, e.value) for e in room.events(EVER)] == [(EventKind.DATA, 0.0)]
    desk.saved_at = NOON - timedelta(days=3)
    await room.pass_by()
    assert [(e.event, e.value) for e in room.events(EVER)] == [(EventKind.FIRED, 3.0), (EventKind.DATA, 0.0)]


async def test_the_disk_is_measured(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.DISK, threshold=10_000)
    await room.pass_by()
    (fired,) = room.events(EVER)
    assert fired.rule is Kind.DISK
    assert 0 < (fired.value or 0) < 10_000


async def test_one_process_looks_and_another_takes_over_when_it_is_gone(desk: Desk) -> None:
    first, second = desk.room(), desk.room()
    assert (await first.pass_by(), await second.pass_by(), await first.pass_by()) == (True, False, True)
    desk.pass_minutes(3)
    assert await second.pass_by()
    assert not await first.pass_by()
    second.close()
    assert await first.pass_by()


def test_two_processes_that_look_at_once_write_an_event_once(desk: Desk) -> None:
    rooms = [desk.room() for _ in range(4)]
    only(rooms[0], Kind.ERROR_RATE)
    desk.turns(40, failed=20)
    gate = threading.Barrier(len(rooms))

    def look(room: AlertRoom) -> None:
        gate.wait()
        room.look()

    threads = [threading.Thread(target=look, args=(room,)) for room in rooms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert happened(rooms[0].events(EVER)) == ["fired"]


def test_somebody_takes_care_once_and_the_next_incident_is_open_again(desk: Desk) -> None:
    room, other = desk.room(), desk.room()
    only(room, Kind.ERROR_RATE)
    with pytest.raises(AlertError):
        room.acknowledge(Kind.ERROR_RATE, actor="Sari")
    desk.turns(40, failed=20)
    room.look()
    made = room.acknowledge(Kind.ERROR_RATE, actor="Sari", note=" telepon penyedia, 081234567890 ")
    assert (made.actor, "081234567890" in made.note) == ("Sari", False)
    with pytest.raises(AlertError) as caught:
        other.acknowledge(Kind.ERROR_RATE, actor="Budi")
    assert "Sari" in caught.value.user_text
    assert standing_of(other, Kind.ERROR_RATE).standing.acknowledged_by == "Sari"  # type: ignore[union-attr]
    desk.pass_minutes(16)
    desk.turns(40)
    for _ in range(3):
        room.look()
    desk.pass_minutes(16)
    desk.turns(40, failed=20)
    room.look()
    assert happened(room.events(EVER)) == ["fired", "recovered", "acknowledged", "fired"]
    assert standing_of(room, Kind.ERROR_RATE).standing.acknowledged_by == ""  # type: ignore[union-attr]


def test_a_rule_is_changed_with_history_and_taken_back(desk: Desk) -> None:
    room = desk.room()
    desk.turns(40, failed=4)
    room.change_rule(only(room, Kind.ERROR_RATE, threshold=20), actor="Sari", note="terlalu peka")
    assert room.events(EVER) == ()
    newest = room.rule_history()[0]
    assert (newest.actor, newest.note, newest.value and newest.value.threshold) == ("Sari", "terlalu peka", 20)
    room.undo_rule(newest.seq, actor="Budi")
    room.undo_rule(newest.seq - 1, actor="Budi")
    assert standing_of(room, Kind.ERROR_RATE).rule == DEFAULTS[Kind.ERROR_RATE]
    assert happened(room.events(EVER)) == ["fired"]
    with pytest.raises(SpendingError):
        room.undo_rule(newest.seq, actor="Budi")
    with pytest.raises(AlertError):
        room.change_rule(only(room, Kind.ERROR_RATE, threshold=500), actor="Sari")


def test_a_rule_switched_off_in_the_middle_of_an_alarm_says_by_whom(desk: Desk) -> None:
    room = desk.room()
    rule = only(room, Kind.ERROR_RATE)
    desk.turns(40, failed=4)
    room.look()
    off = type(rule)(rule.kind, False, rule.threshold)
    room.change_rule(off, actor="Sari")
    assert [(e.event, e.actor) for e in room.events(EVER)] == [(EventKind.SWITCHED_OFF, "Sari"), (EventKind.FIRED, "")]
    assert room.open() == ()
    assert standing_of(room, Kind.ERROR_RATE).standing is None


def test_the_log_is_filtered_and_paged(desk: Desk) -> None:
    room = desk.room()
    only(room, Kind.ERROR_RATE)
    desk.turns(40, failed=20)
    room.look()
    room.acknowledge(Kind.ERROR_RATE, actor="Sari")
    assert happened(room.events(replace(EVER, kinds=(EventKind.ACKNOWLEDGED,)))) == ["acknowledged"]
    assert room.events(replace(EVER, rules=(Kind.DISK,))) == ()
    assert room.events(LogFilter(NOON + timedelta(seconds=1))) == ()
    assert room.events(replace(EVER, end=NOON)) == ()
    assert happened(room.events(EVER, limit=1, offset=1)) == ["fired"]
    assert room.count_events(EVER) == 2


def test_the_frame_asks_the_database_once_in_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    room = desk.room()
    only(room, Kind.ERROR_RATE)
    desk.turns(40, failed=20)
    room.look()
    shown = room.open()
    monkeypatch.setattr(desk.database, "read", None)  # any query would break
    assert all(room.open() is shown for _ in range(100))


async def test_a_broken_chain_of_the_audit_gives_an_alarm_by_itself_once_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sipd_core.store.audit.STEP", 3)  # several steps, the last one among them
    log = AuditLog(desk.database)
    for n in range(8):
        log.record(Deed(DeedKind.EXPORT, f"{n}.csv"))
    room = desk.room()
    only(room, Kind.AUDIT)
    assert not await room.look_at_chain(), "another process may be the one that looks"
    await room.pass_by()
    assert standing_of(room, Kind.AUDIT).standing.state is State.NO_DATA  # type: ignore[union-attr]
    assert await room.look_at_chain() and room.open() == ()
    with desk.database.write() as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.seq == 5).values(actor="Orang Lain"))
    assert not await room.look_at_chain(), "not again on the same day"
    desk.pass_minutes(24 * 60)
    await room.pass_by()
    assert await room.look_at_chain()
    (open_,) = room.open()
    assert open_.standing is not None and open_.standing.reading.value == 5.0
    assert wording.situation(open_.rule, open_.standing.reading).endswith("catatan nomor 5.")
    assert wording.told(room.events(EVER)[0]).startswith("Keutuhan catatan audit: putus di catatan nomor 5. Buka Audit")
    other = desk.room()
    other.look()
    assert [one.rule.kind for one in other.open()] == [Kind.AUDIT], "one that has not looked takes nothing back"
    with desk.database.write() as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.seq == 5).values(actor=""))
    room.chain_seen(log.verify())
    for _ in range(3):
        desk.pass_minutes(1)
        await room.pass_by()
    assert happened(room.events(EVER)) == ["recovered", "fired", "data"] and room.open() == ()


@pytest.mark.parametrize("entries", [0, 2, 3, 7])
async def test_a_patrol_comes_to_the_verdict_of_one_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    monkeypatch.setattr("sipd_core.store.audit.STEP", 3)
    log = AuditLog(desk.database)
    for n in range(entries):
        log.record(Deed(DeedKind.EXPORT, f"{n}.csv"))
    assert await ChainWatch(log).look() == log.verify()
    with desk.database.write() as connection:
        connection.execute(delete(audit_entries).where(audit_entries.c.seq == entries))
    assert await ChainWatch(log).look() == log.verify()
    assert log.verify().is_whole is not bool(entries)
