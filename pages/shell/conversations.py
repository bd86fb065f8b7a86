"""The list of conversations in the sidebar: begin one, find one, go on with one."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import cards, session
from pages.shell.erasing import draw_erasing
from pages.shell.plain import plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import ConversationSummary
from sipd_core.locale_id import ago, number
from sipd_core.texts import text

TITLE_SHOWN = 46
"""Characters of a title; two lines of the sidebar."""


def draw_conversations(engine: BlockingEngine, current: str) -> None:
    """The newest conversations, or those that hold the words searched for; `current` is the open one."""
    st.button(
        text("chat.new"),
        key="chat.new",
        icon=":material/edit_square:",
        type="primary",
        width="stretch",
        shortcut="Alt+N",
        on_click=session.start_conversation,
    )
    wanted = st.text_input(
        text("chat.search_conversations"),
        key=session.SEARCH,
        type="search",
        placeholder=text("chat.search_conversations"),
        label_visibility="collapsed",
        live=True,
    )
    found = engine.conversations(wanted or "")
    if not found:
        st.caption(text("chat.no_match" if wanted else "chat.no_conversations"))
    now = datetime.now(UTC)
    with st.container(gap="xxsmall", key="conversations"):
        for summary in found:
            _conversation_line(summary, now, current=summary.id == current)
    if any(summary.id == current for summary in found):
        draw_erasing(engine, current, "chat")


def _conversation_line(summary: ConversationSummary, now: datetime, *, current: bool) -> None:
    title = plain_line(shortened(summary.title, TITLE_SHOWN) or text("chat.untitled"))
    escalated = f" :orange-badge[{text('chat.escalated')}]" if summary.escalated else ""
    st.button(
        f"{cards.verdict_dot(summary.last_verdict)} {title} :gray[:small[{ago(summary.updated_at, now)}]]{escalated}",
        key=f"chat.open.{summary.id}",
        help=text("chat.turns", n=number(summary.turns)),
        type="secondary" if current else "tertiary",
        width="stretch",
        wrap=True,
        on_click=session.open_conversation,
        args=(summary.id,),
    )
