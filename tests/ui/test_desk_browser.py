"""From an angry complaint to a finished ticket, in a real browser, with every word kept over a kill."""

import csv
import signal
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.console import LOG
from tests.ui.server import Console

GRAVE = "SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang"


def button(page: Page, key: str) -> None:
    page.get_by_role("button", name=text(key), exact=False).first.click()


def test_an_escalation_is_taken_care_of_from_the_chat_to_its_end(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(LOG)
    page = open_page(browser, console.url)
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(GRAVE)
    box.press("Enter")
    link = page.get_by_role("link", name="#1")
    expect(link).to_be_visible()
    console.stop(signal.SIGKILL)
    console.start()
    page.reload()
    link.click()
    expect(page.get_by_role("heading", name="#1")).to_be_visible()
    assert "tiket=1" in page.url
    button(page, "desk.action.take")
    button(page, "desk.action.active")
    expect(page.get_by_text(text("desk.status.active"), exact=True).first).to_be_visible()
    button(page, "desk.undo.button")
    expect(page.get_by_text(text("desk.undo.done"))).to_be_visible()
    button(page, "desk.action.active")
    page.get_by_role("button", name=text("desk.action.done"), exact=False).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("dana sudah dikembalikan, hubungi 081234567890")
    dialog.get_by_role("button", name=text("desk.move.done_yes")).click()
    expect(page.get_by_text("dana sudah dikembalikan").first).to_be_visible()
    expect(page.get_by_text("081234567890")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("dana sudah dikembalikan").first).to_be_visible()
    button(page, "desk.back")
    expect(page.get_by_text(text("desk.queue.no_match"))).to_be_visible()
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
    expect(page.get_by_role("heading", name="#1")).to_be_visible()
    button(page, "desk.back")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.context.close()
