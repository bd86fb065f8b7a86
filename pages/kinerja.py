"""Kinerja: how fast and how reliably the console answers, at the moment and over a period."""

from collections.abc import Callable

import streamlit as st

from pages.shell import figures, speed, speed_turns
from pages.shell.frame import errors_shown, page_frame
from pages.shell.period import compared, period_picker
from sipd_core.blocking import BlockingEngine
from sipd_core.performance import PerformanceReport
from sipd_core.permissions import Permission
from sipd_core.texts import text

REFRESH_SECONDS = 5
_SECTIONS: dict[str, Callable[[PerformanceReport], None]] = {
    "times": speed.draw_times,
    "traffic": speed.draw_traffic,
    "troubles": speed.draw_troubles,
    "slowest": lambda report: speed_turns.draw_slowest(report.slowest),
}
"""One at a time: a dozen charts at once take a browser seconds."""


def main() -> None:
    engine = page_frame(text("performance.title"), text("performance.intro"), needs=Permission.FIGURES)
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
        _SECTIONS[_section()](report)
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


def _section() -> str:
    chosen: str | None = st.segmented_control(
        text("performance.section.label"),
        list(_SECTIONS),
        default="times",
        required=True,
        format_func=lambda name: text(f"performance.section.{name}"),
        key="performance.section",
        label_visibility="collapsed",
        wrap=True,
    )
    return chosen or "times"


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f"**{text('performance.empty')}**")
        st.write(text("performance.empty_body"))


main()
