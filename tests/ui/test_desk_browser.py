"""From an angry complaint to a finished ticket, in a real browser, with every word kept over a kill."""

import csv
import signal
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.server import Console

GRAVE = "SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang"


def button(page: Page, key: str) -> None:
    page.get_by_role("button", name=text(key), exact=False).first.click()


def seen(what: Locator) -> None:
    expect(what).to_be_visible(timeout=30_000)


def test_an_escalation_is_taken_care_of_from_the_chat_to_its_end(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    page = open_page(browser, console.url)
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(GRAVE)
    box.press("Enter")
    link = page.get_by_role("link", name="#1")
    seen(link)
    console.stop(signal.SIGKILL)
    console.start()
    page.reload()
    link.click()
    seen(page.get_by_role("heading", name="#1"))
    assert "tiket=1" in page.url
    button(page, "desk.action.take")
    button(page, "desk.action.active")
    moved = text("desk.event.moved", before=text("desk.status.new"), after=text("desk.status.active"))
    seen(page.get_by_text(moved).first)
    button(page, "desk.undo.button")
    seen(page.get_by_text(text("desk.event.undone", what=moved)).first)
    button(page, "desk.action.active")
    page.get_by_role("button", name=text("desk.action.done"), exact=False).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("dana sudah dikembalikan, hubungi 081234567890")
    dialog.get_by_role("button", name=text("desk.move.done_yes")).click()
    seen(page.get_by_text("dana sudah dikembalikan").first)
    expect(page.get_by_text("081234567890")).to_have_count(0)
    page.reload()
    seen(page.get_by_text("dana sudah dikembalikan").first)
    button(page, "desk.back")
    seen(page.get_by_text(text("desk.queue.no_match")))
    page.get_by_role("radio", name=text("desk.status.done")).click()
    with page.expect_download() as download:
        button(page, "desk.queue.export")
    file = tmp_path / "tiket.csv"
    download.value.save_as(file)
    (row,) = csv.DictReader(file.open(encoding="utf-8-sig"))
    assert (row["Nomor"], row["Status"], row["Penanggung jawab"]) == ("1", "Selesai", text("people.local"))
    # A row of the queue opens its ticket; the filter is still what it was when the queue is back.
    table = page.get_by_test_id("stDataFrame")
    table.click(position={"x": 18, "y": 52})
    seen(page.get_by_role("heading", name="#1"))
    button(page, "desk.back")
    seen(page.get_by_test_id("stDataFrame"))
    page.context.close()
