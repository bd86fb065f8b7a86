"""The escalation desk: what was handed to people, who takes care of it, and what became of it. Needs no model."""

import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sipd_core.alerts.model import EventKind as Message
from sipd_core.chat.handover import handover_card, offered_cases
from sipd_core.chat.turn import Conversation
from sipd_core.documents import Case
from sipd_core.errors import NotFoundError
from sipd_core.locale_id import JAKARTA, moment
from sipd_core.permissions import Permission, rights
from sipd_core.privacy import mask
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.outbox import Outbox
from sipd_core.store.people import PeopleStore
from sipd_core.store.ticket_rows import NAME_LENGTH, Announce, Opened
from sipd_core.store.tickets import TicketStore
from sipd_core.store.times import moment as utc
from sipd_core.tables.exports import write_csv
from sipd_core.texts import text
from sipd_core.tickets import (
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

NOTE_LENGTH = 2_000
EXPORTED = (
    "number", "status", "priority", "assignee", "menu", "subject", "reasons", "created", "first_action", "resolved",
    "minutes_to_action", "minutes_to_resolution", "conversation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """All there is to know of one ticket; texts are masked."""

    ticket: Ticket
    conversation: Conversation
    """With its last exchanges, oldest first; empty when it was deleted."""
    events: tuple[TicketEvent, ...]
    """Oldest first."""
    cases: tuple[Case, ...]
    """Those that answers rested on: their remedies are what was tried."""
    others: tuple[Ticket, ...]
    """Further tickets of the same conversation, the newest first."""

    @property
    def undoable(self) -> TicketEvent | None:
        """The last change, if it can be taken back."""
        return undoable(self.events)


class EscalationDesk:
    """Safe from any thread; every call that changes something is durable on return, and masked."""

    def __init__(
        self,
        database: Database,
        conversations: ConversationStore,
        *,
        history: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`history`: the exchanges of a conversation that are read."""
        self._tickets = TicketStore(database, clock=clock)
        self._people = PeopleStore(database, clock=clock)
        self._conversations = conversations
        self._history = history

    def queue(self, wanted: TicketFilter, offset: int = 0, limit: int | None = 50) -> TicketPage:
        """Tickets that fit: open ones first, the most urgent first, of these the oldest first."""
        return self._tickets.page(wanted, offset, limit)

    def figures(self) -> DeskFigures:
        """How many there are of each status, how old the oldest is, how long they take."""
        return self._tickets.figures()

    def assignees(self) -> tuple[str, ...]:
        """Everybody who has a ticket, by name."""
        return self._tickets.assignees()

    def takers(self) -> tuple[str, ...]:
        """Everybody with an account that may take care of tickets, by name; nobody where no accounts are kept."""
        able = (one for one in self._people.list() if one.can_sign_in and Permission.TICKETS in rights(one.roles))
        return tuple(account.name for account in able)

    def of_conversations(self, conversation_ids: Sequence[str]) -> Mapping[str, Ticket]:
        """Conversation -> its newest ticket, of those that have one."""
        return self._tickets.of_conversations(conversation_ids)

    def menus(self) -> tuple[tuple[str, int], ...]:
        """(menu, number of tickets), the most frequent first."""
        return self._tickets.menus()

    def detail(self, ticket_id: int) -> TicketDetail:
        """One ticket with all that belongs to it; raises NotFoundError."""
        ticket = self._tickets.get(ticket_id)
        conversation = self._conversation(ticket)
        others = tuple(one for one in self._tickets.of_conversation(ticket.conversation_id) if one.id != ticket_id)
        cases = offered_cases(conversation.exchanges)
        return TicketDetail(ticket, conversation, self._tickets.events(ticket_id), cases, others)

    def _conversation(self, ticket: Ticket) -> Conversation:
        if ticket.erased_at is not None:
            return Conversation(ticket.conversation_id, ticket.subject, escalated=True)
        return self._conversations.get(ticket.conversation_id, self._history)

    def of_conversation(self, conversation_id: str) -> Ticket | None:
        """The newest ticket of a conversation."""
        return next(iter(self._tickets.of_conversation(conversation_id)), None)

    def card(self, ticket_id: int) -> str:
        """The ticket as a text for WhatsApp or another system; raises NotFoundError, also when nothing is left to hand on."""
        detail = self.detail(ticket_id)
        ticket = detail.ticket
        if ticket.erased_at is not None:
            raise NotFoundError(what=text("retention.conversation"))
        said = self._conversations.escalations(ticket.conversation_id)
        notes = [
            event.note for event in detail.events if event.kind in (EventKind.NOTED, EventKind.MOVED) and event.note
        ]
        head = text(
            "desk.card.head",
            id=ticket.id,
            status=text(f"desk.status.{ticket.status}"),
            priority=text(f"desk.priority.{ticket.priority}"),
            assignee=ticket.assignee or text("desk.nobody"),
            at=moment(ticket.created_at),
        )
        lines = [head, handover_card(detail.conversation, said), *(text("desk.card.note", note=note) for note in notes)]
        return "\n".join(lines)

    def move(self, ticket_id: int, to: Status, *, seen: Status, actor: str, note: str = "") -> None:
        """Give a ticket its next status; `seen` is the one the person saw. Raises TicketError, NotFoundError."""
        self._tickets.move(ticket_id, to, seen=seen, actor=actor, note=_masked(note))

    def assign(self, ticket_id: int, name: str, *, seen: str, actor: str) -> None:
        """Give a ticket to somebody, or to nobody (empty); raises TicketError, NotFoundError."""
        wanted = " ".join(_masked(name).split())[:NAME_LENGTH]
        self._tickets.assign(ticket_id, wanted, seen=seen, actor=actor)

    def prioritise(self, ticket_id: int, to: Priority, *, seen: Priority, actor: str) -> None:
        """Change how urgent a ticket is; raises TicketError, NotFoundError."""
        self._tickets.prioritise(ticket_id, to, seen=seen, actor=actor)

    def note(self, ticket_id: int, note: str, *, actor: str) -> None:
        """Write something down beside a ticket; raises TicketError when it is empty, NotFoundError."""
        self._tickets.note(ticket_id, _masked(note), actor=actor)

    def undo(self, ticket_id: int, seq: int, *, actor: str) -> TicketEvent:
        """Take the last change back and return it; raises TicketError when `seq` is not that, NotFoundError."""
        return self._tickets.undo(ticket_id, seq, actor=actor)

    def export(self, wanted: TicketFilter) -> bytes:
        """The tickets that fit as CSV, safe to open in a spreadsheet; times are Jakarta's."""
        file = io.BytesIO()
        header = [text(f"desk.export.{name}") for name in EXPORTED]
        write_csv(file, header, map(_cells, self.queue(wanted, limit=None).tickets))
        return file.getvalue()


def escalation_notice(database: Database) -> Announce:
    """Tells the webhook of alerts of every new ticket, in the same transaction; nothing of the conversation is in it."""
    outbox = Outbox(database)

    def enter(connection: Connection, opened: Opened) -> None:
        id_ = opened.handover.escalation_id
        outbox.enter(connection, id_, Message.ESCALATION, None, json.dumps(_message(opened), ensure_ascii=False))

    return enter


def _message(opened: Opened) -> dict[str, object]:
    """Codes in English for programs, sentences in Indonesian for people."""
    handover = opened.handover
    priority = text(f"desk.priority.{opened.priority}")
    return {
        "id": handover.escalation_id,
        "event": Message.ESCALATION,
        "at": utc(handover.at).isoformat(),
        "ticket": opened.id,
        "priority": opened.priority,
        "reasons": handover.reasons,
        "menu": handover.menu,
        "title": text("desk.webhook.title", id=opened.id, priority=priority),
        "message": handover.explanation,
        "actor": handover.actor,
    }


def _masked(written: str) -> str:
    return mask(written.strip()).text[:NOTE_LENGTH]


def _cells(ticket: Ticket) -> list[object]:
    return [
        ticket.id,
        text(f"desk.status.{ticket.status}"),
        text(f"desk.priority.{ticket.priority}"),
        ticket.assignee,
        ticket.menu,
        ticket.subject,
        ", ".join(text(f"desk.reason.{reason}") for reason in ticket.reasons),
        *(_local(at) for at in (ticket.created_at, ticket.first_action_at, ticket.resolved_at)),
        _minutes(ticket.created_at, ticket.first_action_at),
        _minutes(ticket.created_at, ticket.resolved_at),
        ticket.conversation_id,
    ]


def _local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(JAKARTA):%Y-%m-%d %H:%M:%S}"


def _minutes(start: datetime, end: datetime | None) -> object:
    """Empty when it is not known."""
    return "" if end is None else round((end - start) / timedelta(minutes=1), 1)
