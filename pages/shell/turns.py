"""One exchange of a conversation, drawn: the question, the answer with its grounds, and what can be done with it.

What can be clicked on an answer lives in fragments: a click there leaves a running answer alone.
"""

import time
from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import cards, session
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import AnswerPart, Exchange, Feedback, Turn, Withdrawn
from sipd_core.errors import SipdError
from sipd_core.texts import text

REDRAW_SECONDS = 0.07
"""Pause between two redraws of a growing answer: about 14 a second, which reads as fluent and keeps the server idle."""

SUGGESTION_SHOWN = 60
"""Characters of a suggestion on its button; the tooltip has all of it."""

_PERSON, _ASSISTANT = ":material/person:", ":material/support_agent:"
_REASONS = ("not_solved", "wrong_case", "unclear", "outdated")


def draw_question(message: str) -> None:
    """What the person wrote, exactly as written."""
    with st.chat_message("user", avatar=_PERSON):
        st.markdown(plain(message))


def draw_exchange(engine: BlockingEngine, exchange: Exchange, *, latest: bool) -> None:
    """A stored question and answer; the latest shows its grounds beside it, older ones fold them away."""
    turn = exchange.turn
    draw_question(exchange.message)
    with st.chat_message("assistant", avatar=_ASSISTANT):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"
        ):
            if turn.searched and (turn.context_used or not turn.escalation.needed):
                cards.draw_verdict(turn)
            cards.draw_chips(turn)
        if turn.degraded:
            st.warning(plain(turn.degraded), icon=":material/warning:")
        if not turn.sources:
            _draw_reply(engine, exchange, latest=latest)
        elif latest:
            _draw_beside_grounds(engine, exchange)
        else:
            _draw_reply(engine, exchange, latest=False)
            _folded_grounds(turn)


def draw_stream(parts: Iterator[AnswerPart]) -> Turn | None:
    """Draw a growing answer; ends with its turn, or None when there was none. Closes the stream in any case."""
    session.watch_for_stop()
    _redraw_when_stopped()
    with st.chat_message("assistant", avatar=_ASSISTANT):
        area = st.empty()
        area.markdown(f":shimmer[{text('chat.searching')}]")
        try:
            turn = _follow(parts, area)
            session.forget_stop()
            return turn
        except SipdError:
            session.forget_stop()
            raise
        finally:
            # Closing cancels the work in the engine when this run is stopped half-way.
            if close := getattr(parts, "close", None):
                close()


@st.fragment(run_every=1.0)
def _redraw_when_stopped() -> None:
    """Streamlit ends a stopped run where it stands; the page that says so, with the message given back, is drawn by this."""
    if session.stop_to_show():
        session.forget_stop()
        st.rerun()


def draw_unanswered(kept: session.Unanswered) -> None:
    """A message without an answer: nothing that was typed or received is lost."""
    draw_question(kept.message)
    with st.chat_message("assistant", avatar=_ASSISTANT):
        if kept.partial:
            st.caption(text("chat.partial"))
            cards.draw_answer(kept.partial)
        if kept.error:
            st.error(f"{plain(kept.error)}  \n{text('chat.answer_failed_hint')}", icon=":material/error:")
        else:
            st.info(text("chat.answer_stopped"), icon=":material/stop_circle:")
        st.button(
            text("chat.resend"),
            icon=":material/refresh:",
            key="chat.resend",
            on_click=session.send,
            args=(kept.message,),
        )


@st.dialog(text("chat.handover"), width="medium", icon=":material/assignment_ind:")
def show_handover(engine: BlockingEngine, session_id: str) -> None:
    """The hand-over card of a conversation, on its own."""
    with errors_shown():
        st.caption(text("chat.handover_body"))
        st.code(engine.handover_text(session_id), language=None, wrap_lines=True)


@st.dialog(text("chat.escalate_title"), width="medium", icon=":material/forward_to_inbox:")
def confirm_escalation(engine: BlockingEngine, turn: Turn) -> None:
    """Ask before escalating; the next run shows the hand-over card."""
    st.write(text("chat.escalate_body"))
    st.caption(text("chat.escalate_masked"))
    note_key = f"chat.note.{turn.turn_id}"
    placeholder = text("chat.escalate_note_placeholder")
    st.text_area(text("chat.escalate_note"), placeholder=placeholder, key=note_key, max_chars=500)
    if st.button(
        text("chat.escalate_confirm"),
        type="primary",
        icon=":material/check:",
        key=f"chat.yes.{turn.turn_id}",
        on_click=_escalate,
        args=(engine, turn, note_key),
    ):
        st.rerun()


def _escalate(engine: BlockingEngine, turn: Turn, note_key: str) -> None:
    with errors_kept():
        engine.escalate(turn.session_id, turn.turn_id, st.session_state[note_key], acting_name())
        session.show_handover_next(turn.session_id)


