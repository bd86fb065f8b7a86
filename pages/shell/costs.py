"""The figures of the cost page, drawn: sums in two currencies, budgets, daily bars, and the table behind them."""

from decimal import Decimal

import streamlit as st

from pages.shell import charts
from pages.shell.downloads import csv_bytes
from sipd_core.locale_id import day, number, rupiah, usd
from sipd_core.texts import text
from sipd_core.usage import CostReport, UsageTotal

_COLUMNS = ("day", "operation", "model", "calls", "tokens", "cost", "unknown")


def draw_summary(report: CostReport) -> None:
    """Today, this month and the period, each in dollars with rupiah beneath; says plainly when nothing costs money."""
    if not report.total_cost and not report.month_usd and not report.unknown_price_calls:
        st.success(f"**{text('cost.free')}** {text('cost.free_body')}", icon=":material/savings:")
    with st.grid(columns=4, min_column_width=170, gap="xsmall"):
        _money(text("cost.metric.today"), report.today_usd, report)
        _money(text("cost.metric.month"), report.month_usd, report)
        _money(text("cost.metric.period", n=number(report.period_days)), report.total_cost, report)
        tokens = text("cost.metric.tokens", n=number(report.period_days))
        st.metric(tokens, number(report.total_tokens), border=True, height="stretch")
    st.caption(text("cost.metric.rate", rate=rupiah(report.usd_idr)))
    if report.unknown_price_calls:
        st.warning(text("cost.unknown.note", n=number(report.unknown_price_calls)), icon=":material/help:")


def draw_budgets(report: CostReport) -> None:
    """How much of each budget is used; nothing when none is set."""
    budgets = (
        ("daily", report.today_usd, report.daily_budget_usd),
        ("monthly", report.month_usd, report.monthly_budget_usd),
    )
    for name, spent, budget in budgets:
        if budget:
            label = text(f"cost.budget.{name}", spent=usd(spent), budget=usd(budget))
            over = f" :red-badge[{text('cost.budget.over')}]" if spent > budget else ""
            st.progress(min(float(spent / budget), 1.0), text=label + over)


def draw_days(report: CostReport) -> None:
    """Tokens a day, and money a day when there is any."""
    st.subheader(text("cost.chart.tokens"), anchor=False)
    tokens = charts.daily_bars(report.totals, _tokens, "cost.chart.hover_tokens", text("cost.chart.axis_tokens"))
    st.plotly_chart(tokens, config=charts.CONFIG, key="cost.tokens", alt=text("cost.chart.alt_tokens"))
    if report.total_cost:
        st.subheader(text("cost.chart.cost"), anchor=False)
        money = charts.daily_bars(report.totals, _dollars, "cost.chart.hover_cost", text("cost.chart.axis_cost"))
        st.plotly_chart(money, config=charts.CONFIG, key="cost.money", alt=text("cost.chart.alt_cost"))


def draw_table(report: CostReport) -> None:
    """One line for each day, kind of work and model, newest first, and the same as a file."""
    st.subheader(text("cost.table.heading"), anchor=False)
    newest_first = sorted(report.totals, key=lambda total: total.day, reverse=True)
    names = [text(f"cost.table.{name}") for name in _COLUMNS]
    st.dataframe(
        [dict(zip(names, _shown(total), strict=True)) for total in newest_first], hide_index=True, width="stretch"
    )
    st.download_button(
        text("cost.table.download"),
        csv_bytes([*_COLUMNS[:5], "cost_usd", "unknown_price_calls"], [_exact(total) for total in newest_first]),
        file_name=text("cost.table.file"),
        mime="text/csv",
        icon=":material/download:",
        key="cost.download",
        on_click="ignore",
    )


def draw_empty() -> None:
    """Nothing was used in this period."""
    with st.container(border=True):
        st.markdown(f"**{text('cost.empty')}**")
        st.write(text("cost.empty_body"))


def _money(label: str, amount: Decimal, report: CostReport) -> None:
    st.metric(
        label, usd(amount), delta=rupiah(amount * report.usd_idr), delta_color="off", delta_arrow="off", border=True
    )


def _tokens(total: UsageTotal) -> float:
    return float(total.tokens)


def _dollars(total: UsageTotal) -> float:
    return float(total.cost_usd)


def _shown(total: UsageTotal) -> tuple[str, ...]:
    return (
        day(total.day),
        charts.operation_name(total.operation),
        total.model,
        number(total.calls),
        number(total.tokens),
        usd(total.cost_usd),
        number(total.unknown_price_calls),
    )


def _exact(total: UsageTotal) -> tuple[object, ...]:
    return (
        total.day.isoformat(),
        total.operation,
        total.model,
        total.calls,
        total.tokens,
        total.cost_usd,
        total.unknown_price_calls,
    )
