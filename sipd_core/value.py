"""What the console was worth in a period: measured outcomes, valued by what a manager supposes, less what it cost.

One reason to change: which figures managers are shown. Everything here can be computed anew from what `exports` writes.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from cachetools import TTLCache

from sipd_core.chat.turn import EscalationReason
from sipd_core.metrics import percentile
from sipd_core.periods import Period
from sipd_core.rates import RateTable
from sipd_core.roi import DAYS_A_YEAR, Bound, Figure, Scenario, Unit
from sipd_core.savings import Measured, Supposed, Worth, worth
from sipd_core.store.assumptions import (
    LIMITS,
    AssumptionChange,
    Assumptions,
    AssumptionStore,
)
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.outcomes import (
    LOST,
    RESOLVED,
    ConversationOutcome,
    Outcome,
    OutcomeStore,
    OutcomeTally,
    tally,
)
from sipd_core.usage import UsageTotal, jakarta_day

KEPT_SECONDS = 30.0
"""How long outcomes are kept while nothing is said: silence alone changes them, by the hour."""
COUNTED = ("confirmed", "assumed", "escalated", "unresolved", "reopened", "open")
"""Outcomes that are figures of their own; together they are all conversations in which something was asked."""
PERCENTILES = {"p50": 0.5, "p95": 0.95}
_BEGAN: Callable[[ConversationOutcome], datetime] = attrgetter("began")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DayCost:
    """What the models cost on one day."""

    day: date
    calls: int
    unknown_price_calls: int
    cost_usd: Decimal
    """Of the calls whose price is known."""
    rate: Decimal
    """Rupiah a dollar."""

    @property
    def rupiah(self) -> Decimal:
        return self.cost_usd * self.rate


@dataclass(frozen=True, slots=True)
class ValueReport:
    """Everything of one period, as it stood at one moment."""

    period: Period
    made_at: datetime
    """Timezone-aware, UTC."""
    assumptions: Assumptions
    change: AssumptionChange | None
    """Who put the assumptions in force; None: nobody, they are guesses."""
    conversations: tuple[ConversationOutcome, ...]
    tally: OutcomeTally
    reasons: Mapping[EscalationReason, int]
    """Escalated conversations that name each reason; one may name several."""
    costs: tuple[DayCost, ...]
    """Days on which models were called, in order."""
    measured: Measured
    supposed: Supposed
    times: tuple[Figure, ...]
    """Percentiles (nearest rank) of the seconds to the first and to the last answer."""
    worth: Worth
    rate: Decimal
    """Rupiah a dollar on the last day."""
    titles: Callable[[Iterable[str]], Mapping[str, str]]
    """What conversations are about, by id; read when it is asked for, because to open them all costs more than all figures."""

    @property
    def unknown_price_calls(self) -> int:
        """Calls that no figure of costs holds."""
        return sum(day.unknown_price_calls for day in self.costs)

    def members(self, figure: str) -> tuple[ConversationOutcome, ...]:
        """The conversations a counted figure stands for; raises KeyError for any other name."""
        belongs = MEMBERS[figure]
        return tuple(conversation for conversation in self.conversations if belongs(conversation))

    def by_day(self, days: Iterable[date]) -> Iterator[Sequence[ConversationOutcome]]:
        """The conversations that began on each of these days, which follow each other, as the conversations do."""
        end = 0
        for day in days:
            begin = bisect_left(self.conversations, Period(day, day).start, end, key=_BEGAN)
            end = bisect_left(self.conversations, Period(day, day).end, begin, key=_BEGAN)
            yield self.conversations[begin:end]


MEMBERS: Mapping[str, Callable[[ConversationOutcome], bool]] = {
    "conversations": lambda one: one.outcome is not Outcome.NO_QUESTION,
    "resolved": lambda one: one.outcome in RESOLVED,
    "confirmed": lambda one: one.outcome is Outcome.CONFIRMED,
    "assumed": lambda one: one.outcome is Outcome.ASSUMED,
    "lost": lambda one: one.outcome in LOST,
    "escalated": lambda one: one.outcome is Outcome.ESCALATED,
    "reopened": lambda one: one.outcome is Outcome.REOPENED,
    "reopened_ever": lambda one: one.reopened > 0,
    "unresolved": lambda one: one.outcome is Outcome.UNRESOLVED,
    "open": lambda one: one.outcome is Outcome.OPEN,
    "no_question": lambda one: one.outcome is Outcome.NO_QUESTION,
    "helpful": lambda one: one.helpful > 0,
    "unhelpful": lambda one: one.unhelpful > 0,
}
"""Which conversations stand behind a figure."""


class ValueRoom:
    """Reports of periods, and the assumptions they rest on; safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        ledger: CostTracker,
        *,
        rates: Callable[[], RateTable],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.assumptions = AssumptionStore(database, clock=clock)
        self.outcomes = OutcomeStore(database, clock=clock)
        self._ledger = ledger
        self._rates = rates
        self._clock = clock
        self._kept: TTLCache[object, Any] = TTLCache(8, KEPT_SECONDS)
        self._lock = threading.Lock()

    def report(self, period: Period) -> ValueReport:
        """What the conversations that began in the period came to, and what its days cost."""
        change = self.assumptions.current()
        assumptions = change.assumptions if change else Assumptions()
        found = self._while_silent(self.outcomes.of, period, assumptions.quiet)
        rates = self._rates()
        costs = self._costs(period, rates)
        counted = tally(found)
        measured = _measured(found, counted, costs, self._days(period))
        supposed = _supposed(assumptions)
        return ValueReport(
            period=period,
            made_at=self._now(),
            assumptions=assumptions,
            change=change,
            conversations=found,
            tally=counted,
            reasons=Counter(reason for one in found for reason in one.reasons),
            costs=costs,
            measured=measured,
            supposed=supposed,
            times=_times(found),
            worth=worth(measured, supposed),
            rate=rates.on(min(period.last, jakarta_day(self._now()))),
            titles=self.outcomes.titles,
        )

    def resolved(self, period: Period) -> Mapping[str, bool]:
        """Whether each conversation that began in the period, and in which something was asked, is resolved, by its id."""
        return self._while_silent(self.outcomes.resolved, period, self.assumptions.in_force().quiet)

    def _while_silent(self, read: Callable[[Period, timedelta], T], period: Period, quiet: timedelta) -> T:
        """What `read` says of the outcomes, kept as long as nobody says anything: every rerun of a page asks again."""
        key = read.__name__, period, quiet, self.outcomes.state()
        with self._lock:
            kept: T | None = self._kept.get(key)
        if kept is None:
            kept = read(period, quiet)
            with self._lock:
                self._kept[key] = kept
        return kept

    def _costs(self, period: Period, rates: RateTable) -> tuple[DayCost, ...]:
        by_day = groupby(self._ledger.totals(period.first, period.last), attrgetter("day"))
        return tuple(_day_cost(day, tuple(totals), rates.on(day)) for day, totals in by_day)

    def _days(self, period: Period) -> int:
        """Days of the period that have begun."""
        return max((min(period.last, jakarta_day(self._now())) - period.first).days + 1, 0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)


