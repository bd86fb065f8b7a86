"""The queue of the escalation desk: figures, filters that are kept, one page of tickets, and all of them as a file."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from pages.shell import desk_state
from pages.shell.desk_words import short_span, span
from pages.shell.downloads import download_button
from pages.shell.work_list import Filters, chosen_row
from sipd_core.desk import EscalationDesk
from sipd_core.locale_id import UNKNOWN, number
from sipd_core.texts import text
from sipd_core.tickets import OPEN, DeskFigures, Priority, Status, Ticket, TicketFilter

_SHOWN: dict[str, tuple[Status, ...]] = {
    "open": OPEN,
    **{status.value: (status,) for status in Status},
    "all": (),
}
_AGES = {"4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3), "7d": timedelta(days=7)}
_COLUMNS = ("number", "priority", "status", "subject", "menu", "assignee", "age", "first_action", "resolution")
_WIDTHS = {
    "number": 48,
    "priority": 84,
    "status": 84,
    "subject": 205,
    "menu": 120,
    "assignee": 115,
    "age": 95,
    "first_action": 95,
    "resolution": 95,
}
"""In pixels; these columns fit beside the menu of a usual screen."""
_FILTERS = Filters("desk", "desk.queue", desk_state.PAGES)


def draw_queue(desk: EscalationDesk) -> None:
    """How the desk stands, and its tickets; a chosen row opens its ticket."""
    figures = desk.figures()
    if not figures.total:
        _empty()
        return
    _draw_figures(figures)
    wanted = _filter(desk)
    found = desk_state.PAGES.read(partial(desk.queue, wanted))
    if not found.total:
        st.info(text("desk.queue.no_match"), icon=":material/search_off:")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(text("desk.queue.total", n=number(found.total)), width="content")
        _export(desk, wanted)
    _table(found.tickets, f"desk.table.{hash(wanted)}.{desk_state.PAGES.number()}.{desk_state.table_round()}")
    desk_state.PAGES.draw(found.total)


def _empty() -> None:
    with st.container(border=True):
        st.markdown(f":material/inbox: **{text('desk.empty.title')}**")
        st.write(text("desk.empty.body"))
        st.page_link(desk_state.CHAT_PAGE, label=text("desk.empty.chat"), icon=":material/forum:")


def _draw_figures(figures: DeskFigures) -> None:
    oldest = None if figures.oldest_at is None else datetime.now(UTC) - figures.oldest_at
    shown = [(f"desk.status.{status}", number(figures.by_status.get(status, 0))) for status in Status]
    shown += [
        ("desk.figure.unassigned", number(figures.unassigned)),
        ("desk.figure.oldest", short_span(oldest)),
        ("desk.figure.first_action", short_span(figures.to_first_action)),
        ("desk.figure.resolution", short_span(figures.to_resolution)),
    ]
    with st.container(key="desk-figures-line"):  # a narrow screen shows this, a wide one the tiles
        st.caption(" · ".join(f"{text(key)} **{value}**" for key, value in shown))
    with st.container(key="desk-figures"), st.grid(columns=4, min_column_width=150, gap="small"):
        for key, value in shown:
            late = key in ("desk.figure.first_action", "desk.figure.resolution")
            help_ = text("desk.figure.late") if late else None
            st.metric(text(key), value, help=help_, border=True)


def _filter(desk: EscalationDesk) -> TicketFilter:
    names = {"": text("desk.nobody"), **{name: name for name in desk.assignees()}}
    menus = {
        menu: text("desk.queue.option", name=menu or text("desk.no_menu"), n=number(n)) for menu, n in desk.menus()
    }
    words, stands = st.columns([2, 3], vertical_alignment="bottom")
    search = _FILTERS.search(words)
    shown = _FILTERS.standing(stands, "status", list(_SHOWN), "open", _status_name)
    with st.grid(columns=4, min_column_width=170, gap="small"):
        priority = _FILTERS.choice("priority", {one.value: text(f"desk.priority.{one}") for one in Priority})
        assignee = _FILTERS.choice("assignee", names)
        menu = _FILTERS.choice("menu", menus)
        age = _FILTERS.choice("age", {name: text(f"desk.age.{name}") for name in _AGES})
    statuses, older = _SHOWN[shown], _AGES[age] if age else None
    return TicketFilter(search, statuses, Priority(priority) if priority else None, assignee, menu, older)


def _status_name(shown: str) -> str:
    return text(f"desk.queue.{shown}") if shown in ("open", "all") else text(f"desk.status.{shown}")


def _table(tickets: Sequence[Ticket], key: str) -> None:
    names = {name: text(f"desk.column.{name}") for name in _COLUMNS}
    lines = [dict(zip(names.values(), _line(ticket), strict=True)) for ticket in tickets]
    widths = {names[name]: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()}
    if chosen := chosen_row(tickets, lines, key, widths):
        desk_state.show(chosen.id)
        st.rerun()


def _line(ticket: Ticket) -> tuple[str, ...]:
    taken = None if ticket.first_action_at is None else ticket.first_action_at - ticket.created_at
    solved = None if ticket.resolved_at is None else ticket.resolved_at - ticket.created_at
    return (
        text("desk.number", id=ticket.id),
        text(f"desk.priority.{ticket.priority}"),
        text(f"desk.status.{ticket.status}"),
        _subject(ticket),
        ticket.menu or UNKNOWN,
        ticket.assignee or UNKNOWN,
        span(datetime.now(UTC) - ticket.created_at),
        span(taken),
        span(solved),
    )


def _subject(ticket: Ticket) -> str:
    """The complaint, marked when its caller says that it works now."""
    subject = " ".join(ticket.subject.split())
    return text("desk.queue.heard", subject=subject) if ticket.said_solved else subject


def _export(desk: EscalationDesk, wanted: TicketFilter) -> None:
    download_button(
        text("desk.queue.export"),
        lambda: desk.export(wanted),
        file_name=text("desk.queue.file"),
        mime="text/csv",
        icon=":material/download:",
        key="desk.export",
        on_click="ignore",
    )
