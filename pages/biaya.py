"""Biaya: what the models used, what it cost, by which prices and rates, and whether the provider's invoice agrees."""

import streamlit as st

from pages.shell import costs_detail, costs_invoices, costs_prices, costs_rates, costs_state, costs_summary
from pages.shell.frame import errors_shown, page_frame
from sipd_core.blocking import BlockingEngine
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("cost.title"), text("cost.intro"), needs=Permission.FIGURES)
    st.session_state.setdefault(costs_state.SECTION, "summary")
    section = st.segmented_control(
        text("cost.section.label"),
        list(SECTIONS),
        required=True,
        format_func=lambda name: text(f"cost.section.{name}"),
        key=costs_state.SECTION,
        label_visibility="collapsed",
    )
    with errors_shown():
        SECTIONS[section or "summary"](engine)


def _tariffs(engine: BlockingEngine) -> None:
    costs_prices.draw(engine)
    costs_rates.draw(engine)


SECTIONS = {
    "summary": costs_summary.draw,
    "detail": costs_detail.draw,
    "tariffs": _tariffs,
    "invoices": costs_invoices.draw,
}


main()
