"""The decisions about the base, drawn, each with the way back."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import health_parts as parts
from pages.shell import health_state
from pages.shell.cards import badge
from pages.shell.plain import plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Change, ChangeKind
from sipd_core.locale_id import moment, number
from sipd_core.texts import text

READ = 200
SHOWN = 15
NOTE_SHOWN = 60
"""Characters of a note: beside a longer one there is no room left for the button."""
_KINDS = {
    ChangeKind.EDIT: "edit_note",
    ChangeKind.DISABLE: "visibility_off",
    ChangeKind.ENABLE: "visibility",
    ChangeKind.DELETE: "delete",
    ChangeKind.MERGE: "merge",
    ChangeKind.MENUS: "folder_open",
    ChangeKind.LEARN: "school",
}


def draw(engine: BlockingEngine) -> None:
    """Newest first; those undone can be done again."""
    parts.draw_heading("changes")
    decided = [change for change in engine.changes(READ) if change.kind in _KINDS]
    if not decided:
        parts.draw_empty("changes", ":gray[:material/history:]")
        return
    parts.paged("changes", decided, SHOWN, lambda shown: _lines(engine, shown))


def _lines(engine: BlockingEngine, shown: Sequence[Change]) -> None:
    for change in shown:
        _line(engine, change)


def _line(engine: BlockingEngine, change: Change) -> None:
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        undone = change.undone_at is not None
        mark = f" {badge('orange', text('health.changes.undone', at=moment(change.undone_at)))}" if undone else ""
        said = text("health.changes.line", at=moment(change.at), actor=change.actor, n=number(change.cases))
        kind = badge("gray", text(f"changes.kind.{change.kind}"), _KINDS[change.kind])
        st.markdown(f"{kind} {plain_line(shortened(change.note, NOTE_SHOWN))}{mark}  \n:small[:gray[{plain_line(said)}]]", width="stretch")
        st.button(
            text("health.changes.redo" if undone else "health.changes.undo"),
            icon=":material/redo:" if undone else ":material/undo:",
            key=f"health.changes.turn.{change.id}",
            on_click=health_state.turn,
            args=(engine, change.id, change.note),
            kwargs={"undo": not undone},
        )
