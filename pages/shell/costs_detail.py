"""The lines behind the summary: tokens a day, one line for each day, kind of work and model, and everything as files."""

from collections.abc import Callable

import streamlit as st

from pages.shell import charts, costs_charts, costs_state, costs_summary
from pages.shell.downloads import download_button
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import UNKNOWN, number, rupiah, short_day, usd
from sipd_core.periods import Period
from sipd_core.spending import files
from sipd_core.spending.report import SpendingReport
from sipd_core.spending.room import Spending
from sipd_core.texts import text
from sipd_core.usage import UsageTotal

_WIDTHS = {
    "day": 62,
    "operation": 162,
    "model": 190,
    "cost": 146,
    "rupiah": 88,
    "calls": 76,
    "prompt": 72,
    "cached": 58,
    "completion": 66,
    "unfinished": 52,
}
"""Columns of the table and their width in pixels; all of them fit beside the menu of a usual screen."""
_WORDS = frozenset(("day", "operation", "model"))
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw(engine: BlockingEngine) -> None:
    """Tokens, lines and files of one period."""
    spending = engine.spending
    period = costs_state.period(spending)
    report = spending.report(period)
    if not report.totals:
        costs_summary.draw_empty()
        return
    _draw_tokens(report)
    costs_charts.draw_tokens(report)
    _draw_table(report)
    _draw_files(spending, report, period)


def _draw_tokens(report: SpendingReport) -> None:
    with st.grid(columns=3, min_column_width=180, gap="xsmall"):
        for name in ("prompt", "cached", "completion"):
            explanation = text("cost.tokens.cached_help") if name == "cached" else None
            counted = number(getattr(report.tokens, name))
            st.metric(text(f"cost.tokens.{name}"), counted, border=True, help=explanation)


def _draw_table(report: SpendingReport) -> None:
    st.subheader(text("cost.table.heading"), anchor=False)
    newest_first = sorted(report.totals, key=lambda total: total.day, reverse=True)
    names = {name: text(f"cost.table.{name}") for name in _WIDTHS}
    st.dataframe(
        [dict(zip(names.values(), _shown(total, report), strict=True)) for total in newest_first],
        hide_index=True,
        width="stretch",
        column_config={
            said: st.column_config.TextColumn(width=_WIDTHS[name], alignment="left" if name in _WORDS else "right")
            for name, said in names.items()
        },
    )
    estimated = sum(total.estimated_calls for total in report.totals)
    more = f" {text('cost.table.estimates', n=number(estimated))}" if estimated else ""
    st.caption(text("cost.table.legend") + more)


def _shown(total: UsageTotal, report: SpendingReport) -> tuple[str, ...]:
    counted = (lambda n: text("cost.table.estimated", n=number(n))) if total.estimated_calls else number
    known = total.unknown_price_calls < total.calls
    return (
        short_day(total.day),
        charts.operation_name(total.operation),
        total.model,
        _cost(total),
        rupiah(total.cost_usd * report.rates.on(total.day)) if known else UNKNOWN,
        number(total.calls),
        counted(total.prompt_tokens),
        number(total.cached_tokens),
        counted(total.completion_tokens),
        number(total.failed_calls),
    )


def _cost(total: UsageTotal) -> str:
    if total.unknown_price_calls:
        if not total.cost_usd:
            return text("cost.unknown.price")
        return text("cost.unknown.part", cost=usd(total.cost_usd), n=number(total.unknown_price_calls))
    return usd(total.cost_usd) if total.cost_usd or not total.tokens else text("cost.table.free")


def _draw_files(spending: Spending, report: SpendingReport, period: Period) -> None:
    """Each file is made when it is wanted, in a thread of its own."""
    st.markdown(f"**{text('cost.file.heading')}**")
    st.caption(text("cost.file.help"))
    with st.container(horizontal=True):
        _download("totals", "text/csv", period, lambda: files.totals_csv(report))
        _download("calls", "text/csv", period, lambda: files.calls_csv(spending.calls(period), report.rates))
        _download("workbook", XLSX, period, lambda: files.workbook(spending, period))
        _download("json", "application/json", period, lambda: files.json_report(report))


def _download(name: str, mime: str, period: Period, content: Callable[[], bytes]) -> None:
    days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    download_button(
        text(f"cost.file.{name}"),
        content,
        file_name=text(f"cost.file.{name}_name", **days),
        mime=mime,
        icon=":material/download:",
        key=f"cost.file.{name}",
        help=text("cost.file.workbook_help", n=number(files.CALLS_IN_WORKBOOK)) if name == "workbook" else None,
        on_click="ignore",
    )
