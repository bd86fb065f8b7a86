"""The books: Jakarta's days, exact sums, unknown prices apart."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.usage import CallRecord

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def tracker(database: Database) -> CostTracker:
    return CostTracker(database, usd_idr=Decimal(16_000), clock=NOON.timestamp)


def call(at: datetime = NOON, cost: str | None = "0.5", tokens: int = 10, operation: str = "chat") -> CallRecord:
    return CallRecord(at, operation, "model-a", tokens, 1, 3.0, None if cost is None else Decimal(cost))


def test_the_day_is_jakartas(tracker: CostTracker) -> None:
    tracker.record(call(datetime(2026, 11, 21, 16, 59, tzinfo=UTC), "1"))
    tracker.record(call(datetime(2026, 11, 21, 17, 0, tzinfo=UTC), "2"))
    assert tracker.get_daily_cost(date(2026, 11, 21)) == 1
    assert tracker.get_daily_cost(date(2026, 11, 22)) == 2
    assert tracker.get_monthly_cost(2026, 11) == 3
    assert tracker.get_monthly_cost(2026, 12) == 0


def test_an_unknown_price_is_counted_apart(tracker: CostTracker) -> None:
    tracker.record(call())
    tracker.log_usage("chat", 7, "tak-dikenal")
    report = tracker.get_cost_breakdown(7)
    assert (report.total_cost, report.total_tokens, report.unknown_price_calls) == (Decimal("0.5"), 17, 1)
    assert report.by_model == {"model-a": Decimal("0.5"), "tak-dikenal": Decimal(0)}


def test_a_period_ends_today_and_counts_today(tracker: CostTracker) -> None:
    tracker.record(call(datetime(2026, 11, 15, 17, 0, tzinfo=UTC)))
    tracker.record(call(datetime(2026, 11, 15, 16, 59, tzinfo=UTC)))
    assert tracker.get_cost_breakdown(7).total_cost == Decimal("0.5")


def test_concurrent_records_are_all_there(tracker: CostTracker) -> None:
    threads = [
        threading.Thread(target=lambda: [tracker.record(call(cost="0.000001")) for _ in range(25)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = tracker.get_cost_breakdown(1)
    assert report.total_cost == Decimal("0.0002")
    assert report.totals[0].calls == 200


def test_the_export_recomputes_to_the_report(tracker: CostTracker, tmp_path: Path) -> None:
    for cost in ("0.25", "0.5", None):
        tracker.record(call(cost=cost, operation="chat" if cost else "embed"))
    tracker.export_usage_report(str(tmp_path / "usage.csv"))
    table = pd.read_csv(tmp_path / "usage.csv")
    assert Decimal(str(table.cost_usd.sum())) == tracker.get_cost_breakdown(30).total_cost
    assert table.loc[table.operation == "embed", "cost_usd"].isna().all()
