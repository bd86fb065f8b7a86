"""The one visual language of all charts: values in, figure out. Charts know no engine and no page.

Colours belong to series by their keys (`SLOTS`), so a stage or a mode looks alike on every page; the theme says which
colour a place has in light and in dark. A bar starts at zero, what was not measured is a gap, every axis says its unit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sipd_core.locale_id import day, number, short_day
from sipd_core.texts import catalogue, text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 300
CONFIG: dict[str, Any] = {"displayModeBar": False, "locale": "id"}
_TICKS = 6
"""Labels of the time axis at most: so many fit a telephone's screen."""
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

Bucket = date | datetime
"""A day, or an hour on Jakarta's clock without a zone."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What the numbers of a chart are."""

    title: str
    """With the unit, as in `milidetik`."""
    said: Callable[[float | None], str] = number
    """A value in words, for the summary."""
    unit: str = ""
    """After a number when it is pointed at."""
    prefix: str = ""
    """Before it, as `Rp `."""
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one colour of stacked bars; None is a gap."""

    key: str
    name: str
    values: Sequence[float | None]
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its values and the words for those who cannot see it."""

    figure: "Figure"
    table: tuple[Mapping[str, object], ...]
    """Exactly what is drawn, one row a point: `waktu` as an ISO date or time, then one column a series by its key."""
    summary: str
    """All of it in words, for those who cannot see it."""
    caption: str = ""
    """The gist, for everybody."""
    empty: bool = False
    """Nothing but gaps."""


def lines(buckets: Sequence[Bucket], series: Sequence[Series], measure: Measure) -> Chart:
    """Lines over time that break where nothing was measured."""
    figure = blank()
    names = bucket_names(buckets)
    for one, colour in zip(series, _colours(series), strict=True):
        figure.add_scatter(
            x=names,
            y=list(one.values),
            name=_plain(one.name),
            mode="lines+markers",
            connectgaps=False,
            line={"color": colour, "dash": one.dash, "width": 2},
            marker={"size": _marks(one.values), "color": colour},
            hovertemplate=_hover(measure, "y"),
        )
    _over_time(figure, buckets, names, series, measure)
    said = [_of_line(names, one, measure) for one in series if any(value is not None for value in one.values)]
    return _chart(figure, buckets, series, " ".join(said), _latest(names, series, measure))


def stacked_bars(buckets: Sequence[Bucket], series: Sequence[Series], measure: Measure) -> Chart:
    """One bar a bucket, from zero, a colour for each series; a bucket without any value stays empty."""
    figure = blank()
    names = bucket_names(buckets)
    for one, colour in zip(series, _colours(series), strict=True):
        figure.add_bar(
            x=names,
            y=list(one.values),
            name=_plain(one.name),
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=_hover(measure, "y"),
            showlegend=any(one.values),
        )
    _over_time(figure, buckets, names, series, measure)
    figure.update_layout(barmode="stack", bargap=0.25)
    said = _of_bars(names, series, measure)
    return _chart(figure, buckets, series, said, said)


def ranked_bars(values: Mapping[str, float], measure: Measure, *, column: str, key: str = "total") -> Chart:
    """Horizontal bars from zero, the longest on top; `values` by the names on screen, `column` is that of the names."""
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))
    figure = blank(height=104 + 34 * max(len(ordered), 1))
    figure.add_bar(
        x=list(ordered.values()),
        y=[_plain(name) for name in ordered],
        orientation="h",
        marker={"color": colour_of(key)},
        text=[measure.said(value) for value in ordered.values()],
        textposition="outside",
        cliponaxis=False,
        hovertemplate=f"%{{y}}: {measure.prefix}%{{x:,.{measure.decimals}f}} {measure.unit}<extra></extra>",
    )
    figure.update_layout(showlegend=False, hovermode="closest", bargap=0.3)
    _lying_axes(figure, measure, max(ordered.values(), default=0))
    said = "; ".join(
        text("charts.summary.parts", name=name, value=measure.said(value)) for name, value in ordered.items()
    )
    table = tuple({column: name, "nilai": value} for name, value in ordered.items())
    return Chart(figure, table, said or text("charts.empty"), empty=not ordered)


