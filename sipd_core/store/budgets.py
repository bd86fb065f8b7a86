"""What may be spent in a day and in a month: a call is refused before it is made, not found too dear afterwards."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, select

from sipd_core.errors import BudgetExceededError
from sipd_core.locale_id import usd
from sipd_core.store.money import PICO
from sipd_core.store.schema import usage
from sipd_core.texts import text
from sipd_core.usage import CallRecord, jakarta_day

BUDGET_LOCK = 5718
"""PostgreSQL's advisory lock under which budgets are checked one after the other; SQLite has one writer anyway."""
LONGEST_CALL = timedelta(hours=1)
"""No call enters the books later than this after it began: days before that are over."""
KEPT_SECONDS = 60.0
"""How long the sum of the month's earlier days is kept."""


class Budgets:
    """Says no to a call that could overshoot what may be spent in a day or a month."""

    def __init__(self, daily: Decimal | None, monthly: Decimal | None, clock: Callable[[], float]) -> None:
        self.daily, self.monthly = daily, monthly
        self._clock = clock
        self._kept: tuple[date, int, float] | None = None

    def check(self, connection: Connection, call: CallRecord) -> None:
        """Raise BudgetExceededError when the worst case of `call` does not fit; what is free always does."""
        if (self.daily is None and self.monthly is None) or call.cost_usd == 0:
            return
        if call.cost_usd is None:
            raise BudgetExceededError(text_key="errors.budget_price", model=call.model)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({BUDGET_LOCK})")
        today, over = jakarta_day(call.at), jakarta_day(call.at - LONGEST_CALL) - timedelta(days=1)
        by_day = self._around(connection, over + timedelta(days=1), today + timedelta(days=1))
        self._fits("daily", self.daily, by_day.get(today, 0), call.cost_usd)
        if self.monthly is not None:
            month = sum(spent for day, spent in by_day.items() if day.month == today.month)
            earlier = self._until(connection, today.replace(day=1), over)
            self._fits("monthly", self.monthly, month + earlier, call.cost_usd)

    @staticmethod
    def _fits(period: str, budget: Decimal | None, spent_pico: int, worst: Decimal) -> None:
        spent = spent_pico / PICO
        if budget is not None and spent + worst > budget:
            raise BudgetExceededError(
                f"{period} budget {budget}, spent or reserved {spent}, wanted {worst}",
                period=text(f"cost.budget.period.{period}"),
                budget=usd(budget),
                left=usd(max(budget - spent, Decimal(0))),
            )

    def _around(self, connection: Connection, first: date, last: date) -> dict[date, int]:
        """Pico-dollars of each day that a call may still enter, also by the clock of a replica that is ahead."""
        query = select(usage.c.day, func.sum(usage.c.cost_pico_usd).label("spent"))
        rows = connection.execute(
            query.where(usage.c.day.between(first.isoformat(), last.isoformat())).group_by(usage.c.day)
        )
        return {date.fromisoformat(row.day): int(row.spent or 0) for row in rows}

    def _until(self, connection: Connection, first: date, last: date) -> int:
        """Pico-dollars of the month's days that are over; kept for a while, because they hardly change any more."""
        kept = self._kept
        if kept is not None and kept[0] == last and self._clock() < kept[2]:
            return kept[1]
        query = select(func.coalesce(func.sum(usage.c.cost_pico_usd), 0))
        spent = connection.execute(query.where(usage.c.day.between(first.isoformat(), last.isoformat()))).scalar_one()
        self._kept = last, int(spent), self._clock() + KEPT_SECONDS
        return int(spent)
