"""Cases without a remedy, drawn: why their texts are none, and the way to say otherwise."""

from collections.abc import Iterator, Sequence
from functools import partial

import streamlit as st

from pages.shell import cards, health_state
from pages.shell import health_parts as parts
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.findings import Findings, Judged, fits
from sipd_core.knowledge.judgement import Judgement, Reason
from sipd_core.texts import text

SHOWN = 25
_FILTERS = ("judged", "silent", "all")


def draw(engine: BlockingEngine, findings: Findings) -> None:
    """The list, and the chosen row beneath."""
    parts.draw_heading("texts")
    if not findings.judged:
        parts.draw_empty("texts")
        return
    wanted = _filtered(findings)
    header = ("menu", "issue", "place", "text", "reason", "origin")
    parts.draw_total("texts", len(wanted), header, lambda: _rows(wanted))
    if not wanted:
        st.info(text("health.list.no_match"), icon=":material/search_off:")
        return
    st.caption(text("health.texts.select_hint"))
    parts.paged("texts", wanted, SHOWN, lambda shown: _table(engine, shown))


def _filtered(findings: Findings) -> list[Judged]:
    search, menu = parts.filters("texts", findings)
    kinds, reasons = st.columns([3, 2], vertical_alignment="bottom")
    kind = kinds.segmented_control(
        text("health.texts.filter"),
        _FILTERS,
        default="judged",
        required=True,
        format_func=lambda name: text(f"health.texts.filter_{name}"),
        key="health.texts.kind",
        on_change=parts.first_page,
        args=("texts",),
    )
    reason = reasons.selectbox(
        text("health.texts.reason_filter"),
        list(Reason),
        index=None,
        placeholder=text("health.texts.all_reasons"),
        format_func=lambda one: text(f"health.reasons.{one}"),
        key="health.texts.reason",
        on_change=parts.first_page,
        args=("texts",),
    )
    return [
        one
        for one in findings.judged
        if (kind == "all" or (kind == "judged") is bool(one.texts))
        and (reason is None or any(judged.reason is reason for judged in one.texts))
        and fits(one.case, search, menu)
    ]


def _table(engine: BlockingEngine, shown: Sequence[Judged]) -> None:
    names = {name: text(f"health.column.{name}") for name in ("menu", "issue", "text", "reason")}
    event = st.dataframe(
        [
            {
                names["menu"]: one.case.menu,
                names["issue"]: " ".join(one.case.issue.split()),
                names["text"]: " · ".join(" ".join(judged.text.split()) for judged in one.texts),
                names["reason"]: ", ".join(dict.fromkeys(text(f"health.reasons.{j.reason}") for j in one.texts)),
            }
            for one in shown
        ],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        key=f"health.texts.table.{shown[0].case.id}.{health_state.decisions()}",
        column_config={
            names["issue"]: st.column_config.TextColumn(width="large"),
            names["text"]: st.column_config.TextColumn(width="medium"),
        },
    )
    rows = event.selection.rows
    if rows and rows[0] < len(shown):
        _detail(engine, shown[rows[0]])


def _detail(engine: BlockingEngine, chosen: Judged) -> None:
    case = chosen.case
    with st.container(border=True):
        st.markdown(" ".join(cards.case_badges(case)))
        st.markdown(plain(case.issue))
        for judged in chosen.texts:
            _judged(engine, chosen, judged)
        if not chosen.texts:
            st.caption(text("health.texts.nothing_written"))
        key = f"health.texts.remedy.{case.id}.{health_state.decisions()}"
        st.text_area(text("health.texts.write"), key=key, height=90, placeholder=text("health.work.placeholder"))
        st.button(
            text("health.texts.save"),
            icon=":material/save:",
            key="health.texts.save",
            on_click=_save,
            args=(engine, case.id, key),
        )
        st.caption(plain_line(cards.origin(case)))


def _judged(engine: BlockingEngine, chosen: Judged, judged: Judgement) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        why = text(f"health.explained.{judged.reason}", part=judged.part)
        said = f"**{text(f'health.places.{judged.field}')}:** {plain_line(judged.text)}"
        st.markdown(f"{said}  \n:orange[:material/info:] {plain_line(why)}", width="stretch")
        st.button(
            text("health.texts.accept"),
            icon=":material/task_alt:",
            key=f"health.texts.accept.{judged.field}",
            on_click=_accept,
            args=(engine, chosen.case.id, judged),
        )


def _accept(engine: BlockingEngine, case_id: str, judged: Judgement) -> None:
    health_state.decide(partial(engine.health.accept_text, case_id, judged.field, actor=health_state.actor()))


def _save(engine: BlockingEngine, case_id: str, key: str) -> None:
    written = str(st.session_state.get(key, ""))
    health_state.decide(partial(engine.health.write_remedy, [case_id], written, actor=health_state.actor()))


def _rows(wanted: Sequence[Judged]) -> Iterator[tuple[object, ...]]:
    for one in wanted:
        origin = f"{one.case.file}:{one.case.row}"
        if not one.texts:
            yield one.case.menu, one.case.issue, "", "", "", origin
        for judged in one.texts:
            place, why = text(f"health.places.{judged.field}"), text(f"health.reasons.{judged.reason}")
            yield one.case.menu, one.case.issue, place, judged.text, why, origin
