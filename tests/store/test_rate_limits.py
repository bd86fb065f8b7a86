"""Rate limits: a whole minute's worth at once, then bit by bit, whoever counts."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sipd_core.store.database import Database
from sipd_core.store.rate_limits import WINDOW, RateLimitStore
from tests.clock import Clock

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_795_323_600.123


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.mark.parametrize("limit", [1, 7, 60, 1_000])
def test_a_limit_is_given_out_to_the_last_and_no_further(database: Database, clock: Clock, limit: int) -> None:
    rates = RateLimitStore(database, clock=clock)
    given = [rates.take("a", limit) for _ in range(limit)]
    assert [one.remaining for one in given] == list(reversed(range(limit)))
    assert all(one.retry_after is None for one in given)
    refused = rates.take("a", limit)
    assert refused.remaining == 0 and refused.retry_after == pytest.approx(WINDOW / limit, abs=1e-3)
    assert refused.reset == pytest.approx(WINDOW, abs=1e-3)
    assert rates.take("b", limit).retry_after is None, "another caller has his own"


def test_it_comes_back_bit_by_bit_and_a_refusal_costs_nothing(database: Database, clock: Clock) -> None:
    rates = RateLimitStore(database, clock=clock)
    for _ in range(6):
        rates.take("a", 6)
    waits = [rates.take("a", 6).retry_after for _ in range(20)]
    assert waits == [pytest.approx(10, abs=1e-3)] * 20
    clock.now += 10.001
    assert rates.take("a", 6).retry_after is None
    assert rates.take("a", 6).retry_after is not None
    clock.now += WINDOW
    fresh = rates.take("a", 6)
    assert (fresh.remaining, fresh.retry_after) == (5, None) and fresh.reset == pytest.approx(10, abs=1e-3)


def test_it_holds_over_a_restart(database: Database, clock: Clock) -> None:
    for _ in range(3):
        RateLimitStore(database, clock=clock).take("a", 3)
    assert RateLimitStore(database, clock=clock).take("a", 3).retry_after is not None


def test_a_clock_that_was_set_back_does_not_lock_a_caller_out_for_longer_than_that(
    database: Database, clock: Clock
) -> None:
    rates = RateLimitStore(database, clock=clock)
    rates.take("a", 2)
    clock.now -= 100
    refused = rates.take("a", 2)
    assert refused.retry_after is not None and refused.retry_after == pytest.approx(100, abs=0.01)


GRAB = """
import sys
from sipd_core.store.database import Database
from sipd_core.store.rate_limits import RateLimitStore
rates = RateLimitStore(Database(sys.argv[1]), clock=lambda: 1_795_323_600.123)
print("ready", flush=True)
sys.stdin.readline()
print(sum(rates.take("two processes", 50).retry_after is None for _ in range(40)))
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_share_one_limit(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)
    command = [sys.executable, "-c", GRAB, url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes: list[Any] = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    given = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(given) == 50 and min(given) >= 10
