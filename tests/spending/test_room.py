"""The room of the cost page over real books: today, month, conversations, invoices, what a reconciliation finds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sipd_core.chat.turn import Feedback
from sipd_core.errors import SpendingError
from sipd_core.periods import Period
from sipd_core.spending.report import Level
from sipd_core.store.database import Database
from sipd_core.usage import Outcome, Usage
from tests.spending.traffic import CHAT, EMBEDDING, NOW, TODAY, UNKNOWN, Desk

WEEK = Period.of_days(7, TODAY)
NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def desk(database: Database) -> Desk:
    made = Desk(database, daily="0.001", monthly="10")
    made.price(CHAT, "1", "0.5", "2")
    made.price(EMBEDDING, "0.5", "0.5", "0")
    return made


def test_a_room_without_books_shows_nothing_and_foretells_nothing(database: Database) -> None:
    report = Desk(database).room.report(WEEK)
    assert (report.whole.calls, report.today.usd, report.projection, report.gauges) == (0, 0, None, ())
    assert report.per_conversation.each is None and report.per_conversation.each_resolved is None
    assert [saving.usd for saving in report.savings] == [0, 0, 0]
    assert Desk(database).room.months() == (NOVEMBER,)


def test_today_and_month_do_not_depend_on_the_period(desk: Desk) -> None:
    for ago in (0, 3, 30):
        desk.call(NOW - timedelta(days=ago), "chat", CHAT, Usage(1_000_000))
    for period in (WEEK, Period(date(2026, 10, 1), date(2026, 10, 31))):
        report = desk.room.report(period)
        assert (report.today.usd, report.month.usd) == (1, 2)
    assert report.whole.usd == 1


def test_each_budget_has_its_gauge(desk: Desk) -> None:
    for ago in range(10):
        desk.call(NOW - timedelta(days=ago), "chat", CHAT, Usage(900_000))
    day, month = desk.room.report(WEEK).gauges
    assert (day.name, day.level, month.name, month.level) == ("daily", Level.OVER, "monthly", Level.NEAR)
    assert month.will_be_over and month.projected == Decimal("0.9") * 18


def test_cost_is_shared_among_the_conversations_that_asked_something(desk: Desk) -> None:
    begun = NOW - timedelta(days=3)
    turns = [desk.turn(begun + timedelta(minutes=n), f"c{n}", embedding="miss") for n in range(4)]
    desk.talks.set_feedback(turns[0], Feedback(helpful=True))
    for turn in turns[1:]:
        desk.talks.set_feedback(turn, Feedback(helpful=False))
    desk.call(begun, "chat", CHAT, Usage(1_000_000), conversation="c0")
    desk.call(begun, "query_embedding", EMBEDDING, Usage(2_000_000))
    desk.call(begun, "index_embedding", EMBEDDING, Usage(9_000_000))
    found = desk.room.report(WEEK).per_conversation
    assert (found.answering.usd, found.conversations, found.resolved) == (2, 4, 1)
    assert found.each is not None and found.each_resolved is not None
    assert (found.each.usd, found.each_resolved.usd) == (Decimal("0.5"), 2)
    lines = {line.id: line for line in desk.room.conversations(WEEK)}
    assert (lines["c0"].used.cost_usd, lines["c0"].resolved, lines["c1"].used.calls) == (1, True, 0)


def test_an_invoice_is_kept_with_its_history(desk: Desk) -> None:
    desk.call(NOW, "chat", CHAT, Usage(1_000_000))
    first = desk.room.enter_invoice(date(2026, 11, 30), Decimal("1.10"), actor="Sari", note="INV-7")
    desk.room.enter_invoice(NOVEMBER, Decimal("1.25"), actor="Budi", note="koreksi")
    found = desk.room.reconcile(date(2026, 11, 9))
    assert (found.difference, found.booked) == (Decimal("0.25"), 1)
    newest = desk.room.invoice_history()[0]
    desk.room.undo_invoice(newest.seq, actor="Sari")
    again = desk.room.reconcile(NOVEMBER)
    assert again.invoice is not None and again.invoice.seq == first.seq and again.difference == Decimal("0.10")
    assert desk.room.reconcile(date(2026, 10, 1)).invoice is None


@pytest.mark.parametrize(
    ("month", "usd"), [(NOVEMBER, "-1"), (NOVEMBER, "NaN"), (NOVEMBER, "1000001"), (date(2026, 12, 1), "1")]
)
def test_what_is_no_invoice_is_refused(desk: Desk, month: date, usd: str) -> None:
    with pytest.raises(SpendingError):
        desk.room.enter_invoice(month, Decimal(usd), actor="Sari")
    assert desk.room.invoice_history() == ()


def test_a_reconciliation_finds_each_cause_in_the_real_books(desk: Desk) -> None:
    million = Usage(1_000_000)
    desk.call(NOW, "chat", CHAT, million)
    desk.call(NOW, "chat", CHAT, Usage(1_000_000, estimated=True))
    desk.call(NOW, "chat", CHAT, Usage(1_000_000, estimated=True), outcome=Outcome.STOPPED)
    desk.call(NOW, "chat", UNKNOWN, million)
    desk.call(NOW, "chat", CHAT, million, cost_usd=Decimal("0.4"))
    early = datetime(2026, 10, 31, 18, 0, tzinfo=UTC)  # 01.00 of 1 November in Jakarta
    late = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    desk.call(early, "chat", CHAT, Usage(2_000_000))
    desk.call(late, "chat", CHAT, Usage(500_000))
    desk.books.open(replace(desk.call(NOW, "chat", EMBEDDING, Usage(0)), cost_usd=Decimal(0)))
    found = desk.room.reconcile(NOVEMBER)
    assert (found.booked, found.by_utc) == (Decimal("5.4"), Decimal("3.9"))
    causes = {cause.name: (cause.calls, cause.low, cause.high) for cause in found.causes}
    assert causes.pop("unknown")[0] == 1
    assert causes == {
        "estimated": (1, -1, 1),
        "stopped": (1, -1, 1),
        "prices": (2, 0, Decimal("0.6")),  # those of that model and day, among which one was booked otherwise
        "boundary": (2, Decimal("-1.5"), 0),
    }


def test_the_months_go_back_to_the_first_call(desk: Desk) -> None:
    desk.call(datetime(2025, 12, 31, 18, 0, tzinfo=UTC), "chat", CHAT, Usage(1))
    months = desk.room.months()
    assert (months[0], months[1], months[-1], len(months)) == (NOVEMBER, date(2026, 10, 1), date(2026, 1, 1), 11)


def test_the_models_of_books_and_prices_are_known(desk: Desk) -> None:
    desk.call(NOW, "chat", UNKNOWN, Usage(1))
    assert {UNKNOWN, CHAT, "openai/gpt-oss-120b"} <= set(desk.room.models())