def _follow(parts: Iterator[AnswerPart], area: DeltaGenerator) -> Turn | None:
    shown, drawn_at = "", 0.0
    for part in parts:
        if isinstance(part, Turn):
            return part
        if isinstance(part, Withdrawn):
            shown = ""
            area.markdown(f":shimmer[{text('chat.withdrawn')}]")
            continue
        shown += part
        # Touching the session state lets a stop through while the engine is silent.
        session.grow_partial(shown)
        if shown and time.monotonic() - drawn_at >= REDRAW_SECONDS:
            area.markdown(answer_markdown(shown))
            drawn_at = time.monotonic()
    return None


def _draw_beside_grounds(engine: BlockingEngine, exchange: Exchange) -> None:
    answer, grounds = st.columns([3, 2], gap="medium")
    with answer:
        _draw_reply(engine, exchange, latest=True)
    with grounds:
        st.markdown(f"**{cards.sources_title(exchange.turn)}**")
        cards.draw_sources(exchange.turn)


@st.fragment
def _folded_grounds(turn: Turn) -> None:
    """The cases behind an older answer, drawn only when opened: a long conversation stays quick."""
    fold = st.expander(cards.sources_title(turn), type="compact", key=f"chat.grounds.{turn.turn_id}", on_change="rerun")
    if fold.open:
        with fold:
            cards.draw_sources(turn)


def _draw_reply(engine: BlockingEngine, exchange: Exchange, *, latest: bool) -> None:
    turn = exchange.turn
    cards.draw_answer(turn.response)
    if turn.stopped:
        _draw_stopped(exchange, latest=latest)
    if turn.caution:
        st.warning(plain(turn.caution), icon=":material/rule:")
    if turn.escalation.needed and turn.escalation.explanation not in turn.response:
        st.warning(plain(turn.escalation.explanation), icon=":material/priority_high:")
    _actions(engine, exchange)
    if latest and turn.suggestions:
        _suggestions(turn)


def _draw_stopped(exchange: Exchange, *, latest: bool) -> None:
    """Never let a part pass for the whole; the question can be asked again."""
    st.info(text("chat.answer_stopped_kept"), icon=":material/stop_circle:")
    if latest:
        st.button(
            text("chat.resend"),
            icon=":material/refresh:",
            key="chat.resend",
            on_click=session.send,
            args=(exchange.message,),
        )


@st.fragment
def _actions(engine: BlockingEngine, exchange: Exchange) -> None:
    turn = exchange.turn
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _thumbs(engine, exchange)
        if not turn.stopped:
            with st.popover(text("chat.copy"), icon=":material/content_copy:", type="tertiary"):
                st.caption(text("chat.copy_help"))
                st.code(turn.for_caller or turn.response, language=None, wrap_lines=True)
        if st.button(
            text("chat.escalate"),
            icon=":material/forward_to_inbox:",
            type="tertiary",
            key=f"chat.escalate.{turn.turn_id}",
        ):
            confirm_escalation(engine, turn)
    _reason(engine, exchange)


def _thumbs(engine: BlockingEngine, exchange: Exchange) -> None:
    given = exchange.feedback
    key = _feedback_key(exchange)
    default = None if given is None else int(given.helpful)
    st.feedback("thumbs", key=key, default=default, on_change=_save_thumb, args=(engine, exchange.turn.turn_id, key))


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


def _reason(engine: BlockingEngine, exchange: Exchange) -> None:
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


def _save_reason(engine: BlockingEngine, turn_id: str) -> None:
    chosen: list[str] = st.session_state[f"chat.why.{turn_id}"]
    words: str = st.session_state[f"chat.words.{turn_id}"].strip()
    reason = "; ".join([*chosen, words] if words else chosen)
    if reason:
        _save_feedback(engine, turn_id, Feedback(helpful=False, reason=reason))
        session.save_reason(turn_id, reason)


@st.fragment
def _suggestions(turn: Turn) -> None:
    """What to check with the caller is read out; another close complaint is one click away."""
    if turn.ask_caller:
        st.markdown(f":gray[:small[{text('chat.ask_caller')}]]")
        st.markdown("\n".join(f"- {plain_line(question)}" for question in turn.ask_caller))
    others = [suggestion for suggestion in turn.suggestions if suggestion not in turn.ask_caller]
    if not others:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="suggestions"):
        st.markdown(f":gray[:small[{text('chat.suggestions')}]]", width="content")
        for place, suggestion in enumerate(others):
            label = plain_line(shortened(suggestion, SUGGESTION_SHOWN))
            if st.button(label, key=f"chat.suggestion.{turn.turn_id}.{place}", help=plain_line(suggestion)):
                session.send(suggestion)
                st.rerun()


def _feedback_key(exchange: Exchange) -> str:
    return f"chat.thumbs.{exchange.turn.turn_id}"
