"""While the first start after an update changes the data, whoever opens a page is told how far it is."""

import threading
import time
from collections.abc import Iterator

import pytest

from pages.shell import resources
from pages.shell.signin_routes import waiting
from sipd_core.errors import UpgradingError
from sipd_core.store.upgrading import Teller, telling
from sipd_core.texts import text
from tests.ui.console import Opener, shown


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    """Another thread starts the engine and has got as far as a long change of the data."""
    monkeypatch.setattr(resources, "_engine", None)
    with resources._lock, telling("uji", 200_000) as teller:
        teller.add(50_000)
        yield teller


def elsewhere(work):  # type: ignore[no-untyped-def]
    """What it gives in another thread, as a page's run is one."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except UpgradingError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return found[0]


def test_whoever_asks_for_the_engine_is_told_instead_of_waiting(starting: Teller) -> None:
    began = time.monotonic()
    told = elsewhere(resources.start_engine)
    assert isinstance(told, UpgradingError) and "50.000 dari 200.000" in told.user_text
    assert time.monotonic() - began < 15
    assert b"50.000 dari 200.000" in bytes(waiting().body)


@pytest.mark.parametrize("page", ["obrolan", "cadangan"])
def test_pages_show_how_far_it_is(starting: Teller, open_page: Opener, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert text("ui.upgrade.title") in shown(app) and text("ui.upgrade.body") in shown(app)
