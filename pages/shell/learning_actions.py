"""What people do about a gap besides its draft: ignore, reopen, merge, move a question, and the way back from each."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.shell import learning_state, session
from pages.shell.frame import errors_kept
from pages.shell.learning_words import told
from pages.shell.plain import plain, plain_line, shortened
from pages.shell.resources import acting_name, may
from sipd_core.learning.desk import REASON_LENGTH, LearningDesk
from sipd_core.learning.model import TO_DO, FailingQuestion, Gap, GapDetail, GapFilter, GapState
from sipd_core.permissions import Permission
from sipd_core.texts import text

_MERGEABLE = (GapState.OPEN, GapState.DRAFT, GapState.IGNORED)
_REOPENABLE = (GapState.CLOSED, GapState.IGNORED)
GOALS = 200
"""Gaps offered to choose from."""
_TITLE = 70


def draw_actions(desk: LearningDesk, detail: GapDetail) -> None:
    """Buttons for what may come next, and the way back from the last step."""
    gap = detail.gap
    with st.container(horizontal=True, gap="small", key="learning-actions"):
        if gap.state is GapState.PUBLISHED and all(question.proof for question in detail.questions):
            again = partial(desk.ask_again, gap.id)
            label, key = text("learning.action.ask_again"), "learning.ask_again"
            st.button(label, icon=":material/refresh:", key=key, on_click=attempt, args=(again,))
        if may(Permission.LEARN_PUBLISH):
            _draw_decisions(desk, gap)
    if may(Permission.LEARN_PUBLISH):
        _draw_undo(desk, detail)


def _draw_decisions(desk: LearningDesk, gap: Gap) -> None:
    """What only an admin decides."""
    if gap.state in TO_DO and _button("ignore", "do_not_disturb_on"):
        _ignore(desk, gap)
    if gap.state in _REOPENABLE and _button("reopen", "replay"):
        _reopen(desk, gap)
    if gap.state in _MERGEABLE and gap.questions and _button("merge", "merge"):
        _merge(desk, gap)
    if gap.merged_into is not None and gap.state is GapState.MERGED:
        label, goal = text("learning.action.follow", id=gap.merged_into), gap.merged_into
        st.button(
            label, icon=":material/arrow_forward:", key="learning.follow", on_click=learning_state.show, args=(goal,)
        )


def attempt(work: Callable[[], object], place: str = "") -> None:
    """For callbacks: what is refused is said at this place, else at the top of the page."""
    with errors_kept(place):
        work()


def _button(name: str, icon: str) -> bool:
    return st.button(text(f"learning.action.{name}"), icon=f":material/{icon}:", key=f"learning.{name}_button")


def _submit(label: str, key: str, work: Callable[[], object], *, icon: str) -> None:
    """A button that does the work of a dialog and closes it; when it is refused, what was typed stays there."""
    if st.button(label, type="primary", icon=f":material/{icon}:", key=key, on_click=attempt, args=(work,)):
        if said := session.take_problem():
            st.error(plain(said), icon=":material/error:")
        else:
            st.rerun()


@st.dialog(text("learning.ignore.title"), icon=":material/do_not_disturb_on:")
def _ignore(desk: LearningDesk, gap: Gap) -> None:
    st.write(text("learning.ignore.body"))
    key = f"learning.ignore_reason.{gap.id}"
    st.text_area(text("learning.ignore.reason"), key=key, max_chars=REASON_LENGTH, height=100)
    _submit(
        text("learning.ignore.yes"), "learning.ignore_yes", lambda: _ignored(desk, gap, key), icon="do_not_disturb_on"
    )


def _ignored(desk: LearningDesk, gap: Gap, key: str) -> None:
    desk.ignore(gap.id, str(st.session_state[key]), actor=acting_name())


@st.dialog(text("learning.reopen.title"), icon=":material/replay:")
def _reopen(desk: LearningDesk, gap: Gap) -> None:
    st.write(text("learning.reopen.body"))
    key = f"learning.reopen_reason.{gap.id}"
    st.text_area(text("learning.reopen.reason"), key=key, max_chars=REASON_LENGTH, height=100)
    _submit(text("learning.reopen.yes"), "learning.reopen_yes", lambda: _reopened(desk, gap, key), icon="replay")


def _reopened(desk: LearningDesk, gap: Gap, key: str) -> None:
    desk.reopen(gap.id, str(st.session_state[key]), actor=acting_name())


@st.dialog(text("learning.merge.title"), icon=":material/merge:")
def _merge(desk: LearningDesk, gap: Gap) -> None:
    st.write(text("learning.merge.body", id=gap.id))
    key = f"learning.merge_into.{gap.id}"
    if not _draw_goals(desk, gap, key, new=False):
        return
    _submit(text("learning.merge.yes"), "learning.merge_yes", lambda: _merged(desk, gap, key), icon="merge")


def _merged(desk: LearningDesk, gap: Gap, key: str) -> None:
    goal = st.session_state[key]
    if goal is None:
        session.keep_problem(text("learning.merge.none"))
        return
    desk.merge(gap.id, int(goal), actor=acting_name())
    learning_state.show(int(goal))
    session.flash(text("learning.done.merged", id=gap.id))


@st.dialog(text("learning.move.title"), icon=":material/drive_file_move:")
def choose_goal(desk: LearningDesk, gap: Gap, question: FailingQuestion) -> None:
    """Where a question is to go."""
    st.markdown(plain(shortened(question.text, 200)))
    key = f"learning.move_to.{question.turn_id}"
    _draw_goals(desk, gap, key, new=True)
    _submit(
        text("learning.move.yes"), "learning.move_yes", lambda: _moved(desk, gap, question, key), icon="drive_file_move"
    )


def _moved(desk: LearningDesk, gap: Gap, question: FailingQuestion, key: str) -> None:
    chosen = st.session_state[key]
    goal = desk.move([question.turn_id], gap.id, int(chosen) if chosen else None, actor=acting_name())
    session.flash(text("learning.done.moved", id=goal))


def _draw_goals(desk: LearningDesk, gap: Gap, key: str, *, new: bool) -> bool:
    """A choice of the other gaps; False when there is none."""
    states = (*TO_DO, GapState.CLOSED)
    others = {one.id: one for one in desk.gaps(GapFilter(states=states), 0, GOALS).gaps if one.id != gap.id}
    options = [*([0] if new else []), *others]
    if not options:
        st.info(text("learning.merge.nothing"), icon=":material/info:")
        return False

    def name(id_: int) -> str:
        if not id_:
            return text("learning.move.new")
        return text("learning.goal", id=id_, title=shortened(others[id_].title, _TITLE))

    st.selectbox(text("learning.merge.into"), options, index=0 if new else None, format_func=name, key=key)
    return True


def _draw_undo(desk: LearningDesk, detail: GapDetail) -> None:
    """The last step of a person, and the way back from it."""
    last = detail.undoable
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = text("learning.undo.last", what=told(last), actor=last.actor)
        st.caption(plain_line(said), width="content")
        work = partial(desk.undo, detail.gap.id, last.seq, actor=acting_name())
        label = text("learning.undo.button")
        st.button(label, icon=":material/undo:", type="tertiary", key="learning.undo", on_click=attempt, args=(work,))
