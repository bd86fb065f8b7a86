"""Laboratorium: why a question finds what it finds, how well the search does, and which figures it goes by."""

import streamlit as st

from pages.shell import (
    lab_compare,
    lab_force,
    lab_runs,
    lab_sets,
    lab_state,
    lab_try,
)
from pages.shell.frame import errors_shown, page_frame
from sipd_core.blocking import BlockingEngine
from sipd_core.permissions import Permission
from sipd_core.texts import text

SECTIONS = {
    "try": lab_try.draw,
    "sets": lab_sets.draw,
    "runs": lab_runs.draw,
    "compare": lab_compare.draw,
    "force": lab_force.draw,
}


def main() -> None:
    engine = page_frame(text("laboratory.title"), text("laboratory.intro"), needs=Permission.TUNE)
    with errors_shown():
        lab_force.draw_line(engine)
        lab_state.draw_undo(engine)
        _section(engine)


def _section(engine: BlockingEngine) -> None:
    st.session_state.setdefault(lab_state.SECTION, "try")
    section = st.segmented_control(
        text("laboratory.sections.label"),
        list(SECTIONS),
        required=True,
        format_func=lambda name: text(f"laboratory.sections.{name}"),
        key=lab_state.SECTION,
        label_visibility="collapsed",
    )
    with errors_shown():
        SECTIONS[section or "try"](engine)


main()
