"""The chart of the lab: what each part gave to the order of the cases."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pages.shell import charts
from sipd_core.texts import text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]


def contributions(places: Sequence[int], parts: Mapping[str, Sequence[float]]) -> "Figure":
    """What each part gave to the order of the cases, one stacked bar a case, the best on top."""
    figure = charts.blank()
    names = [f"{place}." for place in places]
    for name, values in parts.items():
        hover = text("laboratory.try.chart_hover", name=name)
        figure.add_bar(y=names, x=list(values), name=name, orientation="h", hovertemplate=hover)
    figure.update_layout(
        barmode="relative", bargap=0.25, hovermode="closest", height=90 + 24 * len(names), showlegend=True
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True)
    figure.update_xaxes(title=text("laboratory.try.chart_axis"), tickformat=",.2~f", zeroline=True, fixedrange=True)
    return figure
