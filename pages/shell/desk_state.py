"""What the page of escalations remembers of one browser: the open ticket, in the address too, and the queue's page."""

from pathlib import Path

import streamlit as st

from pages.shell.paging import Pages
from pages.shell.resources import acting_name

TICKET_PARAM = "tiket"
"""Name of the ticket's number in the address, so that a reload or a shared link shows it."""
PAGE = "desk.page"
PAGES = Pages(PAGE, 25)
DESK_PAGE = Path(__file__).resolve().parents[1] / "eskalasi.py"
CHAT_PAGE = Path(__file__).resolve().parents[1] / "obrolan.py"
_ROUND = "desk.round"
_LONGEST = 9
"""Digits of a number that can be a ticket's."""


def actor() -> str:
    """The name under which things are written down."""
    return acting_name()


def ticket() -> int | None:
    """The ticket of the address; None: the queue."""
    wanted = st.query_params.get(TICKET_PARAM, "")
    return int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _LONGEST else None


def show(ticket_id: int) -> None:
    """Open a ticket on the next run; its row is not chosen any more when the queue is back."""
    st.query_params[TICKET_PARAM] = str(ticket_id)
    st.session_state[_ROUND] = table_round() + 1


def leave() -> None:
    """Back to the queue, as it was."""
    st.query_params.pop(TICKET_PARAM, None)


def table_round() -> int:
    """Part of the table's key; a new number clears its selection."""
    return int(st.session_state.get(_ROUND, 0))
