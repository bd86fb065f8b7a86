"""Budgets: what does not fit is refused before it is made, however many ask at once."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, func, insert, select

from sipd_core.errors import BudgetExceededError
from sipd_core.store.budgets import KEPT_SECONDS
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.schema import usage
from sipd_core.usage import CallRecord, Usage
from tests.clock import Clock

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON.timestamp())


def tracker(database: Database, clock: Clock, daily: str | None = None, monthly: str | None = None) -> CostTracker:
    budgets = [None if budget is None else Decimal(budget) for budget in (daily, monthly)]
    return CostTracker(
        database, daily_budget=budgets[0], monthly_budget=budgets[1], usd_idr=Decimal(16_000), clock=clock
    )


def call(cost: str | None = "1", at: datetime = NOON) -> CallRecord:
    return CallRecord(at, "chat", "model-a", Usage(10), 1, 3.0, None if cost is None else Decimal(cost))


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(usage)).scalar_one()


def test_the_worst_case_must_fit_what_is_left_of_the_day(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="3")
    books.record(call("0.5"))
    books.open(call("1.5"))
    with pytest.raises(BudgetExceededError) as caught:
        books.open(call("1.000000000001"))
    assert caught.value.user_text == (
        "Anggaran harian (US$ 3,00) tidak cukup untuk panggilan berikutnya; sisa US$ 1,00."
    )
    assert count(database) == 2, "nothing is entered for a refused call"
    books.open(call("1"))


def test_the_month_is_kept_across_its_days(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="5", monthly="6")
    for back in (0, 1, 2, 20):
        books.record(call("1", NOON - timedelta(days=back)))
    books.record(call("100", NOON - timedelta(days=22)))
    books.open(call("1.5"))
    with pytest.raises(BudgetExceededError) as caught:
        books.open(call("0.6"))
    assert "bulanan" in caught.value.user_text and "US$ 0,50" in caught.value.user_text


def test_a_month_begins_at_jakartas_midnight(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="1", monthly="1")
    last_second = datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC)
    books.open(call("1", last_second))
    with pytest.raises(BudgetExceededError):
        books.open(call("0.1", last_second))
    books.open(call("1", last_second + timedelta(seconds=1)))


def test_settling_and_releasing_give_back_what_was_not_used(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="1")
    first, second = books.open(call("0.5")), books.open(call("0.5"))
    with pytest.raises(BudgetExceededError):
        books.open(call("0.1"))
    books.release(first)
    books.settle(second, call("0.1"))
    books.open(call("0.9"))


def test_a_process_that_ended_keeps_its_reservation_against_the_budget(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="1")
    books.open(call("0.9", NOON - timedelta(hours=1)))
    books.close_interrupted(60)
    with pytest.raises(BudgetExceededError):
        books.open(call("0.2"))


def test_with_a_budget_an_unknown_price_is_refused_in_words(database: Database, clock: Clock) -> None:
    with pytest.raises(BudgetExceededError) as caught:
        tracker(database, clock, monthly="1").open(call(None))
    assert "model-a" in caught.value.user_text and "prices.csv" in caught.value.user_text
    assert count(database) == 0
    tracker(database, clock).open(call(None))
    assert count(database) == 1


def test_what_is_free_passes_a_budget_that_is_used_up(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, daily="0", monthly="0")
    books.record(call("5"))
    books.open(call("0"))
    with pytest.raises(BudgetExceededError):
        books.open(call("0.000000000001"))


def test_without_a_budget_nothing_is_summed(database: Database, clock: Clock) -> None:
    statements: list[str] = []
    books = tracker(database, clock)
    event.listen(database._engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    books.open(call("5"))
    assert [statement for statement in statements if "sum(" in statement or "advisory" in statement] == []


def test_the_sum_of_earlier_days_is_kept_for_a_minute(database: Database, clock: Clock) -> None:
    books = tracker(database, clock, monthly="3")
    books.open(call("1"))
    with database.write() as connection:  # as if days that are over could still change
        old = {"at": clock.now - 10 * 86_400, "day": "2026-11-12", "cost_pico_usd": 2 * 10**12}
        connection.execute(
            insert(usage), old | {"operation": "chat", "model": "m", "prompt_tokens": 1, "texts": 1, "latency_ms": 1.0}
        )
    books.open(call("1"))
    clock.now += KEPT_SECONDS
    with pytest.raises(BudgetExceededError):
        books.open(call("1"))


def test_fifty_at_once_never_overshoot(database: Database, clock: Clock) -> None:
    books = [tracker(database, clock, daily="1", monthly="0.7") for _ in range(2)]
    barrier = threading.Barrier(50)
    ended: Counter[str] = Counter()
    lock = threading.Lock()

    def work(n: int) -> None:
        mine = books[n % 2]
        barrier.wait()
        try:
            entry = mine.open(call("0.1"))
        except BudgetExceededError:
            kind = "refused"
        else:
            kind = "entered" if n % 5 else "released"
            if kind == "released":
                mine.release(entry)
        with lock:
            ended[kind] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(ended.values()) == 50
    assert ended["entered"] == count(database) <= 7
    for _ in range(7 - ended["entered"]):
        books[0].open(call("0.1"))
    with pytest.raises(BudgetExceededError):
        books[1].open(call("0.1"))
