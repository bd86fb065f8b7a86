"""Sums over the books and the traces that only the cost page asks for. One reason to change: what is added up there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy import text as sql

from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.money import PICO
from sipd_core.store.repricing import CACHED
from sipd_core.store.schema import traces, usage
from sipd_core.usage import Outcome, Usage


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """What the turns of a period asked of the caches."""

    turns: int
    embeddings_kept: int
    """Questions whose vector came from a cache."""
    embeddings_asked: int
    """Questions whose vector a model had to make."""
    answers_kept: int
    """Answers that came from the answer cache."""


@dataclass(frozen=True, slots=True)
class ConversationCost:
    """What the books enter under the name of one conversation; embedding calls that several share have no name."""

    calls: int = 0
    cost_usd: Decimal = Decimal(0)
    unknown_price_calls: int = 0


@dataclass(frozen=True, slots=True)
class BookedUse:
    """Calls of one model, Jakarta day and kind of end, as they are booked around a month."""

    model: str
    day: date
    outcome: Outcome
    estimated: bool
    known: bool
    """Whether their price is known."""
    in_jakarta: bool
    """Within the month by Jakarta's clock."""
    in_utc: bool
    """Within the month by UTC."""
    calls: int
    usage: Usage
    cost_usd: Decimal


class Reckoning:
    """Reads only; nothing is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first_day(self) -> date | None:
        """The Jakarta day of the first call in the books."""
        with self._database.read() as connection:
            first = connection.execute(select(usage.c.day).where(_OVER).order_by(usage.c.day).limit(1)).scalar()
        return date.fromisoformat(first) if first else None

    def models(self) -> tuple[str, ...]:
        """Every model that the books know."""
        with self._database.read() as connection:
            return tuple(connection.execute(select(usage.c.model).distinct().order_by(usage.c.model)).scalars())

    def turns(self, period: Period) -> TurnCounts:
        """How often caches helped in a period."""
        kept = traces.c.embedding_cache.in_(("memory", "durable"))
        counts = select(
            func.count(),
            func.count().filter(kept),
            func.count().filter(traces.c.embedding_cache == "miss"),
            func.count().filter(traces.c.answer_cached),
        )
        with self._database.read() as connection:
            return TurnCounts(*connection.execute(counts.where(_within(period))).one())

    def by_conversation(self, period: Period) -> dict[str, ConversationCost]:
        """What each conversation used in a period, by its id."""
        used = select(
            usage.c.conversation_id,
            func.count().label("calls"),
            func.coalesce(func.sum(usage.c.cost_pico_usd), 0).label("cost"),
            func.count().filter(usage.c.cost_pico_usd.is_(None)).label("unknown"),
        )
        days = usage.c.day.between(period.first.isoformat(), period.last.isoformat())
        named = used.where(days, usage.c.conversation_id.is_not(None), _OVER).group_by(usage.c.conversation_id)
        with self._database.read() as connection:
            rows = connection.execute(named).all()
        return {row.conversation_id: ConversationCost(row.calls, int(row.cost) / PICO, row.unknown) for row in rows}

    def around(self, month: Period, utc_start: datetime, utc_end: datetime) -> tuple[BookedUse, ...]:
        """The calls of a month by Jakarta's clock or by UTC's, gathered by what may explain a difference."""
        in_jakarta = _stretch(month.start, month.end)
        in_utc = _stretch(utc_start, utc_end)
        group = (
            usage.c.model,
            usage.c.day,
            usage.c.outcome,
            usage.c.estimated,
            case((usage.c.cost_pico_usd.is_(None), 0), else_=1).label("known"),
            case((in_jakarta, 1), else_=0).label("in_jakarta"),
            case((in_utc, 1), else_=0).label("in_utc"),
        )
        query = select(*group, *_SUMS).where(_stretch(min(month.start, utc_start), max(month.end, utc_end)), _OVER)
        with self._database.read() as connection:
            return tuple(map(_booked, connection.execute(_grouped(query, group))))


_OVER = usage.c.outcome != Outcome.OPEN
_SUMS = (
    func.count().label("calls"),
    func.sum(usage.c.prompt_tokens).label("prompt"),
    func.sum(CACHED).label("cached"),
    func.sum(usage.c.completion_tokens).label("completion"),
    func.coalesce(func.sum(usage.c.cost_pico_usd), 0).label("cost"),
)


def _grouped(query: Select[Any], group: Iterable[Any]) -> Select[Any]:
    """By place: PostgreSQL takes the same expression with other parameters for another one."""
    places = [str(place) for place, _ in enumerate(group, start=1)]
    return query.group_by(*map(sql, places)).order_by(*map(sql, places))


def _within(period: Period) -> Any:
    return (traces.c.at >= period.start.timestamp()) & (traces.c.at < period.end.timestamp())


def _stretch(start: datetime, end: datetime) -> Any:
    return (usage.c.at >= start.timestamp()) & (usage.c.at < end.timestamp())


def _booked(row: Row[Any]) -> BookedUse:
    return BookedUse(
        row.model,
        date.fromisoformat(row.day),
        Outcome(row.outcome),
        bool(row.estimated),
        bool(row.known),
        bool(row.in_jakarta),
        bool(row.in_utc),
        row.calls,
        Usage(int(row.prompt), int(row.completion), int(row.cached)),
        int(row.cost) / PICO,
    )
