"""An admin mends the base in a real Chromium: writes a remedy, merges near duplicates, names menus, takes it all back."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.console import as_file, started
from tests.ui.server import Console
from tests.ui.test_health_page import LOG

pytestmark = pytest.mark.browser


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A console over a base with a small log."""
    engine = started(folder)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.close()
    console = Console(folder, LOAD_SAMPLE_DATA="false")
    console.start()
    yield console.url
    console.stop(signal.SIGKILL)


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).first.click()


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=text(f"health.sections.{name}"), exact=True).click()


def test_a_remedy_a_merge_and_menus_each_done_and_taken_back(browser: Browser, url: str) -> None:
    page = open_page(browser, f"{url}/kesehatan")
    main = page.get_by_test_id("stMainBlockContainer")
    headline = text("health.work.headline", n=3)
    expect(main).to_contain_text(headline)
    page.get_by_role("textbox", name=text("health.work.box")).first.fill("Pasang ulang driver printer.")
    press(page, text("health.work.save_all", n=3))
    expect(main).to_contain_text(text("health.notes.remedy", n=3))
    expect(main).not_to_contain_text(headline)
    press(page, text("health.changes.undo"))
    expect(main).to_contain_text(headline)

    section(page, "clusters")
    expect(main).to_contain_text(text("health.list.similar", n=3))
    press(page, text("health.clusters.review"))
    page.get_by_role("textbox", name=text("health.merge.remedy")).fill("Pasang ulang driver printer.")
    page.get_by_role("textbox", name=text("health.merge.remedy")).press("Control+Enter")
    expect(main).to_contain_text(text("health.merge.preview_reports", n=3))
    press(page, text("health.merge.confirm", n=3))
    expect(main).to_contain_text(text("health.clusters.empty_title"))
    section(page, "changes")
    press(page, text("health.changes.undo"))
    expect(main).to_contain_text(re.compile("Diurungkan"))
    section(page, "clusters")
    expect(main).to_contain_text(text("health.list.similar", n=3))

    section(page, "menus")
    press(page, text("health.menus.apply", n=1))
    expect(main).to_contain_text(text("health.menus.empty_title"))
    press(page, text("health.changes.undo"))
    expect(main).to_contain_text(text("health.menus.summary", spellings=1, names=1, cases=1))


def test_a_row_is_taken_as_a_remedy_after_all(browser: Browser, url: str) -> None:
    page = open_page(browser, f"{url}/kesehatan")
    section(page, "texts")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 + 17)  # the table is a canvas; its first cell chooses the row
    press(page, text("health.texts.accept"))
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text(text("health.notes.accepted"))


def test_the_page_fits_a_telephone(browser: Browser, url: str) -> None:
    page = open_page(browser, f"{url}/kesehatan", width=390)
    page.get_by_test_id("stMetric").first.wait_for()
    for name in ("work", "clusters", "texts", "menus", "changes"):
        section(page, name)
        expect(page.get_by_text(text(f"health.{name}.heading"))).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
