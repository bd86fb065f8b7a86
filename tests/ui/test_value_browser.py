"""A manager in a real Chromium: opens what was measured, edits an assumption, sees the figure change, takes the report home."""

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from sipd_core.chat.turn import Feedback
from sipd_core.texts import text
from sipd_core.value_words import label
from tests.ui.chromium import open_page
from tests.ui.console import LOG, as_file, started
from tests.ui.server import Console

pytestmark = pytest.mark.browser
WAIT = 60_000
"""Milliseconds; a page may have to wait for the processor."""
QUESTION = "SP2D belum cair padahal SPM sudah final"


@pytest.fixture
def console(folder: Path) -> Iterator[Console]:
    """A console with one conversation that got a thumb up."""
    engine = started(folder)
    engine.import_files([("log.csv", as_file(LOG))])
    turn = engine.ask(QUESTION, engine.new_session_id())
    engine.give_feedback(turn.turn_id, Feedback(True))
    engine.close()
    made = Console(folder, LOAD_SAMPLE_DATA="false")
    made.start()
    yield made
    made.stop(signal.SIGKILL)


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=text(f"value.section.{name}"), exact=True).click()


def test_an_assumption_is_edited_and_every_figure_follows(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/nilai")
    main = page.get_by_test_id("stMainBlockContainer")
    expect(main).to_contain_text(text("value.agreement.none"), timeout=WAIT)
    expect(page.get_by_test_id("stMetric").filter(has_text=label("savings"))).to_contain_text("Rp 18.750", timeout=WAIT)

    page.get_by_role("button", name=text("value.agreement.open")).click()
    box = page.get_by_role("spinbutton", name=text("value.assumption.minutes_by_hand.label"))
    expect(box).to_have_value("20", timeout=WAIT)
    box.fill("65")
    box.press("Tab")
    page.get_by_role("textbox", name=text("value.edit.note")).fill("disetujui rapat")
    page.get_by_role("textbox", name=text("value.edit.note")).press("Tab")
    page.get_by_role("button", name=text("value.edit.agree"), exact=True).click()
    expect(main).not_to_contain_text(text("value.agreement.none"), timeout=WAIT)
    expect(page.get_by_role("spinbutton", name=text("value.assumption.minutes_by_hand.label"))).to_have_value("65", timeout=WAIT)

    section(page, "summary")
    expect(page.get_by_test_id("stMetric").filter(has_text=label("savings"))).to_contain_text("Rp 45.000", timeout=WAIT)
    expect(main).to_contain_text("1 × (65 menit − 5 menit) − 0 × 5 menit = 60 menit", timeout=WAIT)
    with page.expect_download() as download:
        page.get_by_role("button", name=text("value.download.xlsx")).click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    assert (book["Asumsi"]["B2"].value, book["Percakapan"]["M2"].value) == (65, QUESTION)
    page.reload()
    expect(page.get_by_test_id("stMetric").filter(has_text=label("savings"))).to_contain_text("Rp 45.000", timeout=WAIT)


def test_a_figure_leads_to_what_was_said(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/nilai")
    rows = page.locator(".st-key-value-outcomes")
    rows.get_by_role("button", name=text("value.open_talks", n="1")).first.click()
    expect(page.get_by_role("button", name=text("value.download.talks", n="1"))).to_be_visible(timeout=WAIT)
    with page.expect_download() as download:
        page.get_by_role("button", name=text("value.download.talks", n="1")).click()
    line = download.value.path().read_text(encoding="utf-8-sig").splitlines()[1]
    assert ",confirmed,thumb," in line and line.endswith(QUESTION)
    page.goto(f"{console.url}/?percakapan={line.split(',')[0]}")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text(QUESTION, timeout=WAIT)


def test_a_scenario_goes_on_from_what_was_measured(browser: Browser, console: Console) -> None:
    """A browser sends every field it shows: those of before must not come back with the first one that is typed."""
    page = open_page(browser, f"{console.url}/nilai")
    section(page, "scenario")
    users = page.get_by_role("spinbutton", name=text("value.scenario.input.users_per_day"), exact=True)
    net = page.get_by_test_id("stMetric").filter(has_text=text("value.scenario.net"))
    expect(users).to_have_value("100", timeout=WAIT)
    expect(net).to_contain_text("US$ 245.816,67", timeout=WAIT)
    page.get_by_role("button", name=text("value.scenario.from_measured")).click()
    expect(users).to_have_value("50", timeout=WAIT)
    investment = page.get_by_role("spinbutton", name=text("value.scenario.input.investment"), exact=True)
    investment.fill("0")
    investment.press("Tab")
    expect(net).not_to_contain_text("US$ 245.816,67", timeout=WAIT)
    expect(users).to_have_value("50", timeout=WAIT)
    page.get_by_role("button", name=text("value.scenario.from_source")).click()
    expect(users).to_have_value("100", timeout=WAIT)
    expect(net).to_contain_text("US$ 245.816,67", timeout=WAIT)