def supposed_year(report: ValueReport) -> Scenario | None:
    """A year in US dollars that goes on like the period; None while nothing was asked in it."""
    measured, given = report.measured, report.assumptions
    days, users = measured.days.value, given.users_per_day
    share, saved = report.worth.resolved_share.value, report.worth.minutes_saved.value
    if not days or share is None or saved is None or measured.conversations.value is None:
        return None
    return Scenario(
        tickets_per_day=measured.conversations.value / days,
        automated=share,
        cost_per_ticket=given.cost_per_ticket / report.rate,
        minutes_per_user=max(saved, Decimal(0)) / days / users,
        users_per_day=users,
        wage_per_hour=given.wage_per_hour / report.rate,
        days=Decimal(DAYS_A_YEAR),
        investment=given.investment / report.rate,
        running_per_month=given.running_per_month / report.rate,
    )


def _day_cost(day: date, totals: Sequence[UsageTotal], rate: Decimal) -> DayCost:
    return DayCost(
        day,
        calls=sum(total.calls for total in totals),
        unknown_price_calls=sum(total.unknown_price_calls for total in totals),
        cost_usd=sum((total.cost_usd for total in totals), Decimal(0)),
        rate=rate,
    )


def _supposed(assumptions: Assumptions) -> Supposed:
    given = asdict(assumptions)
    return Supposed(
        **{field.name: Figure(field.name, given[field.name], LIMITS[field.name].unit) for field in fields(Supposed)}
    )


def _measured(
    found: Sequence[ConversationOutcome], counted: OutcomeTally, costs: Sequence[DayCost], days: int
) -> Measured:
    counts = {
        "conversations": counted.conversations,
        **{name: counted[Outcome(name)] for name in COUNTED},
        "helpful": sum(one.helpful for one in found),
        "unhelpful": sum(one.unhelpful for one in found),
    }
    figures = {name: Figure(name, Decimal(count)) for name, count in counts.items()}
    return Measured(days=Figure("days", Decimal(days), Unit.DAYS), model_costs=_model_costs(costs), **figures)


def _model_costs(costs: Sequence[DayCost]) -> Figure:
    """A sum that lacks calls is a lower bound, and no figure at all when nothing of it is known."""
    known = sum((day.rupiah for day in costs), Decimal(0))
    unknown = any(day.unknown_price_calls for day in costs)
    value = None if unknown and not known else known
    return Figure("model_costs", value, Unit.RUPIAH, Bound.AT_LEAST if unknown else Bound.EXACT)


def _times(found: Sequence[ConversationOutcome]) -> tuple[Figure, ...]:
    samples = {
        "first": [one.first_answer_seconds for one in found if one.first_answer_seconds is not None],
        "last": [one.last_answer_seconds for one in found if one.last_answer_seconds is not None],
    }
    return tuple(
        Figure(f"{name}_{rank}", _decimal(percentile(values, share)), Unit.SECONDS)
        for name, values in samples.items()
        for rank, share in PERCENTILES.items()
    )


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
