"""An admin's way through the real console: drop a workbook, put a column right, look, import, pause, restart, take it back."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from tests.ui.chromium import open_page
from tests.ui.server import Console
from tests.ui.test_browser import upload
from tests.workbooks import leaked, make_workbook

pytestmark = pytest.mark.browser

UNKNOWN = (
    "TEMPAT;USER;Temuan Lapangan;JAWABAN\n"
    "Kota Contoh;petugas_77 / Kenanga#77;Tidak bisa masuk, sandi Kenanga#77 ditolak;Reset sandi lewat menu Pengguna\n"
    "Kab. Rekaan;petugas_78;SP2D belum cair padahal SPM sudah final;\n"
)


def main_of(page: Page) -> Locator:
    return page.get_by_test_id("stMainBlockContainer")


def choose(page: Page, field: str, column: str) -> None:
    """A list that opens while the page is being drawn anew closes again; then it is opened once more, as a person does."""
    box, option = (
        page.get_by_role("combobox", name=re.compile(field)),
        page.get_by_role("option", name=re.compile(column)),
    )
    for _ in range(5):
        box.click()
        try:
            option.click(timeout=4_000)
            break
        except TimeoutError:
            box.press("Escape")
    expect(box).to_have_value(re.compile(column))


def test_a_mapping_is_put_right_and_remembered(browser: Browser, console: Console, tmp_path: Path) -> None:
    (tmp_path / "temuan.csv").write_text(UNKNOWN, encoding="utf-8")
    page = open_page(browser, console.url)
    main = main_of(page)
    upload(page, tmp_path / "temuan.csv")
    expect(main).to_contain_text("Kolom belum jelas")
    choose(page, "ISSUE", "USER")
    expect(main).to_contain_text("Saya yakin kolom ini tidak berisi")
    expect(page.get_by_role("button", name="Terapkan dan baca ulang")).to_be_disabled()
    choose(page, "ISSUE", "Temuan Lapangan")
    choose(page, "DAERAH", "TEMPAT")
    page.get_by_role("button", name="Terapkan dan baca ulang").click()
    expect(main).to_contain_text("Uji coba selesai")
    expect(main).to_contain_text("SP2D belum cair padahal SPM sudah final")
    assert leaked(("Kenanga#77", "petugas_77"), page.content().encode()) == []
    page.get_by_role("button", name="Singkirkan").click()
    expect(main).not_to_contain_text("Uji coba selesai")

    (tmp_path / "temuan-2.csv").write_text(UNKNOWN + "Kab. Umpama;x;DPA tidak bisa dicetak;\n", encoding="utf-8")
    upload(page, tmp_path / "temuan-2.csv")
    expect(main).to_contain_text("pengaturan yang Anda simpan")
    page.get_by_role("button", name="Impor 3 baris").click()
    expect(main).to_contain_text(re.compile(r"temuan-2\.csv.*3 baris"))


def test_an_import_is_watched_left_paused_killed_and_taken_back(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    workbook = make_workbook(sheets=3, padded=150, rows=400, seed=4)
    (tmp_path / "log-2025.xlsx").write_bytes(workbook.content)
    page = open_page(browser, console.url)
    main = main_of(page)
    upload(page, tmp_path / "log-2025.xlsx", tmp_path / "log-2025.xlsx")
    expect(main).to_contain_text("Uji coba selesai", timeout=60_000)
    expect(main).to_contain_text(re.compile(r"Baru\D{0,40}360"))
    expect(main).to_contain_text("teks")
    page.get_by_role("tab", name="Tidak diambil").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Unduh baris (CSV)").click()
    rejected = download.value.path().read_bytes()
    assert rejected.count(b"Aduan ini sama") == 40
    assert leaked(workbook.secrets, rejected + page.content().encode()) == []

    page.get_by_role("button", name="Impor 360 baris").click()
    expect(main).to_contain_text("Sedang berjalan")
    page.get_by_role("link", name="Obrolan").click()
    page.get_by_test_id("stChatInputTextArea").wait_for()
    page.get_by_role("link", name="Impor").click()
    page.get_by_role("button", name="Jeda").click()
    expect(main).to_contain_text("Dijeda")

    console.stop(signal.SIGKILL)
    console.start()
    later = open_page(browser, f"{console.url}/impor")
    main = main_of(later)
    expect(main).to_contain_text("Dijeda")
    expect(main).not_to_contain_text("Menunggu persetujuan Anda")
    later.get_by_role("button", name="Lanjutkan").click()
    expect(main).to_contain_text(re.compile(r"[1-9]\d* dari 360 kasus"), timeout=60_000)

    later.get_by_role("button", name="Batalkan impor", exact=True).click()
    dialog = later.get_by_role("dialog")
    expect(dialog).to_contain_text("360 kasus dihapus")
    dialog.get_by_role("button", name="Ya, batalkan impor").click()
    expect(main).to_contain_text("Dibatalkan")
    expect(main).not_to_contain_text("Sedang berjalan")
    assert leaked(workbook.secrets, console.log().encode()) == []


def test_several_drafts_fit_a_telephone_and_each_is_taken_once(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    (tmp_path / "log.xlsx").write_bytes(make_workbook(sheets=2, padded=20, rows=30, seed=6).content)
    (tmp_path / "temuan.csv").write_text(UNKNOWN, encoding="utf-8")
    (tmp_path / "gambar.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    page = open_page(browser, f"{console.url}/impor", width=390)
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").locator("button").click()
    chooser.value.set_files([tmp_path / name for name in ("gambar.csv", "temuan.csv", "log.xlsx")])
    main = main_of(page)
    for said in ("Uji coba selesai", "Kolom belum jelas", "Isi berkas ini PNG"):
        expect(main).to_contain_text(said, timeout=60_000)
    expect(main).not_to_contain_text("tidak dibuka dua kali")
    for tab in ("Kolom", "Tidak diambil", "Pratinjau"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
