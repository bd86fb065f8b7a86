"""What the lists of the base's health share: tiles, progress, the way back, filter, pages, download."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import streamlit as st

from pages.shell import health_state
from pages.shell.cards import badge
from pages.shell.downloads import csv_bytes, download_button
from pages.shell.paging import Pages
from pages.shell.plain import plain, plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case
from sipd_core.knowledge.findings import Findings, HealthFigures, Problem, page_of
from sipd_core.knowledge.inspection import HealthView
from sipd_core.locale_id import local_day, number, percent
from sipd_core.texts import text

T = TypeVar("T")
POLL_SECONDS = 0.7
ISSUE_SHOWN = 220
"""Characters of a complaint in a list."""
MEMBERS_SHOWN = 12


def draw_progress(engine: BlockingEngine, view: HealthView) -> None:
    """How far the look through the base is; polls only while there is one."""
    working = view.share is not None

    @st.fragment(run_every=POLL_SECONDS if working else None)
    def panel() -> None:
        now = engine.health.look()
        if now.share is not None:
            st.progress(now.share, text=text("health.checking", percent=percent(now.share)))
            st.caption(text("health.stale" if now.findings else "health.checking_hint"))
        if working and now.share is None:
            st.rerun()

    panel()
    if view.error:
        st.error(plain(view.error), icon=":material/error:")
        if st.button(text("health.check_again"), icon=":material/refresh:", key="health.again"):
            engine.health.look(again=True)
            st.rerun()


def draw_done(engine: BlockingEngine) -> None:
    """The decision made last, with the way back."""
    if (last := health_state.done()) is None:
        return
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f":green[:material/check_circle:] {plain_line(last.note)}", width="content")
        with st.container(horizontal=True, width="content"):
            st.button(
                text("health.changes.undo"),
                icon=":material/undo:",
                key="health.undo_last",
                on_click=health_state.turn,
                args=(engine, last.change_id, last.note),
                kwargs={"undo": True},
            )
            close = text("health.changes.close")
            st.button(close, type="tertiary", key="health.close_last", on_click=health_state.forget_done)


def draw_tiles(figures: HealthFigures) -> None:
    """The state of the base at a glance."""
    n = {name: number(getattr(figures, name)) for name in ("cases", "with_remedy", "clustered", "spellings", "menus")}
    with st.grid(columns=6, min_column_width=140, gap="xsmall"):
        _tile("cases", n["cases"])
        _tile("remedies", percent(figures.remedy_share), n=n["with_remedy"], total=n["cases"])
        _tile("judged", number(figures.judged_none), silent=number(figures.silent))
        _tile("clusters", number(figures.clusters), cases=n["clustered"])
        value = text("health.tiles.menus_value", spellings=n["spellings"], menus=n["menus"])
        _tile("menus", n["menus"] if figures.spellings == figures.menus else value, **n)
        _tile("without_menu", number(figures.without_menu))


def _tile(name: str, value: str, **values: str) -> None:
    explanation = None if name == "cases" else text(f"health.tiles.{name}_help", **values)
    st.metric(text(f"health.tiles.{name}"), value, help=explanation, border=True)


def draw_heading(section: str) -> None:
    """Title of a list and what it is for."""
    st.subheader(text(f"health.{section}.heading"), anchor=False)
    st.caption(text(f"health.{section}.explain"))


def draw_empty(section: str, icon: str = ":green[:material/task_alt:]") -> None:
    """A list with nothing in it: as a rule good news."""
    with st.container(border=True):
        st.markdown(f"{icon} **{text(f'health.{section}.empty_title')}**")
        st.write(text(f"health.{section}.empty_body"))


def filters(section: str, findings: Findings) -> tuple[str, str | None]:
    """Words to search for, and a menu."""
    words, menus = st.columns([3, 2])
    with words:
        search = search_box(section, text("health.list.search"))
    names = [one.spelling for group in findings.menus for one in group.spellings]
    menu = menus.selectbox(
        text("health.list.menu"),
        names,
        index=None,
        placeholder=text("health.list.all_menus"),
        key=f"health.{section}.menu",
        on_change=first_page,
        args=(section,),
        label_visibility="collapsed",
    )
    return search, menu


def search_box(section: str, hint: str) -> str:
    """Words to search a list for."""
    typed = st.text_input(
        hint,
        type="search",
        placeholder=hint,
        key=f"health.{section}.search",
        live="300ms",
        on_change=first_page,
        args=(section,),
        label_visibility="collapsed",
    )
    return typed or ""


def first_page(section: str) -> None:
    """Begin a list anew."""
    st.session_state[f"health.{section}.page"] = 1


def paged(section: str, items: Sequence[T], size: int, draw: Callable[[tuple[T, ...]], None]) -> None:
    """One page of a list, drawn, and the way to the others."""
    pages = Pages(f"health.{section}.page", size)
    draw(pages.read(partial(page_of, items)).items)
    pages.draw(len(items))


def draw_total(section: str, count: int, header: Sequence[str], rows: Callable[[], Iterable[Sequence[object]]]) -> None:
    """How many there are, and the whole filtered list as a file."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(text("health.list.total", n=number(count)), width="content")
        download_button(
            text("health.list.download"),
            lambda: csv_bytes([text(f"health.column.{name}") for name in header], rows()),
            file_name=text(f"health.{section}.file"),
            mime="text/csv",
            icon=":material/download:",
            key=f"health.{section}.download",
            on_click="ignore",
            type="tertiary",
        )


def problem_badges(problem: Problem) -> list[str]:
    """Menu, number of cases and age of a problem."""
    badges = [badge("blue", problem.cases[0].menu or text("chat.card.no_menu"), "folder_open")]
    if len(problem.cases) > 1:
        badges.append(badge("violet", text("health.list.similar", n=number(len(problem.cases))), "content_copy"))
    if problem.latest:
        badges.append(badge("gray", text("health.list.latest", at=local_day(problem.latest)), "schedule"))
    if problem.cases[0].sample:
        badges.append(badge("orange", text("chat.card.sample")))
    return badges


def draw_members(problem: Problem) -> None:
    """The complaints of a problem, folded away."""
    with st.expander(text("health.list.members", n=number(len(problem.cases))), type="compact"):
        for case in problem.cases[:MEMBERS_SHOWN]:
            st.markdown(f":small[{_times(problem, case)} {plain_line(shortened(case.issue, ISSUE_SHOWN))}]")
        if (rest := len(problem.cases) - MEMBERS_SHOWN) > 0:
            st.caption(text("health.list.more", n=number(rest)))


def _times(problem: Problem, case: Case) -> str:
    return badge("gray", f"{number(problem.reports.get(case.id, 1))}×")
