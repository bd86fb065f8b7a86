"""*Pakai jawaban ini*: what is asked before an answer is approved, and how a served one says whose it is."""

import streamlit as st

from pages.shell import cards, session
from pages.shell.cards import badge
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.answer_cache import same_question
from sipd_core.chat.answer_desk import Approvable
from sipd_core.chat.turn import Exchange
from sipd_core.documents import Case
from sipd_core.locale_id import moment
from sipd_core.texts import text

QUESTION_SHOWN = 160


@st.dialog(text("approved.use_title"), width="medium", icon=":material/verified:")
def confirm_approval(engine: BlockingEngine, turn_id: str) -> None:
    """What would be approved: the question, the answer, the cases it rests on."""
    with errors_shown():
        wanted = engine.answers.approvable(turn_id)
        st.write(text("approved.use_body"))
        _draw(wanted)
        label = text("approved.use_confirm")
        key = f"chat.approve.{turn_id}"
        args = engine, turn_id
        if st.button(label, type="primary", icon=":material/check:", key=key, on_click=_approve, args=args):
            st.rerun()


def draw_approval(exchange: Exchange) -> None:
    """Whose answer a served one is, since when, and for which question where that was worded otherwise."""
    turn = exchange.answer
    approval = turn.approval
    if approval is None:
        return
    said = text("approved.served", actor=approval.actor, at=moment(approval.at))
    st.markdown(badge("green", said, "verified"))
    if same_question(approval.question) != same_question(exchange.message):
        question = shortened(approval.question, QUESTION_SHOWN)
        st.caption(plain_line(text("approved.served_question", question=question)))
    if not turn.context_used:
        st.caption(plain_line(text("approved.served_alone", actor=approval.actor)))


def draw_case_line(case: Case, mark: str = "") -> None:
    """A case in two lines: where it belongs, what it complains of; `mark` is Markdown."""
    st.markdown(" ".join([*cards.case_badges(case), *([mark] if mark else [])]))
    st.markdown(f":small[{plain_line(shortened(case.issue, cards.ISSUE_SHOWN))}]")


def _draw(wanted: Approvable) -> None:
    st.caption(text("approved.use_question"))
    st.markdown(plain(wanted.question))
    st.caption(text("approved.use_answer"))
    with st.container(border=True):
        st.markdown(answer_markdown(wanted.answer))
    st.caption(text("approved.use_cases"))
    for case in wanted.cases:
        draw_case_line(case)
    if not wanted.cases:
        st.markdown(plain_line(text("approved.use_no_case")))
    for other in wanted.instead_of:
        st.info(plain(text("approved.use_replaces", actor=other.actor, at=moment(other.at))), icon=":material/swap_horiz:")


def _approve(engine: BlockingEngine, turn_id: str) -> None:
    with errors_kept(f"answer.{turn_id}"):
        engine.answers.approve(turn_id, actor=acting_name())
        session.flash(text("approved.used"))
