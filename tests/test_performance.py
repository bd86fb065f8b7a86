"""What managers see of speed: exact on cases worked out by hand, and equal to pandas over the exports on months of traffic."""

import io
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.performance import NO_VERDICT, STAGES, UNTOLD, Figures, PerformanceHistory
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.traces import STOPPED, Mode, TraceStore, TurnTrace
from sipd_core.usage import JAKARTA, CallRecord, Outcome, Usage, jakarta_day
from tests.replay import replay

DAY = date(2026, 11, 22)
MORNING = datetime(2026, 11, 22, 8, 30, tzinfo=JAKARTA)


def trace(n: int, total: float, **fields: object) -> TurnTrace:
    given = {"at": MORNING + timedelta(seconds=n), "timings_ms": {"total": total}, "verdict": Verdict.FOUND}
    return TurnTrace(f"t{n}", "s", **(given | fields))  # type: ignore[arg-type]


def history(database: Database, *traces: TurnTrace, now: datetime = MORNING + timedelta(hours=2)) -> PerformanceHistory:
    if traces:
        TraceStore(database).add_many(traces)
    return PerformanceHistory(database, clock=now.timestamp)


def test_percentiles_are_nearest_rank_over_whole_answers_alone(database: Database) -> None:
    whole = [trace(n, float(n)) for n in range(1, 101)]
    others = [trace(200, 9_000.0, outcome=STOPPED), trace(201, 15_000.0, outcome="StoreLockedError", verdict=None)]
    figures = history(database, *whole, *others).report(Period(DAY, DAY)).whole
    total = figures.latency["total"]
    assert (total.count, total.p50, total.p95, total.p99) == (100, 50.0, 95.0, 99.0)
    assert (figures.turns, figures.failed, figures.stopped) == (102, 1, 1)
    assert figures.error_rate == 1 / 102
    assert figures.latency["embed"].p50 is None, "not measured is not zero"
    assert figures.verdicts == {"found": 101, NO_VERDICT: 1}


def test_a_day_by_the_hour_keeps_its_gaps_and_what_is_to_come_is_unknown(database: Database) -> None:
    report = history(database, trace(0, 10.0), trace(1, 30.0)).report(Period(DAY, DAY))
    assert [stretch.at for stretch in report.stretches] == [datetime(2026, 11, 22, hour) for hour in range(24)]
    eight, nine, eleven = report.stretches[8].figures, report.stretches[9].figures, report.stretches[11].figures
    assert eight and (eight.turns, eight.latency["total"].p50) == (2, 10.0)
    assert nine and (nine.turns, nine.latency["total"].p50) == (0, None)
    assert eleven is None


def test_a_week_is_by_jakartas_day_and_beside_the_week_before(database: Database) -> None:
    late = datetime(2026, 11, 21, 16, 59, 59, tzinfo=UTC)  # 23.59.59 of the 21st in Jakarta
    made = [trace(n, 10.0, at=late + timedelta(seconds=n)) for n in range(3)]
    before = [trace(n, 40.0, at=MORNING - timedelta(days=7 + n)) for n in range(10, 12)]
    report = history(database, *made, *before).report(Period.of_days(7, DAY))
    counts = {stretch.at: stretch.figures.turns for stretch in report.stretches if stretch.figures and stretch.figures.turns}
    assert counts == {date(2026, 11, 21): 1, date(2026, 11, 22): 2}
    report = history(database).report(Period.of_days(14, DAY))
    assert (report.whole.turns, report.before.turns) == (3, 2)


def test_cache_rates_count_what_was_asked_for(database: Database) -> None:
    memory, durable, miss = (trace(n, 1.0, embedding_cache=origin) for n, origin in enumerate(VectorOrigin))
    again = trace(3, 1.0, embedding_cache=VectorOrigin.MEMORY)
    none = trace(4, 1.0)
    hosted = [trace(10 + n, 1.0, mode=Mode.HOSTED, model="m") for n in range(3)]
    kept = trace(20, 1.0, mode=Mode.CACHE, model="m", answer_cached=True)
    figures = history(database, memory, durable, miss, again, none, *hosted, kept).report(Period(DAY, DAY)).whole
    assert (figures.memory_rate, figures.durable_rate, figures.answer_rate) == (0.5, 0.25, 0.25)


def test_without_a_turn_nothing_is_known(database: Database) -> None:
    whole = history(database).report(Period(DAY, DAY)).whole
    assert whole.turns == 0
    rates = (whole.error_rate, whole.degraded_rate, whole.memory_rate, whole.durable_rate, whole.answer_rate)
    assert rates == (None,) * 5


def test_causes_of_failures_and_of_retries(database: Database) -> None:
    books = CostTracker(database, usd_idr=1)  # type: ignore[arg-type]

    def call(outcome: Outcome = Outcome.OK, error: str | None = None, retries: int = 0, *causes: str) -> None:
        books.record(
            CallRecord(MORNING, "chat", "m", Usage(1), 1, 1.0, None, retries=retries, outcome=outcome, error=error,
                       retried_for=causes)
        )  # fmt: skip

    call()
    call(Outcome.OK, None, 2, "RateLimitedError", "TimedOutError")
    call(Outcome.FAILED, "RateLimitedError", 3, "RateLimitedError", "RateLimitedError", "RateLimitedError")
    call(Outcome.OK, None, 2)
    impaired = trace(1, 5.0, mode=Mode.DEGRADED, degraded="RateLimitedError")
    report = history(database, impaired, trace(2, 1.0, outcome="StoreError")).report(Period(DAY, DAY))
    assert report.failures == {"StoreError": 1}
    assert report.impairments == {"RateLimitedError": 1}
    assert report.failed_calls == {"RateLimitedError": 1}
    assert report.retried_calls == {"RateLimitedError": 4, "TimedOutError": 1, UNTOLD: 2}


