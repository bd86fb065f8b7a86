"""The work list of the learning loop: figures, filters that are kept, one page of gaps, and all of them as a file."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.shell import learning_state
from pages.shell.desk_words import short_span
from pages.shell.downloads import download_button
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.learning_words import reasons, state_name
from pages.shell.plain import plain_line, shortened
from pages.shell.resources import acting_name, may
from pages.shell.work_list import Filters, chosen_row
from sipd_core.learning.desk import LearningDesk
from sipd_core.learning.model import HIDDEN, TO_DO, Failure, Gap, GapFigures, GapFilter, GapState
from sipd_core.locale_id import UNKNOWN, local_day, number
from sipd_core.permissions import Permission
from sipd_core.texts import text

_SHOWN: dict[str, tuple[GapState, ...]] = {
    "todo": TO_DO,
    **{state.value: (state,) for state in GapState if state not in HIDDEN},
    "all": (),
}
_COLUMNS = ("number", "state", "title", "conversations", "askers", "first", "last", "why", "menu")
_WIDTHS = {
    "number": 44,
    "state": 92,
    "title": 215,
    "conversations": 92,
    "askers": 75,
    "first": 92,
    "last": 92,
    "why": 130,
    "menu": 105,
}
"""In pixels; these columns fit beside the menu of a usual screen."""
OUTSIDE_SHOWN = 20
POLL_SECONDS = 3.0
"""How often an empty list looks whether it still is."""
_FILTERS = Filters("learning", "learning.list", learning_state.PAGES)


def draw_list(desk: LearningDesk) -> None:
    """How the loop stands, and its gaps; a chosen row opens its gap."""
    figures = desk.figures()
    if not figures.total:
        _empty()
        _watch(desk, figures)
    else:
        _draw_figures(figures)
        _draw_gaps(desk)
    if figures.outside:
        _draw_outside(desk, figures.outside)


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f":material/school: **{text('learning.empty.title')}**")
        st.write(text("learning.empty.body"))
        st.page_link(learning_state.CHAT_PAGE, label=text("learning.empty.chat"), icon=":material/forum:")


def _watch(desk: LearningDesk, drawn: GapFigures) -> None:
    """What failed a moment ago comes in by itself, and this page says so: look until there is something else to draw."""

    @st.fragment(run_every=POLL_SECONDS)
    def look() -> None:
        now = desk.figures()
        if (now.total, now.outside) != (drawn.total, drawn.outside):
            st.rerun()

    look()


def _draw_figures(figures: GapFigures) -> None:
    with st.grid(columns=5, min_column_width=150, gap="small"):
        for state in TO_DO:
            st.metric(text(f"learning.state.{state}"), number(figures.by_state.get(state, 0)), border=True)
        st.metric(text("learning.figure.closed_this_week"), number(figures.closed_this_week), border=True)
        help_ = text("learning.figure.to_close_help")
        st.metric(text("learning.figure.to_close"), short_span(figures.to_close), help=help_, border=True)


def _draw_gaps(desk: LearningDesk) -> None:
    wanted = _filter(desk)
    found = learning_state.PAGES.read(partial(desk.gaps, wanted))
    if not found.total:
        st.info(text("learning.list.no_match"), icon=":material/search_off:")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(text("learning.list.total", n=number(found.total)), width="content")
        download_button(
            text("learning.list.export"),
            lambda: desk.export(wanted),
            file_name=text("learning.list.file"),
            mime="text/csv",
            key="learning.export",
        )
    place = f"{learning_state.PAGES.number()}.{learning_state.table_round()}"
    _table(found.gaps, f"learning.table.{hash(wanted)}.{place}")
    learning_state.PAGES.draw(found.total)
    st.caption(text("learning.list.counted"))


def _filter(desk: LearningDesk) -> GapFilter:
    shown = _FILTERS.standing(st.container(), "state", list(_SHOWN), "todo", _shown_name)
    with st.grid(columns=3, min_column_width=220, gap="small"):
        search = _FILTERS.search(st.container())
        failure = _FILTERS.choice("failure", {one.value: text(f"learning.failure.{one}") for one in Failure})
        menu = _FILTERS.choice("menu", {name: name for name in desk.menus()})
    return GapFilter(search, _SHOWN[shown], Failure(failure) if failure else None, menu)


def _shown_name(shown: str) -> str:
    return text(f"learning.list.{shown}") if shown in ("todo", "all") else text(f"learning.state.{shown}")


def _table(gaps: Sequence[Gap], key: str) -> None:
    names = {name: text(f"learning.column.{name}") for name in _COLUMNS}
    lines = [dict(zip(names.values(), _line(gap), strict=True)) for gap in gaps]
    widths = {names[name]: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()}
    if chosen := chosen_row(gaps, lines, key, widths):
        learning_state.show(chosen.id)
        st.rerun()


def _line(gap: Gap) -> tuple[str, ...]:
    return (
        text("learning.number", id=gap.id),
        state_name(gap),
        " ".join(gap.title.split()) or UNKNOWN,
        number(gap.conversations),
        number(gap.askers) if gap.askers else UNKNOWN,
        UNKNOWN if gap.first_at is None else local_day(gap.first_at),
        UNKNOWN if gap.last_at is None else local_day(gap.last_at),
        reasons(gap.failures) or UNKNOWN,
        gap.menu or UNKNOWN,
    )


def _draw_outside(desk: LearningDesk, count: int) -> None:
    """What was taken for no matter of this help desk, and the way into the list."""
    with st.expander(text("learning.outside.title", n=number(count)), icon=":material/filter_alt_off:"):
        st.caption(text("learning.outside.help", n=number(OUTSIDE_SHOWN)))
        for question in desk.outside(OUTSIDE_SHOWN):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                said = plain_line(shortened(question.text, 160))
                st.markdown(f"{said}  \n:small[:gray[{local_day(question.at)}]]", width="stretch")
                if may(Permission.LEARN_PUBLISH):
                    st.button(
                        text("learning.outside.take_in"),
                        key=f"learning.take_in.{question.turn_id}",
                        icon=":material/add:",
                        on_click=_take_in,
                        args=(desk, question.turn_id),
                    )
            draw_problem(f"learning.take_in.{question.turn_id}")


def _take_in(desk: LearningDesk, turn_id: str) -> None:
    with errors_kept(f"learning.take_in.{turn_id}"):
        learning_state.show(desk.take_in(turn_id, actor=acting_name()))
