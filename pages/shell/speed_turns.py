"""The slowest turns of a period, and one of them opened: where its time went."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from pages.shell import charts, session
from pages.shell.chart_card import chart_card
from pages.shell.charts import Measure, Series
from pages.shell.downloads import download_button
from pages.shell.plain import plain
from pages.shell.speed import cause_name, file_of
from sipd_core.locale_id import duration, moment, number, percent, usd
from sipd_core.performance import PerformanceHistory
from sipd_core.periods import Period
from sipd_core.stages import WAIT, stages_of
from sipd_core.store.traces import OK, STOPPED, TurnTrace
from sipd_core.texts import text

_CHAT = Path(__file__).resolve().parents[1] / "obrolan.py"


def draw_slowest(slowest: Sequence[TurnTrace]) -> None:
    """A table of them, and the one that is picked, the slowest first."""
    if not slowest:
        st.caption(text("charts.empty"))
        return
    st.caption(text("performance.slowest.caption", n=number(len(slowest))))
    with st.expander(text("performance.slowest.table"), icon=":material/list:"):
        st.dataframe([_shown(trace) for trace in slowest], hide_index=True, width="stretch")
    names = {trace.turn_id: _option(place, trace) for place, trace in enumerate(slowest, start=1)}
    picked = st.selectbox(
        text("performance.slowest.pick"), list(names), format_func=names.__getitem__, key="performance.trace"
    )
    draw_trace(next((trace for trace in slowest if trace.turn_id == picked), slowest[0]))


def draw_trace(trace: TurnTrace) -> None:
    """One turn: its stages as one bar, and what is known of it."""
    parts = [
        Series(stage, text(f"performance.stage.{'wait' if stage == WAIT else stage}"), [took])
        for stage, took in stages_of(trace).items()
    ]
    measure = Measure(text("performance.chart.milliseconds"), duration, text("performance.chart.ms"), decimals=1)
    chart_card(
        text("performance.slowest.chart"),
        charts.waterfall(parts, measure, column=text("performance.chart.stage_column")),
        file_name=f"jejak-{trace.turn_id}.csv",
        key="performance.trace_chart",
        help=text("performance.slowest.chart_help"),
    )
    st.markdown("  \n".join(plain(line) for line in _told(trace)))
    if trace.outcome in (OK, STOPPED):
        link = {session.CONVERSATION_PARAM: trace.session_id}
        st.page_link(_CHAT, label=text("performance.slowest.open"), icon=":material/forum:", query_params=link)


def draw_exports(history: PerformanceHistory, period: Period) -> None:
    """The two files from which all figures of the page can be computed anew."""
    st.subheader(text("performance.export.heading"), anchor=False)
    st.caption(text("performance.export.body"))
    with st.container(horizontal=True):
        for name, export in (("traces", history.export_traces), ("calls", history.export_calls)):
            download_button(
                text(f"performance.export.{name}"),
                _file(export, period),
                file_name=file_of(name, period),
                mime="text/csv",
                icon=":material/download:",
                key=f"performance.export.{name}",
                on_click="ignore",
            )


def _file(export: Callable[[Period, BinaryIO], None], period: Period) -> Callable[[], bytes]:
    """Written only when it is wanted."""

    def written() -> bytes:
        file = io.BytesIO()
        export(period, file)
        return file.getvalue()

    return written


def _option(place: int, trace: TurnTrace) -> str:
    said = {"took": duration(trace.total_ms), "at": moment(trace.at), "mode": _mode(trace)}
    return text("performance.slowest.option", place=number(place), **said)


def _shown(trace: TurnTrace) -> dict[str, str]:
    columns = {
        "at": moment(trace.at),
        "took": duration(trace.total_ms),
        "mode": _mode(trace),
        "outcome": _outcome(trace),
        "verdict": _verdict(trace),
        "retries": number(trace.retries),
    }
    return {text(f"performance.slowest.{name}"): value for name, value in columns.items()}


def _told(trace: TurnTrace) -> list[str]:
    origin = trace.embedding_cache or "none"
    lines = [
        text(
            "performance.slowest.answer",
            mode=_mode(trace),
            outcome=_outcome(trace),
            verdict=_verdict(trace),
            relevance=percent(trace.relevance),
        ),
        text("performance.slowest.vector", origin=text(f"performance.slowest.origin.{origin}")),
    ]
    if trace.degraded:
        lines.append(text("performance.slowest.because", cause=cause_name(trace.degraded)))
    if trace.model:
        lines.append(text("performance.slowest.model", model=trace.model))
    return [*lines, _tokens(trace)]


def _tokens(trace: TurnTrace) -> str:
    used = trace.usage
    prompt, cached, completion = (used.prompt, used.cached, used.completion) if used else (None, None, None)
    cost = text("performance.slowest.unknown_cost") if trace.cost_usd is None else usd(trace.cost_usd)
    figures = {"prompt": number(prompt), "cached": number(cached), "completion": number(completion)}
    return text("performance.slowest.tokens", cost=cost, retries=number(trace.retries), **figures)


def _mode(trace: TurnTrace) -> str:
    return text(f"performance.series.{trace.mode}")


def _outcome(trace: TurnTrace) -> str:
    known = {OK: text("performance.slowest.ok"), STOPPED: text("performance.slowest.stopped")}
    return known.get(trace.outcome) or cause_name(trace.outcome)


def _verdict(trace: TurnTrace) -> str:
    return text(f"performance.series.{trace.verdict or 'none'}")
