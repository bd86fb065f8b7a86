"""How charts are laid out, as plain values: a figure that is made of them at once costs a tenth of one that is built up."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pages.shell.chart_values import Bucket, Measure
from sipd_core.locale_id import short_day

HEIGHT = 300
_TICKS = 6
"""Labels of the time axis at most: so many fit a telephone's screen."""
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}

Layout = dict[str, Any]
"""As Plotly wants it."""


def plain_layout(height: int = HEIGHT) -> Layout:
    """What all charts have in common; the theme's template is the default of every figure."""
    return {
        "height": height,
        "margin": dict(_MARGIN),
        "separators": ",.",
        "hovermode": "x unified",
        "legend": {
            "orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "traceorder": "normal",
        },
    }  # fmt: skip


def over_time(buckets: Sequence[Bucket], names: Sequence[str], measure: Measure, *, legend: bool) -> Layout:
    """Buckets along the bottom, each with its place, values from zero."""
    ticks = _ticks(buckets)
    one_day = len({_day_of(bucket) for bucket in buckets}) == 1
    return plain_layout() | {
        "showlegend": legend,
        "margin": _MARGIN | {"t": 28},
        "xaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(names),
            "range": [-0.5, max(len(names) - 0.5, 0.5)],
            "tickmode": "array",
            "tickvals": [names[n] for n in ticks],
            "ticktext": [_tick(buckets[n], one_day) for n in ticks],
            "tickangle": 0,
            "fixedrange": True,
        },
        "yaxis": {
            "rangemode": "tozero",
            # Without a format of ours, small values get letters (600µ) that nobody here reads.
            "tickformat": f",.{measure.decimals}~f" if measure.decimals else ",",
            "nticks": 6,
            "fixedrange": True,
            "automargin": True,
        },
        # Above the axis, lying: beside it a long title is cut off on a small screen, and costs width.
        "annotations": [
            {
                "text": escaped(measure.title), "xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left",
                "yanchor": "bottom", "showarrow": False, "yshift": 6,
            }
        ],
    }  # fmt: skip


def lying(measure: Measure, longest: float, *, height: int) -> Layout:
    """Of bars that lie: from zero, with room for the number behind the longest."""
    few = measure.decimals == 0 and longest <= 5
    return plain_layout(height) | {
        "showlegend": False,
        "hovermode": "closest",
        "bargap": 0.3,
        "xaxis": {
            "range": [0, longest * 1.35 or 1],
            "title": {"text": measure.title},
            "tickformat": ",",
            "nticks": 5,
            "dtick": 1 if few else None,
            "fixedrange": True,
            "automargin": True,
        },
        "yaxis": {"autorange": "reversed", "type": "category", "fixedrange": True, "automargin": True},
    }


def escaped(name: str) -> str:
    """Names may come from people; Plotly reads tags."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


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
