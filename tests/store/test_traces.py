"""Traces come back as they went in, newest kept when there are too many."""

from datetime import UTC, datetime, timedelta

from sipd_core.chat.turn import Verdict
from sipd_core.store.database import Database
from sipd_core.store.traces import TraceStore, TurnTrace

START = datetime(2026, 11, 22, tzinfo=UTC)


def trace(n: int) -> TurnTrace:
    return TurnTrace(
        f"t{n}", "s", START + timedelta(minutes=n), "ok", Verdict.FOUND, 0.8, False, {"total": 10.0 + n, "embed": 5.0}
    )


def test_a_period_is_read_oldest_first(database: Database) -> None:
    store = TraceStore(database)
    for n in range(4):
        store.add(trace(n))
    assert store.since(START + timedelta(minutes=1), 10) == (trace(1), trace(2), trace(3))
    assert store.since(START, 2) == (trace(2), trace(3))
    assert trace(3).total_ms == 13.0
    assert trace(3).search_ms is None
