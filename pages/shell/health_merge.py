"""One group of near duplicates on its way to becoming one case, drawn: who belongs, who stays, what solves it."""

from functools import partial

import streamlit as st

from pages.shell import cards, health_state
from pages.shell.frame import errors_shown
from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case
from sipd_core.knowledge.findings import Problem
from sipd_core.knowledge.repairs import MergePlan
from sipd_core.locale_id import number
from sipd_core.texts import text

SURVIVOR_SHOWN = 110
"""Characters of a complaint in the choice of the one that stays."""


def draw(engine: BlockingEngine, group: Problem | None) -> None:
    """Choose, look at what it would become, merge."""
    back = text("health.merge.back")
    st.button(back, icon=":material/arrow_back:", key="health.merge.back", on_click=health_state.close_group)
    if group is None or len(group.cases) < 2:
        st.info(text("health.merge.gone"), icon=":material/info:")
        return
    st.subheader(text("health.merge.heading"), anchor=False)
    members = _members(group)
    if len(members) < 2:
        st.warning(text("health.errors.too_few"), icon=":material/info:")
        return
    survivor = _survivor(group, members)
    remedy = _remedy(group, members)
    with errors_shown():
        plan = engine.health.plan_merge([case.id for case in members], survivor.id, remedy)
        _preview(plan)
        st.button(
            text("health.merge.confirm", n=number(len(members))),
            type="primary",
            icon=":material/merge:",
            key="health.merge.confirm",
            on_click=_merge,
            args=(engine, plan),
        )


def _members(group: Problem) -> list[Case]:
    """The cases that stay ticked."""
    st.markdown(f"**{text('health.merge.members')}**")
    st.caption(text("health.merge.members_hint"))
    names = {name: text(f"health.column.{name}") for name in ("join", "issue", "times", "remedy", "menu", "origin")}
    edited = st.data_editor(
        [
            {
                names["join"]: True,
                names["issue"]: " ".join(case.issue.split()),
                names["times"]: group.reports.get(case.id, 1),
                names["remedy"]: " ".join(case.remedy.split()),
                names["menu"]: case.menu,
                names["origin"]: cards.origin(case),
            }
            for case in group.cases
        ],
        hide_index=True,
        width="stretch",
        disabled=[name for key, name in names.items() if key != "join"],
        key=f"health.merge.members.{group.id}",
        column_config={
            names["join"]: st.column_config.CheckboxColumn(width="small"),
            names["issue"]: st.column_config.TextColumn(width="large"),
            names["times"]: st.column_config.NumberColumn(width="small"),
            names["remedy"]: st.column_config.TextColumn(width="medium"),
        },
    )
    return [case for case, row in zip(group.cases, edited, strict=True) if row[names["join"]]]


def _survivor(group: Problem, members: list[Case]) -> Case:
    known = {case.id: case for case in members}
    suggested = Problem(tuple(members), group.reports).survivor.id
    chosen = st.selectbox(
        text("health.merge.survivor"),
        list(known),
        index=list(known).index(suggested),
        format_func=lambda id_: shortened(known[id_].issue, SURVIVOR_SHOWN) if id_ in known else "",
        key=f"health.merge.survivor.{group.id}.{len(members)}",
    )
    return known.get(chosen, known[suggested])


def _remedy(group: Problem, members: list[Case]) -> str:
    """One of the remedies there are, or a new one; any of them can be edited."""
    remedies = Problem(tuple(members), group.reports).remedies
    at = 0
    if remedies:
        options = [*range(len(remedies)), -1]
        at = st.selectbox(
            text("health.merge.remedy_from"),
            options,
            format_func=lambda at: (
                shortened(remedies[at], SURVIVOR_SHOWN) if at >= 0 else text("health.merge.remedy_new")
            ),
            key=f"health.merge.from.{group.id}.{len(members)}",
        )
    start = remedies[at] if remedies and at >= 0 else ""
    return st.text_area(
        text("health.merge.remedy"),
        value=start,
        height=130,
        placeholder=text("health.work.placeholder"),
        key=f"health.merge.remedy.{group.id}.{len(members)}.{at}",
    )


def _preview(plan: MergePlan) -> None:
    with st.container(border=True):
        times = cards.badge("violet", text("health.merge.preview_reports", n=number(plan.reports)))
        badges = " ".join([*cards.case_badges(plan.survivor), times])
        st.markdown(f"**{text('health.merge.preview')}** {badges}")
        st.markdown(plain(plan.survivor.issue))
        if plan.survivor.remedy:
            st.markdown(cards.remedy_mark(plan.survivor))
            st.markdown(answer_markdown(plan.survivor.remedy))
        else:
            st.caption(text("health.merge.no_remedy"))
        st.caption(text("health.merge.preview_gone", n=number(len(plan.gone))))
        if plan.lost_remedies:
            st.warning(text("health.merge.preview_lost", n=number(len(plan.lost_remedies))), icon=":material/info:")
            for lost in plan.lost_remedies:
                st.caption(plain_line(lost))


def _merge(engine: BlockingEngine, plan: MergePlan) -> None:
    health_state.decide(partial(engine.health.merge, plan, actor=health_state.actor()))
