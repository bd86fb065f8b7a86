"""The message that an operator sends on to the caller, as things stand when he copies it."""

from sipd_core.chat.handover import is_own_words
from sipd_core.chat.turn import EscalationReason, Exchange, Turn
from sipd_core.texts import text
from sipd_core.tickets import Status, Ticket

_ANGRY = -0.6
"""Sentiment from which the page calls a caller very cross."""


def for_sending(exchange: Exchange, ticket: Ticket | None) -> str:
    """The answer in the caller's words; what a person worded or approved stands as it is.

    `ticket` is the conversation's newest one: while it is open the message names it instead of promising one.
    """
    answer = exchange.answer
    words = answer.for_caller or answer.response
    if is_own_words(exchange) or not (answer.searched or answer.escalation.needed):
        return words
    if ticket is not None and ticket.status is not Status.DONE:
        is_said = text("answer.caller.handed_on_said") in words
        named = text("answer.caller.number" if is_said else "answer.caller.handed_on", id=ticket.id)
        words = f"{_promising_nothing(words)}\n\n{named}"
    return f"{text('answer.caller.sorry')}\n\n{words}" if _is_angry(answer) else words


def _promising_nothing(words: str) -> str:
    for promise in ("answer.caller.hand_on_then", "answer.caller.hand_on"):
        words = words.replace(text(promise), "")
    return words.strip()


def _is_angry(answer: Turn) -> bool:
    return EscalationReason.VERY_NEGATIVE in answer.escalation.reasons or answer.sentiment <= _ANGRY
