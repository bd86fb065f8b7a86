"""What people do about a ticket: its next status, who takes care, how urgent it is, a note, the card, the way back."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from pages.shell import desk_state, session
from pages.shell.desk_words import told
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.plain import plain, plain_line
from pages.shell.resources import may, sign_in_mode
from sipd_core.desk import NOTE_LENGTH, EscalationDesk, TicketDetail
from sipd_core.permissions import Permission
from sipd_core.texts import text
from sipd_core.tickets import MOVES, Priority, Status, Ticket

_ICONS = {Status.ACTIVE: "play_arrow", Status.WAITING: "hourglass_top", Status.DONE: "check"}


def draw_actions(desk: EscalationDesk, detail: TicketDetail) -> None:
    """Buttons for what may come next, and the way back from the last step."""
    ticket = detail.ticket
    whole = ticket.erased_at is None
    if not may(Permission.TICKETS):
        if whole and _button("card", "assignment_ind"):
            _show_card(desk, ticket)
        return
    with st.container(horizontal=True, gap="small", key="desk-actions"):
        for place, status in enumerate(MOVES[ticket.status]):
            _draw_move(desk, ticket, status, primary=place == 0)
        if ticket.assignee != desk_state.actor():
            st.button(
                text("desk.action.take"),
                icon=":material/back_hand:",
                key="desk.take",
                on_click=_try,
                args=(partial(_assign, desk, ticket, desk_state.actor()),),
            )
        if _button("assign", "person_add"):
            _choose_assignee(desk, ticket)
        if _button("priority", "flag"):
            _choose_priority(desk, ticket)
        if whole and _button("note", "sticky_note_2"):
            _write_note(desk, ticket)
        if whole and _button("card", "assignment_ind"):
            _show_card(desk, ticket)
    _draw_undo(desk, detail)


def _button(name: str, icon: str) -> bool:
    return st.button(text(f"desk.action.{name}"), icon=f":material/{icon}:", key=f"desk.{name}_button")


def _draw_move(desk: EscalationDesk, ticket: Ticket, to: Status, *, primary: bool) -> None:
    reopening = ticket.status is Status.DONE
    label = text("desk.action.reopen" if reopening else f"desk.action.{to}")
    kind: Literal["primary", "secondary"] = "primary" if primary and not reopening else "secondary"
    icon, key = ":material/replay:" if reopening else f":material/{_ICONS[to]}:", f"desk.move.{to}"
    if to is not Status.ACTIVE and ticket.erased_at is None:
        if st.button(label, type=kind, icon=icon, key=key):
            _move_with_note(desk, ticket, to)
        return
    # A callback knows the status that the person saw; this run would take the one somebody else has just made for it.
    st.button(label, type=kind, icon=icon, key=key, on_click=_try, args=(partial(_move, desk, ticket, to),))


def _move(desk: EscalationDesk, ticket: Ticket, to: Status, note_key: str = "") -> None:
    note = str(st.session_state[note_key]) if note_key else ""
    desk.move(ticket.id, to, seen=ticket.status, actor=desk_state.actor(), note=note)
    session.flash(text("desk.done.moved", id=ticket.id, status=text(f"desk.status.{to}")))


def _try(work: Callable[[], object]) -> None:
    with errors_kept():
        work()


def _submit(label: str, key: str, work: Callable[[], object], *, icon: str = "save") -> None:
    """A button that does the work of a dialog and closes it; when it is refused, what was typed stays there."""
    icon = f":material/{icon}:"
    if st.button(label, type="primary", icon=icon, key=key, on_click=_try, args=(work,)):
        if said := session.take_problem():
            st.error(plain(said), icon=":material/error:")
        else:
            st.rerun()


def _assign(desk: EscalationDesk, ticket: Ticket, name: str) -> None:
    desk.assign(ticket.id, name, seen=ticket.assignee, actor=desk_state.actor())


def _assign_chosen(desk: EscalationDesk, ticket: Ticket, key: str) -> None:
    if name := str(st.session_state[key] or "").strip():
        _assign(desk, ticket, name)
    else:
        session.keep_problem(text("desk.assign.empty"))


@st.dialog(text("desk.move.title"), icon=":material/sync_alt:")
def _move_with_note(desk: EscalationDesk, ticket: Ticket, to: Status) -> None:
    """A word on what solved it, or on what it waits for; optional, and the base can learn from it later."""
    st.write(text(f"desk.move.{to}"))
    key = f"desk.move_note.{ticket.id}.{to}"
    _note_area(key, text(f"desk.move.{to}_note"))
    _submit(text(f"desk.move.{to}_yes"), "desk.move_yes", partial(_move, desk, ticket, to, key), icon=_ICONS[to])


@st.dialog(text("desk.action.assign"), icon=":material/person_add:")
def _choose_assignee(desk: EscalationDesk, ticket: Ticket) -> None:
    is_open = sign_in_mode() == "open"
    names = list(dict.fromkeys([desk_state.actor(), *(desk.assignees() if is_open else desk.takers())]))
    key = f"desk.assign_name.{ticket.id}"
    st.selectbox(
        text("desk.assign.name"),
        names,
        index=names.index(ticket.assignee) if ticket.assignee in names else None,
        placeholder=text("desk.assign.hint" if is_open else "desk.assign.hint_known"),
        accept_new_options=is_open,
        key=key,
    )
    st.caption(text("desk.assign.help" if is_open else "desk.assign.help_known"))
    work = partial(_assign_chosen, desk, ticket, key)
    _submit(text("desk.assign.yes"), "desk.assign_yes", work, icon="person_add")
    if ticket.assignee:
        label = text("desk.assign.clear")
        nobody = partial(_assign, desk, ticket, "")
        if st.button(label, type="tertiary", key="desk.assign_clear", on_click=_try, args=(nobody,)):
            st.rerun()


@st.dialog(text("desk.action.priority"), icon=":material/flag:")
def _choose_priority(desk: EscalationDesk, ticket: Ticket) -> None:
    st.caption(text("desk.priority_help"))
    key = f"desk.priority_choice.{ticket.id}"
    st.radio(
        text("desk.action.priority"),
        list(Priority),
        index=list(Priority).index(ticket.priority),
        format_func=lambda one: text(f"desk.priority.{one}"),
        key=key,
        label_visibility="collapsed",
    )
    _submit(text("desk.save"), "desk.priority_yes", partial(_prioritise, desk, ticket, key))


def _prioritise(desk: EscalationDesk, ticket: Ticket, key: str) -> None:
    to = Priority(st.session_state[key])
    desk.prioritise(ticket.id, to, seen=ticket.priority, actor=desk_state.actor())


@st.dialog(text("desk.action.note"), icon=":material/sticky_note_2:")
def _write_note(desk: EscalationDesk, ticket: Ticket) -> None:
    key = f"desk.note.{ticket.id}"
    _note_area(key, text("desk.note.label"))
    _submit(text("desk.save"), "desk.note_yes", partial(_note, desk, ticket, key))


def _note(desk: EscalationDesk, ticket: Ticket, key: str) -> None:
    desk.note(ticket.id, str(st.session_state[key]), actor=desk_state.actor())


def _note_area(key: str, label: str) -> None:
    st.text_area(label, key=key, max_chars=NOTE_LENGTH, height=120)
    st.caption(text("desk.note.masked"))


@st.dialog(text("desk.action.card"), width="medium", icon=":material/assignment_ind:")
def _show_card(desk: EscalationDesk, ticket: Ticket) -> None:
    with errors_shown():
        st.caption(text("chat.handover_body"))
        st.code(desk.card(ticket.id), language=None, wrap_lines=True)


def _draw_undo(desk: EscalationDesk, detail: TicketDetail) -> None:
    """The last step of a person, and the way back from it."""
    last = detail.undoable
    if last is None:
        return
    by_seq = {event.seq: event for event in detail.events}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = text("desk.undo.last", what=told(last, by_seq), actor=last.actor)
        st.caption(plain_line(said), width="content")
        st.button(
            text("desk.undo.button"),
            icon=":material/undo:",
            type="tertiary",
            key="desk.undo",
            on_click=_undo,
            args=(desk, detail.ticket.id, last.seq),
        )


def _undo(desk: EscalationDesk, ticket_id: int, seq: int) -> None:
    with errors_kept():
        desk.undo(ticket_id, seq, actor=desk_state.actor())
        session.flash(text("desk.undo.done"))
