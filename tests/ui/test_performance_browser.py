"""Kinerja in a real browser: charts are painted, a period is chosen, the file that is downloaded holds the figures shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from sipd_core.locale_id import number
from sipd_core.store.database import Database
from sipd_core.texts import text
from tests.replay import replay
from tests.ui.server import Console

pytestmark = pytest.mark.browser
PATIENT = 90_000


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Console]:
    """A console with two months behind it."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'sipd.db'}")
    replay(database, turns=500, days=60)
    database.close()
    console = Console(tmp_path / "data", LOAD_SAMPLE_DATA="false")
    console.start()
    yield console
    console.stop()


def test_a_period_is_drawn_chosen_and_taken_home(busy: Console, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(locale="id-ID", accept_downloads=True, viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{busy.url}/kinerja?periode=week", timeout=PATIENT)
    page.get_by_text("30 hari", exact=True).click(timeout=PATIENT)
    expect(page).to_have_url(re.compile("periode=month"), timeout=PATIENT)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENT)
    button = page.get_by_role("button", name=text("performance.export.traces"))
    button.wait_for(timeout=PATIENT)
    with page.expect_download(timeout=PATIENT) as download:
        button.click()
    download.value.save_as(tmp_path / "jejak.csv")
    frame = pd.read_csv(tmp_path / "jejak.csv", encoding="utf-8-sig")
    figure = page.get_by_test_id("stMetric").filter(has_text=text("performance.figure.turns")).nth(1)
    expect(figure.get_by_test_id("stMetricValue")).to_have_text(number(len(frame)), timeout=PATIENT)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is wider than the screen"
    page.get_by_role("radio", name=text("performance.section.slowest"), exact=True).click()
    page.get_by_role("link", name=text("performance.slowest.open")).click(timeout=PATIENT)
    expect(page).to_have_url(re.compile("percakapan="), timeout=PATIENT)
