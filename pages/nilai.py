"""Nilai: what conversations came to, what that was worth, and what it is worth under other suppositions."""

from collections.abc import Callable

import streamlit as st

from pages.shell import (
    value_assumptions,
    value_scenario,
    value_state,
    value_summary,
    value_talks,
)
from pages.shell.frame import errors_shown, page_frame
from pages.shell.period import period_picker
from sipd_core.blocking import BlockingEngine
from sipd_core.permissions import Permission
from sipd_core.texts import text
from sipd_core.value import ValueReport

SECTIONS: dict[str, Callable[[BlockingEngine, ValueReport], None]] = {
    "summary": value_summary.draw,
    "talks": value_talks.draw,
    "assumptions": value_assumptions.draw,
    "scenario": value_scenario.draw,
}


def main() -> None:
    engine = page_frame(text("value.title"), text("value.intro"), needs=Permission.FIGURES)
    with errors_shown():
        period = period_picker("value")
        section = value_state.section(list(SECTIONS))
        with st.spinner(text("value.working")):
            report = engine.value.report(period)
        SECTIONS[section](engine, report)


main()
