"""Traces come back as they went in; a period holds the turns of its Jakarta days, all of them and no other."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.traces import STOPPED, Mode, TraceStore, TurnTrace
from sipd_core.usage import Usage

START = datetime(2026, 11, 22, tzinfo=UTC)
TIMINGS = {"mask": 0.5, "embed": 5.0, "classify": 1.0, "total": 10.0}


def trace(n: int, **fields: object) -> TurnTrace:
    given = {"at": START + timedelta(minutes=n), "verdict": Verdict.FOUND, "relevance": 0.8, "timings_ms": TIMINGS}
    return TurnTrace(f"t{n}", "s", **(given | fields))  # type: ignore[arg-type]


FULL = trace(
    7,
    outcome=STOPPED,
    mode=Mode.DEGRADED,
    degraded="TimedOutError",
    usage=Usage(700, 80, 256, estimated=True),
    cost_usd=Decimal("0.000123456789"),
    embedding_cache=VectorOrigin.DURABLE,
    retries=3,
    escalated=True,
    model="model-a",
)
UNKNOWN = trace(8, usage=None, cost_usd=None, answer_cached=True, timings_ms={})


def test_since_reads_the_newest_oldest_first(database: Database) -> None:
    store = TraceStore(database)
    for n in range(4):
        store.add(trace(n))
    assert store.since(START + timedelta(minutes=1), 10) == (trace(1), trace(2), trace(3))
    assert store.since(START, 2) == (trace(2), trace(3))


@pytest.mark.parametrize("kept", [FULL, UNKNOWN])
def test_a_trace_comes_back_as_it_went_in(database: Database, kept: TurnTrace) -> None:
    store = TraceStore(database)
    store.add_many([trace(1), kept])
    assert store.get(kept.turn_id) == kept
    with pytest.raises(NotFoundError):
        store.get("none")


def test_what_is_not_known_is_null_and_never_zero(database: Database) -> None:
    store = TraceStore(database)
    store.add_many([FULL, UNKNOWN])
    columns = "mask_ms", "search_ms", "total_ms", "prompt_tokens", "cost_pico_usd", "embedding_cache", "day"
    known, unknown = store.rows(Period(date(2026, 11, 22), date(2026, 11, 22)), *columns)
    assert tuple(known) == (0.5, None, 10.0, 700, 123_456_789, "durable", "2026-11-22")
    assert tuple(unknown) == (None, None, None, None, None, None, "2026-11-22")


def test_a_period_holds_its_jakarta_days(database: Database) -> None:
    """17.00 UTC is midnight in Jakarta: that turn is of the new day, the one a moment before is not."""
    store = TraceStore(database)
    midnight = datetime(2026, 11, 21, 17, tzinfo=UTC)
    moments = [midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(hours=23.9), midnight + timedelta(days=1)]
    store.add_many([trace(n, at=at) for n, at in enumerate(moments)])
    day = date(2026, 11, 22)
    assert [row.turn_id for row in store.rows(Period(day, day), "turn_id")] == ["t1", "t2"]
    assert [one.turn_id for one in store.each(Period(day, day + timedelta(days=1)))] == ["t1", "t2", "t3"]
    assert [one.turn_id for one in store.each(Period(day, day).before)] == ["t0"]


def test_the_slowest_come_first_and_those_without_a_time_not_at_all(database: Database) -> None:
    store = TraceStore(database)
    store.add_many([trace(n, timings_ms={"total": float(n % 4)}) for n in range(1, 8)] + [UNKNOWN])
    day = date(2026, 11, 22)
    assert [one.total_ms for one in store.slowest(Period(day, day), 3)] == [3.0, 3.0, 2.0]
