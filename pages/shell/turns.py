"""One exchange of a conversation, drawn: the question, the answer with its grounds, and what can be done with it.

What can be clicked on an answer lives in fragments: a click there leaves a running answer alone.
"""

import time
from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import cards, session
from pages.shell.answer_actions import draw_actions, draw_versions
from pages.shell.answer_approving import draw_approval
from pages.shell.frame import errors_shown
from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from pages.shell.unanswered import Unanswered
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import AnswerPart, Exchange, Turn, Withdrawn
from sipd_core.errors import SipdError
from sipd_core.texts import text

REDRAW_SECONDS = 0.07
"""Pause between two redraws of a growing answer: about 14 a second, which reads as fluent and keeps the server idle."""

SUGGESTION_SHOWN = 60
"""Characters of a suggestion on its button; the tooltip has all of it."""

_PERSON, _ASSISTANT = ":material/person:", ":material/support_agent:"


def draw_question(message: str) -> None:
    """What the person wrote, exactly as written."""
    with st.chat_message("user", avatar=_PERSON):
        st.markdown(plain(message))


def draw_exchange(engine: BlockingEngine, exchange: Exchange, message: str, *, latest: bool) -> None:
    """A stored question and answer; the latest shows its grounds beside it, older ones fold them away.

    `message` is what the caller gets of it.
    """
    turn = exchange.answer
    draw_question(exchange.message)
    with st.chat_message("assistant", avatar=_ASSISTANT):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"
        ):
            if turn.searched and (turn.context_used or not turn.escalation.needed):
                cards.draw_verdict(turn)
            cards.draw_chips(turn)
        draw_approval(exchange)
        if turn.degraded:
            st.warning(plain(turn.degraded), icon=":material/warning:")
        if not turn.sources:
            _draw_reply(engine, exchange, message, latest=latest)
        elif latest:
            _draw_beside_grounds(engine, exchange, message)
        else:
            _draw_reply(engine, exchange, message, latest=False)
            _folded_grounds(exchange)


def draw_stream(parts: Iterator[AnswerPart]) -> Turn | None:
    """Draw a growing answer; ends with its turn, or None when there was none. Closes the stream in any case."""
    watch = session.watch_for_stop()
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
            try:
                if close := getattr(parts, "close", None):
                    close()
            finally:
                watch.closed = True


@st.fragment(run_every=1.0)
def _redraw_when_stopped() -> None:
    """Streamlit ends a stopped run where it stands; the page that says so, with the message given back, is drawn by this."""
    if session.stop_to_show():
        session.forget_stop()
        st.rerun()


def draw_unanswered(kept: Unanswered) -> None:
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


def _draw_beside_grounds(engine: BlockingEngine, exchange: Exchange, message: str) -> None:
    answer, grounds = st.columns([3, 2], gap="medium")
    with answer:
        _draw_reply(engine, exchange, message, latest=True)
    with grounds:
        st.markdown(f"**{cards.sources_title(exchange.answer)}**")
        cards.draw_sources(exchange.answer)


@st.fragment
def _folded_grounds(exchange: Exchange) -> None:
    """The cases behind an older answer, drawn only when opened: a long conversation stays quick."""
    turn, key = exchange.answer, f"chat.grounds.{exchange.turn.turn_id}"
    fold = st.expander(cards.sources_title(turn), type="compact", key=key, on_change="rerun")
    if fold.open:
        with fold:
            cards.draw_sources(turn)


def _draw_reply(engine: BlockingEngine, exchange: Exchange, message: str, *, latest: bool) -> None:
    turn = exchange.answer
    cards.draw_answer(turn.response)
    draw_versions(engine, exchange)
    if turn.stopped or turn.cut:
        _draw_part(exchange, latest=latest)
    if turn.caution:
        st.warning(plain(turn.caution), icon=":material/rule:")
    if turn.escalation.needed and turn.escalation.explanation not in turn.response:
        st.warning(plain(turn.escalation.explanation), icon=":material/priority_high:")
    draw_actions(engine, exchange, message, latest=latest)
    if latest and turn.suggestions:
        _suggestions(exchange)


def _draw_part(exchange: Exchange, *, latest: bool) -> None:
    """Never let a part pass for the whole; a model can go on with it, or the question is asked again."""
    turn_id, stopped = exchange.turn.turn_id, exchange.answer.stopped
    said = text("chat.answer_stopped_kept" if stopped else "approved.cut")
    st.info(said, icon=":material/stop_circle:" if stopped else ":material/content_cut:")
    if not latest:
        return
    with st.container(horizontal=True, gap="small"):
        if exchange.answer.can_go_on:
            st.button(
                text("approved.go_on"),
                icon=":material/play_arrow:",
                key=f"chat.go_on.{turn_id}",
                on_click=session.rewrite,
                args=(session.GO_ON, turn_id),
            )
        if stopped:
            st.button(
                text("chat.resend"),
                icon=":material/refresh:",
                key="chat.resend",
                on_click=session.send,
                args=(exchange.message,),
            )


@st.fragment
def _suggestions(exchange: Exchange) -> None:
    """What to check with the caller is read out; another close complaint is one click away."""
    turn = exchange.answer
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
            if st.button(label, key=f"chat.suggestion.{exchange.turn.turn_id}.{place}", help=plain_line(suggestion)):
                session.send(suggestion)
                st.rerun()

