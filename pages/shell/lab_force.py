"""What searches go by: one line of it on every section, putting the figures of a run in force, and the way back."""

from functools import partial

import streamlit as st

from pages.shell import lab_figures, lab_state
from pages.shell.cards import badge
from pages.shell.frame import errors_kept
from pages.shell.plain import plain, plain_line
from pages.shell.work_list import chosen_row
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import UNKNOWN, moment, number
from sipd_core.store.runs import Run
from sipd_core.store.tuning import Tuning
from sipd_core.texts import text

LONGEST_NOTE = 300
HISTORY_SHOWN = 50


def draw_line(engine: BlockingEngine) -> None:
    """What is in force, in one line."""
    newest = engine.laboratory.in_force()
    own = newest is not None and newest.retrieval is not None
    mark = badge("violet", text("laboratory.force.own")) if own else badge("gray", text("laboratory.force.environment"))
    st.caption(f"{text('laboratory.force.line')} {mark} {plain_line(lab_figures.named(engine.laboratory.retrieval))}")


def draw_apply(engine: BlockingEngine, run: Run) -> None:
    """One click puts the figures of a run in force; nothing to press where they already are."""
    if run.retrieval == engine.laboratory.retrieval:
        st.caption(f":green[:material/check_circle:] {text('laboratory.force.already')}")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            text("laboratory.force.note"),
            max_chars=LONGEST_NOTE,
            placeholder=text("laboratory.force.note_hint"),
            key=f"lab.force.note.{run.id}",
        )
        st.button(
            text("laboratory.force.apply"),
            type="primary",
            icon=":material/rocket_launch:",
            help=text("laboratory.force.apply_help"),
            key=f"lab.force.apply.{run.id}",
            on_click=_apply,
            args=(engine, run, f"lab.force.note.{run.id}"),
        )


def _apply(engine: BlockingEngine, run: Run, key: str) -> None:
    with errors_kept():
        given = str(st.session_state.get(key, "")).strip()
        made = engine.laboratory.apply(run.id, lab_state.actor(), given or _why(run))
        _offer_back(made)


def _why(run: Run) -> str:
    """The reason where nobody gave one: what the run measured."""
    shares = lab_figures.shares(run.figures)
    measured = {name: lab_figures.figure(name, shares[name]) for name in ("hit_1", "mrr")}
    return text("laboratory.force.measured", **measured, n=number(run.done))


def _offer_back(made: Tuning) -> None:
    lab_state.offer_undo(text("laboratory.force.applied"), partial(_go_back, seq=made.seq))


def _go_back(engine: BlockingEngine, seq: int) -> None:
    engine.laboratory.go_back(seq, lab_state.actor())


def draw(engine: BlockingEngine) -> None:
    """What is in force, the way back, and everything that was in force before."""
    newest = engine.laboratory.in_force()
    _current(engine, newest)
    history = engine.laboratory.history(HISTORY_SHOWN)
    st.subheader(text("laboratory.force.history"), anchor=False)
    if not history:
        st.caption(text("laboratory.force.no_history"))
        return
    looks = {text("laboratory.force.column_figures"): st.column_config.TextColumn(width="large")}
    key = f"lab.force.history.{history[0].seq}"
    if chosen := chosen_row(history, [_line(one) for one in history], key, looks):
        _again(engine, chosen)
    else:
        st.caption(text("laboratory.force.choose"))


def _current(engine: BlockingEngine, newest: Tuning | None) -> None:
    retrieval = engine.laboratory.retrieval
    with st.container(border=True):
        st.markdown(f"**{text('laboratory.force.heading')}**")
        st.markdown(plain(lab_figures.named(retrieval)))
        lab_figures.draw_calibration(retrieval)
        if newest is None:
            st.caption(text("laboratory.force.never"))
            return
        key = "back" if newest.is_back else "since"
        st.caption(plain(text(f"laboratory.force.{key}", at=moment(newest.at), actor=newest.actor)))
        if newest.note:
            st.caption(plain(text("laboratory.force.why", note=newest.note)))
        if newest.can_go_back:
            st.button(
                text("laboratory.force.go_back"),
                icon=":material/undo:",
                key="lab.force.back",
                on_click=_back,
                args=(engine, newest.seq),
            )


def _back(engine: BlockingEngine, seq: int) -> None:
    with errors_kept():
        _go_back(engine, seq)


def _again(engine: BlockingEngine, chosen: Tuning) -> None:
    """Put the figures of an earlier change in force again."""
    goal = chosen.retrieval or engine.laboratory.environment
    if goal == engine.laboratory.retrieval:
        st.caption(f":green[:material/check_circle:] {text('laboratory.force.already')}")
        return
    st.button(
        text("laboratory.force.again", at=moment(chosen.at)),
        icon=":material/restore:",
        key="lab.force.again",
        on_click=_apply_again,
        args=(engine, chosen),
    )


def _apply_again(engine: BlockingEngine, chosen: Tuning) -> None:
    with errors_kept():
        note = text("laboratory.force.again_note", at=moment(chosen.at))
        _offer_back(engine.laboratory.apply_again(chosen, lab_state.actor(), note))


def _line(one: Tuning) -> dict[str, str]:
    figures = lab_figures.named(one.retrieval) if one.retrieval else text("laboratory.force.environment")
    note = text("laboratory.force.went_back") if one.is_back and not one.note else one.note
    return {
        text("laboratory.force.column_at"): moment(one.at),
        text("laboratory.force.column_actor"): one.actor,
        text("laboratory.force.column_figures"): figures,
        text("laboratory.force.column_note"): note or UNKNOWN,
    }
