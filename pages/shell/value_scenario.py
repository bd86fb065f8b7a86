"""What a help desk would save under other suppositions: the planning document's table, or a year like the one measured."""

from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal

import streamlit as st

from pages.shell import charts
from pages.shell.chart_card import chart_card
from pages.shell.value_formula import draw_formula
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import rupiah, usd
from sipd_core.roi import (
    SOURCE,
    Figure,
    Scenario,
    ScenarioResult,
    Unit,
    swings,
    unit_of,
    work_out,
)
from sipd_core.texts import text
from sipd_core.value import ValueReport, supposed_year
from sipd_core.value_words import shown

_SPREAD = "value.scenario.spread"
_ROUND = "value.scenario.round"
_KEPT, _KEPT_SPREAD = "value.scenario.kept", "value.scenario.kept_spread"
_USUAL_SPREAD = 25
"""Percent by which what is uncertain is taken less and more."""
THOUSAND = 1_000
"""Axes in thousands of dollars: longer figures run into each other on a phone."""


def draw(_engine: BlockingEngine, report: ValueReport) -> None:
    """The suppositions to play with, what they come to low, as expected and high, and what matters most."""
    st.caption(text("value.scenario.note"))
    _presets(report)
    _inputs()
    sides = chosen_scenarios()
    results = [work_out(side) for side in sides]
    _cards([result.roi for result in results], results[1].net, report)
    _table(results)
    _swings(sides, results[1].net)
    with st.expander(text("value.scenario.formulas"), expanded=True):
        for figure in results[1]:
            draw_formula(text(f"value.scenario.{figure.name}"), figure)


def chosen_scenarios() -> tuple[Scenario, Scenario, Scenario]:
    """(low, expected, high) as this browser has them; the planning document's until somebody changes them."""
    expected = _kept()
    low, high = expected.spread(Decimal(int(st.session_state.get(_KEPT_SPREAD, _USUAL_SPREAD))) / 100)
    return low, expected, high


def _kept() -> Scenario:
    kept: Scenario | None = st.session_state.get(_KEPT)
    return kept or SOURCE


def _presets(report: ValueReport) -> None:
    with st.container(horizontal=True):
        st.button(
            text("value.scenario.from_source"),
            icon=":material/description:",
            key="value.scenario.source",
            on_click=_put,
            args=(SOURCE,),
        )
        year = supposed_year(report)
        st.button(
            text("value.scenario.from_measured"),
            icon=":material/query_stats:",
            key="value.scenario.measured",
            disabled=year is None,
            help=text("value.scenario.from_measured_help"),
            on_click=_put,
            args=(year,),
        )


def _put(scenario: Scenario) -> None:
    """The inputs begin anew: a browser sends what it shows, and would put the figures of before in the place of these."""
    st.session_state[_KEPT] = scenario
    st.session_state[_ROUND] = _round() + 1


def _round() -> int:
    return int(st.session_state.get(_ROUND, 0))


def _key(name: str) -> str:
    return f"value.scenario.input.{name}.{_round()}"


def _inputs() -> None:
    kept = _kept()
    with st.grid(columns=3, min_column_width=220, gap="small"):
        for field in fields(Scenario):
            unit = unit_of(field.name, Unit.USD)
            value = getattr(kept, field.name) * (100 if unit is Unit.SHARE else 1)
            st.number_input(
                text(f"value.scenario.input.{field.name}"),
                min_value=1.0 if field.name == "days" else 0.0,
                max_value=100.0 if unit is Unit.SHARE else 1e9,
                value=float(value),
                step=1.0,
                format="%.0f" if value == value.to_integral_value() else "%.2f",
                key=_key(field.name),
                on_change=_changed,
                args=(field.name, unit),
            )
    st.slider(
        text("value.scenario.spread"),
        0,
        90,
        int(st.session_state.get(_KEPT_SPREAD, _USUAL_SPREAD)),
        5,
        format="±%d%%",
        help=text("value.scenario.spread_help"),
        key=_SPREAD,
        on_change=_spread_changed,
    )


def _changed(name: str, unit: Unit) -> None:
    """What was not touched keeps its exact value, which an input shows rounded."""
    typed = st.session_state.get(_key(name))
    if typed is not None:
        value = Decimal(str(typed)) / (100 if unit is Unit.SHARE else 1)
        st.session_state[_KEPT] = replace(_kept(), **{name: value})


def _spread_changed() -> None:
    st.session_state[_KEPT_SPREAD] = st.session_state[_SPREAD]


def _cards(rois: Sequence[Figure], net: Figure, report: ValueReport) -> None:
    with st.grid(columns=4, min_column_width=190, gap="xsmall"):
        with st.container(border=True, height="stretch"):
            beside = None if net.value is None else rupiah(net.value * report.rate)
            st.metric(text("value.scenario.net"), shown(net), delta=beside, delta_color="off", delta_arrow="off")
        for side, roi in zip(("low", "expected", "high"), rois, strict=True):
            with st.container(border=True, height="stretch"):
                st.metric(text("value.scenario.roi_side", side=text(f"value.scenario.{side}")), shown(roi))


def _table(results: Sequence[ScenarioResult]) -> None:
    """The three sides beside each other."""
    names = [text(f"value.scenario.{side}") for side in ("low", "expected", "high")]
    rows = [
        {
            text("value.report.figure"): text(f"value.scenario.{figures[0].name}"),
            **{name: shown(figure) for name, figure in zip(names, figures, strict=True)},
        }
        for figures in zip(*results, strict=True)
    ]
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(rows, hide_index=True, width="stretch", column_config=dict.fromkeys(names, right))


def _swings(sides: tuple[Scenario, Scenario, Scenario], net: Figure) -> None:
    """How far the net moves from what is expected when one supposition alone does."""
    found = swings(*sides)
    if not found:
        return
    figure = charts.blank(height=90 + 38 * len(found))
    names = [text(f"value.scenario.{swing.name}") for swing in found]
    ends = [(float(swing.low or 0), float(swing.high or 0)) for swing in found]
    figure.add_bar(
        y=names,
        x=[(high - low) / THOUSAND for low, high in ends],
        base=[low / THOUSAND for low, _ in ends],
        customdata=[[usd(low), usd(high)] for low, high in ends],
        orientation="h",
        marker={"color": charts.colour_of("total")},
        hovertemplate=text("value.scenario.swing_hover"),
    )
    figure.add_vline(x=float(net.value or 0) / THOUSAND, line={"color": charts.colour_of("p95"), "dash": "dot", "width": 2})
    figure.update_layout(showlegend=False, hovermode="closest", bargap=0.35)
    figure.update_xaxes(
        title=text("value.scenario.swing_axis"), tickformat=",~f", nticks=4, tickangle=0, fixedrange=True
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, automargin=True)
    table = [
        {"asumsi": name, "nilai_bersih_rendah": low, "nilai_bersih_tinggi": high}
        for name, (low, high) in zip(names, ends, strict=True)
    ]
    said = [
        text("value.scenario.swing", name=name, low=usd(low), high=usd(high))
        for name, (low, high) in zip(names, ends, strict=True)
    ]
    chart = charts.Chart(figure, tuple(table), " ".join(said))
    chart_card(
        text("value.scenario.swings"),
        chart,
        file_name=text("value.scenario.swings_file"),
        key="value.swings",
        help=text("value.scenario.swings_help"),
    )