def _lying_axes(figure: "Figure", measure: Measure, longest: float) -> None:
    """Of bars that lie: from zero, with room for the number behind the longest."""
    few = measure.decimals == 0 and longest <= 5
    figure.update_xaxes(
        range=[0, longest * 1.18 or 1], title=measure.title, tickformat=",", nticks=5, dtick=1 if few else None,
        fixedrange=True, automargin=True,
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, automargin=True)


def _latest(names: Sequence[str], series: Sequence[Series], measure: Measure) -> str:
    """What each line came to in the last bucket with a value."""
    known = [n for n in range(len(names)) if _known(series, n)]
    if not known:
        return ""
    last = known[-1]
    parts = [
        text("charts.summary.parts", name=one.name, value=measure.said(value))
        for one in series
        if (value := one.values[last]) is not None
    ]
    return text("charts.summary.latest", at=names[last], parts="; ".join(parts))


def waterfall(parts: Sequence[Series], measure: Measure, *, column: str) -> Chart:
    """Parts of a whole in their order, each beginning where the one before it ends; each series has a single value."""
    figure = blank(height=104 + 30 * max(len(parts), 1))
    begin = 0.0
    for one, colour in zip(parts, _colours(parts), strict=True):
        value = one.values[0] or 0.0
        figure.add_bar(
            x=[value],
            y=[_plain(one.name)],
            base=[begin],
            orientation="h",
            marker={"color": colour},
            text=[measure.said(value)],
            textposition="outside",
            cliponaxis=False,
            customdata=[value],
            hovertemplate=f"%{{y}}: {measure.prefix}%{{customdata:,.{measure.decimals}f}} {measure.unit}<extra></extra>",
        )
        begin += value
    figure.update_layout(showlegend=False, hovermode="closest", bargap=0.3)
    _lying_axes(figure, measure, begin)
    table = tuple({column: one.name, "nilai": one.values[0]} for one in parts)
    said = [text("charts.summary.parts", name=one.name, value=measure.said(one.values[0])) for one in parts]
    return Chart(figure, table, "; ".join(said), empty=not parts)


def bucket_names(buckets: Sequence[Bucket]) -> list[str]:
    """`22 Nov`, with the hour where there is one, and with the year where a day comes twice."""
    short = [_bucket_name(bucket, short_day) for bucket in buckets]
    return short if len(set(short)) == len(short) else [_bucket_name(bucket, day) for bucket in buckets]


def colour_of(key: str) -> str:
    """The colour of one series by its key."""
    return _place(SLOTS.get(key, 0))


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


def _bucket_name(bucket: Bucket, named: Callable[[date], str]) -> str:
    if isinstance(bucket, datetime):
        return f"{named(bucket.date())} {bucket:%H.%M}"
    return named(bucket)


def blank(*, height: int = HEIGHT) -> "Figure":
    """A figure without data, laid out as all of them are."""
    # Plotly takes pandas from wherever it stands, also half imported by another visitor's page, and fails on it.
    import pandas  # noqa: F401
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template="streamlit",
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        separators=",.",
        hovermode="x unified",
        legend={
            "orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "title": None,
            "traceorder": "normal",
        },
    )
    return figure


def _over_time(
    figure: "Figure", buckets: Sequence[Bucket], names: Sequence[str], series: Sequence[Series], measure: Measure
) -> None:
    ticks = _ticks(buckets)
    figure.update_layout(showlegend=len(series) > 1, margin={"t": 28})
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(names),
        range=[-0.5, max(len(names) - 0.5, 0.5)],
        tickmode="array",
        tickvals=[names[n] for n in ticks],
        ticktext=[_tick(buckets[n], len({_day_of(bucket) for bucket in buckets}) == 1) for n in ticks],
        tickangle=0,
        fixedrange=True,
    )
    # Without a format of ours, small values get letters (600µ) that nobody here reads.
    written = f",.{measure.decimals}~f" if measure.decimals else ","
    figure.update_yaxes(rangemode="tozero", tickformat=written, nticks=6, fixedrange=True, automargin=True)
    # Above the axis, lying: beside it a long title is cut off on a small screen, and costs width.
    figure.add_annotation(
        text=_plain(measure.title), xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom",
        showarrow=False, yshift=6,
    )  # fmt: skip


