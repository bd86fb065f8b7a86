"""The books: one durable record per model call, summed by Jakarta's day, operation and model."""

import csv
import io
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, insert, select

from sipd_core.store.database import Database
from sipd_core.store.schema import usage
from sipd_core.usage import CallRecord, CostReport, UsageTotal, jakarta_day

MICRO = Decimal(1_000_000)


class CostTracker:
    """Records every call and answers what it cost; unknown prices are counted apart, never as zero."""

    def __init__(
        self,
        database: Database,
        *,
        daily_budget: Decimal | None = None,
        monthly_budget: Decimal | None = None,
        usd_idr: Decimal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._budgets = daily_budget, monthly_budget
        self._usd_idr = usd_idr
        self._clock = clock

    def record(self, call: CallRecord) -> None:
        """Enter one call into the books; durable on return."""
        cost = None if call.cost_usd is None else int((call.cost_usd * MICRO).to_integral_value())
        row = {
            "at": call.at.timestamp(),
            "day": jakarta_day(call.at).isoformat(),
            "operation": call.operation,
            "model": call.model,
            "tokens": call.tokens,
            "texts": call.texts,
            "latency_ms": call.latency_ms,
            "cost_micro_usd": cost,
            "conversation_id": call.conversation,
        }
        with self._database.write() as connection:
            connection.execute(insert(usage), row)

    def log_usage(self, operation: str, tokens_used: int, model: str) -> None:
        """Enter a call of which only the tokens are known: its price is unknown, not zero."""
        self.record(CallRecord(self._now(), operation, model, tokens_used, 1, 0.0, None))

    def get_daily_cost(self, day: date) -> Decimal:
        """USD of the calls of one Jakarta day whose price is known."""
        return self._sum(day, day)

    def get_monthly_cost(self, year: int, month: int) -> Decimal:
        """USD of the calls of one Jakarta month whose price is known."""
        following = date(year + month // 12, month % 12 + 1, 1)
        return self._sum(date(year, month, 1), following - timedelta(days=1))

    def get_cost_breakdown(self, days: int = 30) -> CostReport:
        """Totals of the last `days` Jakarta days, today included."""
        today = jakarta_day(self._now())
        totals = self.totals(today - timedelta(days=days - 1), today)
        by_operation: defaultdict[str, Decimal] = defaultdict(Decimal)
        by_model: defaultdict[str, Decimal] = defaultdict(Decimal)
        for total in totals:
            by_operation[total.operation] += total.cost_usd
            by_model[total.model] += total.cost_usd
        return CostReport(
            period_days=days,
            totals=totals,
            today_usd=self.get_daily_cost(today),
            month_usd=self.get_monthly_cost(today.year, today.month),
            total_cost=sum((total.cost_usd for total in totals), Decimal(0)),
            total_tokens=sum(total.tokens for total in totals),
            unknown_price_calls=sum(total.unknown_price_calls for total in totals),
            by_operation=dict(by_operation),
            by_model=dict(by_model),
            daily_budget_usd=self._budgets[0],
            monthly_budget_usd=self._budgets[1],
            usd_idr=self._usd_idr,
        )

    def totals(self, first: date, last: date) -> tuple[UsageTotal, ...]:
        """One sum per day, operation and model, in that order."""
        group = usage.c.day, usage.c.operation, usage.c.model
        query = (
            select(
                *group,
                func.count().label("calls"),
                func.sum(usage.c.tokens).label("tokens"),
                func.coalesce(func.sum(usage.c.cost_micro_usd), 0).label("cost"),
                func.count().filter(usage.c.cost_micro_usd.is_(None)).label("unknown"),
            )
            .where(usage.c.day.between(first.isoformat(), last.isoformat()))
            .group_by(*group)
            .order_by(*group)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            UsageTotal(
                date.fromisoformat(r.day),
                r.operation,
                r.model,
                r.calls,
                int(r.tokens),
                Decimal(int(r.cost)) / MICRO,
                r.unknown,
            )
            for r in rows
        )

    def export_usage_report(self, filename: str, days: int = 30) -> None:
        """Write the totals of the last `days` days as CSV; an unknown price is an empty cost cell, never 0."""
        today = jakarta_day(self._now())
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(["day", "operation", "model", "calls", "tokens", "cost_usd", "unknown_price_calls"])
        for total in self.totals(today - timedelta(days=days - 1), today):
            known = total.cost_usd if total.unknown_price_calls < total.calls else ""
            writer.writerow(
                [total.day, total.operation, total.model, total.calls, total.tokens, known, total.unknown_price_calls]
            )
        with open(filename, "w", encoding="utf-8-sig", newline="") as file:
            file.write(buffer.getvalue())

    def _sum(self, first: date, last: date) -> Decimal:
        return sum((total.cost_usd for total in self.totals(first, last)), Decimal(0))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)
