"""One durable trace per turn: how long each stage took and how it ended."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from sipd_core.chat.turn import Verdict
from sipd_core.store.database import Database
from sipd_core.store.schema import traces
from sipd_core.store.times import moment


@dataclass(frozen=True, slots=True)
class TurnTrace:
    """How one turn went."""

    turn_id: str
    session_id: str
    at: datetime
    """Timezone-aware, UTC."""
    outcome: str
    """`ok`, or the class name of the error."""
    verdict: Verdict | None
    relevance: float | None
    cached: bool
    """The question's embedding came from the cache."""
    timings_ms: Mapping[str, float]

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
    """Appends traces and reads a period of them."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, trace: TurnTrace) -> None:
        """Remember one turn."""
        row = {
            "turn_id": trace.turn_id,
            "conversation_id": trace.session_id,
            "at": trace.at.timestamp(),
            "outcome": trace.outcome,
            "verdict": trace.verdict,
            "relevance": trace.relevance,
            "cached": trace.cached,
            "timings": json.dumps(dict(trace.timings_ms)),
        }
        self._database.together(lambda connection: connection.execute(insert(traces), row))

    def since(self, start: datetime, limit: int) -> tuple[TurnTrace, ...]:
        """Traces from `start` on, the newest `limit` of them, oldest first."""
        query = select(traces).where(traces.c.at >= start.timestamp()).order_by(traces.c.at.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            TurnTrace(
                turn_id=row.turn_id,
                session_id=row.conversation_id,
                at=moment(row.at),
                outcome=row.outcome,
                verdict=Verdict(row.verdict) if row.verdict else None,
                relevance=row.relevance,
                cached=row.cached,
                timings_ms=json.loads(row.timings),
            )
            for row in reversed(rows)
        )
