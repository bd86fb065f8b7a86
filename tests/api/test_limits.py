"""A limit holds for all processes together, and over a restart; who has used it up is told when to come back."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.store.database import Database
from tests.api.test_door import error
from tests.ui.console import started
from tests.ui.server import Console

LIMIT = 12


@pytest.fixture
def consoles(tmp_path: Path) -> Iterator[tuple[Console, Console]]:
    """Two processes on one base."""
    folder = tmp_path / "data"
    started(folder).close()
    made = tuple(Console(folder, LOAD_SAMPLE_DATA="false", API_READS_PER_MINUTE=str(LIMIT)) for _ in range(2))
    for one in made:
        one.start()
    yield made[0], made[1]
    for one in made:
        one.stop()


def test_two_consoles_share_a_limit_which_a_restart_does_not_renew(
    consoles: tuple[Console, Console], tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'data' / 'sipd.db'}")
    store = ApiKeyStore(database)
    headers = {"Authorization": f"Bearer {store.add('uji', {Scope.STATS})[1]}"}
    other = {"Authorization": f"Bearer {store.add('lain', {Scope.STATS})[1]}"}
    database.close()

    def ask(n: int) -> int:
        return httpx.get(f"{consoles[n % 2].url}/performance-stats", headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(6) as threads:
        ended = Counter(threads.map(ask, range(2 * LIMIT)))
    assert set(ended) == {200, 429} and LIMIT <= ended[200] < 2 * LIMIT  # a little comes back meanwhile

    consoles[0].stop(signal.SIGKILL)
    consoles[0].start(wait=False)
    address = f"{consoles[1].url}/performance-stats"
    while (refused := httpx.get(address, headers=headers, timeout=60)).status_code == 200:
        pass
    assert error(refused)["code"] == "rate_limited" and f"{LIMIT} per menit" in error(refused)["message"]
    assert refused.headers["ratelimit-remaining"] == "0" and refused.headers["ratelimit-limit"] == str(LIMIT)
    assert 1 <= int(refused.headers["retry-after"]) <= 60 / LIMIT + 1
    assert httpx.get(address, headers=other, timeout=60).status_code == 200
