"""The rows of the knowledge base as a table with search, filters, pages, what may be done to rows, and export."""

from functools import partial

import streamlit as st

from pages.shell import cards, case_actions, reports, session
from pages.shell.downloads import download_button
from pages.shell.paging import Pages
from pages.shell.resources import may
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, CaseFilter
from sipd_core.locale_id import number
from sipd_core.permissions import Permission
from sipd_core.texts import text

ROWS_SHOWN = 25
_PAGES = Pages(session.TABLE_PAGE, ROWS_SHOWN)
_STATES = {"all": None, "on": True, "off": False}


def draw_cases(engine: BlockingEngine) -> None:
    """Filter, one page of rows, and what may be done to the chosen ones beneath."""
    st.subheader(text("knowledge.table.heading"), anchor=False)
    case_actions.draw_last(engine)
    wanted = _filter(engine)
    found = _PAGES.read(partial(engine.cases, wanted))
    if not found.total:
        st.info(text("knowledge.table.no_match"), icon=":material/search_off:")
        return
    hint = text("knowledge.table.select_hint" if may(Permission.BASE_WRITE) else "knowledge.table.select_hint_read")
    st.caption(f"{text('knowledge.table.total', total=number(found.total))} · {hint}")
    chosen = _table(found.cases, f"knowledge.table.{hash(wanted)}.{_PAGES.number()}.{session.table_round()}")
    _PAGES.draw(found.total)
    if chosen:
        _chosen(engine, chosen)
    _export(engine)


def _filter(engine: BlockingEngine) -> CaseFilter:
    words, menus = st.columns([3, 2])
    search = words.text_input(
        text("knowledge.table.search"),
        type="search",
        placeholder=text("ui.search"),
        key="knowledge.search",
        live="300ms",
        on_change=_PAGES.begin_anew,
    )
    with menus:
        menu = _choice("menu", engine.menus())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = _choice("file", engine.files())
        batch = _batch(engine)
        remedy = _state("remedy")
        enabled = _state("enabled")
    return CaseFilter(search or "", menu, file, batch, remedy, enabled)


def _choice(name: str, options: tuple[tuple[str, int], ...]) -> str | None:
    """One of the menus or files, each with its number of rows; None: all of them."""
    counts = dict(options)
    return st.selectbox(
        text(f"knowledge.table.{name}"),
        list(counts),
        index=None,
        placeholder=text(f"knowledge.table.all_{name}s"),
        format_func=lambda value: text(
            "knowledge.table.option", name=value or text("chat.card.no_menu"), n=number(counts.get(value))
        ),
        key=f"knowledge.{name}",
        on_change=_PAGES.begin_anew,
    )


def _batch(engine: BlockingEngine) -> str | None:
    reports = {report.id: report for report in engine.imports()}
    return st.selectbox(
        text("knowledge.table.batch"),
        list(reports),
        index=None,
        placeholder=text("knowledge.table.all_batchs"),
        format_func=lambda id_: cards.batch_name(reports[id_]),
        key="knowledge.batch",
        on_change=_PAGES.begin_anew,
    )


def _state(name: str) -> bool | None:
    """Everything, only what has it, or only what has it not."""
    chosen = st.segmented_control(
        text(f"knowledge.table.{name}"),
        list(_STATES),
        default="all",
        required=True,
        format_func=lambda state: text(f"knowledge.table.{name}_{state}"),
        key=f"knowledge.{name}_state",
        on_change=_PAGES.begin_anew,
    )
    return _STATES[chosen or "all"]


def _table(cases: tuple[Case, ...], key: str) -> list[Case]:
    columns = {name: text(f"knowledge.table.column_{name}") for name in ("menu", "issue", "remedy", "kind", "origin")}
    event = st.dataframe(
        [_line(case, columns) for case in cases],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        column_config={
            columns["menu"]: st.column_config.TextColumn(width="medium"),
            columns["issue"]: st.column_config.TextColumn(width="large"),
            columns["remedy"]: st.column_config.TextColumn(width="large"),
        },
    )
    return [cases[row] for row in event.selection.rows if row < len(cases)]


def _line(case: Case, columns: dict[str, str]) -> dict[str, str]:
    origin = cards.origin(case)
    kind = text(f"knowledge.table.kind_{case.kind}") if case.enabled else text("knowledge.table.kind_disabled")
    return {
        columns["menu"]: case.menu,
        columns["issue"]: " ".join(case.issue.split()),
        columns["kind"]: kind,
        columns["remedy"]: " ".join(case.remedy.split()),
        columns["origin"]: text("knowledge.table.sample_mark", origin=origin) if case.sample else origin,
    }


def _chosen(engine: BlockingEngine, chosen: list[Case]) -> None:
    with st.container(border=True):
        if len(chosen) == 1:
            st.markdown(f"**{text('knowledge.table.detail')}**")
            st.markdown(" ".join(cards.case_badges(chosen[0])))
            cards.draw_case(chosen[0])
            reports.draw_reports(engine, chosen[0])
        else:
            st.markdown(f"**{text('knowledge.table.chosen', n=number(len(chosen)))}**")
        case_actions.draw_actions(engine, chosen)


def _export(engine: BlockingEngine) -> None:
    download_button(
        text("knowledge.table.export"),
        engine.export_rows,
        file_name=text("knowledge.table.export_file"),
        mime="text/csv",
        icon=":material/download:",
        key="knowledge.export",
        on_click="ignore",
    )
