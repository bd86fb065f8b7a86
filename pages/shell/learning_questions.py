"""The questions of a gap: what was asked, why it failed, what came of asking again, and what can be done about each."""

from functools import partial

import streamlit as st

from pages.shell import learning_actions, learning_state, session
from pages.shell.cards import badge
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.learning_words import reasons
from pages.shell.plain import plain, plain_line, shortened
from pages.shell.resources import acting_name, may
from sipd_core.learning.desk import LearningDesk
from sipd_core.learning.model import JUDGED, FailingQuestion, Gap, GapDetail, GapState, Shortfall
from sipd_core.locale_id import moment, number, percent
from sipd_core.permissions import Permission
from sipd_core.texts import text

SHOWN = 10
TEXT_SHOWN = 400
_ASKED = (GapState.PUBLISHED, GapState.CLOSED)
_LOOKS = {
    None: ("green", "check_circle"),
    Shortfall.NOT_ASKED: ("gray", "hourglass_top"),
    Shortfall.PARTIAL: ("orange", "contrast"),
    Shortfall.OTHER_ROW: ("orange", "alt_route"),
    Shortfall.NOT_HELPFUL: ("red", "thumb_down"),
    Shortfall.NOT_FOUND: ("red", "search_off"),
}
_WORDED = (Shortfall.PARTIAL, Shortfall.NOT_FOUND, Shortfall.OTHER_ROW)
"""Shortfalls that the question's own words in the complaint can mend."""


def draw_questions(desk: LearningDesk, detail: GapDetail) -> None:
    """All questions, those that are not answered yet first, the most recent before the others."""
    gap = detail.gap
    asked = gap.state in _ASKED
    ordered = sorted(detail.questions, key=lambda one: asked and one.shortfall(gap.published_at) is None)
    st.markdown(f"**{text('learning.questions.heading', n=number(len(ordered)))}**")
    for question in ordered[:SHOWN]:
        _draw(desk, gap, question)
    if further := ordered[SHOWN:]:
        with st.expander(text("learning.questions.more", n=number(len(further)))):
            for question in further:
                _draw(desk, gap, question)


def _draw(desk: LearningDesk, gap: Gap, question: FailingQuestion) -> None:
    with st.container(border=True, gap="xsmall", key=f"question-{question.turn_id}"):
        st.markdown(plain(shortened(question.text, TEXT_SHOWN)))
        st.caption(plain_line(text("learning.questions.line", at=moment(question.at), why=reasons(question.failures))))
        lack = question.shortfall(gap.published_at)
        if gap.state in _ASKED:
            _draw_proof(question, lack)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            link = {session.CONVERSATION_PARAM: question.conversation_id}
            label = text("learning.questions.open")
            st.page_link(learning_state.CHAT_PAGE, label=label, icon=":material/forum:", query_params=link)
            if gap.state is GapState.PUBLISHED and lack in _WORDED:
                _draw_wording(desk, gap, question)
            if may(Permission.LEARN_PUBLISH) and gap.state is not GapState.MERGED:
                _draw_way_out(desk, gap, question)
        draw_problem(_place(question.turn_id))


def _draw_proof(question: FailingQuestion, lack: Shortfall | None) -> None:
    """What came of asking again, and what to do about it."""
    color, icon = _LOOKS[lack]
    name = lack.value if lack else "answered"
    said = badge(color, text(f"learning.shortfall.{name}"), icon)
    if question.proof is not None:
        asked = text("learning.questions.asked", at=moment(question.proof.at), share=percent(question.proof.relevance))
        said += f" :small[:gray[{plain_line(asked)}]]"
    st.markdown(said)
    if lack and lack is not Shortfall.NOT_ASKED:
        judged = lack is Shortfall.OTHER_ROW and not JUDGED.isdisjoint(question.failures)
        st.caption(text("learning.advice.other_row_judged" if judged else f"learning.advice.{lack}"))


def _place(turn_id: str) -> str:
    """Where an error with one question is shown."""
    return f"learning.question.{turn_id}"


def _draw_wording(desk: LearningDesk, gap: Gap, question: FailingQuestion) -> None:
    st.button(
        text("learning.action.add_wording"),
        icon=":material/playlist_add:",
        key=f"learning.wording.{question.turn_id}",
        type="tertiary",
        on_click=_add_wording,
        args=(desk, gap.id, question.turn_id),
    )


def _add_wording(desk: LearningDesk, gap_id: int, turn_id: str) -> None:
    with errors_kept(_place(turn_id)):
        desk.add_wording(gap_id, turn_id, actor=acting_name())
        session.flash(text("learning.done.wording"))


def _draw_way_out(desk: LearningDesk, gap: Gap, question: FailingQuestion) -> None:
    label, key = text("learning.action.move"), f"learning.move.{question.turn_id}"
    if st.button(label, icon=":material/drive_file_move:", key=key, type="tertiary"):
        learning_actions.choose_goal(desk, gap, question)
    st.button(
        text("learning.action.set_aside"),
        icon=":material/block:",
        key=f"learning.aside.{question.turn_id}",
        type="tertiary",
        on_click=learning_actions.attempt,
        args=(partial(desk.set_aside, [question.turn_id], gap.id, actor=acting_name()), _place(question.turn_id)),
    )
