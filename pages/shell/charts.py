"""Charts: values in, figure out. Values are gathered before they are drawn, so that a month is as light as an hour."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from sipd_core.locale_id import JAKARTA, duration, short_day
from sipd_core.store.traces import TurnTrace
from sipd_core.texts import catalogue, text
from sipd_core.usage import UsageTotal

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

POINTS = 96
"""Points of a line at most; more cannot be told apart on a small laptop."""
HEIGHT = 300
CONFIG: dict[str, Any] = {"displayModeBar": False, "locale": "id"}

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
    import plotly.graph_objects as go

    step = _step(traces[-1].at - traces[0].at)
    figure = go.Figure()
    for name, value in _STAGES:
        times, medians = _medians(traces, step, value)
        label = text(f"performance.chart.{name}")
        hover = text("performance.chart.hover", name=label)
        mode = "lines+markers" if len(times) < POINTS / 2 else "lines"
        figure.add_scatter(x=times, y=medians, name=label, mode=mode, hovertemplate=hover)
    _lay_out(figure, text("performance.chart.axis"))
    figure.update_xaxes(tickformat="%H.%M" if step < _STEPS[3] else "%d/%m %H.%M")
    return LatencyChart(figure, duration(step.total_seconds() * 1_000))


def daily_bars(
    totals: Iterable[UsageTotal], value: Callable[[UsageTotal], float], hover_key: str, axis: str
) -> "Figure":
    """One stacked bar a day, a colour for each kind of work; `hover_key` names a catalogue entry."""
    import plotly.graph_objects as go

    by_operation: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    ordered = sorted(totals, key=lambda total: total.day)
    for total in ordered:
        by_operation[total.operation][short_day(total.day)] += value(total)
    figure = go.Figure()
    for operation, days in by_operation.items():
        label = operation_name(operation)
        heights = list(days.values())
        # A kind without anything to show keeps its place all the same: its colour must not go to another kind.
        hover = text(hover_key, name=label)
        figure.add_bar(x=list(days), y=heights, name=label, hovertemplate=hover, showlegend=any(heights))
    _lay_out(figure, axis)
    days_in_order = list(dict.fromkeys(short_day(total.day) for total in ordered))
    figure.update_layout(barmode="stack", bargap=0.35, hovermode="closest")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=days_in_order)
    return figure


def operation_name(operation: str) -> str:
    """What kind of work a call did, in Indonesian."""
    return catalogue().get(f"cost.operation.{operation}", operation.replace("_", " "))


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


def _lay_out(figure: "Figure", axis: str) -> None:
    figure.update_layout(
        template="streamlit",
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        separators=",.",
        hovermode="x unified",
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        showlegend=True,
    )
    figure.update_yaxes(rangemode="tozero", title=axis, tickformat=",")
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)


def contributions(places: Sequence[int], parts: Mapping[str, Sequence[float]]) -> "Figure":
    """What each part gave to the order of the cases, one stacked bar a case, the best on top."""
    import plotly.graph_objects as go

    figure = go.Figure()
    names = [f"{place}." for place in places]
    for name, values in parts.items():
        hover = text("laboratory.try.chart_hover", name=name)
        figure.add_bar(y=names, x=list(values), name=name, orientation="h", hovertemplate=hover)
    _lay_out(figure, "")
    figure.update_layout(barmode="relative", bargap=0.25, hovermode="closest", height=90 + 24 * len(names))
    figure.update_yaxes(autorange="reversed", type="category", rangemode="normal", tickformat=None)
    figure.update_xaxes(title=text("laboratory.try.chart_axis"), tickformat=",.2~f", zeroline=True)
    return figure
