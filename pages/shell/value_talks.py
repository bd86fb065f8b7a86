"""The conversations behind a figure of value, page by page, each one click from what was said in it."""

from collections.abc import Sequence
from urllib.parse import quote

import streamlit as st

from pages.shell import session, value_state
from pages.shell.downloads import download_button
from pages.shell.paging import Pages
from pages.shell.period import file_of
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import duration, moment, number
from sipd_core.store.outcomes import ConversationOutcome
from sipd_core.texts import text
from sipd_core.value import MEMBERS, ValueReport
from sipd_core.value_exports import conversations_csv
from sipd_core.value_words import label

_PAGES = Pages(value_state.PAGE, 25)
_WIDTHS = {"began": 130, "title": 248, "outcome": 165, "by": 105, "reasons": 135, "times": 124}
"""Columns and their width in pixels; with the link before them all fit beside the menu of a usual screen."""


def draw(_engine: BlockingEngine, report: ValueReport) -> None:
    """A choice of the figure, its conversations, and all of them as a file."""
    if not report.conversations:
        st.info(text("value.empty.body"), icon=":material/search_off:")
        return
    st.session_state.setdefault(value_state.SHOWN, "conversations")
    figure = st.selectbox(
        text("value.talk.choose"),
        list(MEMBERS),
        format_func=lambda name: text("value.talk.option", name=label(name), n=number(len(report.members(name)))),
        key=value_state.SHOWN,
        on_change=_PAGES.begin_anew,
    )
    found = report.members(figure)[::-1]
    if not found:
        st.info(text("value.talk.none"), icon=":material/search_off:")
        return
    _table(report, found)
    _download(report, found)


def _table(report: ValueReport, found: Sequence[ConversationOutcome]) -> None:
    offset = _PAGES.offset(len(found))
    shown = found[offset : offset + _PAGES.size]
    titles = report.titles(one.id for one in shown)
    names = {name: text(f"value.talk.{name}") for name in ("open", *_WIDTHS)}
    st.dataframe(
        [dict(zip(names.values(), _line(one, titles[one.id]), strict=True)) for one in shown],
        hide_index=True,
        width="stretch",
        column_config={
            names["open"]: st.column_config.LinkColumn(width=66, display_text=text("value.talk.open_link")),
            **{names[name]: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()},
        },
        height="content",
    )
    _PAGES.draw(len(found))


def _line(one: ConversationOutcome, title: str) -> tuple[str, ...]:
    last = None if one.last_answer_seconds is None else one.last_answer_seconds * 1_000
    return (
        f"/?{session.CONVERSATION_PARAM}={quote(one.id)}",
        moment(one.began).rpartition(" ")[0],
        title,
        label(one.outcome.value),
        text(f"value.by.{one.resolved_by}") if one.resolved_by else "",
        ", ".join(text(f"value.reason.{reason}") for reason in one.reasons),
        duration(last),
    )


def _download(report: ValueReport, found: Sequence[ConversationOutcome]) -> None:
    download_button(
        text("value.download.talks", n=number(len(found))),
        lambda: conversations_csv(report, found),
        file_name=file_of("value.file.talks", report.period),
        mime="text/csv",
        icon=":material/download:",
        key="value.download.talks",
        on_click="ignore",
    )
