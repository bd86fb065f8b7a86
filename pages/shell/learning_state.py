"""What the page of the learning loop remembers of one browser: the open gap, in the address too, and the page it is on."""

from pathlib import Path

import streamlit as st

from pages.shell.paging import Pages

GAP_PARAM = "celah"
"""Name of the gap's number in the address, so that a reload or a shared link shows it."""
PAGES = Pages("learning.page", 25)
CHAT_PAGE = Path(__file__).resolve().parents[1] / "obrolan.py"
DESK_PAGE = Path(__file__).resolve().parents[1] / "eskalasi.py"
_ROUND = "learning.round"
_LONGEST = 9
"""Digits of a number that can be a gap's."""


def gap() -> int | None:
    """The gap of the address; None: the list."""
    wanted = st.query_params.get(GAP_PARAM, "")
    return int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _LONGEST else None


def show(gap_id: int) -> None:
    """Open a gap on the next run; its row is not chosen any more when the list is back."""
    st.query_params[GAP_PARAM] = str(gap_id)
    st.session_state[_ROUND] = table_round() + 1


def leave() -> None:
    """Back to the list, as it was."""
    st.query_params.pop(GAP_PARAM, None)


def table_round() -> int:
    """Part of the table's key; a new number clears its selection."""
    return int(st.session_state.get(_ROUND, 0))
