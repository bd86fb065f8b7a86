"""Kinerja: how fast and how reliably the console answers, live and over a period."""

import streamlit as st

from pages.shell import figures
from pages.shell.frame import errors_shown, page_frame
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import duration
from sipd_core.texts import text

REFRESH_SECONDS = 5
PERIODS = {"day": 1, "week": 7, "month": 30}


def main() -> None:
    engine = page_frame(text("performance.title"), text("performance.intro"))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        period = st.segmented_control(
            text("performance.period"),
            list(PERIODS),
            default="day",
            required=True,
            format_func=lambda name: text(f"performance.period_days.{name}"),
            key="performance.period",
        )
        live = st.toggle(text("performance.refresh"), value=True, key="performance.live")
    _live(engine, run_every=REFRESH_SECONDS if live else None)
    with errors_shown():
        figures.draw_traces(engine.traces(PERIODS[period or "day"]))
        figures.draw_vectors(engine.cache_stats())


def _live(engine: BlockingEngine, run_every: float | None) -> None:
    """The figures since the start, drawn again every few seconds; the chart below keeps still."""

    @st.fragment(run_every=run_every)
    def panel() -> None:
        with errors_shown():
            stats = engine.performance()
            figures.draw_performance(stats)
            st.caption(text("performance.since", uptime=duration(stats.uptime_seconds * 1_000)))

    panel()


main()