def _ticks(buckets: Sequence[Bucket]) -> list[int]:
    """Places of the labels: of whole days where hours run over several of them."""
    places = list(range(len(buckets)))
    if len({_day_of(bucket) for bucket in buckets}) > 1:
        places = [n for n in places if not isinstance(bucket := buckets[n], datetime) or bucket.hour == 0]
    step = max(-(-len(places) // _TICKS), 1)
    return places[::step]


def _tick(bucket: Bucket, one_day: bool) -> str:
    if isinstance(bucket, datetime) and one_day:
        return f"{bucket:%H.%M}"
    return short_day(_day_of(bucket))


def _day_of(bucket: Bucket) -> date:
    return bucket.date() if isinstance(bucket, datetime) else bucket


def _marks(values: Sequence[float | None]) -> list[int]:
    """Size of each point's mark: of a long line only those that stand alone, which could not be seen otherwise."""
    if len(values) <= _MARKED:
        return [5] * len(values)
    around = [None, *values, None]
    alone = [left is None and right is None for left, right in zip(around, around[2:], strict=False)]
    return [5 if one else 0 for one in alone]


def _hover(measure: Measure, axis: str) -> str:
    return f"%{{fullData.name}}: {measure.prefix}%{{{axis}:,.{measure.decimals}f}} {measure.unit}<extra></extra>"


def _plain(name: str) -> str:
    """Names may come from people; Plotly reads tags."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


def _of_line(names: Sequence[str], one: Series, measure: Measure) -> str:
    known = [(value, name) for name, value in zip(names, one.values, strict=True) if value is not None]
    low, high, last = min(known, key=_first), max(known, key=_first), known[-1]
    said = {"name": one.name, "last": measure.said(last[0]), "last_at": last[1]}
    if len(known) == 1:
        return text("charts.summary.point", **said)
    ends = {"low": measure.said(low[0]), "low_at": low[1], "high": measure.said(high[0]), "high_at": high[1]}
    return text("charts.summary.line", **said, **ends)


def _first(pair: tuple[float, str]) -> float:
    return pair[0]


def _of_bars(names: Sequence[str], series: Sequence[Series], measure: Measure) -> str:
    sums = [sum(known) if (known := _known(series, n)) else None for n in range(len(names))]
    heights = [(height, name) for height, name in zip(sums, names, strict=True) if height is not None]
    if not heights:
        return ""
    high = max(heights, key=_first)
    total = measure.said(sum(height for height, _ in heights))
    said = text("charts.summary.total", total=total, high=measure.said(high[0]), high_at=high[1])
    parts = [
        text("charts.summary.parts", name=one.name, value=measure.said(sum(filter(None, one.values))))
        for one in series
        if any(one.values)
    ]
    return f"{said} {'; '.join(parts)}." if len(parts) > 1 else said


def _known(series: Iterable[Series], place: int) -> list[float]:
    return [value for one in series if (value := one.values[place]) is not None]


def _chart(
    figure: "Figure", buckets: Sequence[Bucket], series: Sequence[Series], said: str, caption: str
) -> Chart:
    gaps = sum(not _known(series, n) for n in range(len(buckets)))
    if gaps and said:
        said = f"{said} {text('charts.summary.gaps', n=number(gaps), all=number(len(buckets)))}"
    table = tuple(
        {text("charts.bucket"): bucket.isoformat(), **{one.key: one.values[n] for one in series}}
        for n, bucket in enumerate(buckets)
    )
    return Chart(figure, table, said or text("charts.empty"), caption, empty=not said)


def operation_name(operation: str) -> str:
    """What kind of work a call did, in Indonesian."""
    return catalogue().get(f"cost.operation.{operation}", operation.replace("_", " "))
