"""The list of conversations in the sidebar: begin one, find one, go on with one."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import cards, session
from pages.shell.erasing import draw_erasing
from pages.shell.plain import plain_line, shortened
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import ConversationSummary, Verdict
from sipd_core.locale_id import ago, number
from sipd_core.texts import text
from sipd_core.tickets import Status, Ticket

TITLE_SHOWN = 46
"""Characters of a title; two lines of the sidebar."""

_SIGNS = {
    Verdict.FOUND: ":green[:material/menu_book:]",
    Verdict.PARTIAL: ":orange[:material/contrast:]",
    Verdict.NOT_FOUND: ":red[:material/search_off:]",
    "open": ":orange[:material/confirmation_number:]",
    "done": ":gray[:material/confirmation_number:]",
}
"""By verdict of the last answer or state of the ticket. None is a tick: nothing here says that a matter is settled."""


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
    if found:
        _legend()
    tickets = engine.desk.of_conversations([summary.id for summary in found if summary.escalated])
    with st.container(gap="xxsmall", key="conversations"):
        for summary in found:
            _conversation_line(summary, tickets.get(summary.id), now, current=summary.id == current)
    if any(summary.id == current for summary in found):
        draw_erasing(engine, current, "chat")


def _conversation_line(summary: ConversationSummary, ticket: Ticket | None, now: datetime, *, current: bool) -> None:
    title = plain_line(shortened(summary.title, TITLE_SHOWN) or text("chat.untitled"))
    sign, said = _sign(summary, ticket)
    state = ""
    if ticket is not None:
        named = text("chat.list.ticket", id=ticket.id, status=text(f"desk.status.{ticket.status}"))
        state = " " + cards.badge("gray" if ticket.status is Status.DONE else "orange", named)
        said = f"{said} · {named}"
    st.button(
        f"{sign} {title} :gray[:small[{ago(summary.updated_at, now)}]]{state}",
        key=f"chat.open.{summary.id}",
        help=plain_line(" · ".join(filter(None, [text("chat.turns", n=number(summary.turns)), said]))),
        type="secondary" if current else "tertiary",
        width="stretch",
        wrap=True,
        on_click=session.open_conversation,
        args=(summary.id,),
    )


def _sign(summary: ConversationSummary, ticket: Ticket | None) -> tuple[str, str]:
    """The sign of a conversation as Markdown, and what it means: what people do about it comes before what was found."""
    if ticket is not None:
        name = "done" if ticket.status is Status.DONE else "open"
    elif summary.last_verdict is not None:
        name = str(summary.last_verdict)
    else:
        return "", ""
    return _SIGNS[name], text(f"chat.list.{name}")


def _legend() -> None:
    """What the signs mean."""
    with st.expander(text("chat.list.legend"), type="compact"):
        st.caption("  \n".join(f"{sign} {text(f'chat.list.{name}')}" for name, sign in _SIGNS.items()))
