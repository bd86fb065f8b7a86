"""One ticket of the escalation desk: how it stands, the masked conversation, what was tried, and what happened to it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from pages.shell import cards, desk_actions, desk_state, session
from pages.shell.cards import badge
from pages.shell.desk_words import by_whom, span, told
from pages.shell.erasing import draw_erasing
from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from pages.shell.turns import draw_question
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Exchange
from sipd_core.desk import TicketDetail
from sipd_core.documents import Case
from sipd_core.locale_id import moment, number
from sipd_core.texts import text
from sipd_core.tickets import EventKind, Priority, Status, Ticket, TicketEvent

SUBJECT_SHOWN = 90
EXCHANGES_SHOWN = 4
EVENTS_SHOWN = 8
PRIORITY_LOOKS = {
    Priority.URGENT: ("red", "priority_high"),
    Priority.HIGH: ("orange", "arrow_upward"),
    Priority.NORMAL: ("gray", "remove"),
}
STATUS_LOOKS = {
    Status.NEW: ("blue", "fiber_new"),
    Status.ACTIVE: ("violet", "pending_actions"),
    Status.WAITING: ("orange", "hourglass_top"),
    Status.DONE: ("green", "check_circle"),
}
_ICONS = {
    EventKind.OPENED: "add_circle",
    EventKind.ESCALATED: "forward_to_inbox",
    EventKind.MOVED: "sync_alt",
    EventKind.ASSIGNED: "person",
    EventKind.PRIORITISED: "flag",
    EventKind.NOTED: "sticky_note_2",
    EventKind.SAID_SOLVED: "record_voice_over",
    EventKind.SAID_UNSOLVED: "voice_over_off",
    EventKind.UNDONE: "undo",
}


def draw_ticket(engine: BlockingEngine, ticket_id: int) -> None:
    """All of one ticket, with what can be done about it on top."""
    detail = engine.desk.detail(ticket_id)
    _draw_head(detail.ticket)
    desk_actions.draw_actions(engine.desk, detail)
    if detail.ticket.erased_at is not None:
        _draw_frame(detail, detail.ticket.erased_at)
        return
    talk, beside = st.columns([3, 2], gap="medium")
    with talk:
        _draw_talk(detail)
        draw_erasing(engine, detail.ticket.conversation_id, "desk")
    with beside:
        _draw_reasons(detail)
        _draw_tried(detail.cases)
        _draw_history(detail.events)


def _draw_head(ticket: Ticket) -> None:
    subject = plain_line(shortened(ticket.subject, SUBJECT_SHOWN))
    st.subheader(f"{plain_line(text('desk.number', id=ticket.id))} · {subject}", anchor=False)
    color, icon = PRIORITY_LOOKS[ticket.priority]
    marks = [badge(color, text(f"desk.priority.{ticket.priority}"), icon)]
    color, icon = STATUS_LOOKS[ticket.status]
    marks.append(badge(color, text(f"desk.status.{ticket.status}"), icon))
    if ticket.said_solved:
        marks.append(badge("violet", text("desk.heard"), "record_voice_over"))
    marks.append(badge("gray", ticket.assignee or text("desk.nobody"), "person"))
    if ticket.erased_at is None:
        marks.append(badge("blue", ticket.menu or text("desk.no_menu"), "folder_open"))
    st.markdown(" ".join(marks))
    st.caption(plain_line(" · ".join(_times(ticket))))


def _times(ticket: Ticket) -> list[str]:
    said = [text("desk.time.made", at=moment(ticket.created_at))]
    if ticket.status is not Status.DONE:
        said.append(text("desk.time.age", took=span(datetime.now(UTC) - ticket.created_at)))
    if ticket.first_action_at is None:
        said.append(text("desk.time.untouched"))
    else:
        said.append(text("desk.time.first_action", took=span(ticket.first_action_at - ticket.created_at)))
    if ticket.resolved_at is not None:
        said.append(text("desk.time.resolved", took=span(ticket.resolved_at - ticket.created_at)))
    return said


def _draw_frame(detail: TicketDetail, erased_at: datetime) -> None:
    """What is left when its conversation was deleted."""
    st.info(text("desk.erased", at=moment(erased_at)), icon=":material/delete_forever:")
    reasons, history = st.columns([2, 3], gap="medium")
    with reasons:
        _draw_reasons(detail)
    with history:
        _draw_history(detail.events)


def _draw_talk(detail: TicketDetail) -> None:
    exchanges = detail.conversation.exchanges
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{text('desk.talk.heading')}**", width="content")
        link = {session.CONVERSATION_PARAM: detail.ticket.conversation_id}
        st.page_link(desk_state.CHAT_PAGE, label=text("desk.talk.open"), icon=":material/forum:", query_params=link)
    st.caption(text("desk.talk.masked"))
    if earlier := exchanges[:-EXCHANGES_SHOWN]:
        with st.expander(text("desk.talk.earlier", n=number(len(earlier)))):
            for exchange in earlier:
                _draw_exchange(exchange)
    for exchange in exchanges[-EXCHANGES_SHOWN:]:
        _draw_exchange(exchange)


def _draw_exchange(exchange: Exchange) -> None:
    draw_question(exchange.message)
    with st.expander(text("desk.talk.answer", at=moment(exchange.at)), type="compact", icon=":material/support_agent:"):
        st.markdown(answer_markdown(exchange.answer.response))


def _draw_reasons(detail: TicketDetail) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{text('desk.why.heading')}**")
        for said in _reasons(detail):
            st.markdown(f"- {plain_line(said)}")
        for ticket in detail.others:
            label = text("desk.why.other", id=ticket.id, status=text(f"desk.status.{ticket.status}"))
            st.button(
                label,
                key=f"desk.other.{ticket.id}",
                type="tertiary",
                icon=":material/confirmation_number:",
                on_click=desk_state.show,
                args=(ticket.id,),
            )


def _reasons(detail: TicketDetail) -> list[str]:
    """In the words of the day; by their kinds where those were deleted."""
    said = dict.fromkeys(event.explanation for event in detail.events if event.explanation)
    kinds = (text(f"desk.reason.{reason}") for reason in detail.ticket.reasons)
    return [*said] or [kind[:1].upper() + kind[1:] for kind in kinds]


def _draw_tried(cases: Sequence[Case]) -> None:
    st.markdown(f"**{text('desk.tried.heading')}**")
    if not cases:
        st.caption(text("desk.tried.none"))
    for case in cases:
        with st.container(border=True, gap="xsmall", key=f"case-desk-{case.id}"):
            st.markdown(" ".join(cards.case_badges(case)))
            st.markdown(f":small[{plain_line(shortened(case.issue, cards.ISSUE_SHOWN))}]")
            cards.draw_remedy(case)
            st.caption(plain_line(cards.origin(case)))


def _draw_history(events: Sequence[TicketEvent]) -> None:
    newest = events[::-1]
    st.markdown(f"**{text('desk.history.heading')}**")
    by_seq = {event.seq: event for event in events}
    for event in newest[:EVENTS_SHOWN]:
        _draw_event(event, by_seq)
    if older := newest[EVENTS_SHOWN:]:
        with st.expander(text("desk.history.older", n=number(len(older)))):
            for event in older:
                _draw_event(event, by_seq)


def _draw_event(event: TicketEvent, by_seq: dict[int, TicketEvent]) -> None:
    said = plain_line(told(event, by_seq))
    by = text("desk.history.line", at=moment(event.at), actor=by_whom(event))
    undone = f" · {text('desk.history.undone')}" if event.undone_by is not None else ""
    with st.container(gap="xxsmall"):
        st.markdown(f":material/{_ICONS[event.kind]}: " + (f"~~{said}~~" if undone else said))
        if event.note:
            st.markdown(plain(event.note))
        st.caption(plain_line(by + undone))
