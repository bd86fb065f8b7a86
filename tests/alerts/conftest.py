"""A room over a real database, with a clock of the test's own and turns as it wants them."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sipd_core.alerts.model import DEFAULTS, AlertEvent, Kind, Rule
from sipd_core.alerts.room import AlertRoom
from sipd_core.alerts.surroundings import Surroundings
from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import Verdict
from sipd_core.client import Webhook
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.usage import CallRecord, Usage

NOON = datetime(2026, 11, 25, 5, tzinfo=UTC)
"""Noon in Jakarta."""


@dataclass
class Desk:
    """What rules look at, and the room that looks; time passes only when the test says so."""

    database: Database
    folder: Path
    now: datetime = NOON
    trouble: str | None = None
    saved_at: datetime | None = None
    catching_up: bool = False
    hosted: bool = True
    budgets: tuple[Decimal | None, Decimal | None] = (None, None)
    webhook: Webhook | None = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def room(self, *, on_duty: bool = True) -> AlertRoom:
        """A process of its own over the same database."""
        daily, monthly = self.budgets
        books = CostTracker(
            self.database, daily_budget=daily, monthly_budget=monthly, usd_idr=Decimal(1), clock=self.clock
        )
        trouble = (lambda: self.trouble) if self.hosted else None
        around = Surroundings(books, (self.folder,), trouble, lambda: self.saved_at, lambda: self.catching_up)
        return AlertRoom(self.database, around, self.webhook, on_duty=on_duty, clock=self.clock)

    def clock(self) -> float:
        return self.now.timestamp()

    def pass_minutes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def turns(self, count: int, *, failed: int = 0, seconds: float = 1.0, cached: int = 0) -> None:
        """So many turns just now, the first ones failed or out of the cache."""
        store = TraceStore(self.database)
        for n in range(count):
            id_, bad = f"t{next(self._numbers)}", n < failed
            outcome, verdict = ("ProviderDownError", None) if bad else ("ok", Verdict.FOUND)
            vector = None if bad else VectorOrigin.MEMORY if n < cached else VectorOrigin.MISS
            timings = {"total": seconds * 1_000}
            store.add(
                TurnTrace(id_, "s", self.now, outcome, verdict=verdict, timings_ms=timings, embedding_cache=vector)
            )

    def spend(self, dollars: str) -> None:
        books = CostTracker(self.database, usd_idr=Decimal(1), clock=self.clock)
        books.record(CallRecord(self.now, "chat", "m", Usage(1), 1, 1.0, Decimal(dollars)))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def only(room: AlertRoom, kind: Kind, **changes: object) -> Rule:
    """Switch every other rule off and change this one."""
    for rule in DEFAULTS.values():
        if rule.kind is not kind:
            room._store.log.add(replace(rule, enabled=False), actor="uji")
    made = replace(DEFAULTS[kind], enabled=True, **changes)  # type: ignore[arg-type]
    room._store.log.add(made, actor="uji")
    return made


def happened(events: tuple[AlertEvent, ...]) -> list[str]:
    return [str(event.event) for event in events]
