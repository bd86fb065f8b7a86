"""Thumbs on an answer, and why a thumb went down. Drawn inside the fragment of an answer's actions."""

import streamlit as st

from pages.shell import session
from pages.shell.plain import plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Exchange, Feedback
from sipd_core.errors import SipdError
from sipd_core.texts import text

_REASONS = ("not_solved", "wrong_case", "unclear", "outdated")


def draw_thumbs(engine: BlockingEngine, exchange: Exchange) -> None:
    """Up or down; the choice is stored at once."""
    given = exchange.feedback
    key = _feedback_key(exchange)
    default = None if given is None else int(given.helpful)
    st.feedback("thumbs", key=key, default=default, on_change=_save_thumb, args=(engine, exchange.turn.turn_id, key))


def draw_reason(engine: BlockingEngine, exchange: Exchange) -> None:
    """After a thumb down: why, by choice and in own words; optional."""
    turn_id = exchange.turn.turn_id
    if said := session.take_feedback_note(turn_id):
        st.toast(plain_line(said))
    if st.session_state.get(_feedback_key(exchange)) != 0:
        return
    if saved := session.saved_reason(turn_id) or (exchange.feedback.reason if exchange.feedback else ""):
        st.caption(plain_line(text("chat.feedback_saved", reason=saved)))
        return
    with st.form(f"chat.reason.{turn_id}", border=True):
        names = [text(f"chat.reasons.{reason}") for reason in _REASONS]
        st.pills(text("chat.feedback_why"), names, selection_mode="multi", key=f"chat.why.{turn_id}")
        st.text_input(text("chat.feedback_more"), max_chars=300, key=f"chat.words.{turn_id}")
        st.form_submit_button(text("chat.feedback_send"), on_click=_save_reason, args=(engine, turn_id))


def _save_thumb(engine: BlockingEngine, turn_id: str, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is not None:
        _save_feedback(engine, turn_id, Feedback(helpful=bool(chosen)))


def _save_feedback(engine: BlockingEngine, turn_id: str, feedback: Feedback) -> None:
    """Store it and note what to say; a callback must not draw, its elements would replace the top of the page."""
    try:
        engine.give_feedback(turn_id, feedback)
        session.note_feedback(turn_id, text("chat.feedback_thanks"))
    except SipdError as error:
        session.note_feedback(turn_id, error.user_text)


def _save_reason(engine: BlockingEngine, turn_id: str) -> None:
    chosen: list[str] = st.session_state[f"chat.why.{turn_id}"]
    words: str = st.session_state[f"chat.words.{turn_id}"].strip()
    reason = "; ".join([*chosen, words] if words else chosen)
    if reason:
        _save_feedback(engine, turn_id, Feedback(helpful=False, reason=reason))
        session.save_reason(turn_id, reason)


def _feedback_key(exchange: Exchange) -> str:
    return f"chat.thumbs.{exchange.turn.turn_id}"
