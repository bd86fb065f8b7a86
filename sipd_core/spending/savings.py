"""What caches saved. One reason to change: how a saving is estimated; where a price is missing it stays unknown. Pure.

| cache     | formula                                                                                            |
|-----------|----------------------------------------------------------------------------------------------------|
| provider  | each model and day: tokens the provider had kept × (price of a prompt token − price of a kept one)   |
| embedding | questions whose vector was kept × average cost of embedding one question in the period              |
| answer    | answers given from the cache × average cost of one hosted answer in the period                      |
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from sipd_core.prices import Price
from sipd_core.spending.report import Saving
from sipd_core.store.reckoning import TurnCounts
from sipd_core.usage import UsageTotal

PriceOf = Callable[[str, date], Price | None]


def savings(totals: Iterable[UsageTotal], turns: TurnCounts, price_of: PriceOf) -> tuple[Saving, ...]:
    """Of the three caches, in the order of the table above."""
    read = list(totals)
    questions = _average(read, "query_embedding", lambda total: total.texts)
    answers = _average(read, "chat", lambda total: total.calls - total.failed_calls)
    return (
        _by_provider(read, price_of),
        _kept("embedding", turns.embeddings_kept, questions),
        _kept("answer", turns.answers_kept, answers),
    )


def _by_provider(totals: list[UsageTotal], price_of: PriceOf) -> Saving:
    saved, priced, unpriced = Decimal(0), 0, 0
    for total in totals:
        if not total.cached_tokens:
            continue
        price = price_of(total.model, total.day)
        if price is None:
            unpriced += total.cached_tokens
        else:
            priced += total.cached_tokens
            saved += ((price.prompt - price.cached) * total.cached_tokens).scaleb(-6)
    known = saved if priced or not unpriced else None
    each = saved / priced if priced else None
    return Saving("provider", priced + unpriced, each, known, unpriced)


def _kept(name: str, count: int, each: Decimal | None) -> Saving:
    if not count:
        return Saving(name, 0, each, Decimal(0))
    return Saving(name, count, each, None if each is None else count * each, count if each is None else 0)


def _average(totals: list[UsageTotal], operation: str, number: Callable[[UsageTotal], int]) -> Decimal | None:
    """USD of one text or answer, of the days and models whose price is known throughout."""
    known = [total for total in totals if total.operation == operation and not total.unknown_price_calls]
    made = sum(map(number, known))
    return sum((total.cost_usd for total in known), Decimal(0)) / made if made else None
