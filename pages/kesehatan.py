"""Kesehatan basis: the admin's work list, from what nothing solves yet to names of menus."""

import streamlit as st

from pages.shell import (
    health_changes,
    health_clusters,
    health_menus,
    health_parts,
    health_state,
    health_texts,
    health_work,
)
from pages.shell.frame import errors_shown, page_frame
from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.findings import Findings
from sipd_core.permissions import Permission
from sipd_core.texts import text

SECTIONS = {
    "work": health_work.draw,
    "clusters": health_clusters.draw,
    "texts": health_texts.draw,
    "menus": health_menus.draw,
}


def main() -> None:
    engine = page_frame(text("health.title"), text("health.intro"), needs=Permission.BASE_WRITE)
    with errors_shown():
        view = engine.health.look()
        health_parts.draw_done(engine)
        health_parts.draw_progress(engine, view)
        if view.findings is not None:
            _findings(engine, view.findings)


def _findings(engine: BlockingEngine, findings: Findings) -> None:
    if not findings.cases:
        with st.container(border=True):
            st.markdown(f"**{text('health.empty.title')}**")
            st.write(text("health.empty.body"))
        return
    if health_state.opened_group() is None:
        health_parts.draw_tiles(findings.figures)
    st.session_state.setdefault(health_state.SECTION, "work")
    section = st.segmented_control(
        text("health.sections.label"),
        [*SECTIONS, "changes"],
        required=True,
        format_func=lambda name: text(f"health.sections.{name}"),
        key=health_state.SECTION,
        on_change=health_state.close_group,
        label_visibility="collapsed",
    )
    if not findings.with_vectors:
        st.caption(text("health.words_only"))
    if section == "changes":
        health_changes.draw(engine)
    else:
        SECTIONS[section or "work"](engine, findings)


main()
