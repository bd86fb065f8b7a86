"""The admin's work list, drawn: what is reported again and again and nothing solves yet, with a box for its remedy."""

from collections.abc import Iterator, Sequence
from functools import partial

import streamlit as st

from pages.shell import health_parts as parts
from pages.shell import health_state
from pages.shell.plain import plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.findings import Findings, Problem, fits
from sipd_core.locale_id import local_day, number
from sipd_core.texts import text

SHOWN = 8


def draw(engine: BlockingEngine, findings: Findings) -> None:
    """The list, one card a problem."""
    parts.draw_heading("work")
    if not findings.unsolved:
        parts.draw_empty("work")
        return
    search, menu = parts.filters("work", findings)
    frequent = st.toggle(
        text("health.work.only_frequent"),
        value=True,
        key="health.work.frequent",
        on_change=parts.first_page,
        args=("work",),
    )
    wanted = [
        problem
        for problem in findings.unsolved
        if (problem.times > 1 or not frequent) and any(fits(case, search, menu) for case in problem.cases)
    ]
    parts.draw_total("work", len(wanted), ("times", "menu", "issue", "cases", "latest"), lambda: _rows(wanted))
    if not wanted:
        st.info(text("health.list.no_match"), icon=":material/search_off:")
        return
    parts.paged("work", wanted, SHOWN, lambda shown: _cards(engine, shown))


def _cards(engine: BlockingEngine, problems: Sequence[Problem]) -> None:
    for problem in problems:
        _card(engine, problem)


def _card(engine: BlockingEngine, problem: Problem) -> None:
    key = f"health.work.remedy.{problem.id}.{health_state.decisions()}"
    with st.container(border=True, gap="small"):
        headline = text("health.work.headline", n=number(problem.times))
        st.markdown(f"**{headline}** {' '.join(parts.problem_badges(problem))}")
        st.markdown(plain_line(shortened(problem.cases[0].issue, parts.ISSUE_SHOWN)))
        if len(problem.cases) > 1:
            parts.draw_members(problem)
        st.text_area(
            text("health.work.box"),
            key=key,
            height=90,
            placeholder=text("health.work.placeholder"),
            label_visibility="collapsed",
        )
        with st.container(horizontal=True):
            several = len(problem.cases) > 1
            label = (
                text("health.work.save_all", n=number(len(problem.cases))) if several else text("health.work.save_one")
            )
            st.button(
                label,
                icon=":material/save:",
                key=f"health.work.save.{problem.id}",
                on_click=_save,
                args=(engine, problem, key),
            )
            if several:
                st.button(
                    text("health.work.merge"),
                    icon=":material/merge:",
                    type="tertiary",
                    key=f"health.work.merge.{problem.id}",
                    on_click=health_state.open_group,
                    args=(problem.id,),
                )


def _save(engine: BlockingEngine, problem: Problem, key: str) -> None:
    ids = [case.id for case in problem.cases]
    written = str(st.session_state.get(key, ""))
    health_state.decide(partial(engine.health.write_remedy, ids, written, actor=health_state.actor()))


def _rows(problems: Sequence[Problem]) -> Iterator[tuple[object, ...]]:
    for problem in problems:
        latest = local_day(problem.latest) if problem.latest else ""
        yield problem.times, problem.cases[0].menu, problem.cases[0].issue, len(problem.cases), latest
