"""The charts of the cost page: money and tokens a day, stacked by kind of work or by model."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import streamlit as st

from pages.shell import charts
from pages.shell.chart_card import chart_card
from pages.shell.period import file_of
from sipd_core.locale_id import rupiah, usd
from sipd_core.spending.report import SpendingReport, daily
from sipd_core.texts import text
from sipd_core.usage import UsageTotal

KEYS: Mapping[str, Callable[[UsageTotal], str]] = {
    "operation": lambda total: total.operation,
    "model": lambda total: total.model,
}
TOKENS = charts.Measure(text("cost.chart.tokens_unit"), unit=text("cost.chart.tokens_unit"))


def draw_cost(report: SpendingReport) -> None:
    """Money a day in either currency; nothing where nothing was paid."""
    if not report.whole.usd:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = _choice("by", tuple(KEYS))
        currency = _choice("currency", ("usd", "idr"))
    in_rupiah = currency == "idr"

    def amount(total: UsageTotal) -> Decimal:
        return total.cost_usd * report.rates.on(total.day) if in_rupiah else total.cost_usd

    title, file = text(f"cost.chart.cost_{currency}"), file_of(f"cost.chart.file_{currency}", report.period)
    _draw("cost.money", report, by, amount, _measure(currency, report), title, file)


def draw_tokens(report: SpendingReport) -> None:
    """Tokens a day by kind of work."""
    file = file_of("cost.chart.file_tokens", report.period)
    _draw("cost.tokens", report, "operation", lambda total: total.tokens, TOKENS, text("cost.chart.tokens"), file)


def _draw(
    key: str,
    report: SpendingReport,
    by: str,
    value: Callable[[UsageTotal], Decimal | int],
    measure: charts.Measure,
    title: str,
    file: str,
) -> None:
    days, values = list(report.period), daily(report, KEYS[by], value)
    named = charts.operation_name if by == "operation" else str
    series = [charts.Series(name, named(name), _floats(line)) for name, line in values.items()]
    table = [
        {text("charts.bucket"): day.isoformat(), **{name: _exact(line[n]) for name, line in values.items()}}
        for n, day in enumerate(days)
    ]
    chart_card(title, charts.stacked_bars(days, series, measure), file_name=file, key=key, table=table)


def _measure(currency: str, report: SpendingReport) -> charts.Measure:
    """Rupiah whole, dollars with as many decimals as the days need to be told apart."""
    if currency == "idr":
        decimals = 0 if report.whole.idr >= 100 * report.period.days else 2
        return charts.Measure(text("cost.chart.idr"), said=rupiah, prefix="Rp ", decimals=decimals)
    decimals = 2 if report.whole.usd >= report.period.days else 6
    return charts.Measure(text("cost.chart.usd"), said=usd, prefix="US$ ", decimals=decimals)


def _floats(values: tuple[Decimal | int | None, ...]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _exact(value: Decimal | int | None) -> str | int | None:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _choice(name: str, options: tuple[str, ...]) -> str:
    chosen: str | None = st.segmented_control(
        text(f"cost.chart.{name}"),
        options,
        default=options[0],
        required=True,
        format_func=lambda option: text(f"cost.chart.{name}_{option}"),
        key=f"cost.chart.{name}",
    )
    return chosen or options[0]
