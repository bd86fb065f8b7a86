from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from pages.shell import charts
from sipd_core.store.traces import TurnTrace
from sipd_core.usage import UsageTotal

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def trace(at: datetime, total: float, **stages: float) -> TurnTrace:
    return TurnTrace("t", "s", at, timings_ms={"total": total, **stages})


def test_a_point_is_the_median_of_its_interval_on_jakartas_clock() -> None:
    traces = [trace(START + timedelta(seconds=s), ms) for s, ms in ((0, 10.0), (5, 30.0), (10, 1000.0), (70, 50.0))]
    line = charts.latency(traces).figure.data[0]
    assert list(line.y) == [30.0, 50.0]
    assert line.x[0] == datetime(2026, 11, 22, 8, 0)


def test_a_stage_that_was_not_measured_has_no_point() -> None:
    embedding = charts.latency([trace(START, 10.0), trace(START, 12.0, embed=4.0)]).figure.data[1]
    assert list(embedding.y) == [4.0]


@pytest.mark.parametrize("days", [0.02, 1, 7, 30])
def test_a_long_period_is_drawn_with_few_points(days: float) -> None:
    step = timedelta(days=days) / 2_000
    traces = [trace(START + place * step, 10.0) for place in range(2_001)]
    assert len(charts.latency(traces).figure.data[0].x) <= charts.POINTS + 1


def test_axes_start_at_zero_and_figures_are_indonesian() -> None:
    layout = charts.latency([trace(START, 10.0)]).figure.layout
    assert layout.yaxis.rangemode == "tozero"
    assert layout.separators == ",."


def test_daily_bars_add_up_the_models_of_one_kind_and_keep_days_in_order() -> None:
    def total(day: int, model: str, tokens: int) -> UsageTotal:
        return UsageTotal(date(2026, 11, day), "chat", model, 1, tokens, Decimal(0), 0)

    figure = charts.daily_bars(
        [total(22, "a", 5), total(21, "a", 1), total(22, "b", 7)],
        lambda t: float(t.tokens),
        "cost.chart.hover_tokens",
        "token",
    )
    assert list(figure.layout.xaxis.categoryarray) == ["21 Nov", "22 Nov"]
    assert list(figure.data[0].y) == [1.0, 12.0]


def test_an_unknown_kind_of_work_keeps_its_own_name() -> None:
    assert charts.operation_name("kerja_baru") == "kerja baru"
