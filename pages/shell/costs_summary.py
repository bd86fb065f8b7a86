"""The summary of what was spent: sums in two currencies, budgets, the month's end, a chart, and what lies behind them."""

from decimal import Decimal

import streamlit as st

from pages.shell import costs_charts, costs_state
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import UNKNOWN, number, percent, rupiah, usd
from sipd_core.spending.report import FEWEST_DAYS, Gauge, Level, Money, PerConversation, Saving, SpendingReport
from sipd_core.texts import text

_COLOURS = {Level.FINE: "green", Level.NEAR: "orange", Level.OVER: "red"}
THOUSAND, MILLION = 1_000, 1_000_000


def draw(engine: BlockingEngine) -> None:
    """Everything a manager asks first, for one period."""
    report = engine.spending.report(costs_state.period(engine.spending))
    _draw_notices(report)
    _draw_sums(report)
    _draw_budgets(report)
    if not report.totals:
        draw_empty()
        return
    costs_charts.draw_cost(report)
    _draw_conversations(report.per_conversation)
    _draw_savings(report)


def draw_empty() -> None:
    """Nothing was used in this period."""
    with st.container(border=True):
        st.markdown(f"**{text('cost.empty')}**")
        st.write(text("cost.empty_body"))


def shown(amount: Money | None) -> str:
    """US dollars; a sum that lacks calls is a lower bound, and no figure at all when it lacks them all."""
    return UNKNOWN if amount is None or not amount.is_known else _bounded(usd(amount.usd), amount)


def shown_rupiah(amount: Money | None) -> str:
    """The same in rupiah."""
    return UNKNOWN if amount is None or not amount.is_known else _bounded(rupiah(amount.idr), amount)


def _bounded(said: str, amount: Money) -> str:
    return text("cost.metric.at_least", cost=said) if amount.unknown_calls else said


def _draw_notices(report: SpendingReport) -> None:
    whole, month = report.whole, report.month
    if report.totals and not (whole.usd or month.usd or whole.unknown_calls or month.unknown_calls):
        st.success(f"**{text('cost.free')}** {text('cost.free_body')}", icon=":material/savings:")
    if whole.unknown_calls:
        with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            note = text("cost.unknown.note", n=number(whole.unknown_calls))
            st.markdown(f":orange[:material/help:] {note}", width="content")
            st.button(
                text("cost.unknown.go"),
                icon=":material/sell:",
                key="cost.unknown.go",
                on_click=costs_state.go,
                args=("tariffs",),
            )


def _draw_sums(report: SpendingReport) -> None:
    projection = report.projection
    with st.grid(columns=4, min_column_width=200, gap="xsmall"):
        _money("today", report.today)
        _money("month", report.month)
        foretold = Money(projection.usd, projection.idr, 0, projection.unknown_calls) if projection else None
        _money("projected", foretold, _formula(report))
        _money("period", report.whole)
    rate = text(f"cost.metric.{'rate_mixed' if report.mixed_rates else 'rate'}", rate=rupiah(report.rate_today))
    st.caption(plain(rate))


def _money(name: str, amount: Money | None, explanation: str | None = None) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        label = text(f"cost.metric.{name}")
        st.metric(label, shown(amount), delta=shown_rupiah(amount), delta_color="off", delta_arrow="off", help=explanation)
        if amount is not None and amount.unknown_calls:
            st.caption(text("cost.unknown.left_out", n=number(amount.unknown_calls)))


def _formula(report: SpendingReport) -> str:
    """How the month's end is foretold, with its numbers put in."""
    found = report.projection
    if found is None:
        return text("cost.projection.none", days=number(FEWEST_DAYS))
    today = max(found.today.usd, found.average.usd)
    parts = {"past": found.past.usd, "today": today, "average": found.average.usd, "total": found.usd}
    said = {name: usd(amount) for name, amount in parts.items()}
    return plain(text("cost.projection.formula", days=number(found.window), left=number(found.days_left), **said))


def _draw_budgets(report: SpendingReport) -> None:
    """How much of each budget is used, and whether the month will end within its own."""
    if not report.gauges:
        st.caption(plain(text("cost.budget.none")))
        return
    with st.container(border=True):
        st.markdown(f"**{text('cost.budget.heading')}**")
        for gauge in report.gauges:
            _draw_gauge(gauge)
        st.caption(text("cost.budget.limits"))


def _draw_gauge(gauge: Gauge) -> None:
    said = text(
        f"cost.budget.{gauge.name}",
        spent=usd(gauge.spent.usd),
        budget=usd(gauge.budget),
        share=percent(gauge.share) if gauge.budget else UNKNOWN,
    )
    level = text(f"cost.budget.{gauge.level}")
    missing = gauge.spent.unknown_calls
    left_out = f" ({text('cost.unknown.left_out', n=number(missing))})" if missing else ""
    badge = f":{_COLOURS[gauge.level]}-badge[{level}]"
    st.progress(min(float(gauge.share), 1.0), text=f"{plain_line(said)}{left_out} {badge}")
    if gauge.will_be_over:
        st.markdown(f":orange[:material/warning:] {plain_line(_over(gauge))}")


def _over(gauge: Gauge) -> str:
    return text("cost.budget.will_be_over", projected=usd(gauge.projected))


def _draw_conversations(found: PerConversation) -> None:
    st.markdown(f"**{text('cost.conversation.heading')}**", help=text("cost.conversation.help"))
    with st.grid(columns=2, min_column_width=260, gap="xsmall"):
        for name, each, number_of in (
            ("each", found.each, found.conversations),
            ("each_resolved", found.each_resolved, found.resolved),
        ):
            _draw_each(name, each, number_of, found.answering)


def _draw_each(name: str, each: Money | None, number_of: int, answering: Money) -> None:
    suffix = name.removeprefix("each")
    below = text(f"cost.conversation.none{suffix}")
    if number_of:
        below = text(f"cost.conversation.formula{suffix}", answering=shown(answering), n=number(number_of))
    with st.container(border=True, height="stretch", gap="xxsmall"):
        label, idr = text(f"cost.conversation.{name}"), shown_rupiah(each)
        st.metric(label, shown(each), delta=idr, delta_color="off", delta_arrow="off")
        st.caption(plain(below))


def _draw_savings(report: SpendingReport) -> None:
    st.markdown(f"**{text('cost.saving.heading')}**")
    with st.grid(columns=3, min_column_width=240, gap="xsmall"):
        for saving in report.savings:
            _draw_saving(saving, report.rate_today)


def _draw_saving(saving: Saving, rate: Decimal) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        below = UNKNOWN if saving.usd is None else rupiah(saving.usd * rate)
        label = text(f"cost.saving.{saving.name}")
        st.metric(label, usd(saving.usd), delta=below, delta_color="off", delta_arrow="off")
        st.caption(plain(_saved_by(saving)))


def _saved_by(saving: Saving) -> str:
    """The formula with its numbers put in, or why there is none."""
    if not saving.count:
        return text("cost.saving.nothing")
    if saving.usd is None or saving.each is None:
        return text("cost.saving.unknown", n=number(saving.count))
    if not saving.each and saving.name == "provider" and not saving.unpriced:
        return text("cost.saving.same_price", n=number(saving.count))
    each = saving.each * (MILLION if saving.name == "provider" else THOUSAND)
    said = text(f"cost.saving.{saving.name}_formula", n=number(saving.count - saving.unpriced), each=usd(each))
    return f"{said} {text('cost.saving.unpriced', n=number(saving.unpriced))}" if saving.unpriced else said
