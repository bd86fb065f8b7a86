"""The escalation desk in SQL: what is asked of tickets, and what people do to them. Only masked texts come in here."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, true, update

from sipd_core.errors import NotFoundError, TicketError
from sipd_core.store.database import Database
from sipd_core.store.erasing import is_there
from sipd_core.store.schema import tickets
from sipd_core.store.search_words import Part, add_words, finds, sought
from sipd_core.store.ticket_rows import (
    FIRST_ACTION,
    RESOLVED,
    URGENCY,
    add_event,
    lock,
    read_events,
    ticket_of,
    ticket_query,
)
from sipd_core.store.times import moment
from sipd_core.texts import text
from sipd_core.tickets import (
    MOVES,
    OPEN,
    DeskFigures,
    EventKind,
    Priority,
    Status,
    Ticket,
    TicketEvent,
    TicketFilter,
    TicketPage,
    undoable,
)

OF_LATE = timedelta(days=30)
"""Tickets that the medians tell of."""
_COLUMNS = {EventKind.MOVED: "status", EventKind.ASSIGNED: "assignee", EventKind.PRIORITISED: "priority"}


class TicketStore:
    """Safe from any thread and any process; what is done is durable on return, with its event."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # --- what is asked ---------------------------------------------------------------------------------------------

    def page(self, wanted: TicketFilter, offset: int, limit: int | None) -> TicketPage:
        """Tickets that fit: open ones first, the most urgent first, of these the oldest first."""
        fits = self._fits(wanted)
        order = tickets.c.status == Status.DONE, URGENCY, tickets.c.created_at, tickets.c.id
        query = ticket_query().where(fits).order_by(*order).offset(offset).limit(limit)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(tickets).where(fits)).scalar_one()
            return TicketPage(tuple(map(ticket_of, connection.execute(query))), total)

    def get(self, ticket_id: int) -> Ticket:
        """One ticket; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(ticket_query().where(tickets.c.id == ticket_id)).first()
        if row is None:
            raise _not_found()
        return ticket_of(row)

    def of_conversation(self, conversation_id: str) -> tuple[Ticket, ...]:
        """Every ticket of a conversation, the newest first."""
        query = ticket_query().where(tickets.c.conversation_id == conversation_id).order_by(tickets.c.id.desc())
        with self._database.read() as connection:
            return tuple(map(ticket_of, connection.execute(query)))

    def of_conversations(self, conversation_ids: Sequence[str]) -> dict[str, Ticket]:
        """Conversation -> its newest ticket, of those that have one."""
        wanted = tickets.c.conversation_id.in_(conversation_ids)
        with self._database.read() as connection:
            found = map(ticket_of, connection.execute(ticket_query().where(wanted).order_by(tickets.c.id)))
            return {ticket.conversation_id: ticket for ticket in found}

    def events(self, ticket_id: int) -> tuple[TicketEvent, ...]:
        """What happened to a ticket, oldest first."""
        with self._database.read() as connection:
            return read_events(connection, ticket_id)

    def assignees(self) -> tuple[str, ...]:
        """Everybody who has a ticket, by name."""
        query = select(tickets.c.assignee).where(tickets.c.assignee != "").distinct().order_by(tickets.c.assignee)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def menus(self) -> tuple[tuple[str, int], ...]:
        """(menu, number of tickets), the most frequent first."""
        n = func.count().label("n")
        query = select(tickets.c.menu, n).group_by(tickets.c.menu).order_by(n.desc(), tickets.c.menu)
        with self._database.read() as connection:
            return tuple((row.menu, row.n) for row in connection.execute(query))

    def figures(self) -> DeskFigures:
        """How the desk stands; the medians are of tickets made of late."""
        is_open = tickets.c.status.in_(OPEN)
        counted = select(tickets.c.status, func.count().label("n")).group_by(tickets.c.status)
        nobodys = select(func.count()).select_from(tickets).where(is_open, tickets.c.assignee == "")
        oldest = select(func.min(tickets.c.created_at)).where(is_open)
        late = tickets.c.created_at >= self._clock() - OF_LATE.total_seconds()
        times = select(tickets.c.created_at, FIRST_ACTION.label("acted"), RESOLVED.label("done")).where(late)
        with self._database.read() as connection:
            by_status = {Status(row.status): int(row.n) for row in connection.execute(counted)}
            unassigned, since = connection.execute(nobodys).scalar_one(), connection.execute(oldest).scalar_one()
            took = connection.execute(times).all()
        acted = _median([row.acted - row.created_at for row in took if row.acted is not None])
        done = _median([row.done - row.created_at for row in took if row.done is not None])
        return DeskFigures(by_status, unassigned, _moment(since), acted, done)

    def _fits(self, wanted: TicketFilter) -> ColumnElement[bool]:
        words = wanted.search.split()
        conditions = [self._holds(word, alone=len(words) == 1) for word in words]
        if wanted.statuses:
            conditions.append(tickets.c.status.in_(wanted.statuses))
        if wanted.older_than is not None:
            conditions.append(tickets.c.created_at <= self._clock() - wanted.older_than.total_seconds())
        for name in ("priority", "assignee", "menu"):
            if (value := getattr(wanted, name)) is not None:
                conditions.append(tickets.c[name] == value)
        return and_(true(), *conditions)

    def _holds(self, word: str, *, alone: bool) -> ColumnElement[bool]:
        """Tickets whose number this word is (`#12`, or `12` alone), or in whose conversation or notes a word begins so."""
        database, conversation = self._database, tickets.c.conversation_id
        number = word.removeprefix("#") if alone or word.startswith("#") else ""
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        wanted = () if is_number and word.startswith("#") else sought(word)
        found = [finds(database.cipher, conversation, one, sqlite=database.is_sqlite, notes=True) for one in wanted]
        if is_number:
            found.append(tickets.c.id == int(number))
        return or_(*found) if found else true()

    # --- what people do --------------------------------------------------------------------------------------------

    def move(self, ticket_id: int, to: Status, *, seen: Status, actor: str, note: str = "") -> None:
        """Give a ticket another status; `seen` is the one the person saw. Raises TicketError, NotFoundError."""
        if to not in MOVES[seen]:
            raise TicketError(text_key="desk.error.move", before=_word("status", seen), after=_word("status", to))
        self._change(ticket_id, EventKind.MOVED, to, seen=seen, actor=actor, note=note)

    def assign(self, ticket_id: int, name: str, *, seen: str, actor: str) -> None:
        """Give a ticket to somebody, or to nobody (empty); raises TicketError, NotFoundError."""
        self._change(ticket_id, EventKind.ASSIGNED, name, seen=seen, actor=actor)

    def prioritise(self, ticket_id: int, to: Priority, *, seen: Priority, actor: str) -> None:
        """Change how urgent a ticket is; raises TicketError, NotFoundError."""
        self._change(ticket_id, EventKind.PRIORITISED, to, seen=seen, actor=actor)

    def note(self, ticket_id: int, note: str, *, actor: str) -> None:
        """Write something down beside a ticket.

        Raises TicketError when it is empty, or the conversation was deleted; NotFoundError.
        """
        if not note.strip():
            raise TicketError(text_key="desk.error.empty_note")
        now = self._clock()
        with self._alone(ticket_id, note) as (connection, row):
            add_event(connection, ticket_id, EventKind.NOTED, at=now, actor=actor, note=note.strip())
            add_words(connection, row.conversation_id, Part.NOTED, note)
            _set(connection, ticket_id, updated_at=now)

    def undo(self, ticket_id: int, seq: int, *, actor: str) -> TicketEvent:
        """Take the last change back and return it; raises TicketError when `seq` is not that, NotFoundError."""
        now = self._clock()
        with self._alone(ticket_id) as (connection, row):
            last = undoable(read_events(connection, ticket_id))
            if last is None or last.seq != seq:
                raise TicketError(text_key="desk.error.undo")
            _become(connection, row, last.kind, last.before, now)
            undone = {"before": last.after, "after": last.before, "undoes": seq}
            add_event(connection, ticket_id, EventKind.UNDONE, at=now, actor=actor, **undone)
        return last

    def _change(self, ticket_id: int, kind: EventKind, after: str, *, seen: str, actor: str, note: str = "") -> None:
        now = self._clock()
        with self._alone(ticket_id, note) as (connection, row):
            before = str(row._mapping[_COLUMNS[kind]])
            if before != seen:
                raise TicketError()
            if before == after:
                return
            _become(connection, row, kind, after, now)
            values = {"before": before, "after": after, "note": note.strip()}
            add_event(connection, ticket_id, kind, at=now, actor=actor, **values)
            if note.strip():
                add_words(connection, row.conversation_id, Part.NOTED, note)

    @contextmanager
    def _alone(self, ticket_id: int, note: str = "") -> Iterator[tuple[Connection, Row[Any]]]:
        """A transaction in which nobody else changes a ticket, and the ticket as it is.

        Raises NotFoundError; TicketError for a note where no conversation is left, with which it would be deleted.
        """
        with self._database.write() as connection:
            told = select(tickets.c.conversation_id).where(tickets.c.id == ticket_id)
            if note.strip() and not is_there(connection, connection.execute(told).scalar() or ""):
                raise TicketError(text_key="desk.error.erased")
            lock(connection)
            row = connection.execute(select(tickets).where(tickets.c.id == ticket_id)).first()
            if row is None:
                raise _not_found()
            yield connection, row


def _become(connection: Connection, row: Row[Any], kind: EventKind, after: str, now: float) -> None:
    """Let a ticket be what a change says; a conversation has one open ticket at most."""
    changes: dict[str, object] = {_COLUMNS[kind]: after, "updated_at": now}
    if kind is EventKind.MOVED:
        changes["open_for"] = None if after == Status.DONE else _free(connection, row)
    _set(connection, row.id, **changes)


def _free(connection: Connection, row: Row[Any]) -> str:
    """The conversation of a ticket that is to be open; raises TicketError when another one is."""
    other = and_(tickets.c.open_for == row.conversation_id, tickets.c.id != row.id)
    if (found := connection.execute(select(tickets.c.id).where(other)).scalar()) is not None:
        raise TicketError(text_key="desk.error.other_open", id=found)
    return str(row.conversation_id)


def _set(connection: Connection, ticket_id: int, **values: object) -> None:
    connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(**values))


def _median(seconds: list[float]) -> timedelta | None:
    return timedelta(seconds=statistics.median(seconds)) if seconds else None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def _word(kind: str, value: str) -> str:
    return text(f"desk.{kind}.{value}")


def _not_found() -> NotFoundError:
    return NotFoundError(what=text("desk.ticket"))
