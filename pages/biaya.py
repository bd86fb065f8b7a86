"""Biaya: what the models used and what it cost, in dollars and rupiah."""

import streamlit as st

from pages.shell import costs
from pages.shell.frame import errors_shown, page_frame
from sipd_core.locale_id import number
from sipd_core.texts import text

PERIODS = (7, 30, 90)


def main() -> None:
    engine = page_frame(text("cost.title"), text("cost.intro"))
    days = st.segmented_control(
        text("cost.period"),
        PERIODS,
        default=PERIODS[0],
        required=True,
        format_func=lambda n: text("cost.days", n=number(n)),
        key="cost.period",
    )
    with errors_shown():
        report = engine.costs(days or PERIODS[0])
        costs.draw_summary(report)
        costs.draw_budgets(report)
        if report.totals:
            costs.draw_days(report)
            costs.draw_table(report, lambda: engine.calls(report.period_days))
        else:
            costs.draw_empty()


main()
