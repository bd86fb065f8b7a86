"""The room of the cost page: what was spent, by which prices and rates, and whether the provider's invoice agrees.

Safe from any thread; every call reads the books anew.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sipd_core.errors import SpendingError
from sipd_core.periods import Period
from sipd_core.spending.reconciling import Reconciliation, reconcile
from sipd_core.spending.report import (
    ANSWERING,
    PROJECTION_DAYS,
    Gauge,
    Money,
    PerConversation,
    SpendingReport,
    money,
    project,
    tokens,
)
from sipd_core.spending.savings import savings
from sipd_core.spending.tariffs import Tariffs
from sipd_core.store.database import Database
from sipd_core.store.entries import Entry
from sipd_core.store.invoices import Invoice, invoice_list
from sipd_core.store.ledger import CostTracker
from sipd_core.store.reckoning import ConversationCost, Reckoning
from sipd_core.usage import CallRecord, UsageTotal, jakarta_day

HIGHEST_INVOICE = Decimal(1_000_000)
"""USD; whoever types more has typed rupiah."""
CENTS = 12
"""Decimals of a dollar that an invoice may have: those of the books."""

Resolved = Callable[[Period], Mapping[str, bool]]
"""Whether each conversation that began in a period, and in which something was asked, is resolved, by its id."""


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """A conversation that began in a period and in which something was asked, and what it used within the period."""

    id: str
    resolved: bool
    used: ConversationCost


class Spending:
    """Reports, invoices, and the prices behind them."""

    def __init__(
        self,
        database: Database,
        ledger: CostTracker,
        tariffs: Tariffs,
        *,
        resolved: Resolved,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`resolved` says which conversations there were, the earliest first, and which of them are resolved."""
        self.tariffs = tariffs
        self._ledger = ledger
        self._reckoning = Reckoning(database)
        self._invoices = invoice_list(database, clock=clock)
        self._resolved = resolved
        self._clock = clock

    @property
    def today(self) -> date:
        """Jakarta's day."""
        return jakarta_day(datetime.fromtimestamp(self._clock(), UTC))

    def report(self, period: Period) -> SpendingReport:
        """Every figure of a period, and of today and this month."""
        today, rates = self.today, self.tariffs.rates()
        totals = self._ledger.totals(period.first, period.last)
        lately = self._lately(today, period, totals)
        of_month = [total for total in lately if total.day >= today.replace(day=1)]
        of_today, month = money((t for t in lately if t.day == today), rates), money(of_month, rates)
        projection = project(lately, rates, today, self._reckoning.first_day())
        return SpendingReport(
            period=period,
            totals=totals,
            rates=rates,
            whole=money(totals, rates),
            today=of_today,
            month=month,
            projection=projection,
            tokens=tokens(totals),
            per_conversation=self._per_conversation(period, totals),
            savings=savings(totals, self._reckoning.turns(period), self.tariffs.prices.price),
            gauges=self._gauges(of_today, month, projection.usd if projection else None),
            rate_today=rates.on(today),
            mixed_rates=len({rates.on(day) for day in period}) > 1,
        )

    def calls(self, period: Period) -> Iterator[CallRecord]:
        """Every call of the period that is over, oldest first."""
        return self._ledger.calls_between(period.first, period.last)

    def conversations(self, period: Period) -> tuple[ConversationLine, ...]:
        """Every conversation that began in the period and in which something was asked, the earliest first."""
        used, nothing = self._reckoning.by_conversation(period), ConversationCost()
        asked = self._resolved(period)
        return tuple(ConversationLine(id_, resolved, used.get(id_, nothing)) for id_, resolved in asked.items())

    def models(self) -> tuple[str, ...]:
        """Every model that the books or the prices know."""
        return tuple(sorted({*self._reckoning.models(), *self.tariffs.prices.models}))

    # --- invoices --------------------------------------------------------------------------------------------------

    def months(self) -> tuple[date, ...]:
        """First days of the months of the books, newest first; this month at least."""
        today = self.today
        first = (self._reckoning.first_day() or today).replace(day=1)
        months = (today.year - first.year) * 12 + today.month - first.month
        return tuple(_month_before(today, n) for n in range(max(months, 0) + 1))

    def reconcile(self, month: date) -> Reconciliation:
        """A month of the books beside its invoice; `month` is any day of it."""
        period = Period.of_month(month.year, month.month)
        after = period.last + timedelta(days=1)
        utc = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (period.first, after)]
        uses = self._reckoning.around(period, *utc)
        prices = self.tariffs.prices
        of_month = [entry for entry in self._invoices.entries() if entry.value and entry.undone_by is None]
        invoice = next((e for e in of_month if e.value and e.value.month == period.first), None)
        return reconcile(period.first, invoice, uses, prices.price, lambda day: prices.on(day).values())

    def enter_invoice(self, month: date, usd: Decimal, *, actor: str, note: str = "") -> Entry[Invoice]:
        """Write down what the provider billed for a month; raises SpendingError when that cannot be."""
        if not usd.is_finite() or not 0 <= usd <= HIGHEST_INVOICE:
            raise SpendingError(text_key="spending.error.invoice")
        if month.replace(day=1) > self.today:
            raise SpendingError(text_key="spending.error.invoice_month")
        exact = usd.quantize(Decimal(1).scaleb(-CENTS))
        return self._invoices.add(Invoice(month.replace(day=1), exact), actor=actor, note=note)

    def undo_invoice(self, seq: int, *, actor: str) -> Entry[Invoice]:
        """Take a typed invoice back (or the undo of one); raises SpendingError when it does not count any more."""
        return self._invoices.undo(seq, actor=actor)

    def invoice_history(self) -> tuple[Entry[Invoice], ...]:
        """Every invoice that was ever typed, newest first."""
        return self._invoices.entries()

    def _lately(self, today: date, period: Period, totals: tuple[UsageTotal, ...]) -> tuple[UsageTotal, ...]:
        """Totals of this month and of all days that a projection looks back on; read once where the period has them."""
        first = min(today.replace(day=1), today - timedelta(days=PROJECTION_DAYS))
        if period.first <= first and today <= period.last:
            return tuple(total for total in totals if first <= total.day <= today)
        return self._ledger.totals(first, today)

    def _per_conversation(self, period: Period, totals: tuple[UsageTotal, ...]) -> PerConversation:
        answering = money((t for t in totals if t.operation in ANSWERING), self.tariffs.rates())
        asked = self._resolved(period)
        return PerConversation(answering, len(asked), sum(asked.values()))

    def _gauges(self, today: Money, month: Money, projected: Decimal | None) -> tuple[Gauge, ...]:
        daily, monthly = self._ledger.budgets
        day = [Gauge("daily", today, daily)] if daily is not None else []
        return (*day, Gauge("monthly", month, monthly, projected)) if monthly is not None else tuple(day)


def _month_before(today: date, months: int) -> date:
    """The first day of the month so many months before that of `today`."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(year, month + 1, 1)
