"""One durable trace per turn: how long each stage took, how it ended, what it used. All that is drawn of turns is read here.

A period may hold a hundred thousand turns, so figures are read as plain rows of a few columns (`rows`), not as traces.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, func, insert, select

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.money import dollars, pico
from sipd_core.store.schema import traces
from sipd_core.store.times import moment
from sipd_core.usage import Usage, jakarta_day

OK = "ok"
STOPPED = "stopped"
STAGES = ("mask", "embed", "search", "first_token", "total")
"""Timings that have columns of their own (`mask_ms`, ...); the others are in `timings` alone."""


class Mode(StrEnum):
    """Who answered."""

    LOCAL = "local"
    HOSTED = "hosted"
    CACHE = "cache"
    APPROVED = "approved"
    """A person, who approved the answer before."""
    DEGRADED = "degraded"
    """Whoever could, because the one who should have could not; the trace says why."""


@dataclass(frozen=True, slots=True)
class TurnTrace:
    """How one turn went."""

    turn_id: str
    session_id: str
    at: datetime
    """When it ended; timezone-aware, UTC."""
    outcome: str = OK
    """OK, STOPPED, or the class name of the error."""
    mode: Mode = Mode.LOCAL
    degraded: str | None = None
    """Class name of the error that made it so."""
    verdict: Verdict | None = None
    relevance: float | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Stage -> milliseconds, of the stages that were gone through; `first_token` and `total` count from the start."""
    usage: Usage | None = Usage(0)
    """Tokens of the calls that wrote the answer; None when nobody counted them."""
    cost_usd: Decimal | None = Decimal(0)
    """Of the same calls; None when a price is unknown."""
    embedding_cache: VectorOrigin | None = None
    """Where the question's vector came from; None when none was asked for, or none could be had."""
    answer_cached: bool = False
    retries: int = 0
    """Of the same calls."""
    escalated: bool = False
    model: str = ""
    """The hosted model that wrote the answer, empty when none did."""

    @property
    def cached(self) -> bool:
        """Whether the turn asked no embedding model."""
        return self.answer_cached or self.embedding_cache in (VectorOrigin.MEMORY, VectorOrigin.DURABLE)

    @property
    def total_ms(self) -> float | None:
        return self.timings_ms.get("total")

    @property
    def embedding_ms(self) -> float | None:
        return self.timings_ms.get("embed")

    @property
    def search_ms(self) -> float | None:
        return self.timings_ms.get("search")


class TraceStore:
    """Appends traces and reads periods of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, trace: TurnTrace) -> None:
        """Remember one turn."""
        self._database.together(lambda connection: connection.execute(insert(traces), trace_row(trace)))

    def add_many(self, made: Sequence[TurnTrace]) -> None:
        """Remember many turns in one transaction."""
        with self._database.write() as connection:
            connection.execute(insert(traces), [trace_row(trace) for trace in made])

    def rows(self, period: Period, *columns: str) -> Sequence[Row[Any]]:
        """Chosen columns (names of the table `traces`) of every turn of a period, oldest first, as plain rows."""
        chosen = [traces.c[name] for name in columns]
        query = select(*chosen).where(*_within(period)).order_by(traces.c.at)
        with self._database.read() as connection:
            return connection.execute(query).all()

    def newest(self) -> float | None:
        """When the last turn ended, as Unix time; None without any."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(traces.c.at))).scalar()

    def get(self, turn_id: str) -> TurnTrace:
        """One trace; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(select(traces).where(traces.c.turn_id == turn_id)).first()
        if row is None:
            raise NotFoundError(what="Jejak jawaban")
        return _trace(row)

    def slowest(self, period: Period, limit: int) -> tuple[TurnTrace, ...]:
        """The turns of a period that took longest, the slowest first."""
        query = select(traces).where(*_within(period), traces.c.total_ms.is_not(None))
        with self._database.read() as connection:
            return tuple(map(_trace, connection.execute(query.order_by(traces.c.total_ms.desc()).limit(limit))))

    def each(self, period: Period) -> Iterator[TurnTrace]:
        """Every trace of a period, oldest first; read one day at a time."""
        for day in period:
            query = select(traces).where(*_within(Period(day, day))).order_by(traces.c.at)
            with self._database.read() as connection:
                found = connection.execute(query).all()
            yield from map(_trace, found)

    def since(self, start: datetime, limit: int) -> tuple[TurnTrace, ...]:
        """Traces from `start` on, the newest `limit` of them, oldest first."""
        query = select(traces).where(traces.c.at >= start.timestamp()).order_by(traces.c.at.desc()).limit(limit)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return tuple(_trace(row) for row in reversed(found))


def _within(period: Period) -> tuple[Any, Any]:
    return traces.c.at >= period.start.timestamp(), traces.c.at < period.end.timestamp()


def trace_row(trace: TurnTrace) -> dict[str, Any]:
    """A trace as a row of the table."""
    used = trace.usage
    return {
        "turn_id": trace.turn_id,
        "conversation_id": trace.session_id,
        "at": trace.at.timestamp(),
        "day": jakarta_day(trace.at).isoformat(),
        "mode": trace.mode,
        "degraded": trace.degraded,
        "outcome": trace.outcome,
        "verdict": trace.verdict,
        "relevance": trace.relevance,
        **{f"{stage}_ms": trace.timings_ms.get(stage) for stage in STAGES},
        "timings": json.dumps(dict(trace.timings_ms)),
        "prompt_tokens": used.prompt if used else None,
        "cached_tokens": used.cached if used else None,
        "completion_tokens": used.completion if used else None,
        "estimated": used.estimated if used else False,
        "cost_pico_usd": pico(trace.cost_usd),
        "embedding_cache": trace.embedding_cache,
        "answer_cached": trace.answer_cached,
        "retries": trace.retries,
        "escalated": trace.escalated,
        "model": trace.model,
    }


def _trace(row: Row[Any]) -> TurnTrace:
    known = row.prompt_tokens is not None
    used = Usage(row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.estimated) if known else None
    return TurnTrace(
        turn_id=row.turn_id,
        session_id=row.conversation_id,
        at=moment(row.at),
        outcome=row.outcome,
        mode=Mode(row.mode),
        degraded=row.degraded,
        verdict=Verdict(row.verdict) if row.verdict else None,
        relevance=row.relevance,
        timings_ms=json.loads(row.timings),
        usage=used,
        cost_usd=dollars(row.cost_pico_usd),
        embedding_cache=VectorOrigin(row.embedding_cache) if row.embedding_cache else None,
        answer_cached=row.answer_cached,
        retries=row.retries,
        escalated=row.escalated,
        model=row.model,
    )
