"""What is deleted is gone from every place and from the files; what months were counted by is not."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sipd_core.chat.turn import Escalation, EscalationReason, Feedback, VersionKind
from sipd_core.errors import NotFoundError, TicketError
from sipd_core.periods import Period
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.audit import AuditLog
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.erasing import Eraser
from sipd_core.store.gold import GoldStore
from sipd_core.store.outcomes import OutcomeStore
from sipd_core.store.schema import (
    answer_versions,
    conversation_words,
    escalations,
    exchanges,
    ticket_events,
    traces,
)
from sipd_core.store.tickets import TicketStore
from sipd_core.store.traces import Mode, TraceStore, TurnTrace
from sipd_core.tickets import Status, TicketFilter
from sipd_core.usage import jakarta_day
from tests.builders import make_turn
from tests.store.test_sealing import stolen, talk


def count(database: Database, table) -> int:  # type: ignore[no-untyped-def]
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def outcomes(database: Database):  # type: ignore[no-untyped-def]
    today = jakarta_day(datetime.now(UTC))
    return OutcomeStore(database).of(Period(today - timedelta(days=1), today), timedelta(days=1))


def sealed_texts(database: Database) -> list[bytes]:
    """What stands in the database for the texts of the conversation, as it stands there."""
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT message, answer, turn FROM exchanges WHERE message <> ''").all()
        notes = connection.exec_driver_sql("SELECT note FROM ticket_events WHERE note <> ''").scalars().all()
    return [text[20:60].encode() for row in rows for text in row] + [note[20:60].encode() for note in notes]


def test_a_deleted_conversation_is_nowhere_and_no_figure_changes(database: Database, tmp_path: Path) -> None:
    talk(database)
    ConversationStore(database).add("yang lain tetap", make_turn("lain", "lt1"), "")
    told, before = sealed_texts(database), outcomes(database)
    eraser = Eraser(database)
    effect = eraser.effect("s1")
    assert (effect.exchanges, effect.tickets, effect.open_tickets, effect.gold_questions) == (1, 1, 1, 1)
    erased = eraser.erase("s1", actor="Bu Admin")
    assert (erased.conversations, erased.exchanges) == (1, 1)
    raw = stolen(database, tmp_path)
    kept = [text for text in told if text in raw]
    assert len(kept) == 3, "only the texts of the other conversation"
    store = ConversationStore(database)
    assert [one.id for one in store.list("", 10)] == ["lain"] and store.list("kwitansi", 10) == ()
    for ask in (lambda: store.get("s1", 5), lambda: store.history("s1", 5), lambda: eraser.effect("s1"), lambda: eraser.erase("s1")):
        with pytest.raises(NotFoundError):
            ask()
    assert TicketStore(database).page(TicketFilter(search="besok"), 0, 5).total == 0
    assert GoldStore(database).page(GoldStore(database).sets()[0].id).total == 0
    assert count(database, conversation_words) == 1 and count(database, exchanges) == 2
    after = outcomes(database)
    assert [(one.id, one.outcome, one.reasons, one.unhelpful) for one in after] == [
        (one.id, one.outcome, one.reasons, one.unhelpful) for one in before
    ]
    assert OutcomeStore(database).titles(["s1"]) == {"s1": "(percakapan dihapus)"}
    entry = AuditLog(database).page(limit=1).entries[0]
    assert (entry.kind, entry.object, entry.actor) == ("erase", "s1", "Bu Admin")
    assert "kwitansi" not in str(entry)


def test_of_a_ticket_only_the_frame_is_left(database: Database) -> None:
    talk(database)
    desk = TicketStore(database)
    before, figures = desk.page(TicketFilter(), 0, 5).tickets[0], desk.figures()
    desk.move(before.id, Status.ACTIVE, seen=before.status, actor="Pak Budi", note="mohon ditelepon besok")
    Eraser(database).erase("s1", actor="Bu Admin")
    [left] = desk.page(TicketFilter(), 0, 5).tickets
    assert left.erased_at is not None and (left.subject, left.menu) == ("(percakapan dihapus)", "")
    assert (left.id, left.status, left.priority, left.reasons) == (before.id, Status.ACTIVE, before.priority, before.reasons)
    assert (left.created_at, left.first_action_at) == (before.created_at, before.first_action_at)
    assert desk.figures().total == figures.total
    events = desk.events(left.id)
    assert [(one.kind, one.actor) for one in events][-2:] == [("noted", "Operator"), ("moved", "Pak Budi")]
    assert not any(one.note or one.explanation for one in events)
    with pytest.raises(TicketError) as refused:
        desk.note(left.id, "bendahara Sukamaju", actor="x")
    assert "sudah dihapus" in refused.value.user_text
    with pytest.raises(TicketError):
        desk.move(left.id, Status.DONE, seen=left.status, actor="x", note="bendahara Sukamaju")
    desk.move(left.id, Status.DONE, seen=left.status, actor="Pak Budi")
    assert desk.get(left.id).resolved_at is not None


def test_nothing_is_written_about_a_conversation_that_was_just_deleted(database: Database) -> None:
    talk(database)
    Eraser(database).erase("s1")
    store, by_hand = ConversationStore(database), Escalation((EscalationReason.BY_OPERATOR,), "Diminta operator")
    turn = make_turn("s1", "s1t2", response="terlambat")
    late = [
        lambda: store.add("masih dijawab waktu dihapus", turn, ""),
        lambda: store.set_feedback("s1t1", Feedback(False, "terlambat")),
        lambda: store.escalate("s1", "s1t1", by_hand, "terlambat"),
        lambda: AnswerVersionStore(database).add("s1t1", VersionKind.EDITED, make_turn("s1", "s1t1", response="terlambat")),
    ]
    for write in late:
        with pytest.raises(NotFoundError):
            write()
    with database.read() as connection:
        left = connection.execute(select(exchanges.c.message, exchanges.c.answer)).all()
    assert left == [("", "")] and count(database, answer_versions) == 0 and count(database, conversation_words) == 0


def test_deleting_and_writing_at_once_ends_well(database: Database) -> None:
    """Whoever comes first: nothing hangs, and what is left of a deleted conversation has no text."""
    talk(database)
    desk, store = TicketStore(database), ConversationStore(database)
    ticket = desk.page(TicketFilter(), 0, 5).tickets[0]
    by_hand = Escalation((EscalationReason.BY_OPERATOR,), "Diminta operator")

    def write(n: int) -> None:
        with suppress(NotFoundError, TicketError):
            if n % 3 == 0:
                desk.note(ticket.id, f"catatan {n}", actor="x")
            elif n % 3 == 1:
                store.add(f"pesan {n}", make_turn("s1", f"n{n}", response="jawaban"), "")
            else:
                store.escalate("s1", "s1t1", by_hand, f"mohon {n}")

    with ThreadPoolExecutor(8) as pool:
        works = [pool.submit(write, n) for n in range(24)]
        works.insert(12, pool.submit(Eraser(database).erase, "s1"))
        works += [pool.submit(write, n) for n in range(24, 36)]
        for work in works:
            work.result(60)
    with database.read() as connection:
        said = connection.execute(select(exchanges.c.message)).scalars().all()
        noted = connection.execute(select(ticket_events.c.note)).scalars().all()
        handed = connection.execute(select(escalations.c.note)).scalars().all()
    assert set(said) == set(noted) == set(handed) == {""}


def test_old_conversations_go_but_not_those_with_an_open_ticket(database: Database) -> None:
    now = 1_800_000_000.0
    at = {"now": now - 100 * 86_400}
    store = ConversationStore(database, clock=lambda: at["now"])
    store.add("lama", make_turn("lama", "t1"), "")
    store.add("lama berTiket", make_turn("tiket", "t2", should_escalate=True), "")
    at["now"] = now
    store.add("baru", make_turn("baru", "t3"), "")
    eraser = Eraser(database, clock=lambda: now)
    assert eraser.erase_before(now - 30 * 86_400).conversations == 1
    store.forget_lists()
    assert {one.id for one in store.list("", 10)} == {"tiket", "baru"}
    desk = TicketStore(database)
    ticket = desk.page(TicketFilter(), 0, 5).tickets[0]
    desk.move(ticket.id, Status.DONE, seen=ticket.status, actor="x")
    assert eraser.erase_before(now - 30 * 86_400).conversations == 1
    assert eraser.erase_before(now - 30 * 86_400).conversations == 0


def test_old_traces_go(database: Database) -> None:
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    for n, at in enumerate((old, old, new)):
        TraceStore(database).add(TurnTrace(turn_id=f"t{n}", session_id="s", at=at, outcome="ok", mode=Mode.LOCAL))
    assert Eraser(database).drop_traces_before(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) == 2
    assert count(database, traces) == 1
