"""What operators wrote that solved a matter. One reason to change: whose words a remedy may be taken from."""

from collections.abc import Iterator, Sequence
from typing import Final

from sipd_core.chat.answer_cache import same_question
from sipd_core.chat.answer_desk import AnswerDesk
from sipd_core.chat.approval import Standing
from sipd_core.chat.turn import VersionKind
from sipd_core.desk import EscalationDesk
from sipd_core.errors import NotFoundError
from sipd_core.learning.model import FailingQuestion, Remedy, RemedyOrigin
from sipd_core.store.conversations import ConversationStore
from sipd_core.tickets import EventKind, Status, TicketEvent

TALKS: Final = 10
"""Conversations looked through, the most recent ones."""
READ: Final = 200
"""Exchanges of a conversation that are looked through."""
_ORDER: Final = (RemedyOrigin.APPROVED, RemedyOrigin.EDITED, RemedyOrigin.TICKET)
_SERVED: Final = (Standing.LIVE, Standing.STALE)


class OperatorsWords:
    """Looks for what people wrote: approved answers first, then answers worded anew, then closing notes of tickets."""

    def __init__(self, answers: AnswerDesk, conversations: ConversationStore, tickets: EscalationDesk) -> None:
        self._answers = answers
        self._conversations = conversations
        self._tickets = tickets

    def about(self, questions: Sequence[FailingQuestion]) -> tuple[Remedy, ...]:
        """Of these questions, each text once, the most recent of a kind first."""
        talks = list(dict.fromkeys(question.conversation_id for question in questions))[:TALKS]
        found = [*self._approved(questions), *(one for talk in talks for one in self._written(talk))]
        found.sort(key=lambda one: (_ORDER.index(one.origin), -one.at.timestamp()))
        return tuple({" ".join(one.text.split()).casefold(): one for one in reversed(found)}.values())[::-1]

    def _approved(self, questions: Sequence[FailingQuestion]) -> Iterator[Remedy]:
        turns = {question.turn_id for question in questions}
        asked = {same_question(question.text) for question in questions}
        for listed in self._answers.listed(standings=_SERVED):
            one = listed.approved
            if one.turn_id in turns or same_question(one.question) in asked:
                yield Remedy(one.answer, RemedyOrigin.APPROVED, one.id, one.actor, one.at)

    def _written(self, conversation_id: str) -> Iterator[Remedy]:
        yield from self._edited(conversation_id)
        yield from self._closing_notes(conversation_id)

    def _edited(self, conversation_id: str) -> Iterator[Remedy]:
        try:
            exchanges = self._conversations.get(conversation_id, READ).exchanges
        except NotFoundError:
            return
        for exchange in exchanges:
            said = exchange.version
            if said is not None and said.kind is VersionKind.EDITED:
                yield Remedy(said.turn.response, RemedyOrigin.EDITED, exchange.turn.turn_id, said.actor, said.at)

    def _closing_notes(self, conversation_id: str) -> Iterator[Remedy]:
        newest = self._tickets.of_conversation(conversation_id)
        if newest is None:
            return
        detail = self._tickets.detail(newest.id)
        others = [(other.id, self._tickets.detail(other.id).events) for other in detail.others]
        for number, events in [(newest.id, detail.events), *others]:
            if (said := _closing(events)) is not None:
                yield Remedy(said.note, RemedyOrigin.TICKET, str(number), said.actor, said.at)


def _closing(events: Sequence[TicketEvent]) -> TicketEvent | None:
    """The last word of a person on what finished a ticket."""
    done = [one for one in events if one.kind is EventKind.MOVED and one.after == Status.DONE]
    return next((one for one in reversed(done) if one.note and one.undone_by is None), None)
