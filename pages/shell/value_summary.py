"""The measured side of the page of value: figures with their formulas, outcomes day by day, the report to hand in."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from pages.shell import charts, costs_state, value_state
from pages.shell.chart_card import chart_card
from pages.shell.downloads import download_button
from pages.shell.period import file_of, said
from pages.shell.plain import plain, plain_line
from pages.shell.value_formula import draw_formula
from pages.shell.value_scenario import chosen_scenarios
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import moment, number, percent
from sipd_core.periods import Period
from sipd_core.roi import Figure, Unit
from sipd_core.store.outcomes import Outcome
from sipd_core.texts import text
from sipd_core.value import COUNTED, MEMBERS, ValueReport
from sipd_core.value_exports import everything
from sipd_core.value_print import printable
from sipd_core.value_report import workbook
from sipd_core.value_words import label, shown

CARDS = ("net", "savings", "resolved_share", "satisfaction")
GROUPS = {
    "quality": ("resolved", "lost", "resolved_share", "confirmed_share", "escalated_share", "satisfaction", "adoption"),
    "money": ("minutes_saved", "time_savings", "ticket_savings", "savings", "model_costs", "running", "net"),
    "certain": ("minutes_confirmed", "net_confirmed"),
    "year": ("net_year", "roi_year", "payback_days"),
}
"""Computed figures by what they tell."""
_COSTS = Path(__file__).resolve().parents[1] / "biaya.py"


def draw(engine: BlockingEngine, report: ValueReport) -> None:
    """Everything measured in the period; an empty period says what will be here."""
    draw_agreement(report)
    st.caption(said(report.period))
    if not report.conversations:
        _empty()
        return
    _cards(report)
    _notes(report)
    _outcomes(report)
    _over_time(report)
    _times_and_reasons(report)
    _formulas(report)
    _reports(report)


def draw_agreement(report: ValueReport, *, way: bool = True) -> None:
    """Whether somebody has agreed to the assumptions, and the way to them unless they are here."""
    change = report.change
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if change is None:
            st.markdown(f":orange[:material/pending: {text('value.agreement.none')}]", width="content")
        else:
            agreed = plain_line(text("value.agreement.some", actor=change.actor, at=moment(change.at)))
            st.markdown(f":green[:material/check: {agreed}]", width="content")
        if way:
            st.button(
                text("value.agreement.open"),
                type="tertiary",
                icon=":material/tune:",
                key="value.open_assumptions",
                on_click=value_state.go,
                args=("assumptions",),
            )


def _cards(report: ValueReport) -> None:
    figures = {figure.name: figure for figure in report.worth}
    with st.grid(columns=4, min_column_width=210, gap="xsmall"):
        for name in CARDS:
            _card(figures[name], report)


def _card(figure: Figure, report: ValueReport) -> None:
    beside = None
    if figure.unit is Unit.RUPIAH:
        beside = shown((figure / Figure("", report.rate)).called("", Unit.USD))
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(label(figure), shown(figure), delta=beside, delta_color="off", delta_arrow="off")
        st.caption(plain(text(f"value.card.{figure.name}", **_card_words(report))))


def _card_words(report: ValueReport) -> dict[str, str]:
    measured = report.measured
    return {
        "confirmed": shown(report.worth.net_confirmed).replace("Rp ", "Rp\u00a0"),
        "minutes": shown(report.worth.minutes_saved),
        "resolved": shown(report.worth.resolved),
        "conversations": shown(measured.conversations),
        "helpful": shown(measured.helpful),
        "unhelpful": shown(measured.unhelpful),
    }


def _notes(report: ValueReport) -> None:
    if report.unknown_price_calls:
        st.warning(plain(text("value.unknown_note", n=number(report.unknown_price_calls))), icon=":material/help:")
        if st.button(text("value.agreement.prices"), type="tertiary", icon=":material/sell:", key="value.open_prices"):
            costs_state.go("tariffs")
            st.switch_page(_COSTS)


def _outcomes(report: ValueReport) -> None:
    """Each outcome with its share of all, what it means, and the way to its conversations."""
    st.subheader(text("value.heading.measured"), anchor=False)
    whole = report.tally.conversations
    with st.container(border=True, gap="xxsmall", key="value-outcomes"):
        for name in COUNTED:
            figure: Figure = getattr(report.measured, name)
            share = figure.value / whole if figure.value is not None and whole else None
            _outcome(name, text(f"value.definition.{name}"), number(figure.value), percent(share, 1))
        again = len(report.members("reopened_ever"))
        _outcome("reopened_ever", text("value.definition.reopened_ever"), number(again), "")
    st.caption(text("value.measured_note", n=number(whole), greetings=number(len(report.members("no_question")))))


def _outcome(name: str, meaning: str, count: str, share: str) -> None:
    with st.container(
        horizontal=True, wrap=False, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        st.markdown(f"{label(name)} {f'· **{share}**' if share else ''}", help=meaning)
        _open(name, count, "talks")


def _over_time(report: ValueReport) -> None:
    days = list(report.period)[: int(report.measured.days.value or 0)]
    counts = [Counter(one.outcome for one in of_day) for of_day in report.by_day(days)]
    series = [charts.Series(name, label(name), [of[Outcome(name)] if of else None for of in counts]) for name in COUNTED]
    chart = charts.stacked_bars(days, series, charts.Measure(text("value.chart.axis")))
    chart_card(text("value.chart.title"), chart, file_name=file_of("value.chart.file", report.period), key="value.by_day")


def _times_and_reasons(report: ValueReport) -> None:
    st.subheader(text("value.heading.times"), anchor=False)
    with st.grid(columns=4, min_column_width=180, gap="xsmall"):
        for figure in report.times:
            st.metric(label(figure), shown(figure), border=True, help=text(f"value.times_help.{figure.name}"))
    if report.reasons:
        named = {text(f"value.reason.{reason}"): float(count) for reason, count in report.reasons.items()}
        measure = charts.Measure(text("value.chart.axis"))
        chart = charts.ranked_bars(named, measure, column=text("value.chart.reason"), key="escalated")
        file = file_of("value.chart.reasons_file", report.period)
        chart_card(text("value.heading.reasons"), chart, file_name=file, key="value.reasons")


def _formulas(report: ValueReport) -> None:
    """Every figure, how it is computed, and the same with its numbers put in."""
    st.subheader(text("value.heading.formulas"), anchor=False)
    figures = {figure.name: figure for figure in (*report.worth, report.measured.model_costs)}
    for group, names in GROUPS.items():
        with st.expander(text(f"value.group.{group}"), expanded=group == "money"):
            for name in names:
                _formula(figures[name])


def _formula(figure: Figure) -> None:
    draw_formula(label(figure), figure, given=text("value.costs_note"))
    if figure.name in MEMBERS:
        _open(figure.name, number(figure.value), "formula")


def _open(name: str, count: str, place: str) -> None:
    """The way to the conversations behind a figure."""
    st.button(
        text("value.open_talks", n=count),
        type="tertiary",
        icon=":material/list:",
        key=f"value.{place}.{name}",
        on_click=value_state.show_talks,
        args=(name,),
    )


def _reports(report: ValueReport) -> None:
    st.subheader(text("value.heading.reports"), anchor=False)
    st.caption(text("value.reports_note"))
    scenarios = chosen_scenarios()
    with st.container(horizontal=True):
        _download(
            "xlsx",
            lambda: workbook(report, scenarios),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            report.period,
        )
        _download("print", partial(printable, report), "text/html", report.period)
        _download("data", partial(everything, report), "application/zip", report.period)


def _download(name: str, content: Callable[[], bytes], mime: str, period: Period) -> None:
    download_button(
        text(f"value.download.{name}"),
        content,
        file_name=file_of(f"value.file.{name}", period),
        mime=mime,
        icon=":material/download:",
        type="primary" if name == "xlsx" else "secondary",
        key=f"value.download.{name}",
        on_click="ignore",
    )


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f"**{text('value.empty.title')}**")
        st.write(text("value.empty.body"))
        st.button(
            text("value.empty.scenario"),
            icon=":material/calculate:",
            key="value.empty_scenario",
            on_click=value_state.go,
            args=("scenario",),
        )
