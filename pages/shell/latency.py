"""The chart of response times over a stretch of traces."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from pages.shell import charts
from sipd_core.locale_id import JAKARTA, duration
from sipd_core.store.traces import TurnTrace
from sipd_core.texts import text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

POINTS = 96
"""Points of a line at most; more cannot be told apart on a small laptop."""
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 24 * 60))
_STAGES: tuple[tuple[str, Callable[[TurnTrace], float | None]], ...] = (
    ("total", lambda trace: trace.total_ms),
    ("embedding", lambda trace: trace.embedding_ms),
    ("search", lambda trace: trace.search_ms),
)


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """A figure and what its points stand for."""

    figure: "Figure"
    bucket: str
    """Length of one interval, in Indonesian."""


def latency(traces: Sequence[TurnTrace]) -> LatencyChart:
    """Median milliseconds of each stage for every interval of the traces; `traces` must not be empty."""
    step = _step(traces[-1].at - traces[0].at)
    figure = charts.blank()
    for name, value in _STAGES:
        times, medians = _medians(traces, step, value)
        label = text(f"performance.chart.{name}")
        hover = text("performance.chart.hover", name=label)
        mode = "lines+markers" if len(times) < POINTS / 2 else "lines"
        figure.add_scatter(x=times, y=medians, name=label, mode=mode, hovertemplate=hover)
    figure.update_yaxes(rangemode="tozero", title=text("performance.chart.axis"), tickformat=",")
    figure.update_layout(showlegend=True)
    figure.update_xaxes(tickformat="%H.%M" if step < _STEPS[3] else "%d/%m %H.%M")
    return LatencyChart(figure, duration(step.total_seconds() * 1_000))


def _step(span: timedelta) -> timedelta:
    """The shortest interval that keeps a line within POINTS points."""
    return next((step for step in _STEPS if span / step <= POINTS), _STEPS[-1])


def _medians(
    traces: Sequence[TurnTrace], step: timedelta, value: Callable[[TurnTrace], float | None]
) -> tuple[list[datetime], list[float]]:
    buckets: dict[int, list[float]] = defaultdict(list)
    for trace in traces:
        measured = value(trace)
        if measured is not None:
            buckets[int(trace.at.timestamp() // step.total_seconds())].append(measured)
    times = [_wall_clock(place * step.total_seconds()) for place in sorted(buckets)]
    return times, [median(buckets[place]) for place in sorted(buckets)]


def _wall_clock(seconds: float) -> datetime:
    """Jakarta's clock without a zone: the chart draws what it is given and knows no zones."""
    return datetime.fromtimestamp(seconds, JAKARTA).replace(tzinfo=None)


