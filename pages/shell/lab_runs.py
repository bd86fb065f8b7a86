"""Runs over a gold set: ask for one, watch it, look at what it found."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import lab_figures, lab_results, lab_sets, lab_state
from pages.shell.cards import badge
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import UNKNOWN, duration, moment, number
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.gold import GoldSet
from sipd_core.store.runs import Run, RunStatus
from sipd_core.texts import text

POLL_SECONDS = 0.7
RUNS_SHOWN = 30
_LOOKS = {
    RunStatus.QUEUED: ("gray", "schedule"),
    RunStatus.RUNNING: ("blue", "hourglass_top"),
    RunStatus.DONE: ("green", "check_circle"),
    RunStatus.CANCELLED: ("gray", "cancel"),
    RunStatus.FAILED: ("red", "error"),
    RunStatus.INTERRUPTED: ("orange", "power_off"),
}


def draw(engine: BlockingEngine) -> None:
    """The set, the figures to try, the runs so far and the chosen one."""
    sets = engine.laboratory.gold.sets()
    if not sets:
        lab_sets.draw_no_sets(engine)
        return
    chosen = lab_sets.choose_set(sets, engine, with_new=False)
    if chosen is None:
        return
    runs = engine.laboratory.runs(chosen.id, RUNS_SHOWN)
    _ask(engine, chosen, runs)
    _progress(engine, chosen, runs)
    ended = [run for run in runs if not run.is_open]
    if ended:
        _list(engine, ended)
    elif not any(run.is_open for run in runs):
        st.info(text("laboratory.runs.empty"), icon=":material/labs:")


def _ask(engine: BlockingEngine, chosen: GoldSet, runs: Sequence[Run]) -> None:
    with st.container(border=True):
        st.markdown(f"**{text('laboratory.runs.ask')}**")
        retrieval = lab_figures.choose_retrieval(engine.laboratory.retrieval, "lab.runs")
        in_force = engine.laboratory.retrieval
        other = retrieval != in_force and not _measured(engine, runs, in_force)
        with st.container(horizontal=True, vertical_alignment="center"):
            both = other and st.checkbox(text("laboratory.runs.both"), value=True, key="lab.runs.both")
            st.button(
                text("laboratory.runs.start"),
                type="primary",
                icon=":material/play_arrow:",
                key="lab.runs.start",
                disabled=not chosen.questions,
                on_click=_start,
                args=(engine, chosen, (in_force, retrieval) if both else (retrieval,)),
            )
            st.button(text("laboratory.runs.reset"), type="tertiary", key="lab.runs.reset", on_click=_forget_figures)


def _measured(engine: BlockingEngine, runs: Sequence[Run], retrieval: RetrievalSettings) -> bool:
    """Whether these figures were measured on the rows as they are now."""
    version = engine.laboratory.version
    same = (
        run.status is RunStatus.DONE and run.version == run.version_after == version
        for run in runs
        if run.retrieval == retrieval
    )
    return any(same)


def _start(engine: BlockingEngine, chosen: GoldSet, wanted: Sequence[RetrievalSettings]) -> None:
    with errors_kept():
        runs = engine.laboratory.start(chosen.id, wanted, lab_state.actor())
        st.session_state[lab_state.RUN] = runs[-1].id
        if len(runs) > 1:
            st.session_state[lab_state.FIRST], st.session_state[lab_state.SECOND] = runs[0].id, runs[-1].id


def _forget_figures() -> None:
    """Let the widgets begin at what is in force again."""
    for key in [key for key in st.session_state if str(key).startswith("lab.runs.")]:
        del st.session_state[key]


def _progress(engine: BlockingEngine, chosen: GoldSet, runs: Sequence[Run]) -> None:
    """The runs under way; polls only as long as there are some."""
    open_ids = {run.id for run in runs if run.is_open}
    if not open_ids:
        return

    @st.fragment(run_every=POLL_SECONDS)
    def panel() -> None:
        with errors_shown():
            now = [run for run in engine.laboratory.runs(chosen.id, RUNS_SHOWN) if run.id in open_ids]
            for run in reversed(now):
                if run.is_open:
                    _draw_open(engine, run)
            if any(not run.is_open for run in now):
                st.rerun()

    panel()


def _draw_open(engine: BlockingEngine, run: Run) -> None:
    with st.container(border=True, gap="small"):
        key = "waiting" if run.status is RunStatus.QUEUED else "running"
        said = text(f"laboratory.runs.{key}", done=number(run.done), total=number(run.total))
        st.progress(run.done / max(run.total, 1), text=said)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(plain_line(lab_figures.named(run.retrieval)), width="stretch")
            stop = text("laboratory.runs.stop")
            st.button(
                stop, icon=":material/stop_circle:", key=f"lab.runs.stop.{run.id}", on_click=_stop, args=(engine, run)
            )


def _stop(engine: BlockingEngine, run: Run) -> None:
    with errors_kept():
        engine.laboratory.stop(run.id)


def _list(engine: BlockingEngine, ended: Sequence[Run]) -> None:
    st.subheader(text("laboratory.runs.heading"), anchor=False)
    known = {run.id: run for run in ended}
    wanted = st.session_state.get(lab_state.RUN)
    start = next((at for at, run in enumerate(ended) if run.id == wanted), 0)
    event = st.dataframe(
        [_line(run) for run in ended],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [start], "columns": [], "cells": []}},
        key=f"lab.runs.list.{ended[0].id}.{len(ended)}",
    )
    rows = event.selection.rows
    if rows and rows[0] < len(ended):
        run = ended[rows[0]]
        _draw_run(engine, known[run.id], ended)


def _line(run: Run) -> dict[str, str]:
    shares = lab_figures.shares(run.figures)
    line = {
        text("laboratory.runs.column_at"): moment(run.at),
        text("laboratory.runs.column_status"): text(f"laboratory.status.{run.status}"),
        text("laboratory.runs.column_figures"): lab_figures.named(run.retrieval),
        text("laboratory.runs.column_n"): number(run.done),
    }
    for name in ("hit_1", "hit_3", "mrr", "auroc"):
        line[text(f"laboratory.share.{name}")] = lab_figures.figure(name, shares[name])
    line[text("laboratory.share.p95_ms")] = duration(run.figures.p95_ms) if run.figures else UNKNOWN
    line[text("laboratory.runs.column_actor")] = run.actor
    return line


def _draw_run(engine: BlockingEngine, run: Run, ended: Sequence[Run]) -> None:
    color, icon = _LOOKS[run.status]
    with st.container(border=True, gap="small"):
        st.markdown(
            f"{badge(color, text(f'laboratory.status.{run.status}'), icon)} **{plain_line(lab_figures.run_name(run))}**"
        )
        if run.error:
            st.error(plain(run.error), icon=":material/error:")
        elif run.status is not RunStatus.DONE:
            st.caption(text(f"laboratory.runs.ended_{run.status}", done=number(run.done), total=number(run.total)))
        if run.figures:
            later = [other for other in ended if other.at < run.at and other.figures]
            lab_results.draw(engine, run, later[0] if later else None)
