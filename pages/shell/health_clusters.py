"""Near duplicates, drawn: the list of groups, and one group on its way to becoming one case."""

from collections.abc import Iterator, Sequence

import streamlit as st

from pages.shell import health_merge, health_state
from pages.shell import health_parts as parts
from pages.shell.cards import badge
from pages.shell.plain import plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.findings import Findings, Problem, fits
from sipd_core.locale_id import number
from sipd_core.texts import text

SHOWN = 10
_FILTERS = ("all", "without", "with")


def draw(engine: BlockingEngine, findings: Findings) -> None:
    """The group that is open, else the list of groups."""
    if (opened := health_state.opened_group()) is not None:
        health_merge.draw(engine, findings.problems.get(opened))
        return
    parts.draw_heading("clusters")
    if not findings.clusters:
        parts.draw_empty("clusters")
        return
    search, menu = parts.filters("clusters", findings)
    kind = st.segmented_control(
        text("health.clusters.filter"),
        _FILTERS,
        default="all",
        required=True,
        format_func=lambda name: text(f"health.clusters.filter_{name}"),
        key="health.clusters.kind",
        on_change=parts.first_page,
        args=("clusters",),
        label_visibility="collapsed",
    )
    wanted = [
        group
        for group in findings.clusters
        if (kind == "all" or (kind == "with") is bool(group.remedies))
        and any(fits(case, search, menu) for case in group.cases)
    ]
    header = ("group", "times", "menu", "issue", "remedy", "origin")
    parts.draw_total("clusters", len(wanted), header, lambda: _rows(wanted))
    if not wanted:
        st.info(text("health.list.no_match"), icon=":material/search_off:")
        return
    parts.paged("clusters", wanted, SHOWN, _cards)


def _cards(groups: Sequence[Problem]) -> None:
    for group in groups:
        with st.container(border=True, gap="small"):
            times = text("health.list.times", n=number(group.times))
            st.markdown(f"**{times}** {' '.join([*parts.problem_badges(group), _solved(group)])}")
            st.markdown(plain_line(shortened(group.survivor.issue, parts.ISSUE_SHOWN)))
            parts.draw_members(group)
            st.button(
                text("health.clusters.review"),
                icon=":material/merge:",
                key=f"health.clusters.open.{group.id}",
                on_click=health_state.open_group,
                args=(group.id,),
            )


def _solved(group: Problem) -> str:
    if not group.remedies:
        return badge("orange", text("health.clusters.no_remedy"), "history")
    if len(group.remedies) == 1:
        return badge("green", text("health.clusters.has_remedy"), "task_alt")
    return badge("green", text("health.clusters.remedies", n=number(len(group.remedies))), "task_alt")


def _rows(groups: Sequence[Problem]) -> Iterator[tuple[object, ...]]:
    for at, group in enumerate(groups, 1):
        for case in group.cases:
            yield at, group.reports.get(case.id, 1), case.menu, case.issue, case.remedy, f"{case.file}:{case.row}"
