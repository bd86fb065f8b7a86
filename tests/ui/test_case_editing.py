"""A row is edited in a real browser: found at once, written down in its history, and taken back."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.chromium import open_page
from tests.ui.console import LOG, as_file, started
from tests.ui.server import Console

pytestmark = pytest.mark.browser
TICK = (20, 35 + 17)
"""Pixels from the corner of the table to the box of its first row."""


def tick_first_row(page: Page) -> None:
    """Choose the first row; the table is a picture without elements of its own."""
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    table.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    corner = table.bounding_box()
    assert corner is not None
    page.mouse.click(corner["x"] + TICK[0], corner["y"] + TICK[1])
    page.get_by_role("button", name="Ubah", exact=True).wait_for()


def detail(page: Page) -> Locator:
    """The chosen row in full."""
    return page.get_by_test_id("stVerticalBlock").filter(has_text="Rincian kasus").last


def test_a_row_is_edited_and_the_edit_taken_back(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/pengetahuan")
    tick_first_row(page)
    expect(page.get_by_role("button", name="Fullscreen")).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)
    page.get_by_role("button", name="Ubah", exact=True).click()
    page.get_by_role("button", name="Simpan").click()
    expect(page.get_by_text("Belum ada yang diubah.")).to_be_visible()
    page.get_by_role("textbox", name="Solusi yang diberikan").fill("Bersihkan tembolok, lalu cetak ulang.")
    page.get_by_role("button", name="Simpan").click()
    expect(page.get_by_text("jawaban berikutnya sudah memakainya")).to_be_visible()
    tick_first_row(page)
    expect(detail(page)).to_contain_text("Bersihkan tembolok")
    page.get_by_role("button", name="Riwayat", exact=True).click()
    expect(page.get_by_text("Masuk dari log.csv.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Urungkan").click()
    expect(page.get_by_text("Perubahan diurungkan")).to_be_visible()
    tick_first_row(page)
    expect(detail(page)).not_to_contain_text("Bersihkan tembolok")


@pytest.fixture
def console(folder: Path) -> Iterator[Console]:
    engine = started(folder)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.wait_until_indexed(120)
    engine.close()
    made = Console(folder, LOAD_SAMPLE_DATA="false")
    made.start()
    yield made
    made.stop(signal.SIGKILL)
