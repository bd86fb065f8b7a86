"""What was spent in a period, what it comes to a conversation, what caches saved, how much of a budget is used. Pure.

One reason to change: how a figure of the cost page is reckoned. Every formula stands beside its figure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from sipd_core.periods import Period
from sipd_core.rates import RateTable
from sipd_core.usage import UsageTotal

ANSWERING = frozenset({"query_embedding", "chat"})
"""Kinds of work that a conversation causes; making vectors of the base is nobody's conversation."""
PROJECTION_DAYS = 14
"""Whole days that a projection looks back on: two weeks, so that week-ends weigh what they weigh."""
FEWEST_DAYS = 3
NEAR = Decimal("0.8")
"""The share of a budget from which its gauge warns."""


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in both currencies, and the calls that it lacks because their price is unknown."""

    usd: Decimal
    idr: Decimal
    """Each day at the rate of that day."""
    calls: int
    unknown_calls: int

    @property
    def is_known(self) -> bool:
        """False when no call has a price, so that there is no sum at all."""
        return not self.unknown_calls or self.usd > 0

    def each(self, number: int) -> "Money | None":
        """This sum shared out; None where there is nobody to share it among, or no sum."""
        if not number or not self.is_known:
            return None
        return Money(self.usd / number, self.idr / number, self.calls, self.unknown_calls)


@dataclass(frozen=True, slots=True)
class Projection:
    """What the month will come to: `past + max(today, average) + average × days_left`."""

    past: Money
    """Of the month's days before today."""
    today: Money
    average: Money
    """Of a whole day: the last `window` whole days."""
    window: int
    days_left: int
    """Days of the month after today."""
    usd: Decimal
    idr: Decimal
    unknown_calls: int
    """Of the days that were looked at: what they cost is not foretold."""


class Level(StrEnum):
    """How a budget stands."""

    FINE = "fine"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A budget and what is used of it."""

    name: str
    """`daily` or `monthly`."""
    spent: Money
    budget: Decimal
    projected: Decimal | None = None
    """USD by the end of the month, for the month's budget."""

    @property
    def share(self) -> Decimal:
        """Of the budget; 1 where there is nothing to spend and nothing was."""
        if self.budget:
            return self.spent.usd / self.budget
        return Decimal(2) if self.spent.usd else Decimal(1)

    @property
    def level(self) -> Level:
        if self.spent.usd > self.budget:
            return Level.OVER
        return Level.NEAR if self.share >= NEAR else Level.FINE

    @property
    def will_be_over(self) -> bool:
        """Whether the month would end above its budget."""
        return self.projected is not None and self.projected > self.budget


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a period; `cached` is part of `prompt`."""

    prompt: int
    cached: int
    completion: int


@dataclass(frozen=True, slots=True)
class Saving:
    """What one cache saved: `count × each`, None where a price is missing."""

    name: str
    """`provider`, `embedding` or `answer`."""
    count: int
    """Tokens that the provider had kept, vectors or answers that were kept here."""
    each: Decimal | None
    """USD saved by one of them, on average."""
    usd: Decimal | None
    unpriced: int = 0
    """How many of `count` are not in `usd`."""


@dataclass(frozen=True, slots=True)
class PerConversation:
    """What answering cost: calls of the kinds in ANSWERING, shared among the conversations that began in the period and in
    which something was asked."""

    answering: Money
    conversations: int
    resolved: int

    @property
    def each(self) -> Money | None:
        return self.answering.each(self.conversations)

    @property
    def each_resolved(self) -> Money | None:
        return self.answering.each(self.resolved)


@dataclass(frozen=True, slots=True)
class SpendingReport:
    """All figures of the cost page."""

    period: Period
    totals: tuple[UsageTotal, ...]
    rates: RateTable
    whole: Money
    today: Money
    month: Money
    projection: Projection | None
    tokens: Tokens
    per_conversation: PerConversation
    savings: tuple[Saving, ...]
    gauges: tuple[Gauge, ...]
    rate_today: Decimal
    mixed_rates: bool
    """Whether the rate changed within the period."""


def money(totals: Iterable[UsageTotal], rates: RateTable) -> Money:
    """The sum of these totals, each day at its rate."""
    usd = idr = Decimal(0)
    calls = unknown = 0
    by_day: dict[date, Decimal] = {}
    for total in totals:
        if total.day not in by_day:
            by_day[total.day] = rates.on(total.day)
        usd += total.cost_usd
        idr += total.cost_usd * by_day[total.day]
        calls += total.calls
        unknown += total.unknown_price_calls
    return Money(usd, idr, calls, unknown)


def tokens(totals: Iterable[UsageTotal]) -> Tokens:
    """The tokens of these totals."""
    kinds = [(total.prompt_tokens, total.cached_tokens, total.completion_tokens) for total in totals]
    return Tokens(*(sum(column) for column in zip(*kinds, strict=True))) if kinds else Tokens(0, 0, 0)


def project(totals: Iterable[UsageTotal], rates: RateTable, today: date, first_day: date | None) -> Projection | None:
    """The month's end, from totals that reach back PROJECTION_DAYS and to the month's beginning; None while the books are
    younger than FEWEST_DAYS whole days, or no call of these days has a price."""
    read = list(totals)
    window = min((today - first_day).days, PROJECTION_DAYS) if first_day else 0
    if window < FEWEST_DAYS:
        return None
    looked = [total for total in read if today - timedelta(days=window) <= total.day < today]
    past = money([total for total in read if today.replace(day=1) <= total.day < today], rates)
    of_today = money([total for total in read if total.day == today], rates)
    average = money(looked, rates).each(window)
    if average is None:
        return None
    left = (Period.of_month(today.year, today.month).last - today).days
    usd = past.usd + max(of_today.usd, average.usd) + average.usd * left
    idr = past.idr + (max(of_today.usd, average.usd) + average.usd * left) * rates.on(today)
    unknown = money([total for total in read if total.day <= today], rates).unknown_calls
    return Projection(past, of_today, average, window, left, usd, idr, unknown)


def daily(
    report: SpendingReport, name: Callable[[UsageTotal], str], value: Callable[[UsageTotal], Decimal | int]
) -> Mapping[str, tuple[Decimal | int | None, ...]]:
    """Series by name, a value for each day of the period in order; None on days without any call at all."""
    used = {total.day for total in report.totals}
    places = {day: place for place, day in enumerate(report.period)}
    blank = [Decimal(0) if day in used else None for day in report.period]
    series: dict[str, list[Decimal | int | None]] = {}
    for total in report.totals:
        line = series.setdefault(name(total), list(blank))
        line[places[total.day]] = (line[places[total.day]] or 0) + value(total)
    return {key: tuple(line) for key, line in series.items()}
