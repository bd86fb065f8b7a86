"""What sealing costs, on 90 days of replayed traffic: `python -m tests.benchmarks.conversations [DATA_DIR]`.

Lists, searches, conversations opened, turns added, the desk and the outcomes of a month. A DATA_DIR that was replayed before
is used as it is, and gets the turns that are added.
"""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sipd_core.periods import Period
from sipd_core.settings import load_settings
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.outcomes import OutcomeStore
from sipd_core.store.tickets import TicketStore
from sipd_core.tickets import TicketFilter
from sipd_core.usage import jakarta_day
from tests.benchmarks.report import print_latencies
from tests.builders import make_turn
from tests.replay import replay

ROUNDS = 40
SEARCHES = ("sp2d", "sp2d cair", "langkahnya di menu", "zzz tidak ada")


def run(folder: Path | None = None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        data = folder or Path(temporary) / "data"
        fresh = not data.exists()
        database = Database(load_settings(sipd_data_dir=data).sql_url)
        if fresh:
            print(replay(database))
        try:
            _measure(database)
            size = sum(file.stat().st_size for file in data.iterdir() if file.name.startswith("sipd.db"))
            print(f"bytes of the database: {size:,}")
        finally:
            database.close()


def _measure(database: Database) -> None:
    conversations, tickets = ConversationStore(database), TicketStore(database)
    known = conversations.list("", 200)
    many = max(known, key=lambda one: one.turns).id
    _timed("list of 50", lambda _: conversations._read_list("", 50))
    for words in SEARCHES:
        _timed(f"list of 50 for '{words}'", lambda _, words=words: conversations._read_list(words, 50))
    _timed("open a conversation", lambda n: conversations.get(known[n].id, 50))
    _timed("what a turn reads of it", lambda n: conversations.history(known[n].id, 50))
    _timed("open the longest of the last 200", lambda _: conversations.get(many, 50))
    _timed("page of 50 tickets", lambda _: tickets.page(TicketFilter(), 0, 50))
    for words in SEARCHES:
        _timed(f"tickets for '{words}'", lambda _, words=words: tickets.page(TicketFilter(search=words), 0, 50))
    turn = make_turn(f"ukur{uuid.uuid4().hex[:8]}")
    _timed("add a turn", lambda n: conversations.add("SP2D belum cair di bank", _as(turn, n), "{}"))
    today = jakarta_day(datetime.now(UTC))
    month = Period(today - timedelta(days=29), today)
    _timed("outcomes of 30 days", lambda _: OutcomeStore(database).of(month, timedelta(days=2)), rounds=5)


def _as(turn, n: int):  # type: ignore[no-untyped-def]
    return make_turn(turn.session_id, f"{turn.session_id}{n:04}")


def _timed(what: str, work: Callable[[int], object], rounds: int = ROUNDS) -> None:
    took = []
    for n in range(rounds):
        started = time.perf_counter()
        work(n)
        took.append((time.perf_counter() - started) * 1_000)
    print_latencies(what, took)


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
