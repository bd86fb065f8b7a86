"""Totals of the books as other programs read them: lines of a table, and the usage report of the source document.

One reason to change: how totals are written down. An unknown price is empty or None, never 0.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from sipd_core.usage import UsageTotal


def usage_report(totals: Iterable[UsageTotal], period_days: int) -> dict[str, Any]:
    """The report of the source document, ready for JSON; None is a cost of which no part is known."""
    read = tuple(totals)
    return {
        "period_days": period_days,
        "total_cost": _known(read),
        "total_tokens": sum(total.tokens for total in read),
        "by_operation": _known_by(read, lambda total: total.operation),
        "by_model": _known_by(read, lambda total: total.model),
    }


def _known(totals: Iterable[UsageTotal]) -> float | None:
    read = tuple(totals)
    cost = sum((total.cost_usd for total in read), Decimal(0))
    unknown = any(total.unknown_price_calls for total in read)
    return float(cost) if cost or not unknown else None


def _known_by(totals: tuple[UsageTotal, ...], key: Callable[[UsageTotal], str]) -> dict[str, float | None]:
    names = dict.fromkeys(map(key, totals))
    return {name: _known(total for total in totals if key(total) == name) for name in names}


EXPORTED = (
    "day",
    "operation",
    "model",
    "calls",
    "tokens",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "cost_usd",
    "unknown_price_calls",
    "estimated_calls",
    "failed_calls",
    "retries",
    "texts",
)
"""Columns of the exported totals: fields of `UsageTotal`."""


def exported(total: UsageTotal) -> tuple[object, ...]:
    """The cells of one total; an unknown price is empty, never 0, and money is written without an exponent."""
    unknown = total.unknown_price_calls == total.calls
    cells = {name: getattr(total, name) for name in EXPORTED}
    return tuple((cells | {"cost_usd": "" if unknown else f"{total.cost_usd:f}"}).values())
