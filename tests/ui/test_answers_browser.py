"""An answer on its way in a real browser: worded anew, approved, served first the next time; and the keys of the chat."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.server import Console
from tests.ui.test_browser import ROWS, ask, upload

pytestmark = pytest.mark.browser

QUESTION = "mutasi obat antar puskesmas menggantung di status draf"
WORDING = "Silakan petugas gudang menekan Kirim Ulang, lalu puskesmas menekan Terima."


def filled(page: Page, folder: Path) -> None:
    """The base with two rows."""
    (folder / "gudang.csv").write_text(ROWS, encoding="utf-8-sig")
    upload(page, folder / "gudang.csv")
    page.get_by_role("button", name="Impor 2 baris").click()
    expect(page.get_by_role("button", name="Impor 2 baris")).to_have_count(0)  # what is stored is named as the preview was
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text(re.compile(r"gudang\.csv.*2 baris"))
    page.get_by_role("link", name="Obrolan").click()


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_edit_approve_ask_again_and_it_is_served_first(browser: Browser, console: Console, tmp_path: Path) -> None:
    page = open_page(browser, console.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    filled(page, tmp_path)
    ask(page, QUESTION)
    answer = page.get_by_test_id("stChatMessage").nth(1)
    expect(answer).to_contain_text("Ditemukan")

    answer.get_by_role("button", name=text("approved.edit"), exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(WORDING)
    dialog.get_by_role("button", name=text("approved.edit_save")).click()
    expect(answer).to_contain_text(WORDING)
    expect(answer.get_by_role("radio", name=text("approved.version_first"))).to_be_visible()
    answer.get_by_role("button", name=text("approved.use"), exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(QUESTION)
    expect(dialog).to_contain_text("Gudang Obat - Mutasi")
    dialog.get_by_role("button", name=text("approved.use_confirm")).click()
    expect(answer.get_by_role("button", name=text("approved.in_use"))).to_be_disabled()

    page.get_by_role("button", name=text("chat.new")).click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    ask(page, f"Selamat siang min, {QUESTION}, mohon bantuannya")
    expect(answer).to_contain_text("Jawaban disetujui oleh")
    expect(answer).to_contain_text(WORDING)
    expect(answer).to_contain_text("gudang.csv")
    expect(answer).to_contain_text("Ditemukan")

    page.get_by_role("link", name=text("ui.nav.approved")).click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_test_id("stDataFrame").click(position={"x": 18, "y": 52})
    one = page.locator(".st-key-approved-one")
    expect(one).to_contain_text("Disajikan 1 kali")
    one.get_by_role("button", name=text("approved.detail.withdraw")).click()
    expect(one).to_contain_text(text("approved.standing.withdrawn"))
    one.get_by_role("button", name=text("approved.detail.restore")).click()
    expect(one).to_contain_text(text("approved.standing.live"))


def test_keys_focus_copy_edit_hand_over_and_leave_who_types_alone(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    page = open_page(browser, console.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    icon = "fonts.gstatic.com"  # Streamlit asks for the icon of the tab; the policy never lets it out
    filled(page, tmp_path)
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_visible()
    page.wait_for_selector(".st-key-keys iframe", state="attached")
    page.wait_for_function("document.querySelector('.st-key-keys iframe').contentWindow.document.readyState === 'complete'")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("mutasi obat ke puskesmas, use? / s u e")
    expect(box).to_have_value("mutasi obat ke puskesmas, use? / s u e")
    expect(page.get_by_role("dialog")).to_have_count(0)
    box.fill(QUESTION)
    page.keyboard.press("Enter")
    answer = page.get_by_test_id("stChatMessage").nth(1)
    expect(answer.get_by_role("button", name=text("chat.escalate"), exact=True)).to_be_visible()
    expect(answer).to_contain_text("Kirim Ulang")

    box.focus()
    page.keyboard.press("Escape")
    expect(box).not_to_be_focused()
    page.keyboard.press("s")
    expect(page.get_by_role("status").filter(has_text=text("keys.copied"))).to_be_visible()
    assert "Kirim Ulang" in clipboard(page) and "Sumber" not in clipboard(page)
    page.keyboard.press("u")
    expect(page.get_by_role("dialog")).to_contain_text(text("approved.edit_title"))
    page.keyboard.press("e")
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.get_by_role("dialog").get_by_role("textbox").fill(WORDING)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_value(WORDING)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("e")
    expect(page.get_by_role("dialog")).to_contain_text(text("chat.escalate_title"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_text(text("keys.not_while_typing"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(answer.get_by_role("button", name=text("approved.more"), exact=True)).to_have_count(0)
    assert [said for said in broken if icon not in said] == []


def test_what_was_typed_and_not_sent_is_there_again_and_a_phone_sees_where_an_answer_begins(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    page = open_page(browser, console.url)
    filled(page, tmp_path)
    box = page.get_by_test_id("stChatInputTextArea")
    box.click()
    page.keyboard.type("draf yang belum")
    page.get_by_role("link", name="Eskalasi").click()
    expect(page.get_by_text(text("desk.empty.title"))).to_be_visible()
    page.get_by_role("link", name="Obrolan").first.click()
    expect(box).to_have_value("draf yang belum")
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    page.get_by_role("link", name="Eskalasi").click()
    expect(page.get_by_text(text("desk.empty.title"))).to_be_visible()
    page.get_by_role("link", name="Obrolan").first.click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    expect(box).to_have_value("")

    phone = open_page(browser, console.url, width=390)
    ask(phone, QUESTION)
    expect(phone.get_by_test_id("stChatMessage").nth(1).get_by_text("Ditemukan")).to_be_in_viewport()
