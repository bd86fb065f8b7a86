"""What may be done to rows: edit, switch off and on, delete, look at their history, and take the last step back."""

from dataclasses import replace
from typing import Literal

import streamlit as st

from pages.shell import session
from pages.shell.cards import badge
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.plain import plain, plain_line, shortened
from pages.shell.resources import acting_name, may
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, CaseVersion, Change, ChangeKind
from sipd_core.locale_id import moment, number
from sipd_core.permissions import Permission
from sipd_core.texts import text

_FIELDS = ("menu", "issue", "remedy", "expected", "note_dev", "note_qa", "status")
_SHOWN = 400
"""Characters of a text in the history."""


def draw_last(engine: BlockingEngine) -> None:
    """What this browser did last to rows, with the way back."""
    done = session.last_change()
    if done is None:
        return
    change_id, said = done
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {plain_line(said)}")
        st.button(
            text("changes.action.undo"),
            icon=":material/undo:",
            key="knowledge.undo",
            on_click=_undo,
            args=(engine, change_id),
        )
        st.button(
            text("changes.action.dismiss"), type="tertiary", key="knowledge.dismiss", on_click=session.forget_change
        )


def draw_actions(engine: BlockingEngine, chosen: list[Case]) -> None:
    """Buttons for the chosen rows."""
    writes = may(Permission.BASE_WRITE)
    with st.container(horizontal=True):
        if len(chosen) == 1:
            if writes and _button("edit", "edit", primary=True):
                _edit(engine, chosen[0])
            if _button("history", "history"):
                _history(engine, chosen[0])
        if not writes:
            return
        on, off = [case for case in chosen if case.enabled], [case for case in chosen if not case.enabled]
        if on and _button("disable", "visibility_off"):
            _switch(engine, on, ChangeKind.DISABLE)
        if off and _button("enable", "visibility"):
            _switch(engine, off, ChangeKind.ENABLE)
        if _button("delete", "delete"):
            _confirm_deletion(engine, chosen)


def _button(name: str, icon: str, *, primary: bool = False) -> bool:
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    return st.button(text(f"changes.action.{name}"), icon=f":material/{icon}:", type=kind, key=f"knowledge.{name}")


def _switch(engine: BlockingEngine, chosen: list[Case], kind: ChangeKind) -> None:
    states: dict[str, Case | None] = {case.id: replace(case, enabled=kind is ChangeKind.ENABLE) for case in chosen}
    with errors_shown():
        _done(engine.change_cases(kind, states, actor=acting_name(), note=_note(chosen)))
        st.rerun()


@st.dialog(text("changes.delete.title"), icon=":material/delete:")
def _confirm_deletion(engine: BlockingEngine, chosen: list[Case]) -> None:
    n = number(len(chosen))
    st.write(text("changes.delete.body", n=n))
    confirm = text("changes.delete.confirm", n=n)
    if st.button(confirm, type="primary", key="knowledge.delete_yes", on_click=_delete, args=(engine, chosen)):
        st.rerun()


def _delete(engine: BlockingEngine, chosen: list[Case]) -> None:
    states: dict[str, Case | None] = {case.id: None for case in chosen}
    with errors_kept():
        _done(engine.change_cases(ChangeKind.DELETE, states, actor=acting_name(), note=_note(chosen)))


@st.dialog(text("changes.edit.title"), width="large", icon=":material/edit:")
def _edit(engine: BlockingEngine, case: Case) -> None:
    st.caption(text("changes.edit.hint"))
    with st.form(f"knowledge.edit.{case.id}", border=False):
        menu = st.text_input(text("changes.edit.menu"), case.menu)
        issue = st.text_area(text("changes.edit.issue"), case.issue, height=140)
        remedy = st.text_area(
            text("changes.edit.remedy"), case.remedy, height=140, help=text("changes.edit.remedy_help")
        )
        with st.expander(text("changes.edit.more")):
            more = {
                name: st.text_area(text(f"changes.edit.{name}"), getattr(case, name), height=80)
                for name in ("expected", "note_dev", "note_qa", "status")
            }
        note = st.text_input(text("changes.edit.note"))
        if st.form_submit_button(text("changes.edit.save"), type="primary", icon=":material/save:"):
            with errors_shown():
                edited = replace(case, menu=menu, issue=issue, remedy=remedy, **more)
                _done(engine.edit_case(edited, acting_name(), note.strip() or _note([case])))
                st.rerun()


@st.dialog(text("changes.history.title"), width="large", icon=":material/history:")
def _history(engine: BlockingEngine, case: Case) -> None:
    st.markdown(f"**{plain_line(shortened(case.issue, _SHOWN))}**")
    versions = engine.case_history(case.id)
    counted = [version for version in versions if version.change.undone_at is None]
    for version in versions:
        later = counted.index(version) if version in counted else -1
        before = counted[later + 1].case if 0 <= later < len(counted) - 1 else None
        with st.container(border=True, gap="small"):
            _draw_version(version, before)


def _draw_version(version: CaseVersion, before: Case | None) -> None:
    change = version.change
    actor = change.actor or text("changes.history.unknown_actor")
    color = "gray" if change.undone_at else "blue"
    line = plain_line(text("changes.history.line", at=moment(change.at), actor=actor))
    st.markdown(f"{badge(color, text(f'changes.kind.{change.kind}'))} :small[{line}]")
    if change.undone_at:
        undone = text("changes.history.undone", at=moment(change.undone_at), actor=change.undone_by)
        st.caption(f":material/undo: {plain_line(undone)}")
    if change.kind is ChangeKind.IMPORT:
        st.caption(plain_line(text("changes.history.brought", file=change.note)))
    elif change.note:
        st.caption(plain_line(change.note))
    if version.case is None:
        st.caption(text("changes.history.gone"))
    elif before is not None:
        _draw_difference(before, version.case)


def _draw_difference(before: Case, after: Case) -> None:
    pairs = [(text(f"changes.edit.{name}"), getattr(before, name), getattr(after, name)) for name in _FIELDS]
    pairs.append((text("changes.history.enabled"), _yes(before), _yes(after)))
    changed = [(label, old, new) for label, old, new in pairs if old != new]
    if not changed:
        st.caption(text("changes.history.unchanged"))
    for label, old, new in changed:
        st.markdown(f"**{plain_line(label)}**")
        st.caption(f"{text('changes.history.before')}: {_quoted(old)}")
        st.markdown(f"{text('changes.history.after')}: {_quoted(new)}")


def _quoted(value: str) -> str:
    return plain(shortened(value, _SHOWN)) if value.strip() else f"_{text('changes.history.empty')}_"


def _yes(case: Case) -> str:
    return text("changes.history.yes" if case.enabled else "changes.history.no")


def _note(chosen: list[Case]) -> str:
    return shortened(chosen[0].issue, 80)


def _undo(engine: BlockingEngine, change_id: str) -> None:
    with errors_kept():
        engine.undo_change(change_id, acting_name())
        session.forget_change()
        session.flash(text("changes.made.undone"))


def _done(change: Change) -> None:
    """Remember the step for its undo, and clear the selection."""
    session.note_change(change.id, text(f"changes.made.{change.kind}", n=number(change.cases)))
