"""What it will take to make rows findable by meaning: texts, seconds, money. One reason to change: how it is foretold."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from anyio import to_thread

from sipd_core.documents import Case
from sipd_core.errors import EmbeddingError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.pace import Pace
from sipd_core.knowledge.previews import Estimate
from sipd_core.knowledge.side import Side

TRIED_TEXTS = 12
"""Texts that the bundled model reads for nothing when its pace was never measured; a provider is never asked for it."""


PriceOf = Callable[[str, int], Decimal | None]
"""(model, tokens) -> USD; None when the price is unknown."""


class Estimator:
    """Looks up what is in the cache, how fast the model was, and what it costs."""

    def __init__(self, base: KnowledgeBase, pace: Pace, *, price: PriceOf | None, usd_idr: Callable[[], Decimal]) -> None:
        """Without `price` every model is free; `usd_idr` tells rupiah a dollar today."""
        self._base = base
        self._pace = pace
        self._price = price
        self._usd_idr = usd_idr

    @property
    def ready(self) -> bool:
        """Whether a model is there that can be asked."""
        return (self._base.building or self._base.serving) is not None

    async def estimate(self, cases: Sequence[Case]) -> Estimate | None:
        """For rows that would be stored anew; None while no model is ready."""
        side = self._base.building or self._base.serving
        if side is None:
            return None
        texts = await to_thread.run_sync(side.unread, cases)
        price = None if side.embedder.is_local else self._price
        cost: Decimal | None = Decimal(0)
        if price is not None and texts:
            cost = price(side.embedder.model, await to_thread.run_sync(_tokens, side, texts))
        seconds = await self._seconds(side, texts, free=price is None)
        rupiah = None if cost is None else cost * self._usd_idr()
        return Estimate(len(texts), side.name, seconds, price is None, cost, rupiah)

    async def _seconds(self, side: Side, texts: Sequence[str], *, free: bool) -> float | None:
        if not texts:
            return 0.0
        rate = await to_thread.run_sync(self._pace.texts_per_second, side.name)
        if rate is None and free:
            rate = await self._tried(side, texts)
        return len(texts) / rate if rate else None

    async def _tried(self, side: Side, texts: Sequence[str]) -> float | None:
        step = max(len(texts) // TRIED_TEXTS, 1)
        try:
            rate = await side.embedder.trial(list(texts[::step][:TRIED_TEXTS]))
        except EmbeddingError:
            return None
        await to_thread.run_sync(self._pace.suppose, side.name, rate)
        return rate


def _tokens(side: Side, texts: Sequence[str]) -> int:
    return sum(map(side.embedder.count_tokens, texts))
