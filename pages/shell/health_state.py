"""What the page of the base's health remembers of one browser, and how its decisions are made and taken back."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Change
from sipd_core.texts import text

SECTION = "health.section"
_LAST = "health.last"
_OPEN = "health.open"
_ROUND = "health.round"


@dataclass(frozen=True, slots=True)
class Done:
    """The decision made last, so that it can be taken back at once."""

    change_id: str
    note: str


def actor() -> str:
    """The name under which decisions are written down."""
    return acting_name()


def decide(action: Callable[[], Change]) -> None:
    """Make a decision in a callback, which must not draw; what came of it is shown on the next run."""
    with errors_kept():
        made = action()
        st.session_state[_LAST] = Done(made.id, made.note)
        st.session_state[_ROUND] = decisions() + 1
        close_group()


def turn(engine: BlockingEngine, change_id: str, note: str, *, undo: bool) -> None:
    """Take a decision back, or do it again."""
    with errors_kept():
        (engine.undo_change if undo else engine.redo_change)(change_id, actor())
        engine.health.settle(2.0)
        session.flash(text("health.changes.undone_flash" if undo else "health.changes.redone_flash", note=note))
        st.session_state[_ROUND] = decisions() + 1
        forget_done()


def done() -> Done | None:
    """The decision made last in this browser."""
    kept: Done | None = st.session_state.get(_LAST)
    return kept


def forget_done() -> None:
    """Stop offering to take the last decision back."""
    st.session_state.pop(_LAST, None)


def decisions() -> int:
    """How many decisions this browser has made: part of the keys of what is typed, so that it empties after each."""
    return int(st.session_state.get(_ROUND, 0))


def open_group(problem_id: str) -> None:
    """Show one group of near duplicates instead of the list."""
    st.session_state[_OPEN] = problem_id
    st.session_state[SECTION] = "clusters"


def close_group() -> None:
    """Back to the list."""
    st.session_state.pop(_OPEN, None)


def opened_group() -> str | None:
    """The group that is shown."""
    kept: str | None = st.session_state.get(_OPEN)
    return kept
