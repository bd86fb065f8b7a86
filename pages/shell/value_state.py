"""What the page of value remembers of one browser: the section, which conversations are looked at."""

from collections.abc import Sequence

import streamlit as st

from sipd_core.texts import text

SECTION = "value.section"
SHOWN = "value.shown"
PAGE = "value.page"
_ROUND = "value.round"


def section(names: Sequence[str]) -> str:
    """The section to show, chosen here."""
    st.session_state.setdefault(SECTION, names[0])
    chosen = st.segmented_control(
        text("value.section.label"),
        list(names),
        required=True,
        format_func=lambda name: text(f"value.section.{name}"),
        key=SECTION,
        label_visibility="collapsed",
    )
    return chosen or names[0]


def go(name: str) -> None:
    """Show another section on the next run; for callbacks."""
    st.session_state[SECTION] = name


def show_talks(figure: str) -> None:
    """Show the conversations behind a figure on the next run; for callbacks."""
    st.session_state[SECTION] = "talks"
    st.session_state[SHOWN] = figure
    st.session_state[PAGE] = 1


def rounds() -> int:
    """Part of the keys of what is typed, so that it begins anew after it was saved."""
    return int(st.session_state.get(_ROUND, 0))


def next_round() -> None:
    """Let what is typed begin anew."""
    st.session_state[_ROUND] = rounds() + 1
