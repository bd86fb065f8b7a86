"""An admin tunes the search in a real Chromium: a set from a file, an edit in the table, two runs, the better one in force."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.console import LOG, as_file, started
from tests.ui.server import Console
from tests.ui.test_laboratory_page import QUESTIONS

pytestmark = pytest.mark.browser
WAIT = 60_000
"""Milliseconds for what the engine has to work out first."""


@pytest.fixture
def console(folder: Path) -> Iterator[Console]:
    """A console over three cases with their vectors."""
    engine = started(folder)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.wait_until_indexed(120)
    engine.close()
    made = Console(folder, LOAD_SAMPLE_DATA="false")
    made.start()
    yield made
    made.stop(signal.SIGKILL)


def press(page: Page, key: str, **values: object) -> None:
    page.get_by_role("button", name=text(f"laboratory.{key}", **values), exact=True).first.click()


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=text(f"laboratory.sections.{name}"), exact=True).click()


def test_a_set_is_filled_edited_run_and_the_better_figures_outlive_a_kill(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/laboratorium")
    main = page.get_by_test_id("stMainBlockContainer")
    section(page, "sets")
    press(page, "sets.new")
    page.get_by_role("textbox", name=text("laboratory.sets.name")).fill("Set saya")
    press(page, "sets.create")
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").locator("button").click()
    chooser.value.set_files({"name": "set.csv", "mimeType": "text/csv", "buffer": QUESTIONS})
    press(page, "sets.take")
    expect(main).to_contain_text(text("laboratory.report.added", n=3), timeout=WAIT)
    expect(main).to_contain_text(text("laboratory.report.rejected", n=1))

    _edit_first_question(page, "sp2d saya belum cair juga")
    expect(main).to_contain_text("1 baris diubah")
    press(page, "editor.save")
    expect(main).not_to_contain_text("1 baris diubah")

    section(page, "runs")
    threshold = page.get_by_role("slider", name=text("laboratory.figure.threshold"))
    threshold.focus()
    threshold.press("ArrowRight")
    expect(main).to_contain_text(text("laboratory.runs.both"))
    press(page, "runs.start")
    expect(main).to_contain_text(text("laboratory.runs.heading"), timeout=WAIT)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("100,0%", timeout=WAIT)

    section(page, "compare")
    expect(main).to_contain_text("Ambang relevansi: 0,50 → 0,55", timeout=WAIT)
    press(page, "force.apply")
    expect(main).to_contain_text(text("laboratory.force.applied"), timeout=WAIT)
    console.stop(signal.SIGKILL)
    console.start()
    page.goto(f"{console.url}/laboratorium")
    expect(main).to_contain_text("ambang 0,55", timeout=WAIT)
    section(page, "force")
    press(page, "force.go_back")
    expect(main).to_contain_text("ambang 0,50", timeout=WAIT)


def _edit_first_question(page: Page, query: str) -> None:
    """The table is a canvas: a cell is where its row and column are drawn."""
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + 200, box["y"] + 53)
    page.keyboard.press("Control+A")
    page.keyboard.type(query, delay=20)
    page.keyboard.press("Enter")


def test_a_question_shows_its_stages_on_a_phone(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/laboratorium", width=390)
    main = page.get_by_test_id("stMainBlockContainer")
    box = page.get_by_role("textbox", name=text("laboratory.try.label"))
    box.fill("sp2d blm cair pdhl spm udh final")
    box.press("Control+Enter")
    press(page, "try.button")
    expect(main).to_contain_text("punya solusi, jadi ditemukan", timeout=WAIT)
    expect(main).to_contain_text("blm → belum")
    expect(main).to_contain_text(text("laboratory.stage.relevance", n=3), timeout=WAIT)
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390
