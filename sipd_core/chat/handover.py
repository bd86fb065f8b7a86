"""The card an operator pastes into WhatsApp or a ticket when a person must take over. Texts are masked already."""

from collections.abc import Sequence

from sipd_core.chat.answers import excerpt
from sipd_core.chat.turn import Conversation, Exchange, VersionKind
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


def is_own_words(exchange: Exchange) -> bool:
    """Whether the answer that counts was worded, or approved, by a person."""
    version = exchange.version
    return exchange.answer.approval is not None or (version is not None and version.kind is VersionKind.EDITED)


def offered_cases(exchanges: Sequence[Exchange]) -> tuple[Case, ...]:
    """The cases that answers rested on, each once, in order: their remedies are what was tried."""
    offered = [
        exchange.answer.sources[0].case
        for exchange in exchanges
        if exchange.answer.context_used and exchange.answer.sources
    ]
    return tuple({case.id: case for case in offered}.values())


def _tried(exchanges: Sequence[Exchange]) -> list[str]:
    """What was offered, in a person's words where there are any, and the rows it comes from."""
    cases = offered_cases(exchanges)
    own = [exchange.answer for exchange in exchanges if is_own_words(exchange)]
    worded = {turn.sources[0].case.id for turn in own if turn.sources}
    remedies = [text("answer.card.tried", remedy=excerpt(turn.for_caller, 400)) for turn in own]
    remedies += [
        text("answer.card.tried", remedy=excerpt(case.remedy, 400))
        for case in cases
        if case.remedy and case.id not in worded
    ]
    rows = ", ".join(f"{case.file}:{case.row}" for case in cases)
    return [*remedies, *([text("answer.card.cited", cases=rows)] if rows else [])]
