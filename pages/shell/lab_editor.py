"""The questions of a gold set as a table that can be edited: text, style, right cases; rows taken out come back."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.shell import lab_figures, lab_state
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.paging import Pages
from pages.shell.plain import plain
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import number
from sipd_core.store.gold import GoldQuestion, GoldSet
from sipd_core.tables.gold import LONGEST_QUESTION, LONGEST_STYLE, GoldRow, split_references
from sipd_core.texts import text

_PAGES = Pages("lab.editor.page", 50)
_SEARCH = "lab.editor.search"
PROBLEM = "lab.editor"
"""Where it is said what of the edited rows could not be taken."""
_EDITED = ("query", "style", "cases")


def draw(engine: BlockingEngine, chosen: GoldSet) -> None:
    """Search, one page of questions, and what was changed in it."""
    st.subheader(text("laboratory.editor.heading"), anchor=False)
    if not chosen.questions:
        st.info(text("laboratory.editor.empty"), icon=":material/quiz:")
        return
    search = st.text_input(
        text("laboratory.editor.search"),
        type="search",
        placeholder=text("laboratory.editor.search"),
        key=_SEARCH,
        live="300ms",
        on_change=_PAGES.begin_anew,
        label_visibility="collapsed",
    )
    gold = engine.laboratory.gold
    page = _PAGES.read(lambda offset, limit: gold.page(chosen.id, search or "", offset=offset, limit=limit))
    if not page.total:
        st.info(text("laboratory.editor.no_match"), icon=":material/search_off:")
        return
    st.caption(text("laboratory.editor.hint", n=number(page.total)))
    key = f"lab.editor.{chosen.id}.{hash(search)}.{_PAGES.offset(page.total)}.{lab_state.rounds()}"
    _table(page.questions, key)
    _changes(engine, page.questions, key)
    draw_problem(PROBLEM)
    _PAGES.draw(page.total)


def _table(questions: Sequence[GoldQuestion], key: str) -> None:
    names = {name: text(f"laboratory.editor.column_{name}") for name in ("query", "style", "cases", "found")}
    st.data_editor(
        [
            {
                names["query"]: question.query,
                names["style"]: question.style,
                names["cases"]: "|".join(case.id for case in question.cases),
                names["found"]: _found(question),
            }
            for question in questions
        ],
        hide_index=True,
        width="stretch",
        num_rows="delete",
        disabled=[names["found"]],
        key=key,
        column_config={
            names["query"]: st.column_config.TextColumn(width="large", max_chars=LONGEST_QUESTION, required=True),
            names["style"]: st.column_config.TextColumn(width="small", max_chars=LONGEST_STYLE),
            names["cases"]: st.column_config.TextColumn(width="medium", help=text("laboratory.editor.cases_help")),
            names["found"]: st.column_config.TextColumn(width="large"),
        },
    )


def _found(question: GoldQuestion) -> str:
    """What a question's cases are now, with those that are gone told as such."""
    if question.is_outside:
        return text("laboratory.editor.outside")
    said = []
    for one in question.cases:
        name = lab_figures.case_name(one.case)
        is_off = one.case is not None and not one.is_searched
        said.append(text("laboratory.case_off", name=name) if is_off else name)
    return " | ".join(said)


def _changes(engine: BlockingEngine, questions: Sequence[GoldQuestion], key: str) -> None:
    """How much was changed and not saved yet, and the button that saves it."""
    state: dict[str, Any] = st.session_state.get(key, {})
    edited, deleted = state.get("edited_rows", {}), state.get("deleted_rows", [])
    if not edited and not deleted:
        return
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        said = text("laboratory.editor.unsaved", edited=number(len(edited)), deleted=number(len(deleted)))
        st.markdown(f":orange[:material/edit_note:] {plain(said)}", width="content")
        with st.container(horizontal=True, width="content"):
            st.button(
                text("laboratory.editor.save"),
                type="primary",
                icon=":material/save:",
                key="lab.editor.save",
                on_click=_save,
                args=(engine, tuple(questions), key),
            )
            drop = text("laboratory.editor.discard")
            st.button(drop, type="tertiary", key="lab.editor.discard", on_click=lab_state.next_round)


def _save(engine: BlockingEngine, questions: Sequence[GoldQuestion], key: str) -> None:
    """Write down what was edited, then take out what was deleted; rows that cannot be taken are told by number."""
    state: dict[str, Any] = st.session_state.get(key, {})
    deleted = {int(at) for at in state.get("deleted_rows", [])}
    edited = {int(at): row for at, row in state.get("edited_rows", {}).items() if int(at) not in deleted}
    with errors_kept(PROBLEM):
        gold = engine.laboratory.gold
        rejections = gold.edit({questions[at].id: _row(at, questions[at], row) for at, row in edited.items()})
        if gone := [questions[at].id for at in sorted(deleted)]:
            removal = gold.remove(gone)
            lab_state.offer_undo(
                text("laboratory.editor.removed", n=number(len(gone))), partial(_restore, removal=removal)
            )
        lab_state.next_round()
        lab_state.say_rejected(rejections, PROBLEM)


def _restore(engine: BlockingEngine, removal: str) -> None:
    engine.laboratory.gold.restore(removal)


def _row(at: int, question: GoldQuestion, changed: dict[str, Any]) -> GoldRow:
    """The question with what was changed in its row; `row` is the line that a person sees."""
    kept = {"query": question.query, "style": question.style, "cases": "|".join(one.id for one in question.cases)}
    for name in _EDITED:
        label = text(f"laboratory.editor.column_{name}")
        if label in changed:
            kept[name] = str(changed[label] or "")
    return GoldRow(at + 1, kept["query"].strip() or question.query, split_references(kept["cases"]), kept["style"])
