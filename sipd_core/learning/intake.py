"""From a failure to the question that failed, said so that it can be understood alone.

One reason to change: which message of a conversation a failure belongs to.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sipd_core.chat.memory import must_follow_up
from sipd_core.chat.signals import read_signals
from sipd_core.chat.turn import Exchange
from sipd_core.errors import NotFoundError
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.gap_intake import Candidate
from sipd_core.store.gap_work import Failed

READ: Final = 200
"""Exchanges of a conversation in which a question is looked for."""
LONGEST: Final = 2_000
"""Characters kept of a question: what comes later is a pasted log."""


def failed_questions(conversations: ConversationStore, found: Sequence[Candidate]) -> list[Failed]:
    """The questions of these failures; those whose conversation is gone are left out."""
    read: dict[str, tuple[Exchange, ...]] = {}
    failed = []
    for one in found:
        if one.conversation_id not in read:
            read[one.conversation_id] = _exchanges(conversations, one.conversation_id)
        question = question_of(read[one.conversation_id], one.turn_id)
        if question is not None and question.message.strip():  # of a deleted conversation only a frame is left
            turn, at = question.turn.turn_id, question.at.timestamp()
            failed.append(Failed(replace(one, turn_id=turn, at=at), question.message.strip()[:LONGEST]))
    return failed


def _exchanges(conversations: ConversationStore, id_: str) -> tuple[Exchange, ...]:
    try:
        return conversations.get(id_, READ).exchanges
    except NotFoundError:
        return ()


def question_of(exchanges: Sequence[Exchange], turn_id: str) -> Exchange | None:
    """The question that a turn is about: itself, or the one before that it only goes on about ("masih belum bisa")."""
    place = next((at for at, one in enumerate(exchanges) if one.turn.turn_id == turn_id), None)
    if place is None:
        return None
    for one in reversed(exchanges[: place + 1]):
        if one.turn.searched and not must_follow_up(read_signals(one.message)):
            return one
    return exchanges[place]
