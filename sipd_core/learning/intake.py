"""From a failure to the question that failed, said so that it can be understood alone.

One reason to change: which message of a conversation a failure belongs to.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sipd_core.chat.memory import must_follow_up
from sipd_core.chat.signals import read_signals
from sipd_core.store.gap_intake import Candidate, Said
from sipd_core.store.gap_work import Failed, GapWork

LONGEST: Final = 2_000
"""Characters kept of a question: what comes later is a pasted log."""


def failed_questions(work: GapWork, found: Sequence[Candidate]) -> list[Failed]:
    """The questions of these failures; those whose conversation is gone are left out. Two readings, however many there are."""
    own = work.said([one.turn_id for one in found])
    unclear = {one.conversation_id for one in own.values() if _follows_up(one)}
    asked = work.asked_in(unclear)
    failed = []
    for one in found:
        mine = own.get(one.turn_id)
        if mine is None:
            continue
        question = question_of(mine, asked.get(mine.conversation_id, ()))
        if question.message.strip():  # of a deleted conversation only a frame is left
            told = replace(one, turn_id=question.turn_id, at=question.at)
            failed.append(Failed(told, question.message.strip()[:LONGEST]))
    return failed


def question_of(said: Said, asked: Sequence[Said]) -> Said:
    """The question that a message is about: itself, or the one before that it only goes on about ("masih belum bisa").

    `asked`: the questions of its conversation in their order.
    """
    if not _follows_up(said):
        return said
    before = (one for one in reversed(asked) if one.position < said.position)
    return next((one for one in before if not _follows_up(one)), said)


def _follows_up(said: Said) -> bool:
    return must_follow_up(read_signals(said.message))
