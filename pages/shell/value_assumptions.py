"""What a manager supposes of the work by hand: typed, saved with a note, every version kept, a way back."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

import streamlit as st

from pages.shell import session, value_state
from pages.shell.cards import badge
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain_line
from pages.shell.resources import acting_name, may
from pages.shell.value_summary import draw_agreement
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import moment, number, rupiah, usd
from sipd_core.permissions import Permission
from sipd_core.roi import Unit
from sipd_core.store.assumptions import (
    LIMITS,
    LONGEST_NOTE,
    AssumptionChange,
    Assumptions,
)
from sipd_core.texts import text
from sipd_core.value import ValueReport
from sipd_core.value_words import amount, shown

SHOWN = 8
"""Versions that are shown before all are asked for."""
_FORM = "value.edit"
_STEPS = {Unit.RUPIAH: 1_000.0, Unit.MINUTES: 1.0, Unit.COUNT: 1.0, Unit.HOURS: 1.0}


def draw(engine: BlockingEngine, report: ValueReport) -> None:
    """The values in force to change, what they come to, and the versions before."""
    draw_agreement(report, way=False)
    st.caption(text("value.assumptions_note"))
    given = asdict(report.assumptions)
    with st.grid(columns=2, min_column_width=280, gap="small"):
        for name in LIMITS:
            with st.container(gap="xxsmall"):
                _input(name, given[name], report)
    st.text_input(
        text("value.edit.note"), max_chars=LONGEST_NOTE, placeholder=text("value.edit.note_hint"), key=_key("note")
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            text("value.edit.save" if report.change else "value.edit.agree"),
            type="primary",
            icon=":material/save:",
            key="value.save",
            disabled=not may(Permission.MONEY),
            on_click=_save,
            args=(engine, report.change.seq if report.change else None),
        )
        st.button(text("value.edit.reset"), type="tertiary", key="value.reset", on_click=value_state.next_round)
        st.markdown(plain_line(text("value.edit.net", net=shown(report.worth.net))), width="content")
    draw_problem(_FORM)
    _history(engine)


def _key(name: str) -> str:
    return f"value.edit.{name}.{value_state.rounds()}"


def _input(name: str, value: Decimal, report: ValueReport) -> None:
    """The ends are checked on saving, in words that name the value; the browser would only refuse in silence."""
    unit = LIMITS[name].unit
    typed = st.number_input(
        text(f"value.assumption.{name}.label"),
        value=float(value),
        step=_STEPS[unit],
        format="%.0f" if value == value.to_integral_value() else "%.2f",
        help=text(f"value.assumption.{name}.help"),
        key=_key(name),
    )
    if unit is Unit.RUPIAH and typed is not None:
        st.caption(plain_line(f"{rupiah(typed)} · {usd(Decimal(str(typed)) / report.rate)}"))


def _save(engine: BlockingEngine, based_on: int | None) -> None:
    with errors_kept(_FORM):
        typed = {name: st.session_state.get(_key(name)) for name in LIMITS}
        values = {name: None if value is None else Decimal(str(value)) for name, value in typed.items()}
        note = str(st.session_state.get(_key("note"), ""))
        engine.value.assumptions.save(Assumptions.of(values), actor=acting_name(), note=note, based_on=based_on)
        session.flash(text("value.edit.saved"))
        value_state.next_round()


def _history(engine: BlockingEngine) -> None:
    """Every version, newest first: what it changed, who and when and why, and the way back to it."""
    st.subheader(text("value.history.heading"), anchor=False)
    history = engine.value.assumptions.history()
    if not history:
        st.caption(text("value.history.none"))
        return
    all_of_them = text("value.history.all", n=number(len(history)))
    whole = len(history) <= SHOWN or st.checkbox(all_of_them, key="value.history.all")
    with st.container(border=True):
        for place, (one, before) in enumerate(zip(history, [*history[1:], None], strict=True)):
            if whole or place < SHOWN:
                _draw_version(engine, one, before, in_force=not place)


def _draw_version(
    engine: BlockingEngine, one: AssumptionChange, before: AssumptionChange | None, *, in_force: bool
) -> None:
    line = [text("value.history.line", at=moment(one.at), actor=one.actor), *([one.note] if one.note else [])]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content", gap="xxsmall"):
            st.markdown(plain_line(_changed(one, before)), width="content")
            st.caption(" · ".join(map(plain_line, line)), width="content")
        if in_force:
            st.markdown(badge("green", text("value.history.in_force"), "check"), width="content")
            return
        st.button(
            text("value.history.again"),
            icon=":material/restore:",
            type="tertiary",
            key=f"value.again.{one.seq}",
            disabled=not may(Permission.MONEY),
            on_click=_go_back,
            args=(engine, one.seq),
        )
    draw_problem(f"value.again.{one.seq}")


def _changed(one: AssumptionChange, before: AssumptionChange | None) -> str:
    said = "; ".join(_changes(one, before)) or text("value.history.unchanged")
    return f"{text('value.history.back')} {said}" if one.is_back else said


def _changes(one: AssumptionChange, before: AssumptionChange | None) -> Sequence[str]:
    """What differs from the version before, the first one from the guesses."""
    now, then = asdict(one.assumptions), asdict(before.assumptions if before else Assumptions())
    return [
        text(
            "value.history.change",
            name=text(f"value.assumption.{name}.label"),
            then=amount(then[name], limit.unit),
            now=amount(now[name], limit.unit),
        )
        for name, limit in LIMITS.items()
        if now[name] != then[name]
    ]


def _go_back(engine: BlockingEngine, seq: int) -> None:
    with errors_kept(f"value.again.{seq}"):
        engine.value.assumptions.go_back(seq, actor=acting_name())
        session.flash(text("value.edit.saved"))
        value_state.next_round()
