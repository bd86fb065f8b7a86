"""A question that was not answered becomes a gap, is drafted, published and proven, and is answered: in one sitting."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sipd_core.chat.turn import Verdict
from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.server import Console

QUESTION = "Kode OTP untuk tanda tangan elektronik tidak pernah masuk ke email bendahara."
REMEDY = "Perbarui alamat email bendahara di menu Profil, lalu tekan Kirim Ulang OTP."


@pytest.fixture
def samples(tmp_path: Path) -> Console:
    """A console over the sample rows."""
    return Console(tmp_path / "data")


def ask(page: Page, message: str, verdict: Verdict) -> None:
    """Ask in a new conversation, and see the verdict."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(message)
    box.press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text(text(f"chat.verdict.{verdict}"), timeout=60_000)


def seen(what: Locator) -> None:
    expect(what).to_be_visible(timeout=60_000)


def button(page: Page, key: str) -> Locator:
    return page.get_by_role("button", name=text(key), exact=False).first


def test_a_gap_is_closed_in_one_sitting(browser: Browser, samples: Console, tmp_path: Path) -> None:
    samples.start()
    try:
        _close_a_gap(browser, samples, tmp_path)
    finally:
        samples.stop()


def _close_a_gap(browser: Browser, samples: Console, tmp_path: Path) -> None:
    page = open_page(browser, samples.url)
    ask(page, QUESTION, Verdict.NOT_FOUND)
    page.get_by_role("link", name=text("learning.title"), exact=True).click()
    table = page.get_by_test_id("stDataFrame")
    seen(table)
    with page.expect_download() as download:
        button(page, "learning.list.export").click()
    file = tmp_path / "celah.csv"
    download.value.save_as(file)
    (row,) = csv.DictReader(file.open(encoding="utf-8-sig"))
    assert (row["Nomor"], row["Status"], row["Yang ditanyakan"]) == ("1", text("learning.state.open"), QUESTION)
    table.click(position={"x": 18, "y": 52})
    seen(page.get_by_role("heading", name="#1"))
    button(page, "learning.action.draft").click()
    issue = page.get_by_role("textbox", name=text("learning.draft.issue"), exact=True)
    expect(issue).to_have_value(QUESTION)
    remedy = page.get_by_role("textbox", name=text("learning.draft.remedy"), exact=True)
    expect(remedy).to_have_value("")
    button(page, "learning.action.publish").click()
    seen(page.get_by_text(text("learning.error.no_remedy")[:30]).first)
    remedy.fill(REMEDY)
    remedy.press("Tab")
    button(page, "learning.action.publish").click()
    seen(page.get_by_text(text("learning.shortfall.answered")).last)
    seen(page.get_by_text(text("learning.event.closed", answered="1", n="1")))
    page.reload()
    seen(page.get_by_text(text("learning.event.closed", answered="1", n="1")))
    page.get_by_role("link", name=text("ui.nav.chat"), exact=True).click()
    button(page, "chat.new").click()
    ask(page, "otp tte ga masuk2 ke email min", Verdict.FOUND)
    seen(page.get_by_text("Kirim Ulang OTP").first)
    page.context.close()
