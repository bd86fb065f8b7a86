"""What operators wrote that solved a matter. One reason to change: whose words a remedy may be taken from."""

from collections.abc import Iterator, Sequence
from typing import Final

from sipd_core.desk import EscalationDesk
from sipd_core.learning.model import FailingQuestion, Remedy, RemedyOrigin
from sipd_core.tickets import EventKind, Status, TicketEvent

TALKS: Final = 10
"""Conversations looked through, the most recent ones."""


def operators_words(tickets: EscalationDesk, questions: Sequence[FailingQuestion]) -> tuple[Remedy, ...]:
    """The closing notes of the tickets of these questions, the most recent first; each text once."""
    talks = list(dict.fromkeys(question.conversation_id for question in questions))[:TALKS]
    found = [note for talk in talks for note in _closing_notes(tickets, talk)]
    newest = sorted(found, key=lambda one: one.at, reverse=True)
    return tuple({" ".join(one.text.split()).casefold(): one for one in reversed(newest)}.values())[::-1]


def _closing_notes(tickets: EscalationDesk, conversation_id: str) -> Iterator[Remedy]:
    newest = tickets.of_conversation(conversation_id)
    if newest is None:
        return
    detail = tickets.detail(newest.id)
    others = [(other.id, tickets.detail(other.id).events) for other in detail.others]
    for number, events in [(newest.id, detail.events), *others]:
        if (said := _closing(events)) is not None:
            yield Remedy(said.note, RemedyOrigin.TICKET, str(number), said.actor, said.at)


def _closing(events: Sequence[TicketEvent]) -> TicketEvent | None:
    """The last word of a person on what finished a ticket."""
    done = [one for one in events if one.kind is EventKind.MOVED and one.after == Status.DONE]
    return next((one for one in reversed(done) if one.note and one.undone_by is None), None)
