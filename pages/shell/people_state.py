"""What the page of people keeps in the browser session and in the address."""

from dataclasses import dataclass

import streamlit as st

PERSON_PARAM = "pengguna"
"""Name of the account's id in the address."""
SEARCH = "people.search"
_CHOSEN = "people.chosen"
_LINK = "people.shown_link"


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link that is shown once, and for whom it is."""

    name: str
    address: str


def chosen() -> str:
    """The account that is open, at first that of the address; empty: all of them."""
    return str(st.session_state.setdefault(_CHOSEN, st.query_params.get(PERSON_PARAM, "")))


def choose(id_: str) -> None:
    """Open an account on the next run; for callbacks. The address follows: a run under way may still send the old one."""
    st.session_state[_CHOSEN] = st.query_params[PERSON_PARAM] = id_


def leave() -> None:
    """Back to all of them; for callbacks."""
    st.session_state[_CHOSEN] = ""
    st.query_params.pop(PERSON_PARAM, None)


def show_link(link: ShownLink) -> None:
    """Show a link on the next run, until it was copied."""
    st.session_state[_LINK] = link


def shown_link() -> ShownLink | None:
    """The link that is to be copied."""
    found = st.session_state.get(_LINK)
    return found if isinstance(found, ShownLink) else None


def forget_link() -> None:
    """It was copied; for callbacks."""
    st.session_state.pop(_LINK, None)
