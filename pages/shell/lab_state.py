"""What the page of the lab remembers of one browser, and the way back from what was done last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept
from pages.shell.plain import plain_line
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Rejection
from sipd_core.knowledge.explain import Explanation
from sipd_core.store.gold import GoldReport
from sipd_core.texts import text

SECTION = "lab.section"
SET = "lab.set"
RUN = "lab.run"
FIRST, SECOND = "lab.first", "lab.second"
_UNDO = "lab.undo"
_REPORT = "lab.report"
_EXPLAINED = "lab.explained"
_ROUND = "lab.round"


@dataclass(frozen=True, slots=True)
class Undo:
    """What was done last and what brings it back."""

    said: str
    back: Callable[[BlockingEngine], None]


@dataclass(frozen=True, slots=True)
class Explained:
    """A question as it was typed, and what came of it."""

    typed: str
    told: Explanation


def actor() -> str:
    """The name under which things are written down."""
    return acting_name()


def go(section: str) -> None:
    """Show another section on the next run; for callbacks."""
    st.session_state[SECTION] = section


def choose_set(set_id: str) -> None:
    """Show this set; for callbacks, or before the choice of sets is drawn."""
    st.session_state[SET] = set_id


def offer_undo(said: str, back: Callable[[BlockingEngine], None]) -> None:
    """Offer the way back from what was just done, until something else is done or it is closed."""
    st.session_state[_UNDO] = Undo(said, back)


def draw_undo(engine: BlockingEngine) -> None:
    """What was done last, with the way back."""
    undo: Undo | None = st.session_state.get(_UNDO)
    if undo is None:
        return
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f":green[:material/check_circle:] {plain_line(undo.said)}", width="content")
        with st.container(horizontal=True, width="content"):
            back = text("laboratory.undo.back")
            st.button(back, icon=":material/undo:", key="lab.undo.back", on_click=_take_back, args=(engine, undo))
            st.button(text("laboratory.undo.close"), type="tertiary", key="lab.undo.close", on_click=_forget)


def _take_back(engine: BlockingEngine, undo: Undo) -> None:
    with errors_kept():
        undo.back(engine)
    _forget()


def _forget() -> None:
    st.session_state.pop(_UNDO, None)


def say_rejected(rejections: Sequence[Rejection], place: str) -> None:
    """Tell on the next run, at this place, which rows could not be taken, and why."""
    if rejections:
        rows = [text("laboratory.editor.rejected_row", row=one.row, reason=one.reason) for one in rejections]
        session.keep_problem("\n".join([text("laboratory.editor.rejected"), *rows]), place)


def keep_report(set_id: str, report: GoldReport) -> None:
    """Remember what came of the last file for a set, and empty the uploader."""
    st.session_state[_REPORT] = set_id, report
    next_round()


def report(set_id: str) -> GoldReport | None:
    """What came of the last file, if it was for this set."""
    kept: tuple[str, GoldReport] | None = st.session_state.get(_REPORT)
    return kept[1] if kept and kept[0] == set_id else None


def forget_report() -> None:
    """Close what came of the last file."""
    st.session_state.pop(_REPORT, None)


def keep_explained(explained: Explained) -> None:
    """Remember a question that was looked into, for as long as the browser stays."""
    st.session_state[_EXPLAINED] = explained


def explained() -> Explained | None:
    """The question that was looked into last."""
    kept: Explained | None = st.session_state.get(_EXPLAINED)
    return kept


def rounds() -> int:
    """Part of the keys of what is typed or edited, so that it begins anew after it was saved."""
    return int(st.session_state.get(_ROUND, 0))


def next_round() -> None:
    """Let what is typed or edited begin anew."""
    st.session_state[_ROUND] = rounds() + 1
