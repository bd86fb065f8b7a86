"""The figures of the cost page, drawn: sums in two currencies, budgets, daily bars, and the table behind them."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import streamlit as st

from pages.shell import charts
from pages.shell.downloads import csv_bytes
from sipd_core.locale_id import UNKNOWN, number, rupiah, short_day, usd
from sipd_core.store.ledger import EXPORTED, exported
from sipd_core.texts import text
from sipd_core.usage import JAKARTA, CallRecord, CostReport, UsageTotal

_WIDTHS = {
    "day": 62,
    "operation": 162,
    "model": 228,
    "cost": 146,
    "calls": 76,
    "prompt": 72,
    "cached": 58,
    "completion": 66,
    "unfinished": 52,
    "retries": 52,
}
"""Columns of the table and their width in pixels; all of them fit beside the menu of a usual screen."""
_WORDS = frozenset(("day", "operation", "model"))
CALL_COLUMNS = (
    "time",
    "operation",
    "model",
    "texts",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "estimated",
    "cost_usd",
    "latency_ms",
    "retries",
    "outcome",
    "conversation",
    "request_id",
)
"""Of the file that holds every call: all that its figures, and those of the page, can be computed from anew."""


def draw_summary(report: CostReport) -> None:
    """Today, this month and the period, each in dollars with rupiah beneath; says plainly when nothing costs money."""
    unknown = max(report.unknown_price_calls, report.unknown_price_month)
    if not report.total_cost and not report.month_usd and not unknown:
        st.success(f"**{text('cost.free')}** {text('cost.free_body')}", icon=":material/savings:")
    with st.grid(columns=4, min_column_width=210, gap="xsmall"):
        _money(text("cost.metric.today"), report.today_usd, report.unknown_price_today, report.usd_idr)
        _money(text("cost.metric.month"), report.month_usd, report.unknown_price_month, report.usd_idr)
        period = text("cost.metric.period", n=number(report.period_days))
        _money(period, report.total_cost, report.unknown_price_calls, report.usd_idr)
        tokens = text("cost.metric.tokens", n=number(report.period_days))
        with st.container(border=True, height="stretch", gap="xxsmall"):
            st.metric(tokens, number(report.total_tokens))
    st.caption(text("cost.metric.rate", rate=rupiah(report.usd_idr)))
    if unknown:
        st.warning(text("cost.unknown.note", n=number(unknown)), icon=":material/help:")


def draw_budgets(report: CostReport) -> None:
    """How much of each budget is used; nothing when none is set."""
    budgets = (
        ("daily", report.today_usd, report.daily_budget_usd, report.unknown_price_today),
        ("monthly", report.month_usd, report.monthly_budget_usd, report.unknown_price_month),
    )
    for name, spent, budget, unknown in budgets:
        if budget is None:
            continue
        label = text(f"cost.budget.{name}", spent=usd(spent), budget=usd(budget))
        missing = f" ({text('cost.unknown.left_out', n=number(unknown))})" if unknown else ""
        over = f" :red-badge[{text('cost.budget.over')}]" if spent > budget else ""
        st.progress(min(float(spent / budget), 1.0) if budget else 1.0, text=label + missing + over)


def draw_days(report: CostReport) -> None:
    """Tokens a day, and money a day when there is any."""
    st.subheader(text("cost.chart.tokens"), anchor=False)
    tokens = charts.daily_bars(report.totals, _tokens, "cost.chart.hover_tokens", text("cost.chart.axis_tokens"))
    st.plotly_chart(tokens, config=charts.CONFIG, key="cost.tokens", alt=text("cost.chart.alt_tokens"))
    if report.total_cost:
        st.subheader(text("cost.chart.cost"), anchor=False)
        money = charts.daily_bars(report.totals, _dollars, "cost.chart.hover_cost", text("cost.chart.axis_cost"))
        st.plotly_chart(money, config=charts.CONFIG, key="cost.money", alt=text("cost.chart.alt_cost"))


def draw_table(report: CostReport, calls: Callable[[], Iterable[CallRecord]]) -> None:
    """One line for each day, kind of work and model, newest first; the same, and every single call, as files.

    `calls` is asked only when its file is wanted, in a thread of its own.
    """
    st.subheader(text("cost.table.heading"), anchor=False)
    newest_first = sorted(report.totals, key=lambda total: total.day, reverse=True)
    names = {name: text(f"cost.table.{name}") for name in _WIDTHS}
    st.dataframe(
        [dict(zip(names.values(), _shown(total), strict=True)) for total in newest_first],
        hide_index=True,
        width="stretch",
        column_config={
            shown: st.column_config.TextColumn(width=_WIDTHS[name], alignment="left" if name in _WORDS else "right")
            for name, shown in names.items()
        },
    )
    st.caption(_legend(report))
    with st.container(horizontal=True):
        _download("download", "file", lambda: csv_bytes(EXPORTED, map(exported, newest_first)))
        _download("download_calls", "file_calls", lambda: calls_csv(calls()))


def draw_empty() -> None:
    """Nothing was used in this period."""
    with st.container(border=True):
        st.markdown(f"**{text('cost.empty')}**")
        st.write(text("cost.empty_body"))


def calls_csv(calls: Iterable[CallRecord]) -> bytes:
    """One line a call, oldest first; an unknown price is an empty cell, and money is never written with an exponent."""
    return csv_bytes(CALL_COLUMNS, map(_call, calls))


def _download(label: str, file: str, content: Callable[[], bytes]) -> None:
    st.download_button(
        text(f"cost.table.{label}"),
        content,
        file_name=text(f"cost.table.{file}"),
        mime="text/csv",
        icon=":material/download:",
        key=f"cost.{label}",
        on_click="ignore",
    )


def _legend(report: CostReport) -> str:
    estimated = sum(total.estimated_calls for total in report.totals)
    lines = [text("cost.table.legend")]
    if estimated:
        lines.append(text("cost.table.estimates", n=number(estimated)))
    return " ".join(lines)


def _money(label: str, amount: Decimal, unknown: int, usd_idr: Decimal) -> None:
    """A sum that lacks calls is a lower bound, and no figure at all when it lacks them all."""
    known = usd(amount) if not unknown else text("cost.metric.at_least", cost=usd(amount)) if amount else UNKNOWN
    in_rupiah = rupiah(amount * usd_idr) if amount or not unknown else UNKNOWN
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(label, known, delta=in_rupiah, delta_color="off", delta_arrow="off")
        if unknown:
            st.caption(text("cost.unknown.left_out", n=number(unknown)))


def _tokens(total: UsageTotal) -> float:
    return float(total.tokens)


def _dollars(total: UsageTotal) -> float:
    return float(total.cost_usd)


def _shown(total: UsageTotal) -> tuple[str, ...]:
    counted = (lambda n: text("cost.table.estimated", n=number(n))) if total.estimated_calls else number
    return (
        short_day(total.day),
        charts.operation_name(total.operation),
        total.model,
        _cost(total),
        number(total.calls),
        counted(total.prompt_tokens),
        number(total.cached_tokens),
        counted(total.completion_tokens),
        number(total.failed_calls),
        number(total.retries),
    )


def _cost(total: UsageTotal) -> str:
    if total.unknown_price_calls:
        if not total.cost_usd:
            return text("cost.unknown.price")
        return text("cost.unknown.part", cost=usd(total.cost_usd), n=number(total.unknown_price_calls))
    return usd(total.cost_usd) if total.cost_usd or not total.tokens else text("cost.table.free")


def _call(call: CallRecord) -> tuple[object, ...]:
    return (
        call.at.astimezone(JAKARTA).isoformat(timespec="milliseconds"),
        call.operation,
        call.model,
        call.texts,
        call.usage.prompt,
        call.usage.cached,
        call.usage.completion,
        int(call.usage.estimated),
        "" if call.cost_usd is None else f"{call.cost_usd:f}",
        round(call.latency_ms, 1),
        call.retries,
        call.outcome.value,
        call.conversation or "",
        call.request_id or "",
    )
