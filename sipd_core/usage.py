"""What calls use and what the books say of them. One reason to change: how usage is recorded and summed.

Money is `Decimal` USD in code and whole pico-dollars (1e-12) in the database: one token of the cheapest model costs ten
thousand of them. An unknown price is None, never zero.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

JAKARTA = ZoneInfo("Asia/Jakarta")
"""The day of a daily cost is Jakarta's day, whatever the server's clock says (FIELD.md)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call."""

    prompt: int
    completion: int = 0
    cached: int = 0
    """Part of `prompt` that the provider had in its own cache; some bill it at a lower price."""
    estimated: bool = False
    """Counted here because the provider did not say."""

    @property
    def total(self) -> int:
        return self.prompt + self.completion


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    FAILED = "failed"
    STOPPED = "stopped"
    """Cancelled by whoever asked; what had come by then is paid for."""
    BROKEN = "broken"
    """The stream ended without its end; what had come by then is paid for."""
    OPEN = "open"
    """Under way: the entry holds the most it can cost."""
    INTERRUPTED = "interrupted"
    """The process ended during the call; the entry keeps the most it can have cost, marked estimated."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One use of a model, local or hosted, as it enters the books."""

    at: datetime
    """Timezone-aware."""
    operation: str
    """`query_embedding`, `index_embedding`, `training_embedding` or `chat`."""
    model: str
    usage: Usage
    texts: int
    latency_ms: float
    cost_usd: Decimal | None
    """None when the price is unknown; local work is a true zero."""
    conversation: str | None = None
    retries: int = 0
    outcome: Outcome = Outcome.OK
    request_id: str | None = None
    """The provider's own name of the call, for a question to its support."""
    error: str | None = None
    """Class name of what ended a call that failed or broke; None for any other."""
    retried_for: tuple[str, ...] = ()
    """What each attempt before the last one met, as class names of errors.py."""


class Books(Protocol):
    """What a paid call needs of the ledger; all three are durable on return."""

    def open(self, call: CallRecord) -> int:
        """Reserve the worst case (`call.cost_usd`, outcome OPEN) and return the entry's id.

        Raises BudgetExceededError when the day's or the month's budget could be overshot, open entries included.
        """

    def settle(self, entry: int, call: CallRecord) -> None:
        """Replace the reservation by what the call really was."""

    def release(self, entry: int) -> None:
        """Take the entry out again: the provider was never reached."""


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The sum of the calls of one day, operation and model."""

    day: date
    """Jakarta's day."""
    operation: str
    model: str
    calls: int
    tokens: int
    """Prompt and completion together."""
    cost_usd: Decimal
    """Sum of the calls whose price is known."""
    unknown_price_calls: int
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    estimated_calls: int = 0
    """Calls whose tokens were counted here because the provider did not say."""
    failed_calls: int = 0
    """Calls with any outcome but `ok`."""
    retries: int = 0
    texts: int = 0
    """Texts that were embedded, or one for each answer."""


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
    unknown_price_today: int = 0
    """Calls of today that `today_usd` does not hold, because their price is unknown."""
    unknown_price_month: int = 0


def jakarta_day(moment: datetime) -> date:
    """The calendar day in Jakarta (UTC+7) of a timezone-aware moment."""
    return moment.astimezone(JAKARTA).date()
