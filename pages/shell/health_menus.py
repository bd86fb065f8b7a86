"""Names of menus, drawn: suggestions that can be corrected and applied, groups of one's own, cases without a menu."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import streamlit as st

from pages.shell import cards, health_state
from pages.shell import health_parts as parts
from pages.shell.frame import errors_shown
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case
from sipd_core.knowledge.findings import Findings
from sipd_core.knowledge.menus import MenuGroup
from sipd_core.knowledge.repairs import MenuPlan
from sipd_core.locale_id import number
from sipd_core.texts import text

EDITED_AT_ONCE = 300
BLANKS_SHOWN = 15


def draw(engine: BlockingEngine, findings: Findings) -> None:
    """Suggestions, one's own groups, and cases without a menu."""
    parts.draw_heading("menus")
    variants = [group for group in findings.menus if len(group.spellings) > 1]
    if variants:
        words = parts.search_box("menus", text("health.menus.search")).casefold().split()
        listed = _rows(variants)
        rows = [row for row in listed if all(word in f"{row[0]} {row[1]}".casefold() for word in words)]
        parts.draw_total("menus", len(rows), ("spelling", "name", "cases", "why"), lambda: rows)
        if rows:
            parts.paged("menus", rows, EDITED_AT_ONCE, lambda shown: _suggestions(engine, shown))
    else:
        parts.draw_empty("menus")
    _own(engine, findings)
    if findings.without_menu:
        _blanks(engine, findings)


def _rows(groups: Sequence[MenuGroup]) -> Iterator[tuple[str, str, int, str]]:
    """(spelling, name, cases, difference) of every spelling that is not the name."""
    for group in groups:
        for one in group.spellings:
            if one.spelling != group.canonical:
                yield one.spelling, group.canonical, one.cases, text(f"health.why.{one.why}")


def _suggestions(engine: BlockingEngine, shown: Sequence[tuple[str, str, int, str]]) -> None:
    columns = {name: text(f"health.column.{name}") for name in ("use", "spelling", "name", "cases", "why")}
    edited = st.data_editor(
        [dict(zip(columns.values(), (True, *row), strict=True)) for row in shown],
        hide_index=True,
        width="stretch",
        disabled=[columns[name] for name in ("spelling", "cases", "why")],
        key=f"health.menus.edited.{shown[0][0]}.{len(shown)}.{health_state.decisions()}",
        column_config={
            columns["use"]: st.column_config.CheckboxColumn(width="small"),
            columns["cases"]: st.column_config.NumberColumn(width="small"),
        },
    )
    ticked = [row for row in edited if row[columns["use"]]]
    names = {str(row[columns["spelling"]]): str(row[columns["name"]] or "") for row in ticked}
    if not names:
        st.caption(text("health.menus.none_ticked"))
        return
    with errors_shown():
        plan = engine.health.plan_menus(names)
        _preview(plan)
        _apply_button(engine, plan, text("health.menus.apply", n=number(len(plan.names))), "health.menus.apply")


def _preview(plan: MenuPlan) -> None:
    values = {
        "spellings": number(len(plan.names)),
        "names": number(len(set(plan.names.values()))),
        "cases": number(len(plan.states)),
    }
    said = text("health.menus.summary", **values)
    if plan.folded:
        said += " " + text("health.menus.folded", n=number(plan.folded))
    st.caption(said)


def _apply_button(engine: BlockingEngine, plan: MenuPlan, label: str, key: str) -> None:
    st.button(
        label,
        type="primary",
        icon=":material/done_all:",
        key=key,
        disabled=not plan.names,
        on_click=_apply,
        args=(engine, plan),
    )


def _apply(engine: BlockingEngine, plan: MenuPlan) -> None:
    health_state.decide(partial(engine.health.apply_menus, plan, actor=health_state.actor()))


def _own(engine: BlockingEngine, findings: Findings) -> None:
    """A group that nobody suggested."""
    counts = {one.spelling: one.cases for group in findings.menus for one in group.spellings}
    with st.expander(text("health.menus.own_heading"), icon=":material/edit:"):
        st.caption(text("health.menus.own_explain"))
        chosen, named = st.columns([3, 2])
        round_ = health_state.decisions()
        spellings = chosen.multiselect(
            text("health.menus.own_spellings"),
            list(counts),
            format_func=lambda name: text("health.menus.option", menu=name, n=number(counts.get(name))),
            placeholder=text("health.list.all_menus"),
            key=f"health.menus.own.{round_}",
        )
        name = _name_box(named, counts, f"health.menus.own_name.{round_}")
        if len(spellings) > 0 and name:
            with errors_shown():
                plan = engine.health.plan_menus(dict.fromkeys(spellings, name))
                _preview(plan)
                _apply_button(engine, plan, text("health.menus.own_apply"), "health.menus.own_apply")


def _name_box(place: "st.delta_generator.DeltaGenerator", names: Mapping[str, int], key: str) -> str:
    return (
        place.selectbox(
            text("health.menus.own_name"),
            list(names),
            index=None,
            placeholder=text("health.menus.own_name_hint"),
            accept_new_options=True,
            key=key,
        )
        or ""
    )


def _blanks(engine: BlockingEngine, findings: Findings) -> None:
    """Cases whose menu says nothing, to be given one."""
    st.markdown(f"**{text('health.menus.blank_heading')}** {cards.badge('gray', number(len(findings.without_menu)))}")
    st.caption(text("health.menus.blank_explain"))
    names = {one.spelling: one.cases for group in findings.menus for one in group.spellings}
    parts.paged("blanks", findings.without_menu, BLANKS_SHOWN, lambda shown: _blank_table(engine, shown, names))


def _blank_table(engine: BlockingEngine, shown: Sequence[Case], names: Mapping[str, int]) -> None:
    issue, origin = text("health.column.issue"), text("health.column.origin")
    event = st.dataframe(
        [{issue: " ".join(case.issue.split()), origin: cards.origin(case)} for case in shown],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"health.menus.blanks.{shown[0].id}.{health_state.decisions()}",
        column_config={issue: st.column_config.TextColumn(width="large")},
    )
    ids = [shown[at].id for at in event.selection.rows if at < len(shown)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = _name_box(st.container(width=320), names, f"health.menus.blank_name.{health_state.decisions()}")
        st.button(
            text("health.menus.blank_apply", n=number(len(ids))),
            icon=":material/folder_open:",
            key="health.menus.blank_apply",
            disabled=not (ids and name),
            on_click=_assign,
            args=(engine, ids, name),
        )


def _assign(engine: BlockingEngine, ids: Sequence[str], name: str) -> None:
    health_state.decide(partial(engine.health.assign_menu, ids, name, actor=health_state.actor()))
