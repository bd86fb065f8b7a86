"""A person meets an alert in the real console: sees it on another page, takes care of it, is told by the webhook too."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sipd_core.store.database import Database
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.texts import text
from tests.alerts.receiver import Receiver, listening
from tests.ui.chromium import open_page
from tests.ui.server import Console

pytestmark = pytest.mark.browser
SECRET = "rahasia-untuk-tanda-tangan"
TITLE = text("alerts.title.error_rate")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


@pytest.fixture
def failing(tmp_path: Path, receiver: Receiver) -> Iterator[Console]:
    """A console of which a quarter of the turns of the last minutes failed, with a webhook."""
    data = tmp_path / "data"
    database = Database(f"sqlite:///{data / 'sipd.db'}")
    now = datetime.now(UTC) + timedelta(minutes=5)  # the window stays full while the console starts
    outcomes = ["ProviderDownError" if n % 4 == 0 else "ok" for n in range(40)]
    TraceStore(database).add_many([TurnTrace(f"t{n}", "s", now, outcome) for n, outcome in enumerate(outcomes)])
    database.close()
    webhook = {"ALERT_WEBHOOK_URL": receiver.url, "ALERT_WEBHOOK_SECRET": SECRET}
    made = Console(data, LOAD_SAMPLE_DATA="false", **webhook)
    made.start(wait=False)
    made.wait_until_it_answers()
    yield made
    made.stop(signal.SIGKILL)


def test_an_alert_is_met_and_taken_care_of(
    browser: Browser, failing: Console, receiver: Receiver, tmp_path: Path
) -> None:
    page = open_page(browser, f"{failing.url}/peringatan")
    main = page.get_by_test_id("stMainBlockContainer")
    page.get_by_label(text("alerts.editor.reached", unit="persen")).fill("7,5")
    page.get_by_role("button", name=text("alerts.editor.save")).click()  # which looks at once
    expect(main).to_contain_text("25% dari 40 jawaban dalam 15 menit terakhir gagal (batas 7,5%)")

    other = open_page(browser, f"{failing.url}/kinerja", width=390)
    banner = other.locator(".st-key-alerts-banner")
    expect(banner).to_contain_text(TITLE)
    expect(banner).to_contain_text(text("alerts.advice.error_rate"))
    assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    banner.get_by_role("link", name=text("alerts.banner.link")).click()
    expect(other.get_by_test_id("stMainBlockContainer").locator("h1")).to_contain_text(text("alerts.page.title"))
    assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.get_by_role("button", name=text("alerts.states.acknowledge")).click()
    page.get_by_label(text("alerts.states.note")).fill("sudah telepon penyedia")
    page.get_by_role("button", name=text("alerts.states.acknowledge_yes")).click()
    expect(main).to_contain_text("Ditangani oleh")
    with page.expect_download() as download:
        page.get_by_role("button", name=text("alerts.log.export")).click()
    download.value.save_as(tmp_path / "log.csv")
    exported = (tmp_path / "log.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(exported) == 3
    assert "sudah telepon penyedia" in exported[1]

    page.get_by_role("button", name=text("alerts.webhook.try")).click()
    until = datetime.now(UTC) + timedelta(seconds=60)
    while len(receiver.received) < 3 and datetime.now(UTC) < until:
        page.wait_for_timeout(100)
    assert {json.loads(got.body)["event"] for got in receiver.received} == {"fired", "acknowledged", "test"}
    assert SECRET not in failing.log() + page.content()
    assert "kunci-di-alamat" not in failing.log() + page.content()
