"""The rows of the knowledge base as a table with search, menu filter, pages, one row in full, and export."""

import streamlit as st

from pages.shell import cards, session
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, CaseFilter, CasePage
from sipd_core.locale_id import number
from sipd_core.texts import text

ROWS_SHOWN = 25


def draw_cases(engine: BlockingEngine) -> None:
    """Filter, one page of rows, and the chosen row beneath."""
    st.subheader(text("knowledge.table.heading"), anchor=False)
    search, menu = _filter(engine)
    found = _page(engine, search, menu)
    if not found.total:
        st.info(text("knowledge.table.no_match"), icon=":material/search_off:")
        return
    st.caption(f"{text('knowledge.table.total', total=number(found.total))} · {text('knowledge.table.select_hint')}")
    chosen = _table(found.cases, f"knowledge.table.{search}.{menu}.{_number()}")
    if (pages := -(-found.total // ROWS_SHOWN)) > 1:
        st.pagination(pages, key=session.TABLE_PAGE)
    if chosen is not None:
        _detail(chosen)
    _export(engine)


def _number() -> int:
    return int(st.session_state.get(session.TABLE_PAGE, 1))


def _page(engine: BlockingEngine, search: str, menu: str | None) -> CasePage:
    """The page asked for; the first one when rows have gone since and that page is no more."""
    found = engine.cases(CaseFilter(search, menu), (_number() - 1) * ROWS_SHOWN, ROWS_SHOWN)
    if found.cases or not found.total:
        return found
    _first_page()
    return engine.cases(CaseFilter(search, menu), 0, ROWS_SHOWN)


def _filter(engine: BlockingEngine) -> tuple[str, str | None]:
    counts = dict(engine.menus())
    words, menus = st.columns([3, 2])
    search = words.text_input(
        text("knowledge.table.search"),
        type="search",
        placeholder=text("ui.search"),
        key="knowledge.search",
        live="300ms",
        on_change=_first_page,
    )
    menu = menus.selectbox(
        text("knowledge.table.menu"),
        list(counts),
        index=None,
        placeholder=text("knowledge.table.all_menus"),
        format_func=lambda name: text("knowledge.table.menu_option", menu=name, n=number(counts.get(name))),
        key="knowledge.menu",
        on_change=_first_page,
    )
    return search or "", menu


def _first_page() -> None:
    """A new filter starts at its first page; a page beyond the last one would be empty."""
    st.session_state[session.TABLE_PAGE] = 1


def _table(cases: tuple[Case, ...], key: str) -> Case | None:
    columns = {name: text(f"knowledge.table.column_{name}") for name in ("menu", "issue", "remedy", "kind", "origin")}
    event = st.dataframe(
        [_line(case, columns) for case in cases],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        column_config={
            columns["menu"]: st.column_config.TextColumn(width="medium"),
            columns["issue"]: st.column_config.TextColumn(width="large"),
            columns["remedy"]: st.column_config.TextColumn(width="large"),
        },
    )
    rows = event.selection.rows
    return cases[rows[0]] if rows and rows[0] < len(cases) else None


def _line(case: Case, columns: dict[str, str]) -> dict[str, str]:
    origin = cards.origin(case)
    return {
        columns["menu"]: case.menu,
        columns["issue"]: " ".join(case.issue.split()),
        columns["kind"]: text(f"knowledge.table.kind_{case.kind}"),
        columns["remedy"]: " ".join(case.remedy.split()),
        columns["origin"]: text("knowledge.table.sample_mark", origin=origin) if case.sample else origin,
    }


def _detail(case: Case) -> None:
    with st.container(border=True):
        st.markdown(f"**{text('knowledge.table.detail')}**")
        st.markdown(" ".join(cards.case_badges(case)))
        cards.draw_case(case)


def _export(engine: BlockingEngine) -> None:
    st.download_button(
        text("knowledge.table.export"),
        engine.export_rows,
        file_name=text("knowledge.table.export_file"),
        mime="text/csv",
        icon=":material/download:",
        key="knowledge.export",
        on_click="ignore",
    )
