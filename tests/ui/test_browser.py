"""A person's way through the real console in a real Chromium: upload, ask, see the source, come back after a restart."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.ui.chromium import open_page
from tests.ui.server import Console

ROWS = (
    "MENU;MASALAH;SOLUSI;CATATAN DEV;CATATAN QA\n"
    "Gudang Obat - Mutasi;Mutasi obat antar puskesmas menggantung di status draf;"
    "Petugas gudang membuka Mutasi lalu menekan Kirim Ulang, kemudian puskesmas penerima menekan Terima;;Periksa nomor mutasi.\n"
    'Gudang Obat - Stok;"Stok <script>window.jahat=1</script> ![x](http://jahat.test/x.png) minus setelah opname";'
    "Admin gudang menekan Hitung Ulang Stok pada tanggal opname;;\n"
    "Gudang Obat - Stok;;tanpa aduan;;\n"
)

pytestmark = pytest.mark.browser


def upload(page: Page, *files: Path) -> None:
    page.get_by_role("link", name="Impor").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").locator("button").click()
    chooser.value.set_files(list(files))


def ask(page: Page, text: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.wait_for()
    box.fill(text)
    box.press("Enter")


def refused_by_policy(request: Request) -> bool:
    """Streamlit takes a page's icon from the network for the tab; the Content-Security-Policy never lets it out."""
    return "csp" in (request.failure or "").casefold()


def test_upload_ask_see_the_source_and_find_the_conversation_after_a_kill(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    (tmp_path / "gudang.csv").write_text(ROWS, encoding="utf-8-sig")
    page = open_page(browser, console.url)
    main = page.get_by_test_id("stMainBlockContainer")

    upload(page, tmp_path / "gudang.csv")
    expect(main).to_contain_text("Uji coba selesai")
    expect(main).to_contain_text(re.compile(r"Ditolak\D{0,40}1"))
    page.get_by_role("button", name="Impor 2 baris").click()
    expect(page.get_by_role("button", name="Impor 2 baris")).to_have_count(0)  # what is stored is named as the preview was
    expect(main).to_contain_text(re.compile(r"gudang\.csv.*2 baris"))

    page.get_by_role("link", name="Obrolan").click()
    ask(page, "mutasi obat ke puskesmas kok nyangkut di draf terus min")
    answer = page.get_by_test_id("stChatMessage").nth(1)
    expect(answer).to_contain_text("Kirim Ulang")
    expect(answer).to_contain_text("Ditemukan")
    expect(main).to_contain_text("Gudang Obat - Mutasi")
    expect(page).to_have_url(re.compile("percakapan="))
    address = page.url

    page.reload()
    expect(page.get_by_test_id("stChatMessage").nth(1)).to_contain_text("Kirim Ulang")

    console.stop(signal.SIGKILL)
    console.start()
    later = open_page(browser, console.url)
    later.get_by_test_id("stChatInputTextArea").wait_for()
    later.get_by_role("button", name=re.compile("mutasi obat ke puskesmas")).click()
    expect(later.get_by_test_id("stChatMessage").nth(1)).to_contain_text("Kirim Ulang")
    linked = open_page(browser, address)
    expect(linked.get_by_test_id("stChatMessage").nth(1)).to_contain_text("gudang.csv")


def test_hostile_cells_are_shown_and_never_run(browser: Browser, console: Console, tmp_path: Path) -> None:
    (tmp_path / "gudang.csv").write_text(ROWS, encoding="utf-8-sig")
    page = open_page(browser, console.url)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    upload(page, tmp_path / "gudang.csv")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text("<script>")
    page.get_by_role("button", name="Impor 2 baris").click()
    expect(page.get_by_role("button", name="Impor 2 baris")).to_have_count(0)  # what is stored is named as the preview was
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text(re.compile(r"gudang\.csv.*2 baris"))
    page.get_by_role("link", name="Obrolan").click()
    ask(page, "stok minus setelah opname <img src=x onerror='window.jahat=1'>")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text("Hitung Ulang Stok")
    expect(page.get_by_test_id("stMainBlockContainer")).to_contain_text("<script>")
    assert page.evaluate("window.jahat") is None
    foreign = [request for request in asked if not request.url.startswith((console.url, "data:", "blob:"))]
    assert [request.url for request in foreign if not refused_by_policy(request)] == []


def test_the_page_fits_a_telephone(browser: Browser, console: Console) -> None:
    page = open_page(browser, console.url, width=390)
    page.get_by_test_id("stChatInputTextArea").wait_for()
    for path in ("", "pengetahuan", "impor", "kinerja", "biaya"):
        page.goto(f"{console.url}/{path}")
        page.get_by_test_id("stMainBlockContainer").locator("h1").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_a_direct_link_to_a_page_in_a_fresh_process_keeps_the_frame(browser: Browser, console: Console) -> None:
    page = open_page(browser, f"{console.url}/kinerja")
    expect(page.get_by_role("link", name="Obrolan")).to_be_visible()
    expect(page.get_by_test_id("stMainBlockContainer").locator("h1")).to_contain_text("Kinerja")
