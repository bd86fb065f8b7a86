"""The one visual language of all charts: values in, figure out. Charts know no engine and no page.

Colours belong to series by their keys (`SLOTS`), so a stage or a mode looks alike on every page; the theme says which
colour a place has in light and in dark. A bar starts at zero, what was not measured is a gap, every axis says its unit.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from pages.shell import chart_layout, chart_words
from pages.shell.chart_layout import HEIGHT, escaped
from pages.shell.chart_values import Bucket, Chart, Measure, Series
from pages.shell.chart_words import bucket_names
from sipd_core.texts import catalogue, text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

__all__ = [
    "CONFIG", "SLOTS", "Bucket", "Chart", "Measure", "Series", "blank", "bucket_names", "colour_of", "lines",
    "operation_name", "ranked_bars", "stacked_bars", "waterfall",
]  # fmt: skip

CONFIG: dict[str, Any] = {"displayModeBar": False, "locale": "id"}
_MARKED = 45
"""Points of a line up to which each of them gets a mark."""

SLOTS: Mapping[str, int] = {
    "p50": 0, "p95": 1, "p99": 2,
    "total": 0, "embed": 1, "search": 2, "first_token": 4, "mask": 5, "classify": 6, "write": 0, "other": 7,
    "hosted": 0, "cache": 4, "local": 2, "degraded": 1, "failed": 5,
    "found": 0, "partial": 1, "not_found": 2, "none": 7,
    "embedding_memory": 0, "embedding_durable": 4, "answer": 1,
    "chat": 0, "query_embedding": 1, "index_embedding": 2, "training_embedding": 4,
    "confirmed": 0, "assumed": 4, "escalated": 1, "unresolved": 5, "reopened": 2, "open": 7,
}  # fmt: skip
"""Place in the theme's palette by the key of a series, for all pages; a key without one gets a place that is free."""
_PLACES = 10


def lines(buckets: Sequence[Bucket], series: Sequence[Series], measure: Measure) -> Chart:
    """Lines over time that break where nothing was measured."""
    names = bucket_names(buckets)
    drawn = [
        {
            "type": "scatter",
            "x": names,
            "y": list(one.values),
            "name": escaped(one.name),
            "mode": "lines+markers",
            "connectgaps": False,
            "line": {"color": colour, "dash": one.dash, "width": 2},
            "marker": {"size": _marks(one.values), "color": colour},
            "hovertemplate": _hover(measure),
        }
        for one, colour in zip(series, _colours(series), strict=True)
    ]
    figure = _figure(drawn, chart_layout.over_time(buckets, names, measure, legend=len(series) > 1))
    measured = [one for one in series if any(value is not None for value in one.values)]
    said = " ".join(chart_words.of_line(names, one, measure) for one in measured)
    return _chart(figure, buckets, series, said, chart_words.latest(names, series, measure))


def stacked_bars(buckets: Sequence[Bucket], series: Sequence[Series], measure: Measure) -> Chart:
    """One bar a bucket, from zero, a colour for each series; a bucket without any value stays empty."""
    names = bucket_names(buckets)
    drawn = [
        {
            "type": "bar",
            "x": names,
            "y": list(one.values),
            "name": escaped(one.name),
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertemplate": _hover(measure),
            "showlegend": any(one.values),
        }
        for one, colour in zip(series, _colours(series), strict=True)
    ]
    layout = chart_layout.over_time(buckets, names, measure, legend=len(series) > 1)
    figure = _figure(drawn, layout | {"barmode": "stack", "bargap": 0.25})
    said = chart_words.of_bars(names, series, measure)
    return _chart(figure, buckets, series, said, said)


def ranked_bars(values: Mapping[str, float], measure: Measure, *, column: str, key: str = "total") -> Chart:
    """Horizontal bars from zero, the longest on top; `values` by the names on screen, `column` is that of the names."""
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))
    drawn = {
        "type": "bar",
        "x": list(ordered.values()),
        "y": [escaped(name) for name in ordered],
        "orientation": "h",
        "marker": {"color": colour_of(key)},
        "text": [measure.said(value) for value in ordered.values()],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"%{{y}}: {measure.prefix}%{{x:,.{measure.decimals}f}} {measure.unit}<extra></extra>",
    }
    longest = max(ordered.values(), default=0)
    figure = _figure([drawn], chart_layout.lying(measure, longest, height=104 + 34 * max(len(ordered), 1)))
    table = tuple({column: name, "nilai": value} for name, value in ordered.items())
    said = chart_words.of_parts(ordered, measure)
    return Chart(figure, table, said or text("charts.empty"), empty=not ordered)


