"""One gap: how it stands and what comes next, its draft, its questions, its row, and its trail."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import cards, learning_actions, learning_draft, learning_questions
from pages.shell.cards import badge
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.learning_words import EVENT_ICONS, reasons, span_of, state_badge, told
from pages.shell.plain import plain, plain_line, shortened
from pages.shell.resources import acting_name, may
from sipd_core.learning.desk import LearningDesk
from sipd_core.learning.model import Gap, GapDetail, GapEvent, GapState
from sipd_core.locale_id import UNKNOWN, moment, number
from sipd_core.permissions import Permission
from sipd_core.texts import text

TITLE_SHOWN = 160
EVENTS_SHOWN = 10
POLL_SECONDS = 1.0
_DRAFTED = (GapState.OPEN, GapState.DRAFT, GapState.PUBLISHED)
_DONE = (GapState.IGNORED, GapState.MERGED, GapState.EMPTY)


def draw_gap(desk: LearningDesk, gap_id: int) -> None:
    """All of one gap, with what can be done about it on top."""
    detail = desk.detail(gap_id)
    _draw_head(detail.gap)
    learning_actions.draw_actions(desk, detail)
    _draw_standing(desk, detail)
    main, beside = st.columns([3, 2], gap="medium")
    with main:
        if detail.gap.state in _DRAFTED and detail.gap.draft is not None:
            learning_draft.draw_draft(desk, detail)
        learning_questions.draw_questions(desk, detail)
    with beside:
        _draw_row(desk, detail.gap)
        _draw_trail(detail.events)


def _draw_head(gap: Gap) -> None:
    title = plain_line(shortened(gap.title, TITLE_SHOWN)) or UNKNOWN
    st.subheader(f"{plain_line(text('learning.number', id=gap.id))} · {title}", anchor=False)
    marks = [state_badge(gap)]
    marks.append(badge("red", text("learning.head.conversations", n=number(gap.conversations)), "group"))
    if gap.askers:
        marks.append(badge("gray", text("learning.head.askers", n=number(gap.askers)), "person"))
    marks.append(badge("gray", text("learning.head.questions", n=number(gap.questions)), "forum"))
    if gap.menu:
        marks.append(badge("blue", text("learning.head.menu", menu=gap.menu), "folder_open"))
    st.markdown(" ".join(marks))
    said = [
        text("learning.head.asked", span=span_of(gap)),
        text("learning.head.why", why=reasons(gap.failures) or UNKNOWN),
    ]
    st.caption(plain_line(" · ".join(said)))


def _draw_standing(desk: LearningDesk, detail: GapDetail) -> None:
    """Where it stands and what comes next, in one box."""
    gap = detail.gap
    if gap.reopening is not None and gap.state is not GapState.CLOSED:
        st.warning(text(f"learning.reopened.{gap.reopening}"), icon=":material/replay:")
    if gap.state in (GapState.OPEN, GapState.DRAFT) and gap.draft is None:
        _draw_start(desk, gap)
    elif gap.state is GapState.PUBLISHED:
        _draw_proving(desk, detail)
    elif gap.state is GapState.CLOSED:
        closed = text("learning.standing.closed", n=number(gap.questions), at=moment(gap.closed_at))
        st.success(plain_line(closed), icon=":material/check_circle:")
    elif gap.state in _DONE:
        said = text(f"learning.standing.{gap.state}", note=gap.note or UNKNOWN, other=gap.merged_into or UNKNOWN)
        st.info(plain_line(said), icon=":material/info:")


def _draw_start(desk: LearningDesk, gap: Gap) -> None:
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(text("learning.standing.open"), width="stretch")
        st.button(
            text("learning.action.draft"),
            type="primary",
            icon=":material/edit_note:",
            key="learning.draft",
            on_click=_draft,
            args=(desk, gap.id),
        )
    draw_problem("learning.start")


def _draft(desk: LearningDesk, gap_id: int) -> None:
    with errors_kept("learning.start"):
        desk.draft(gap_id, actor=acting_name())


def _draw_proving(desk: LearningDesk, detail: GapDetail) -> None:
    gap = detail.gap
    if any(question.proof is None for question in detail.questions):
        _draw_waiting(desk, gap.id)
        return
    said = text("learning.standing.unproven", answered=number(gap.answered), n=number(gap.questions))
    st.warning(said, icon=":material/quiz:")


def _draw_waiting(desk: LearningDesk, gap_id: int) -> None:
    """The row is on its way: look again until its questions were asked."""

    @st.fragment(run_every=POLL_SECONDS)
    def wait() -> None:
        detail = desk.detail(gap_id)
        if detail.gap.state is not GapState.PUBLISHED or all(one.proof is not None for one in detail.questions):
            st.rerun()
        st.info(f":shimmer[{text('learning.standing.proving')}]", icon=":material/hourglass_top:")

    wait()


def _draw_row(desk: LearningDesk, gap: Gap) -> None:
    """The row that answers, with the way back."""
    row = desk.row(gap)
    if row is None:
        return
    st.markdown(f"**{text('learning.row.heading')}**")
    with st.container(border=True, gap="xsmall", key=f"case-learning-{row.id}"):
        st.markdown(" ".join(cards.case_badges(row)))
        st.markdown(plain(shortened(row.issue, 300)))
        cards.draw_remedy(row)
        st.caption(plain_line(text("learning.row.published", at=moment(gap.published_at))))
    if may(Permission.LEARN_PUBLISH) and gap.state in (GapState.PUBLISHED, GapState.CLOSED):
        label = text("learning.action.take_back")
        args = (desk, gap.id)
        st.button(
            label, type="tertiary", icon=":material/undo:", key="learning.take_back", on_click=_take_back, args=args
        )
        draw_problem("learning.take_back")


def _take_back(desk: LearningDesk, gap_id: int) -> None:
    with errors_kept("learning.take_back"):
        desk.undo_publication(gap_id, actor=acting_name())


def _draw_trail(events: Sequence[GapEvent]) -> None:
    newest = events[::-1]
    st.markdown(f"**{text('learning.trail.heading')}**")
    for event in newest[:EVENTS_SHOWN]:
        _draw_event(event)
    if older := newest[EVENTS_SHOWN:]:
        with st.expander(text("learning.trail.older", n=number(len(older)))):
            for event in older:
                _draw_event(event)


def _draw_event(event: GapEvent) -> None:
    said = plain_line(told(event))
    undone = f" · {text('learning.trail.undone')}" if event.undone_by is not None else ""
    by = text("learning.trail.line", at=moment(event.at), actor=event.actor or text("learning.trail.console"))
    with st.container(gap="xxsmall"):
        st.markdown(f":material/{EVENT_ICONS[event.kind]}: " + (f"~~{said}~~" if undone else said))
        if event.note:
            st.markdown(plain(event.note))
        st.caption(plain_line(by + undone))
