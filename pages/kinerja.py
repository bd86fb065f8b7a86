"""Kinerja: how fast and how reliably the console answers, at the moment and over a period."""

import streamlit as st

from pages.shell import figures, speed, speed_turns
from pages.shell.frame import errors_shown, page_frame
from pages.shell.period import compared, period_picker
from sipd_core.blocking import BlockingEngine
from sipd_core.texts import text

REFRESH_SECONDS = 5


def main() -> None:
    engine = page_frame(text("performance.title"), text("performance.intro"))
    _live(engine)
    st.subheader(text("performance.period.heading"), anchor=False)
    period = period_picker("performance")
    with errors_shown():
        report = engine.speed.report(period)
        st.caption(compared(period))
        if not report.whole.turns:
            _empty()
            return
        speed.draw_figures(report)
        speed.draw_charts(report)
        speed.draw_troubles(report)
        if report.slowest:
            speed_turns.draw_slowest(report.slowest)
        speed_turns.draw_exports(engine.speed, period)


def _live(engine: BlockingEngine) -> None:
    """The figures since the start, drawn again every few seconds; the charts below keep still."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(text("performance.live.heading"), anchor=False, width="content")
        live = st.toggle(text("performance.refresh"), value=True, key="performance.live")

    @st.fragment(run_every=REFRESH_SECONDS if live else None)
    def panel() -> None:
        with errors_shown():
            figures.draw_live(engine.performance(), engine.cache_stats(), REFRESH_SECONDS)

    panel()


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f"**{text('performance.empty')}**")
        st.write(text("performance.empty_body"))


main()