def waterfall(parts: Sequence[Series], measure: Measure, *, column: str) -> Chart:
    """Parts of a whole in their order, each beginning where the one before it ends; each series has a single value."""
    drawn: list[dict[str, Any]] = []
    begin = 0.0
    for one, colour in zip(parts, _colours(parts), strict=True):
        value = one.values[0] or 0.0
        drawn.append(_step(one, value, begin, colour, measure))
        begin += value
    figure = _figure(drawn, chart_layout.lying(measure, begin, height=104 + 30 * max(len(parts), 1)))
    table = tuple({column: one.name, "nilai": one.values[0]} for one in parts)
    said = chart_words.of_parts({one.name: one.values[0] for one in parts}, measure)
    return Chart(figure, table, said, empty=not parts)


def blank(*, height: int = HEIGHT) -> "Figure":
    """A figure without data, laid out as all of them are."""
    return _figure([], chart_layout.plain_layout(height))


def load() -> None:
    """Load what charts are drawn with, half a second of a processor: at leisure, instead of before the first one."""
    day, one = [date(2026, 1, 1)], [Series("total", "", [1.0])]
    for draw in (lines, stacked_bars):
        draw(day, one, Measure("")).figure.to_json()


def colour_of(key: str) -> str:
    """The colour of one series by its key."""
    return _place(SLOTS.get(key, 0))


def operation_name(operation: str) -> str:
    """What kind of work a call did, in Indonesian."""
    return catalogue().get(f"cost.operation.{operation}", operation.replace("_", " "))


def _colours(series: Sequence[Series]) -> list[str]:
    """Those with a place of their own get it; the others what is left, in the order of their keys, whatever is drawn."""
    taken = {SLOTS[one.key] for one in series if one.key in SLOTS}
    free = [place for place in range(_PLACES) if place not in taken] or list(range(_PLACES))
    others = sorted(one.key for one in series if one.key not in SLOTS)
    given = {key: free[n % len(free)] for n, key in enumerate(others)}
    return [_place(SLOTS.get(one.key, given.get(one.key, 0))) for one in series]


def _place(place: int) -> str:
    """Streamlit puts the theme's colour of this place in its stead, in the browser, light or dark."""
    return f"#{place + 1:06d}"


def _step(one: Series, value: float, begin: float, colour: str, measure: Measure) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [value],
        "y": [escaped(one.name)],
        "base": [begin],
        "orientation": "h",
        "marker": {"color": colour},
        "text": [measure.said(value)],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [value],
        "hovertemplate": f"%{{y}}: {measure.prefix}%{{customdata:,.{measure.decimals}f}} {measure.unit}<extra></extra>",
    }


def _figure(drawn: Sequence[dict[str, Any]], layout: chart_layout.Layout) -> "Figure":
    # Plotly takes pandas from wherever it stands, also half imported by another visitor's page, and fails on it.
    import pandas  # type: ignore[import-untyped]  # noqa: F401
    import plotly.graph_objects as go  # type: ignore[import-untyped]

    return go.Figure(data=list(drawn), layout=layout)


def _marks(values: Sequence[float | None]) -> list[int]:
    """Size of each point's mark: of a long line only those that stand alone, which could not be seen otherwise."""
    if len(values) <= _MARKED:
        return [5] * len(values)
    around = [None, *values, None]
    alone = [left is None and right is None for left, right in zip(around, around[2:], strict=False)]
    return [5 if one else 0 for one in alone]


def _hover(measure: Measure) -> str:
    return f"%{{fullData.name}}: {measure.prefix}%{{y:,.{measure.decimals}f}} {measure.unit}<extra></extra>"


def _chart(figure: "Figure", buckets: Sequence[Bucket], series: Sequence[Series], said: str, caption: str) -> Chart:
    table = tuple(
        {text("charts.bucket"): bucket.isoformat(), **{one.key: one.values[n] for one in series}}
        for n, bucket in enumerate(buckets)
    )
    whole = chart_words.with_gaps(said, series, len(buckets))
    return Chart(figure, table, whole or text("charts.empty"), caption, empty=not said)