def test_the_slowest_are_opened_by_their_id(database: Database) -> None:
    slow = trace(2, 900.0, timings_ms={"total": 900.0, "embed": 800.0})
    room = history(database, trace(1, 5.0), slow)
    assert [one.turn_id for one in room.report(Period(DAY, DAY)).slowest] == ["t2", "t1"]
    assert room.trace("t2") == slow
    with pytest.raises(NotFoundError):
        room.trace("tidak ada")


# --- months of traffic, computed anew by pandas from the exports ---------------------------------------------------------

UNTIL = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TURNS = 1_500


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PerformanceHistory]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('months') / 'sipd.db'}")
    replay(database, turns=TURNS, days=60, until=UNTIL, seed=5)
    yield PerformanceHistory(database, clock=UNTIL.timestamp)
    database.close()


def exported(room: PerformanceHistory, period: Period) -> pd.DataFrame:
    file = io.BytesIO()
    room.export_traces(period, file)
    frame = pd.read_csv(io.BytesIO(file.getvalue()), encoding="utf-8-sig")
    return frame.assign(hour=frame["at"].str[:13])


def nearest_rank(values: pd.Series, share: float) -> float | None:
    known = values.dropna().sort_values(ignore_index=True)
    return None if known.empty else float(known[max(math.ceil(share * len(known)), 1) - 1])


def equal(figures: Figures, frame: pd.DataFrame) -> None:
    """Every figure, by other means."""
    whole = frame[frame["outcome"] == "ok"]
    for stage in STAGES:
        found, values = figures.latency[stage], whole[f"{stage}_ms"]
        assert found.count == values.notna().sum()
        shares = {share: nearest_rank(values, share) for share in (0.5, 0.95, 0.99)}
        assert [found.p50, found.p95, found.p99] == list(shares.values()), stage
    assert figures.turns == len(frame)
    assert figures.failed == (~frame["outcome"].isin(["ok", "stopped"])).sum()
    assert figures.stopped == (frame["outcome"] == "stopped").sum()
    assert figures.degraded == frame["degraded"].notna().sum()
    assert figures.modes == frame["mode"].value_counts().to_dict()
    assert figures.verdicts == frame["verdict"].fillna(NO_VERDICT).value_counts().to_dict()
    vectors = frame["embedding_cache"].dropna()
    assert figures.vectors == vectors.value_counts().to_dict()
    assert figures.memory_rate == (None if vectors.empty else (vectors == "memory").mean())
    hosted = frame["model"].notna().sum()
    assert (figures.hosted_answers, figures.kept_answers) == (hosted, frame["answer_cached"].sum())
    assert figures.retries == frame["retries"].sum()


def test_the_whole_period_and_every_day_of_it_equal_pandas(months: PerformanceHistory) -> None:
    period = Period.of_days(30, jakarta_day(UNTIL))
    report, frame = months.report(period), exported(months, period)
    equal(report.whole, frame)
    equal(report.before, exported(months, period.before))
    for stretch in report.stretches:
        assert stretch.figures is not None
        equal(stretch.figures, frame[frame["day"] == stretch.at.isoformat()])
    assert len(frame) + len(exported(months, period.before)) == TURNS
    assert report.failures == frame[~frame["outcome"].isin(["ok", "stopped"])]["outcome"].value_counts().to_dict()
    assert report.impairments == frame["degraded"].value_counts().to_dict()
    assert report.impairments and report.whole.stopped and report.whole.kept_answers, "there is something to compare"


def test_the_hours_of_a_day_equal_pandas(months: PerformanceHistory) -> None:
    day = jakarta_day(UNTIL) - timedelta(days=4)
    report, frame = months.report(Period(day, day)), exported(months, Period(day, day))
    assert len(frame) > 10
    for stretch in report.stretches:
        assert stretch.figures is not None and isinstance(stretch.at, datetime)
        equal(stretch.figures, frame[frame["hour"] == f"{stretch.at:%Y-%m-%dT%H}"])


def test_failed_calls_and_retries_equal_pandas(months: PerformanceHistory) -> None:
    period, file = Period.of_days(60, jakarta_day(UNTIL)), io.BytesIO()
    months.export_calls(period, file)
    frame = pd.read_csv(io.BytesIO(file.getvalue()), encoding="utf-8-sig")
    report = months.report(period)
    assert report.failed_calls == frame["error"].value_counts().to_dict() and report.failed_calls
    causes = frame["retried_for"].dropna().str.split().explode()
    assert report.retried_calls == causes.value_counts().to_dict()
    assert sum(report.retried_calls.values()) == frame["retries"].sum()


def test_an_export_is_safe_and_says_nothing_of_what_is_unknown(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    unknown = trace(1, 5.0, usage=None, cost_usd=None, verdict=None, model="=SUM(A1)")
    file = io.BytesIO()
    history(database, unknown).export_traces(Period(DAY, DAY), file)
    row = pd.read_csv(io.BytesIO(file.getvalue()), encoding="utf-8-sig", dtype=str).iloc[0]
    assert row["at"] == "2026-11-22T08:30:01.000+07:00" and row["model"] == "'=SUM(A1)"
    assert row[["cost_usd", "prompt_tokens", "verdict", "embed_ms"]].isna().all()
