"""The card an operator pastes into WhatsApp or a ticket when a person must take over. Texts are masked already."""

from collections.abc import Sequence

from sipd_core.chat.answers import excerpt
from sipd_core.chat.turn import Conversation, Exchange
from sipd_core.documents import Case
from sipd_core.texts import text

_LAST = 6
"""Exchanges quoted: enough to follow the matter, short enough for a chat message."""


def handover_card(conversation: Conversation, escalations: Sequence[tuple[str, str]]) -> str:
    """Title, reasons with notes, menu, the last exchanges, remedies already given, cases they rest on."""
    exchanges = conversation.exchanges[-_LAST:]
    lead = next((exchange.turn.sources[0].case for exchange in reversed(exchanges) if exchange.turn.sources), None)
    lines = [text("answer.card.title")]
    lines += [
        text("answer.card.reason", reason=reason) for reason in dict.fromkeys(reason for reason, _ in escalations)
    ]
    lines += [text("answer.card.note", note=note) for _, note in escalations if note]
    lines += [text("answer.card.menu", menu=lead.menu)] if lead else []
    lines += ["", text("answer.card.talk"), *(_said(exchange) for exchange in exchanges)]
    lines += ["", *_tried(exchanges), text("answer.card.link", id=conversation.id)]
    return "\n".join(lines)


def _said(exchange: Exchange) -> str:
    return text("answer.card.user", message=excerpt(exchange.message, 600))


def offered_cases(exchanges: Sequence[Exchange]) -> tuple[Case, ...]:
    """The cases that answers rested on, each once, in order: their remedies are what was tried."""
    offered = [
        exchange.turn.sources[0].case for exchange in exchanges if exchange.turn.context_used and exchange.turn.sources
    ]
    return tuple({case.id: case for case in offered}.values())


def _tried(exchanges: Sequence[Exchange]) -> list[str]:
    """Remedies that were offered and the rows they come from."""
    cases = offered_cases(exchanges)
    remedies = [text("answer.card.tried", remedy=excerpt(case.remedy, 400)) for case in cases if case.remedy]
    rows = ", ".join(f"{case.file}:{case.row}" for case in cases)
    return [*remedies, *([text("answer.card.cited", cases=rows)] if rows else [])]
