"""The books: Jakarta's days, exact sums, unknown prices apart, reservations replaced by what was."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from sipd_core.prices import Price
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.schema import usage
from sipd_core.store.usage_report import EXPORTED
from sipd_core.usage import CallRecord, Outcome, Usage

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def tracker(database: Database) -> CostTracker:
    return CostTracker(database, usd_idr=Decimal(16_000), clock=NOON.timestamp)


def call(at: datetime = NOON, cost: str | None = "0.5", tokens: int = 10, **changes: Any) -> CallRecord:
    made = CallRecord(at, "chat", "model-a", Usage(tokens), 1, 3.0, None if cost is None else Decimal(cost))
    return replace(made, **changes)


def entries(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(usage).order_by(usage.c.id)))


def at_once(work: Callable[[int], None], threads: int) -> None:
    """Run `work(n)` in so many threads that all start together."""
    barrier = threading.Barrier(threads)

    def run(n: int) -> None:
        barrier.wait()
        work(n)

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_the_day_is_jakartas(tracker: CostTracker) -> None:
    tracker.record(call(datetime(2026, 11, 21, 16, 59, tzinfo=UTC), "1"))
    tracker.record(call(datetime(2026, 11, 21, 17, 0, tzinfo=UTC), "2"))
    assert tracker.get_daily_cost(date(2026, 11, 21)) == 1
    assert tracker.get_daily_cost(date(2026, 11, 22)) == 2
    assert tracker.get_monthly_cost(2026, 11) == 3
    assert tracker.get_monthly_cost(2026, 12) == 0


def test_an_unknown_price_is_counted_apart(tracker: CostTracker) -> None:
    tracker.record(call())
    tracker.record(call(NOON - timedelta(days=1), None))
    tracker.log_usage("chat", 7, "tak-dikenal")
    report = tracker.get_cost_breakdown(7)
    assert (report.total_cost, report.total_tokens, report.unknown_price_calls) == (Decimal("0.5"), 27, 2)
    assert (report.unknown_price_today, report.unknown_price_month) == (1, 2)
    assert report.by_model == {"model-a": Decimal("0.5"), "tak-dikenal": Decimal(0)}


def test_a_period_ends_today_and_counts_today(tracker: CostTracker) -> None:
    tracker.record(call(datetime(2026, 11, 15, 17, 0, tzinfo=UTC)))
    tracker.record(call(datetime(2026, 11, 15, 16, 59, tzinfo=UTC)))
    report = tracker.get_cost_breakdown(7)
    assert report.total_cost == Decimal("0.5")
    assert len(report.totals) == 1
    assert report.month_usd == 1, "the month goes further back than the period"


def test_a_period_may_go_further_back_than_the_month(tracker: CostTracker) -> None:
    tracker.record(call(NOON - timedelta(days=29)))
    report = tracker.get_cost_breakdown(30)
    assert (report.total_cost, report.month_usd) == (Decimal("0.5"), Decimal(0))


def test_a_total_tells_kinds_of_tokens_and_how_calls_ended(tracker: CostTracker) -> None:
    tracker.record(call(usage=Usage(100, 20, cached=60), retries=2))
    tracker.record(call(usage=Usage(10, 5, estimated=True), outcome=Outcome.STOPPED))
    tracker.record(call(usage=Usage(0), outcome=Outcome.FAILED, retries=3, cost_usd=Decimal(0)))
    (total,) = tracker.get_cost_breakdown(1).totals
    assert (total.calls, total.tokens, total.prompt_tokens, total.cached_tokens) == (3, 135, 110, 60)
    assert (total.completion_tokens, total.estimated_calls, total.failed_calls, total.retries) == (25, 1, 2, 5)


def test_concurrent_records_are_all_there(tracker: CostTracker) -> None:
    def record(_: int) -> None:
        for _ in range(25):
            tracker.record(call(cost="0.000001"))

    at_once(record, 8)
    report = tracker.get_cost_breakdown(1)
    assert report.total_cost == Decimal("0.0002")
    assert report.totals[0].calls == 200


def test_money_is_exact_to_the_pico_dollar(tracker: CostTracker) -> None:
    draw = random.Random(7)
    expected = Decimal(0)
    for _ in range(200):
        price = Price(*(Decimal(draw.randrange(10**6)).scaleb(-draw.randrange(7)) for _ in range(3)))
        used = Usage(draw.randrange(10**6), draw.randrange(10**4), cached=draw.randrange(10**5))
        cost = price.cost(used)
        tracker.settle(tracker.open(call(cost_usd=cost * 2)), call(usage=used, cost_usd=cost))
        expected += cost
    report = tracker.get_cost_breakdown(1)
    assert report.total_cost == report.month_usd == tracker.get_daily_cost(date(2026, 11, 22)) == expected
    assert sum((entry.cost_usd for entry in tracker.calls(1) if entry.cost_usd), Decimal(0)) == expected


def test_a_reservation_is_durable_and_outside_the_sums(tracker: CostTracker, database: Database) -> None:
    tracker.open(call(cost="9", tokens=1_000))
    (row,) = entries(database)
    assert (row.outcome, row.cost_pico_usd, row.prompt_tokens) == ("open", 9 * 10**12, 1_000)
    report = tracker.get_cost_breakdown(1)
    assert not report.totals and report.month_usd == tracker.get_daily_cost(date(2026, 11, 22)) == 0
    assert list(tracker.calls(1)) == []


def test_settling_replaces_the_reservation_by_what_was(tracker: CostTracker, database: Database) -> None:
    entry = tracker.open(call(cost="9", tokens=1_000))
    was = call(usage=Usage(80, 20, 5), cost="0.25", retries=1, request_id="req-1", conversation="c1", latency_ms=81.5)
    tracker.settle(entry, was)
    assert [row.id for row in entries(database)] == [entry]
    assert list(tracker.calls(1)) == [was]


def test_an_entry_that_is_gone_or_settled_is_entered_anew(tracker: CostTracker, database: Database) -> None:
    gone = tracker.open(call())
    tracker.release(gone)
    tracker.settle(gone, call(cost="0.1"))
    settled = tracker.open(call())
    tracker.settle(settled, call(cost="0.2"))
    tracker.settle(settled, call(cost="0.4"))
    assert tracker.get_daily_cost(date(2026, 11, 22)) == Decimal("0.7")
    assert len(entries(database)) == 3


def test_releasing_takes_the_reservation_out_and_nothing_else(tracker: CostTracker, database: Database) -> None:
    kept, released = tracker.open(call(cost="1")), tracker.open(call(cost="2"))
    tracker.settle(kept, call(cost="1"))
    tracker.release(released)
    tracker.release(kept)
    assert [row.id for row in entries(database)] == [kept]


def test_what_a_dead_process_left_open_is_closed_at_its_worst(tracker: CostTracker, database: Database) -> None:
    old = tracker.open(call(NOON - timedelta(seconds=301), "9", 1_000, conversation="c1"))
    tracker.open(call(NOON - timedelta(seconds=299)))
    tracker.record(call(NOON - timedelta(days=1)))
    assert tracker.close_interrupted(300) == 1
    assert tracker.close_interrupted(300) == 0
    assert [row.outcome for row in entries(database)] == ["interrupted", "open", "ok"]
    interrupted = [entry for entry in tracker.calls(1) if entry.outcome is Outcome.INTERRUPTED]
    assert [(entry.cost_usd, entry.usage, entry.conversation) for entry in interrupted] == [
        (Decimal(9), Usage(1_000, estimated=True), "c1")
    ]
    tracker.settle(old, call(cost="1"))
    assert tracker.get_daily_cost(date(2026, 11, 22)) == 1, "a call that was only slow still says what it was"


def test_the_export_recomputes_to_the_report(tracker: CostTracker, tmp_path: Path) -> None:
    for cost in ("0.25", "0.5", None):
        tracker.record(call(cost=cost, operation="chat" if cost else "embed", retries=1))
    tracker.export_usage_report(str(tmp_path / "usage.csv"))
    table = pd.read_csv(tmp_path / "usage.csv")
    assert tuple(table.columns) == EXPORTED
    assert Decimal(str(table.cost_usd.sum())) == tracker.get_cost_breakdown(30).total_cost
    assert table.loc[table.operation == "embed", "cost_usd"].isna().all()
    assert (table.prompt_tokens.sum(), table.retries.sum()) == (30, 3)


def test_the_smallest_cost_is_exported_without_an_exponent(tracker: CostTracker, tmp_path: Path) -> None:
    tracker.record(call(cost="0.000000105"))
    tracker.export_usage_report(str(tmp_path / "usage.csv"))
    assert ",0.000000105," in (tmp_path / "usage.csv").read_text(encoding="utf-8-sig")


def test_every_call_is_listed_oldest_first_within_the_period(tracker: CostTracker) -> None:
    booked = [call(NOON - timedelta(days=back), str(back + 1)) for back in range(4)]
    for entry in booked:
        tracker.record(entry)
    assert list(tracker.calls(3)) == [booked[2], booked[1], booked[0]]


def test_a_request_id_of_any_length_never_keeps_a_call_out_of_the_books(tracker: CostTracker) -> None:
    tracker.record(call(request_id="x" * 1_000))
    assert [entry.request_id for entry in tracker.calls(1)] == ["x" * 120]
