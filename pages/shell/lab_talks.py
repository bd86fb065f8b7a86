"""Gold questions out of real conversations, or typed by hand: the question, and the right case picked from what is found."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import lab_figures, lab_state, session
from pages.shell.cards import verdict_dot
from pages.shell.frame import errors_kept
from pages.shell.plain import plain, plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import ConversationSummary, Exchange
from sipd_core.documents import Case
from sipd_core.locale_id import moment
from sipd_core.store.gold import GoldSet
from sipd_core.tables.gold import LONGEST_QUESTION, LONGEST_STYLE
from sipd_core.texts import text

TALKS_SHOWN = 30
FOUND = 8
"""Cases offered by a search."""
_LABEL = 90
_OUTSIDE = "outside"


def draw(engine: BlockingEngine, chosen: GoldSet) -> None:
    """A conversation, one of its questions, and the case that answers it."""
    talks = engine.conversations(limit=TALKS_SHOWN, search=_search_box())
    if not talks:
        st.info(text("laboratory.talks.none"), icon=":material/forum:")
        return
    known = {talk.id: talk for talk in talks}
    talk = st.selectbox(
        text("laboratory.talks.conversation"),
        list(known),
        format_func=lambda id_: _talk_name(known[id_]),
        key="lab.talks.conversation",
    )
    exchanges = {one.turn.turn_id: one for one in engine.conversation(talk).exchanges if one.turn.searched}
    if not exchanges:
        st.info(text("laboratory.talks.no_question"), icon=":material/forum:")
        return
    turn_id = st.radio(
        text("laboratory.talks.question"),
        list(exchanges),
        format_func=lambda id_: _question_name(exchanges[id_]),
        key=f"lab.talks.turn.{talk}",
    )
    if turn_id in exchanges:
        exchange = exchanges[turn_id]
        sources = [hit.case for hit in exchange.turn.sources]
        _pick(engine, chosen, exchange.message, sources, turn_id=turn_id, key=f"lab.talks.{turn_id}")


def draw_one(engine: BlockingEngine, chosen: GoldSet) -> None:
    """A question typed by hand, and the case that answers it."""
    key = f"lab.one.{lab_state.rounds()}"
    query = st.text_area(text("laboratory.talks.typed"), key=f"{key}.query", height=70, max_chars=LONGEST_QUESTION)
    if query.strip():
        _pick(engine, chosen, query, (), turn_id=None, key=key)


def _search_box() -> str:
    hint = text("laboratory.talks.search")
    typed = st.text_input(hint, type="search", placeholder=hint, key="lab.talks.search", live="300ms")
    return typed or ""


def _talk_name(talk: ConversationSummary) -> str:
    return f"{moment(talk.updated_at)} · {shortened(talk.title, _LABEL)}"


def _question_name(exchange: Exchange) -> str:
    return f"{verdict_dot(exchange.turn.verdict)} {plain_line(shortened(exchange.message, _LABEL * 2))}"


def _pick(
    engine: BlockingEngine, chosen: GoldSet, query: str, sources: Sequence[Case], *, turn_id: str | None, key: str
) -> None:
    """The sources of the answer and what a search finds, one or several of them right; or none at all."""
    words = st.text_input(
        text("laboratory.talks.find"), key=f"{key}.find", placeholder=text("laboratory.talks.find_hint")
    )
    found = [hit.case for hit in engine.search(words or query, FOUND).hits] if words or not sources else []
    offered = {case.id: case for case in (*found, *sources)}
    answer = st.segmented_control(
        text("laboratory.talks.kind"),
        ["inside", _OUTSIDE],
        default="inside",
        required=True,
        format_func=lambda name: text(f"laboratory.talks.kind_{name}"),
        key=f"{key}.kind",
    )
    right: list[str] = []
    if answer != _OUTSIDE:
        right = [case.id for case in offered.values() if _tick(case, f"{key}.{case.id}")]
    style = st.text_input(text("laboratory.talks.style"), key=f"{key}.style", max_chars=LONGEST_STYLE)
    st.button(
        text("laboratory.talks.add"),
        type="primary",
        icon=":material/playlist_add:",
        key=f"{key}.add",
        disabled=answer != _OUTSIDE and not right,
        on_click=_add,
        args=(engine, chosen, query, right, style, turn_id),
    )


def _tick(case: Case, key: str) -> bool:
    remedy = f"  \n:small[{plain_line(shortened(case.remedy, _LABEL * 2))}]" if case.remedy else ""
    return st.checkbox(f"{plain(lab_figures.case_name(case))}{remedy}", key=key)


def _add(
    engine: BlockingEngine, chosen: GoldSet, query: str, right: Sequence[str], style: str, turn_id: str | None
) -> None:
    with errors_kept():
        engine.laboratory.gold.add_question(chosen.id, query, right, style=style.strip(), turn_id=turn_id)
        lab_state.next_round()
        session.flash(text("laboratory.talks.added"))
