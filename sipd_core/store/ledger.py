"""The books: one durable record per model call, summed by Jakarta's day, operation and model."""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sipd_core.deeds import Deed, DeedKind, DeedOutcome
from sipd_core.errors import BudgetExceededError
from sipd_core.store.budgets import Budgets
from sipd_core.store.database import Database
from sipd_core.store.money import PICO, dollars, pico
from sipd_core.store.schema import usage
from sipd_core.store.sparing import Sparing
from sipd_core.store.usage_report import EXPORTED, exported, usage_report
from sipd_core.usage import (
    CallRecord,
    CostReport,
    Outcome,
    Usage,
    UsageTotal,
    jakarta_day,
)

REQUEST_ID = 120
"""Characters of a provider's request id that are kept."""
_UNSETTLED = (Outcome.OPEN, Outcome.INTERRUPTED)


class CostTracker:
    """Records every call and answers what it cost; unknown prices are counted apart, never as zero."""

    def __init__(
        self,
        database: Database,
        *,
        daily_budget: Decimal | None = None,
        monthly_budget: Decimal | None = None,
        usd_idr: Decimal | Callable[[], Decimal],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`usd_idr`: rupiah a dollar, or who tells it of today."""
        self._database = database
        self._budgets = Budgets(daily_budget, monthly_budget, clock)
        self._usd_idr = usd_idr
        self._clock = clock
        self._stops = Sparing(clock=clock)

    @property
    def budgets(self) -> tuple[Decimal | None, Decimal | None]:
        """What may be spent in a day and in a month, USD; None: no limit."""
        return self._budgets.daily, self._budgets.monthly

    def record(self, call: CallRecord) -> None:
        """Enter a call that is over, such as local work, which no budget stops; durable on return."""
        self._database.together(lambda connection: connection.execute(insert(usage), _row(call)))

    def open(self, call: CallRecord) -> int:
        """Reserve the worst case of a paid call (`call.cost_usd`) in one transaction with the check of the budgets.

        Returns the entry's id. Raises BudgetExceededError, and enters nothing, when the day's or the month's budget
        could be overshot (open entries included), or when there is a budget and no price.
        """

        def enter(connection: Connection) -> int:
            try:
                self._budgets.check(connection, call)
            except BudgetExceededError as error:
                self._note_stop(connection, call, error)
                raise
            entered = connection.execute(insert(usage).returning(usage.c.id), _row(call) | {"outcome": Outcome.OPEN})
            return int(entered.scalar_one())

        return self._database.together(enter)

    def _note_stop(self, connection: Connection, call: CallRecord, error: BudgetExceededError) -> None:
        """Let the audit know, once a minute and period; the transaction stands although the call is refused."""
        period = str(error.values.get("period", ""))
        held = self._stops.due(period)
        if held is not None:
            details = {"model": call.model, "operation": call.operation, "said": error.user_text, "before": held}
            deed = Deed(DeedKind.BUDGET_STOP, period, outcome=DeedOutcome.REFUSED, details=details)
            self._database.note(connection, deed)

    def settle(self, entry: int, call: CallRecord) -> None:
        """Replace a reservation by what the call really was; an entry that is gone is entered anew."""
        mine = (usage.c.id == entry) & usage.c.outcome.in_(_UNSETTLED)

        def enter(connection: Connection) -> None:
            if not connection.execute(update(usage).where(mine).values(_row(call))).rowcount:
                connection.execute(insert(usage), _row(call))

        self._database.together(enter)

    def release(self, entry: int) -> None:
        """Take a reservation out again: the provider was never reached."""
        mine = (usage.c.id == entry) & usage.c.outcome.in_(_UNSETTLED)
        self._database.together(lambda connection: connection.execute(delete(usage).where(mine)))

    def close_interrupted(self, older_than_seconds: float) -> int:
        """Give up on open entries this old, whose process must have ended; returns how many.

        They keep the most they can have cost, marked estimated, and count in all sums from then on.
        """
        old = (usage.c.outcome == Outcome.OPEN) & (usage.c.at < self._clock() - older_than_seconds)
        with self._database.read() as connection:  # looking through the whole table must not keep writers waiting
            first, last = connection.execute(select(func.min(usage.c.id), func.max(usage.c.id)).where(old)).one()
        if first is None:
            return 0
        closing = update(usage).where(usage.c.id.between(first, last), old)
        with self._database.write() as connection:
            return int(connection.execute(closing.values(outcome=Outcome.INTERRUPTED, estimated=True)).rowcount)

    def log_usage(self, operation: str, tokens_used: int, model: str) -> None:
        """Enter a call of which only the tokens are known: its price is unknown, not zero."""
        self.record(CallRecord(self._now(), operation, model, Usage(tokens_used), 1, 0.0, None))

    def get_daily_cost(self, day: date) -> Decimal:
        """USD of the calls of one Jakarta day whose price is known."""
        return _cost(self.totals(day, day))

    def get_monthly_cost(self, year: int, month: int) -> Decimal:
        """USD of the calls of one Jakarta month whose price is known."""
        following = date(year + month // 12, month % 12 + 1, 1)
        return _cost(self.totals(date(year, month, 1), following - timedelta(days=1)))

    def get_cost_breakdown(self, days: int = 30) -> CostReport:
        """Totals of the last `days` Jakarta days, today included."""
        today, first = self._period(days)
        read = self.totals(min(first, today.replace(day=1)), today)
        totals = tuple(total for total in read if total.day >= first)
        of_today = [total for total in read if total.day == today]
        of_month = [total for total in read if total.day >= today.replace(day=1)]
        return CostReport(
            period_days=days,
            totals=totals,
            today_usd=_cost(of_today),
            month_usd=_cost(of_month),
            total_cost=_cost(totals),
            total_tokens=sum(total.tokens for total in totals),
            unknown_price_calls=_unknown(totals),
            by_operation=_cost_by(totals, lambda total: total.operation),
            by_model=_cost_by(totals, lambda total: total.model),
            daily_budget_usd=self._budgets.daily,
            monthly_budget_usd=self._budgets.monthly,
            usd_idr=self._usd_idr() if callable(self._usd_idr) else self._usd_idr,
            unknown_price_today=_unknown(of_today),
            unknown_price_month=_unknown(of_month),
        )

    def totals(self, first: date, last: date) -> tuple[UsageTotal, ...]:
        """One sum per day, operation and model, in that order; calls still under way are left out."""
        group = usage.c.day, usage.c.operation, usage.c.model
        within = usage.c.day.between(first.isoformat(), last.isoformat()) & (usage.c.outcome != Outcome.OPEN)
        query = select(*group, *_SUMS).where(within).group_by(*group).order_by(*group)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(map(_total, rows))

    def calls(self, days: int = 30) -> Iterator[CallRecord]:
        """Every call of the last `days` Jakarta days that is over, oldest first; read one day at a time."""
        today, first = self._period(days)
        return self.calls_between(first, today)

    def calls_between(self, first: date, last: date) -> Iterator[CallRecord]:
        """Every call from one Jakarta day to another, both included, that is over; read one day at a time."""
        for n in range((last - first).days + 1):
            of_day = usage.c.day == (first + timedelta(days=n)).isoformat()
            query = select(usage).where(of_day, usage.c.outcome != Outcome.OPEN).order_by(usage.c.at, usage.c.id)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            yield from map(_call, rows)

    def export_usage_report(self, filename: str, days: int = 30) -> None:
        """Write the usage report of the last `days` days as JSON (see `usage_report`), or its totals as CSV where the
        name ends so; an unknown price is null or an empty cell, never 0."""
        today, first = self._period(days)
        totals = self.totals(first, today)
        if filename.casefold().endswith(".csv"):
            with open(filename, "w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(EXPORTED)
                writer.writerows(map(exported, totals))
            return
        with open(filename, "w", encoding="utf-8") as file:
            json.dump(usage_report(totals, days), file, ensure_ascii=False, indent=2)

    def _period(self, days: int) -> tuple[date, date]:
        """(today, the first day) of a period that ends today."""
        today = jakarta_day(self._now())
        return today, today - timedelta(days=days - 1)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)


_SUMS = (
    func.count().label("calls"),
    func.sum(usage.c.prompt_tokens).label("prompt"),
    func.sum(usage.c.cached_tokens).label("cached"),
    func.sum(usage.c.completion_tokens).label("completion"),
    func.coalesce(func.sum(usage.c.cost_pico_usd), 0).label("cost"),
    func.count().filter(usage.c.cost_pico_usd.is_(None)).label("unknown"),
    func.count().filter(usage.c.estimated).label("estimated"),
    func.count().filter(usage.c.outcome != Outcome.OK).label("failed"),
    func.sum(usage.c.retries).label("retries"),
    func.sum(usage.c.texts).label("texts"),
)


def _total(row: Row[Any]) -> UsageTotal:
    return UsageTotal(
        day=date.fromisoformat(row.day),
        operation=row.operation,
        model=row.model,
        calls=row.calls,
        tokens=int(row.prompt) + int(row.completion),
        cost_usd=int(row.cost) / PICO,
        unknown_price_calls=row.unknown,
        prompt_tokens=int(row.prompt),
        cached_tokens=int(row.cached),
        completion_tokens=int(row.completion),
        estimated_calls=row.estimated,
        failed_calls=row.failed,
        retries=int(row.retries),
        texts=int(row.texts),
    )


def _row(call: CallRecord) -> dict[str, Any]:
    return {
        "at": call.at.timestamp(),
        "day": jakarta_day(call.at).isoformat(),
        "operation": call.operation,
        "model": call.model,
        "prompt_tokens": call.usage.prompt,
        "cached_tokens": call.usage.cached,
        "completion_tokens": call.usage.completion,
        "estimated": call.usage.estimated,
        "texts": call.texts,
        "latency_ms": call.latency_ms,
        "retries": call.retries,
        "outcome": call.outcome,
        "cost_pico_usd": pico(call.cost_usd),
        "conversation_id": call.conversation,
        "request_id": call.request_id[:REQUEST_ID] if call.request_id else None,
        "priced_by": None,
        "error": call.error,
        "retried_for": " ".join(call.retried_for),
    }


def _call(row: Row[Any]) -> CallRecord:
    return CallRecord(
        at=datetime.fromtimestamp(row.at, tz=UTC),
        operation=row.operation,
        model=row.model,
        usage=Usage(row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.estimated),
        texts=row.texts,
        latency_ms=row.latency_ms,
        cost_usd=dollars(row.cost_pico_usd),
        conversation=row.conversation_id,
        retries=row.retries,
        outcome=Outcome(row.outcome),
        request_id=row.request_id,
        error=row.error,
        retried_for=tuple(row.retried_for.split()),
    )


def _cost(totals: Iterable[UsageTotal]) -> Decimal:
    return sum((total.cost_usd for total in totals), Decimal(0))


def _unknown(totals: Iterable[UsageTotal]) -> int:
    return sum(total.unknown_price_calls for total in totals)


def _cost_by(totals: Iterable[UsageTotal], key: Callable[[UsageTotal], str]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for total in totals:
        sums[key(total)] += total.cost_usd
    return dict(sums)
