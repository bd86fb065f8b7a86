"""Writes months of made-up traffic into a data folder, through the stores that a console writes through.

    python -m tests.replay DATA_DIR [--turns N] [--days N] [--seed N]

What comes out is what a console of that age would hold: conversations, answers, thumbs, escalations, traces and books.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Table

from sipd_core.chat.escalation import ConversationState
from sipd_core.chat.memory import Memory
from sipd_core.chat.turn import AnsweredBy, Escalation, EscalationReason, Feedback, Turn, Verdict
from sipd_core.deeds import Deed
from sipd_core.documents import Hit
from sipd_core.settings import load_settings
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.traces import OK, STOPPED, Mode, TraceStore, TurnTrace
from sipd_core.usage import Usage
from tests.builders import make_case, make_turn
from tests.traffic import Exchanged, Talk, Traffic

TURNS, DAYS = 50_000, 90
_BATCH = 1_000
"""Conversations in one transaction."""
_BY = {Mode.LOCAL: AnsweredBy.LOCAL, Mode.HOSTED: AnsweredBy.HOSTED, Mode.CACHE: AnsweredBy.CACHE}
_REMEDY = "Kuasa BUD membuka menu yang sesuai, memilih dokumen, lalu menekan Transfer [K1]."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was written."""

    turns: int
    conversations: int
    calls: int
    seconds: float


class OneTransaction:
    """A database to stores, whose every write is part of one transaction: months are written in minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: Connection | None = None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """One transaction."""
        with self._database.write() as self._open:
            yield

    @contextmanager
    def write(self) -> Iterator[Connection]:
        assert self._open is not None
        yield self._open

    read = write

    def together(self, work: Callable[[Connection], T]) -> T:
        assert self._open is not None
        return work(self._open)

    def note(self, connection: Connection, deed: Deed) -> None:
        self._database.note(connection, deed)

    def upsert(self, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
        self._database.upsert(connection, table, rows)


class Replay:
    """The stores of a console, fed by what `Traffic` says."""

    def __init__(self, database: Database) -> None:
        self._batch = OneTransaction(database)
        self._now = datetime.now(UTC)
        same = cast(Database, self._batch)
        self._conversations = ConversationStore(same, clock=lambda: self._now.timestamp())
        self._traces = TraceStore(same)
        self._books = CostTracker(same, usd_idr=Decimal(16_500))
        self._calls = 0

    def write(self, traffic: Traffic) -> Replayed:
        """Everything there is, a batch at a time."""
        began, talks, turns = time.perf_counter(), 0, 0
        source = iter(traffic)
        while some := list(islice(source, _BATCH)):
            with self._batch.whole():
                for talk in some:
                    self._talk(talk)
            talks, turns = talks + len(some), turns + sum(len(talk.turns) for talk in some)
        return Replayed(turns, talks, self._calls, time.perf_counter() - began)

    def _talk(self, talk: Talk) -> None:
        for place, one in enumerate(talk.turns):
            self._now = one.at
            turn_id = f"{talk.id[:28]}{place:04x}"
            for call in one.calls:
                self._books.record(replace(call, conversation=talk.id if call.operation == "chat" else None))
            self._calls += len(one.calls)
            turn, trace = _turn(talk.id, turn_id, one), _trace(talk.id, turn_id, one)
            if one.outcome not in (OK, STOPPED):
                self._traces.add(trace)
                continue
            state = Memory(ConversationState(place + 1, one.failed_attempts), one.message).to_json()
            self._conversations.add(one.message, turn, state, trace)
            self._said_of(talk.id, turn_id, one)

    def _said_of(self, session_id: str, turn_id: str, one: Exchanged) -> None:
        if one.helpful is not None:
            reason = "" if one.helpful else "langkahnya tidak cocok"
            self._conversations.set_feedback(turn_id, Feedback(one.helpful, reason))
        if one.by_operator:
            escalation = Escalation((EscalationReason.BY_OPERATOR,), "Diserahkan oleh operator")
            self._conversations.escalate(session_id, turn_id, escalation, "mohon dicek tim pengembang")


def replay(
    database: Database, *, turns: int = TURNS, days: int = DAYS, until: datetime | None = None, seed: int = 1
) -> Replayed:
    """Fill a database with `turns` turns of the `days` days that end at `until` (now); the same for the same seed."""
    return Replay(database).write(Traffic(turns=turns, days=days, until=until or datetime.now(UTC), seed=seed))


def _turn(session_id: str, turn_id: str, one: Exchanged) -> Turn:
    usable = one.searched and one.verdict is not Verdict.NOT_FOUND
    case = make_case(f"{one.menu}: {one.message}", one.menu)
    by = _BY.get(one.mode) or (AnsweredBy.HOSTED if one.model else AnsweredBy.LOCAL)
    costs = [call.cost_usd for call in one.chats]
    return make_turn(
        session_id,
        turn_id,
        response=_REMEDY if usable else "Belum ada kasus yang cocok.",
        context_used=usable,
        should_escalate=bool(one.reasons),
        escalation=Escalation(one.reasons, "Perlu ditangani petugas" if one.reasons else ""),
        verdict=one.verdict,
        relevance=one.relevance,
        searched=one.searched,
        sources=(Hit(case, one.relevance, 0.86, 0.5),) if usable else (),
        answered_by=by,
        timings_ms=one.timings,
        cost_usd=None if None in costs else float(sum(filter(None, costs))),
        degraded="Mode lokal: layanan model sedang terganggu." if one.degraded else None,
        problem=one.degraded,
        model=one.model,
        stopped=one.outcome == STOPPED,
        intent=one.intent,
        masked={},
    )


def _trace(session_id: str, turn_id: str, one: Exchanged) -> TurnTrace:
    costs, used = [call.cost_usd for call in one.chats], [call.usage for call in one.chats]
    answered, searched = one.outcome in (OK, STOPPED), one.searched and one.mode is not Mode.CACHE
    return TurnTrace(
        turn_id=turn_id,
        session_id=session_id,
        at=one.at,
        outcome=one.outcome,
        mode=one.mode,
        degraded=one.degraded,
        verdict=one.verdict if one.searched and answered else None,
        relevance=one.relevance if one.searched and answered else None,
        timings_ms={name: ms for name, ms in one.timings.items() if searched or name not in ("embed", "search")},
        usage=Usage(
            sum(usage.prompt for usage in used),
            sum(usage.completion for usage in used),
            sum(usage.cached for usage in used),
            estimated=any(usage.estimated for usage in used),
        ),
        cost_usd=None if None in costs else sum(filter(None, costs), Decimal(0)),
        embedding_cache=one.embedding,
        answer_cached=one.mode is Mode.CACHE,
        retries=sum(call.retries for call in one.chats),
        escalated=bool(one.reasons),
        model=one.model,
    )


def main() -> None:
    """Fill the data folder that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    database = Database(load_settings(sipd_data_dir=given.folder).sql_url)
    try:
        print(replay(database, turns=given.turns, days=given.days, seed=given.seed))
    finally:
        database.close()


if __name__ == "__main__":
    main()
