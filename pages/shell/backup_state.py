"""What a browser's session remembers of the page of backups."""

from datetime import datetime

import streamlit as st

from pages.shell import session
from sipd_core.texts import text

CHOSEN = "backup.chosen"
_ROUND = "backup.upload_round"
_SEEN = "backup.seen"


def upload_round() -> int:
    """Part of the uploader's key; a new number empties it."""
    return int(st.session_state.get(_ROUND, 0))


def received(id_: str) -> None:
    """An archive was taken in: empty the uploader and show what came."""
    st.session_state[_ROUND] = upload_round() + 1
    st.session_state[CHOSEN] = id_
    session.flash(text("backup.upload.done"))


def chosen() -> str | None:
    """The backup whose details are shown."""
    kept: str | None = st.session_state.get(CHOSEN)
    return kept


def choose(id_: str | None) -> None:
    """Show the details of this backup."""
    st.session_state[CHOSEN] = id_


def close_result(ended: datetime) -> None:
    """The outcome of the work that ended then was read."""
    st.session_state[_SEEN] = ended


def is_read(ended: datetime) -> bool:
    """Whether the outcome of the work that ended then was closed here."""
    return bool(st.session_state.get(_SEEN) == ended)
