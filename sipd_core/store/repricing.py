"""Calls of unknown price that get their price later: which wait, what they would cost, who priced them, and the way back.

One reason to change: how a booked call may get a price after the fact. A call that has one keeps it.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Connection, Row, case, cast, func, literal, select, update

from sipd_core.errors import SpendingError
from sipd_core.prices import Price
from sipd_core.store.database import Database
from sipd_core.store.entries import Entry, EntryLog
from sipd_core.store.money import PICO
from sipd_core.store.price_list import MICRO
from sipd_core.store.schema import repricings, usage
from sipd_core.usage import Outcome, Usage

PriceOf = Callable[[str, date], Price | None]
"""(model, day) -> its price."""
CACHED = case((usage.c.cached_tokens < usage.c.prompt_tokens, usage.c.cached_tokens), else_=usage.c.prompt_tokens)
"""No call has more cached tokens than tokens."""


@dataclass(frozen=True, slots=True)
class UnknownUse:
    """Calls of one model on one Jakarta day whose price is unknown."""

    model: str
    day: date
    calls: int
    usage: Usage
    """Their tokens together."""


@dataclass(frozen=True, slots=True)
class RepricedLine:
    """Calls of one model that got one price."""

    model: str
    first: date
    last: date
    calls: int
    price: Price
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Repricing:
    """What one pricing did."""

    lines: tuple[RepricedLine, ...]

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.lines)

    @property
    def cost_usd(self) -> Decimal:
        return sum((line.cost_usd for line in self.lines), Decimal(0))


_LINES = TypeAdapter(tuple[RepricedLine, ...])


class Repricings:
    """Prices calls of unknown price, writes down who did, and takes it back."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._log = EntryLog(database, repricings, write=_columns, read=_repricing, clock=clock)

    def unknown(self) -> tuple[UnknownUse, ...]:
        """All calls without a price that are over, by model and day."""
        with self._database.read() as connection:
            return _unknown(connection)

    def entries(self) -> tuple[Entry[Repricing], ...]:
        """Every pricing and every undo, newest first."""
        return self._log.entries()

    def apply(self, price_of: PriceOf, *, actor: str, note: str = "") -> Entry[Repricing]:
        """Give every such call the price that holds on its day; raises SpendingError when none has one."""

        def work(connection: Connection) -> Entry[Repricing]:
            seq = self._log.next_seq(connection)
            priced = [(use, price_of(use.model, use.day)) for use in _unknown(connection)]
            done = [_priced(connection, seq, use, price) for use, price in priced if price is not None]
            if not done:
                raise SpendingError(text_key="spending.error.nothing_to_price")
            return self._log.append(connection, Repricing(_gathered(done)), actor=actor, note=note)

        return self._log.write(work)

    def undo(self, seq: int, *, actor: str) -> Entry[Repricing]:
        """Let the calls of one pricing be of unknown price again; raises SpendingError when it does not count any more."""

        def work(connection: Connection) -> Entry[Repricing]:
            made = self._log.take_back(connection, seq, actor=actor)
            mine = update(usage).where(usage.c.priced_by == seq)
            if not connection.execute(mine.values(cost_pico_usd=None, priced_by=None)).rowcount:
                raise SpendingError(f"repricing {seq} holds no calls")  # an undo, which cannot be undone
            return made

        return self._log.write(work)


def gathered(uses: Iterable[tuple[UnknownUse, Price]]) -> tuple[RepricedLine, ...]:
    """What pricing these calls would come to, one line for each model and price."""
    return _gathered([RepricedLine(u.model, u.day, u.day, u.calls, p, p.cost(u.usage)) for u, p in uses])


def _gathered(days: list[RepricedLine]) -> tuple[RepricedLine, ...]:
    found: dict[tuple[str, Price], RepricedLine] = {}
    for line in days:
        before = found.get((line.model, line.price), line)
        calls, cost = (0, Decimal(0)) if before is line else (before.calls, before.cost_usd)
        first, last = min(before.first, line.first), max(before.last, line.last)
        sums = RepricedLine(line.model, first, last, calls + line.calls, line.price, cost + line.cost_usd)
        found[line.model, line.price] = sums
    return tuple(found.values())


def _unknown(connection: Connection) -> tuple[UnknownUse, ...]:
    group = usage.c.model, usage.c.day
    sums = (
        func.count().label("calls"),
        func.sum(usage.c.prompt_tokens).label("prompt"),
        func.sum(CACHED).label("cached"),
        func.sum(usage.c.completion_tokens).label("completion"),
    )
    rows = connection.execute(select(*group, *sums).where(_WAITING).group_by(*group).order_by(*group))
    return tuple(
        UnknownUse(
            row.model,
            date.fromisoformat(row.day),
            row.calls,
            Usage(int(row.prompt), int(row.completion), int(row.cached)),
        )
        for row in rows
    )


_WAITING = usage.c.cost_pico_usd.is_(None) & (usage.c.outcome != Outcome.OPEN)


def _priced(connection: Connection, seq: int, use: UnknownUse, price: Price) -> RepricedLine:
    """Price the calls of a model and day; counts what really was priced."""
    per_token = [literal(int(amount * MICRO), BigInteger) for amount in (price.prompt, price.cached, price.completion)]
    tokens = (usage.c.prompt_tokens - CACHED, CACHED, usage.c.completion_tokens)
    parts = [cast(count, BigInteger) * each for count, each in zip(tokens, per_token, strict=True)]
    mine = _WAITING & (usage.c.model == use.model) & (usage.c.day == use.day.isoformat())
    made = update(usage).where(mine).values(cost_pico_usd=parts[0] + parts[1] + parts[2], priced_by=seq)
    calls = connection.execute(made).rowcount
    both = (usage.c.priced_by == seq) & (usage.c.model == use.model) & (usage.c.day == use.day.isoformat())
    cost = connection.execute(select(func.sum(usage.c.cost_pico_usd)).where(both)).scalar_one()
    return RepricedLine(use.model, use.day, use.day, calls, price, int(cost or 0) / PICO)


def _columns(repricing: Repricing) -> dict[str, Any]:
    return {"lines": _LINES.dump_json(repricing.lines).decode()}


def _repricing(row: Row[Any]) -> Repricing:
    return Repricing(_LINES.validate_json(row.lines))
