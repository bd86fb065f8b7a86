"""The replay: the same months for the same seed, and books, traces and conversations that tell the same story."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.schema import conversations, exchanges, feedback, traces, usage
from sipd_core.usage import jakarta_day
from tests.replay import Replayed, replay

UNTIL = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def replayed(folder: Path, seed: int = 1) -> tuple[Database, Replayed]:
    database = Database(f"sqlite:///{folder / 'sipd.db'}")
    return database, replay(database, turns=600, days=90, until=UNTIL, seed=seed)


def content(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for table in (traces, usage, feedback) for row in connection.execute(select(table))]


def test_the_same_seed_gives_the_same_months(tmp_path: Path) -> None:
    (one, _), (same, _), (other, _) = (replayed(tmp_path / name, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert content(one) == content(same) != content(other)


def test_every_turn_is_there_in_every_book(tmp_path: Path) -> None:
    database, done = replayed(tmp_path)
    with database.read() as connection:
        counted = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (traces, exchanges, conversations, usage)
        }
        failed = connection.execute(
            select(func.count()).select_from(traces).where(traces.c.outcome.not_in(("ok", "stopped")))
        ).scalar_one()
        of_traces = connection.execute(select(func.sum(traces.c.cost_pico_usd), func.sum(traces.c.retries))).one()
        chat = usage.c.operation == "chat"
        of_books = connection.execute(select(func.sum(usage.c.cost_pico_usd), func.sum(usage.c.retries)).where(chat)).one()
        days = set(connection.execute(select(traces.c.day)).scalars())
    assert counted["traces"] == done.turns == 600 == counted["exchanges"] + failed
    assert (counted["usage"], done.conversations >= counted["conversations"]) == (done.calls, True)
    assert tuple(of_traces) == tuple(of_books), "an unknown price is unknown in both"
    period = Period.of_days(90, jakarta_day(UNTIL))
    assert all(period.first.isoformat() <= day <= period.last.isoformat() for day in days) and len(days) > 40
