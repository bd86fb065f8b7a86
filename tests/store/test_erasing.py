"""What is deleted is gone from every place and from the files; what months were counted by is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sipd_core.errors import NotFoundError
from sipd_core.periods import Period
from sipd_core.store.audit import AuditLog
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.erasing import Eraser
from sipd_core.store.gold import GoldStore
from sipd_core.store.outcomes import OutcomeStore
from sipd_core.store.schema import conversation_words, exchanges, ticket_events, tickets, traces
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
    assert (count(database, tickets), count(database, ticket_events)) == (0, 0)
    assert TicketStore(database).page(TicketFilter(search="besok"), 0, 5).total == 0
    assert GoldStore(database).page(GoldStore(database).sets()[0].id).total == 0
    assert count(database, conversation_words) == 1 and count(database, exchanges) == 2
    after = outcomes(database)
    assert [(one.id, one.outcome, one.reasons, one.unhelpful) for one in after] == [
        (one.id, one.outcome, one.reasons, one.unhelpful) for one in before
    ]
    assert next(one.title for one in after if one.id == "s1") == "(percakapan dihapus)"
    entry = AuditLog(database).page(limit=1).entries[0]
    assert (entry.kind, entry.object, entry.actor) == ("erase", "s1", "Bu Admin")
    assert "kwitansi" not in str(entry)


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
