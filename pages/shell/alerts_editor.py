"""The rules themselves: one of them in a form, and everything that was ever changed, each with its way back."""

from dataclasses import replace

import streamlit as st

from pages.shell import session
from pages.shell.frame import draw_problem, errors_kept, errors_shown
from pages.shell.plain import plain_line
from pages.shell.resources import may
from sipd_core.alerts import wording
from sipd_core.alerts.model import DEFAULTS, LONGEST_WINDOW, MOST_TURNS, Kind, Rule
from sipd_core.alerts.room import AlertRoom
from sipd_core.errors import AlertError
from sipd_core.locale_id import moment, number, parse_number
from sipd_core.permissions import Permission
from sipd_core.store.entries import Entry
from sipd_core.texts import text

RULE = "alerts.rule"
SHOWN = 10
"""Entries of the history that are shown before all are asked for."""


def draw_editor(alerts: AlertRoom, actor: str) -> None:
    """Choose a rule, change it, see what was changed."""
    st.subheader(text("alerts.editor.heading"), anchor=False)
    st.caption(text("alerts.editor.intro"))
    rules = {one.rule.kind: one.rule for one in alerts.watched()}
    kind = st.selectbox(text("alerts.editor.rule"), list(Kind), format_func=wording.title, key=RULE, width=420)
    _draw_form(alerts, rules[kind or Kind.ERROR_RATE], actor)
    _draw_history(alerts, actor)


def _draw_form(alerts: AlertRoom, rule: Rule, actor: str) -> None:
    trait, mark = rule.trait, f"{rule.kind}.{hash(rule)}"  # another rule, also one that came back, has fresh fields
    with st.form(f"alerts.form.{mark}"):
        st.caption(plain_line(text(f"alerts.about.{rule.kind}")))
        enabled = st.toggle(text("alerts.editor.enabled"), value=rule.enabled, key=f"alerts.enabled.{mark}")
        fields = st.columns(3 if trait.of_turns else [1, 2])
        typed = _written(rule.threshold)
        if not trait.fixed:
            label = text(f"alerts.editor.{'below' if trait.too_low else 'reached'}", unit=text(f"alerts.unit.{trait.unit}"))
            typed = fields[0].text_input(label, value=typed, key=f"alerts.threshold.{mark}")
        window, turns = rule.window_minutes, rule.min_turns
        if trait.of_turns:
            label = text("alerts.editor.window")
            window = fields[1].number_input(label, 1, LONGEST_WINDOW, window, 5, key=f"alerts.window.{mark}")
            label = text("alerts.editor.turns")
            turns = fields[2].number_input(label, 1, MOST_TURNS, turns, 5, key=f"alerts.turns.{mark}")
        note = st.text_input(text("alerts.editor.note"), max_chars=300, key=f"alerts.why.{mark}")
        st.caption(plain_line(text("alerts.editor.default", condition=wording.condition(DEFAULTS[rule.kind]))))
        label, closed = text("alerts.editor.save"), not may(Permission.MONEY)
        saved = st.form_submit_button(label, type="primary", icon=":material/save:", disabled=closed)
    if saved:
        with errors_shown():
            changed = replace(rule, enabled=enabled, window_minutes=int(window), min_turns=int(turns))
            alerts.change_rule(replace(changed, threshold=_read(typed)), actor=actor, note=note)
            session.flash(text("alerts.editor.saved", title=wording.title(rule.kind)))
            st.rerun()


def _written(threshold: float) -> str:
    """As people type it: `7,5`, `10`."""
    shown = number(threshold, 2)
    return shown.rstrip("0").rstrip(",")


def _read(typed: str) -> float:
    """Raises AlertError for what is no figure."""
    found = parse_number(typed)
    if found is None:
        raise AlertError(text_key="alerts.error.number")
    return float(found)


def _draw_history(alerts: AlertRoom, actor: str) -> None:
    entries = alerts.rule_history()
    told = [entry for entry in entries if entry.value is not None]
    by_seq = {entry.seq: entry for entry in entries}
    with st.expander(text("alerts.history.heading", n=number(len(told))), icon=":material/history:"):
        if not told:
            st.caption(text("alerts.history.empty"))
        whole = len(told) > SHOWN and st.checkbox(text("alerts.history.all"), key="alerts.history_all")
        for entry in told if whole else told[:SHOWN]:
            _draw_entry(alerts, entry, by_seq.get(entry.undone_by or 0), actor)


def _draw_entry(alerts: AlertRoom, entry: Entry[Rule], undo: Entry[Rule] | None, actor: str) -> None:
    assert entry.value is not None
    rule, place = entry.value, f"alerts.undo.{entry.seq}"
    state = text("alerts.history.on" if rule.enabled else "alerts.history.off")
    said = plain_line(f"{wording.title(rule.kind)}: {wording.condition(rule)} ({state})")
    line = [plain_line(text("alerts.history.line", at=moment(entry.at), actor=entry.actor))]
    line += [plain_line(entry.note)] if entry.note else []
    line += [plain_line(text("alerts.history.undone", at=moment(undo.at), actor=undo.actor))] if undo else []
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content", gap="xxsmall"):
            st.markdown(f"~~{said}~~" if undo else said, width="content")
            st.caption(" · ".join(line), width="content")
        st.button(
            text("alerts.history.redo" if undo else "alerts.history.undo"),
            icon=":material/redo:" if undo else ":material/undo:",
            type="tertiary",
            key=place,
            disabled=not may(Permission.MONEY),
            on_click=_take_back,
            args=(alerts, undo.seq if undo else entry.seq, actor, place),
        )
    draw_problem(place)


def _take_back(alerts: AlertRoom, seq: int, actor: str, place: str) -> None:
    with errors_kept(place):
        alerts.undo_rule(seq, actor=actor)
        session.flash(text("alerts.history.done"))
