"""What the cost page remembers of one browser, and how what was entered is listed with its way back."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import streamlit as st

from pages.shell import session
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.period import period_picker
from pages.shell.plain import plain_line
from pages.shell.resources import acting_name, may
from sipd_core.errors import SpendingError
from sipd_core.locale_id import moment, number, parse_number
from sipd_core.periods import Period
from sipd_core.permissions import Permission
from sipd_core.spending.room import Spending
from sipd_core.store.entries import Entry
from sipd_core.texts import text

V = TypeVar("V")
SECTION = "cost.section"
MODEL = "cost.price.model"
SHOWN = 8
"""Entries of a history that are shown before the rest is asked for."""


def actor() -> str:
    """The name under which things are written down."""
    return acting_name()


def go(section: str) -> None:
    """Show another section on the next run; for callbacks."""
    st.session_state[SECTION] = section


def period(spending: Spending) -> Period:
    """The days to look at, the same on all pages."""
    return period_picker("cost", today=spending.today)


def typed(key: str, field: str, example: str, *, empty: Decimal | None = None) -> Decimal:
    """The figure in a text field; raises SpendingError in words when it is none. `empty` is what an empty field means."""
    written = str(st.session_state.get(key) or "").strip()
    if not written and empty is not None:
        return empty
    found = parse_number(written)
    if found is None:
        raise SpendingError(text_key="cost.entry.number", field=field, example=example)
    return found


def chosen_day(key: str) -> date:
    """The day in a date field."""
    day: date = st.session_state[key]
    return day


def clear(*keys: str) -> None:
    """Empty fields after what they held is stored; for callbacks."""
    for key in keys:
        st.session_state[key] = ""


def draw_history(
    name: str,
    entries: Sequence[Entry[V]],
    shown: Callable[[V], str],
    undo: Callable[[int], Any],
    *,
    can_redo: bool = True,
) -> None:
    """Everything that was ever entered, newest first, each with its way back; `shown` gives Markdown."""
    by_seq = {entry.seq: entry for entry in entries}
    told = [entry for entry in entries if entry.value is not None]
    with st.expander(
        text("cost.entry.history", n=number(len(told))), icon=":material/history:", key=f"cost.{name}.history"
    ):
        if not told:
            st.caption(text("cost.entry.none"))
        whole = len(told) <= SHOWN or st.checkbox(text("cost.entry.all", n=number(len(told))), key=f"cost.{name}.all")
        for entry in told if whole else told[:SHOWN]:
            _draw_entry(name, entry, by_seq, shown, undo, can_redo=can_redo)


def _draw_entry(
    name: str,
    entry: Entry[V],
    by_seq: dict[int, Entry[V]],
    shown: Callable[[V], str],
    undo: Callable[[int], Any],
    *,
    can_redo: bool,
) -> None:
    assert entry.value is not None
    place = f"cost.{name}.undo.{entry.seq}"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content", gap="xxsmall"):
            said = shown(entry.value)
            st.markdown(said if entry.undone_by is None else f"~~{said}~~", width="content")
            st.caption(_told(entry, by_seq), width="content")
        gone = entry.undone_by is not None
        if (gone and not can_redo) or not may(Permission.MONEY):
            return
        st.button(
            text("cost.entry.redo" if gone else "cost.entry.undo"),
            icon=":material/redo:" if gone else ":material/undo:",
            type="tertiary",
            key=place,
            on_click=_take_back,
            args=(undo, entry.undone_by if gone else entry.seq, "brought_back" if gone else "taken_back", place),
        )
    draw_problem(place)


def _told(entry: Entry[V], by_seq: dict[int, Entry[V]]) -> str:
    """Who, when, why, and who took it back."""
    parts = [text("cost.entry.line", at=moment(entry.at), actor=plain_line(entry.actor))]
    parts += [plain_line(entry.note)] if entry.note else []
    if entry.undone_by is not None and (undo := by_seq.get(entry.undone_by)):
        parts.append(text("cost.entry.undone", at=moment(undo.at), actor=plain_line(undo.actor)))
    return " · ".join(parts)


def _take_back(undo: Callable[[int], Any], seq: int, said: str, place: str) -> None:
    with errors_kept(place):
        undo(seq)
        session.flash(text(f"cost.entry.{said}"))
