"""While the console gets ready it says so, and lives."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.test_door import error
from tests.ui.server import Console


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path / "data")
    made.start(wait=False)
    yield made
    made.stop(signal.SIGKILL)


def test_a_console_that_is_preparing_lives_and_asks_to_come_back(starting: Console) -> None:
    starting.wait_until_it_answers()
    with httpx.Client(base_url=starting.url, timeout=60) as client:
        health = client.get("/health")
        assert health.status_code == 503 and health.json() == {"status": "preparing", "parts": {}}
        assert int(health.headers["retry-after"]) >= 1
        assert client.get("/health/live").status_code == 200
        early = client.post("/chat", json={"message": "halo"}, headers={"Authorization": "Bearer x"})
        assert early.status_code == 503 and error(early)["code"] == "preparing"
        seen = [client.get("/health").json()["status"]]
        while seen[-1] != "ok":
            time.sleep(0.2)
            seen.append(client.get("/health").json()["status"])
        assert set(seen) == {"preparing", "ok"}
        assert client.post("/chat", json={"message": "halo"}).status_code == 401
