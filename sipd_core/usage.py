"""What calls cost and how much they used. One reason to change: how usage is priced and summed.

Money is `Decimal` USD in code and whole micro-dollars in the database; an unknown price is None, never zero.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

JAKARTA = ZoneInfo("Asia/Jakarta")
"""The day of a daily cost is Jakarta's day, whatever the server's clock says (FIELD.md)."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One use of a model, local or hosted, as it enters the books."""

    at: datetime
    """Timezone-aware."""
    operation: str
    """`query_embedding`, `index_embedding` or `chat`."""
    model: str
    tokens: int
    texts: int
    latency_ms: float
    cost_usd: Decimal | None
    """None when the price is unknown; local work is a true zero."""
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The sum of the calls of one day, operation and model."""

    day: date
    """Jakarta's day."""
    operation: str
    model: str
    calls: int
    tokens: int
    cost_usd: Decimal
    """Sum of the calls whose price is known."""
    unknown_price_calls: int


@dataclass(frozen=True, slots=True)
class CostReport:
    """The figures of the Biaya page for one period."""

    period_days: int
    totals: tuple[UsageTotal, ...]
    today_usd: Decimal
    month_usd: Decimal
    total_cost: Decimal
    total_tokens: int
    unknown_price_calls: int
    by_operation: dict[str, Decimal]
    by_model: dict[str, Decimal]
    daily_budget_usd: Decimal | None
    monthly_budget_usd: Decimal | None
    usd_idr: Decimal


def jakarta_day(moment: datetime) -> date:
    """The calendar day in Jakarta (UTC+7) of a timezone-aware moment."""
    return moment.astimezone(JAKARTA).date()
