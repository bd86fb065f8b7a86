"""What an operator can do with an answer: judge it, copy it, word it anew, approve it, hand it over, have it written anew.

One row that stays calm: what is done every day stands in it, the rest is in a menu. It is a fragment: a click there
leaves a running answer alone.
"""

import streamlit as st

from pages.shell import answer_feedback, session
from pages.shell.answer_approving import confirm_approval
from pages.shell.answer_editing import edit_answer
from pages.shell.frame import draw_problem, errors_kept, errors_shown
from pages.shell.plain import plain_line
from pages.shell.resources import acting_name, may
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.answer_desk import unfit
from sipd_core.chat.turn import AnswerVersion, Exchange, Turn, VersionKind
from sipd_core.locale_id import moment
from sipd_core.permissions import Permission
from sipd_core.texts import text

_APPROVE, _ANEW = "approved.use", "approved.anew"
"""Entries of the menu; the names of their labels."""


@st.fragment
def draw_actions(engine: BlockingEngine, exchange: Exchange, message: str, *, latest: bool) -> None:
    """The row beneath an answer; `message` is what the caller gets of it."""
    turn_id = exchange.turn.turn_id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"actions-{turn_id}"):
        answer_feedback.draw_thumbs(engine, exchange)
        if not exchange.answer.stopped:
            _copy(message)
        if _button("edit", "approved.edit", "edit", turn_id):
            edit_answer(engine, exchange, message)
        if latest and _can_be_approved(exchange):
            _approve(engine, turn_id)
        if _button("escalate", "chat.escalate", "forward_to_inbox", turn_id):
            confirm_escalation(engine, exchange.turn)
        _menu(engine, exchange, latest=latest)
    draw_problem(f"answer.{turn_id}")
    answer_feedback.draw_reason(engine, exchange)


@st.fragment
def draw_versions(engine: BlockingEngine, exchange: Exchange) -> None:
    """Which version of the answer is shown, copied and handed over; nothing while there is only one."""
    if not exchange.versions:
        return
    key = f"chat.version.{exchange.turn.turn_id}.{exchange.chosen}"
    labels = {0: text("approved.version_first")} | {version.seq: _name(version) for version in exchange.versions}
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"versions-{exchange.turn.turn_id}"):
        wanted = st.segmented_control(
            text("approved.versions"),
            list(labels),
            default=exchange.chosen,
            format_func=lambda seq: plain_line(labels[seq]),
            key=key,
            required=True,
            label_visibility="collapsed",
            on_change=_choose,
            args=(engine, exchange.turn.turn_id, key),
        )
        if (version := exchange.version) is not None:
            st.markdown(f":gray[:small[{plain_line(_origin(version))}]]", width="content")
    draw_problem(f"versions.{exchange.turn.turn_id}")
    if wanted != exchange.chosen:
        st.rerun()


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


def _button(name: str, label: str, icon: str, turn_id: str) -> bool:
    return st.button(text(label), icon=f":material/{icon}:", type="tertiary", key=f"chat.{name}.{turn_id}")


def _copy(message: str) -> None:
    with st.popover(text("chat.copy"), icon=":material/content_copy:", type="tertiary"):
        st.caption(text("chat.copy_help"))
        st.code(message, language=None, wrap_lines=True)


def _approve(engine: BlockingEngine, turn_id: str) -> None:
    with errors_shown():
        if engine.answers.is_approved(turn_id):
            st.button(
                text("approved.in_use"), icon=":material/verified:", type="tertiary", disabled=True, key=f"chat.used.{turn_id}"
            )
        elif _button("use", _APPROVE, "verified", turn_id):
            confirm_approval(engine, turn_id)


def _menu(engine: BlockingEngine, exchange: Exchange, *, latest: bool) -> None:
    """What is seldom wanted. An older answer is not written anew: what was said since rests on it."""
    turn_id = exchange.turn.turn_id
    entries = [_ANEW] if latest and _can_be_another(engine, exchange.answer) else []
    if not latest and _can_be_approved(exchange):
        entries.append(_APPROVE)
    if not entries:
        return
    chosen = st.menu_button(
        text("approved.more"),
        entries,
        type="tertiary",
        format_func=lambda entry: text(entry),
        key=f"chat.more.{turn_id}",
    )
    if chosen == _APPROVE:
        confirm_approval(engine, turn_id)
    if chosen == _ANEW:
        session.rewrite(session.ANEW, turn_id)
        st.rerun()


def _can_be_another(engine: BlockingEngine, answer: Turn) -> bool:
    """Whether an answer written anew may differ: without a model the same base gives the same words."""
    return answer.searched and (answer.approval is not None or engine.status().hosted is not None)


def _can_be_approved(exchange: Exchange) -> bool:
    return may(Permission.APPROVE) and exchange.answer.approval is None and not unfit(exchange)


def _name(version: AnswerVersion) -> str:
    return text("approved.version_label", kind=text(f"approved.kind.{version.kind}"), n=version.seq)


def _origin(version: AnswerVersion) -> str:
    at = moment(version.at)
    if version.kind is VersionKind.EDITED:
        return text("approved.version_by", actor=version.actor, at=at)
    return text("approved.version_at", kind=text(f"approved.kind.{version.kind}"), at=at)


def _choose(engine: BlockingEngine, turn_id: str, key: str) -> None:
    with errors_kept(f"versions.{turn_id}"):
        engine.answers.choose(turn_id, int(st.session_state[key]))
        return
    st.session_state.pop(key)


def _escalate(engine: BlockingEngine, turn: Turn, note_key: str) -> None:
    with errors_kept(f"answer.{turn.turn_id}"):
        engine.escalate(turn.session_id, turn.turn_id, st.session_state[note_key], acting_name())
        session.show_handover_next(turn.session_id)
