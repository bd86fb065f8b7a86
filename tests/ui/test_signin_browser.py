"""One way of each kind through the real console in a real browser: the first admin, a guest, what is taken, what has ended."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sipd_core.texts import text
from tests.ui.chromium import open_page
from tests.ui.server import Console
from tests.ui.signing_in import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path / "data", SIGN_IN="accounts", LOAD_SAMPLE_DATA="false", BACKUP_TIME="off")
    made.start()
    yield made
    made.stop(signal.SIGKILL)


def choose_password(page: Page, **named: str) -> None:
    for name, value in {**named, "sandi": PASSWORD, "ulang": PASSWORD}.items():
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Simpan dan masuk").click()


def invite(page: Page, name: str, login: str) -> str:
    """The link of a new operator."""
    page.get_by_role("link", name="Pengguna").click()
    page.get_by_role("button", name="Undang pengguna").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Nama tampilan").fill(name)
    dialog.get_by_role("textbox", name="Nama masuk").fill(login)
    dialog.get_by_text("Operator", exact=True).click()
    dialog.get_by_role("button", name="Buat undangan").click()
    code = page.locator(".st-key-people-link code")
    expect(code).to_contain_text("/masuk/tautan/")
    return code.inner_text().strip()


def main_of(page: Page) -> Locator:
    return page.get_by_test_id("stMainBlockContainer")


def test_from_the_first_link_to_an_operator_whose_access_ends(browser: Browser, console: Console) -> None:
    [first] = re.findall(r"http://\S+?(/masuk/tautan/\S+)", console.log())
    admin = open_page(browser, console.url + first)
    choose_password(admin, tampilan="Bu Ani", nama="ani")
    expect(admin.locator(".st-key-account")).to_contain_text("Bu Ani")

    link = invite(admin, "Pak Budi", "budi")
    assert link.startswith(console.url)
    operator = open_page(browser, link)
    choose_password(operator)
    expect(operator.get_by_role("heading", name="Obrolan").first).to_be_visible()
    expect(operator.get_by_role("link", name="Cadangan")).to_have_count(0)
    for page, title in (("cadangan", "Cadangan"), ("audit", "Audit")):
        operator.goto(f"{console.url}/{page}")
        expect(main_of(operator)).to_contain_text("di luar peran Anda")
        expect(main_of(operator)).to_contain_text(title)
        expect(main_of(operator).get_by_role("button")).to_have_count(0)

    operator.goto(f"{console.url}/eskalasi")
    expect(operator.get_by_role("heading", name="Eskalasi").first).to_be_visible()
    admin.get_by_role("button", name="Sudah saya salin").click()
    admin.get_by_role("button", name="Kelola").nth(1).click()
    expect(main_of(admin)).to_contain_text("Pak Budi")
    admin.get_by_role("button", name="Nonaktifkan").click()
    admin.get_by_role("dialog").get_by_role("button", name="Nonaktifkan").click()
    expect(main_of(admin)).to_contain_text("Dinonaktifkan")

    operator.get_by_role("link", name="Kasus").click()
    expect(main_of(operator)).to_contain_text("Sesi Anda berakhir")
    operator.get_by_role("link", name="Masuk lagi").click()
    expect(operator).to_have_url(re.compile(r"/masuk\?ke=%2Fpengetahuan"))
    operator.locator("#nama").fill("budi")
    operator.locator("#sandi").fill(PASSWORD)
    operator.get_by_role("button", name="Masuk").click()
    expect(operator.get_by_role("alert")).to_contain_text("tidak cocok")


def test_coming_back_going_out_and_a_second_tab(browser: Browser, console: Console) -> None:
    [first] = re.findall(r"http://\S+?(/masuk/tautan/\S+)", console.log())
    page = open_page(browser, console.url + first)
    choose_password(page, tampilan="Bu Ani", nama="ani")
    expect(page.locator(".st-key-account")).to_contain_text("Bu Ani")
    console.stop(signal.SIGKILL)
    console.start()
    page.goto(f"{console.url}/audit")
    expect(page.get_by_role("heading", name="Audit").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Unduh CSV").click()
    assert "Bu Ani" in Path(str(download.value.path())).read_text(encoding="utf-8")

    other = page.context.new_page()
    other.goto(f"{console.url}/akun")
    expect(main_of(other)).to_contain_text("sesi ini")
    page.locator(".st-key-account").get_by_role("button").click()
    page.get_by_role("button", name="Keluar").click()
    expect(page.get_by_role("status")).to_contain_text("Anda sudah keluar")
    page.go_back()
    expect(page.locator("#sandi")).to_be_visible()
    page.goto(f"{console.url}/tidak-ada")
    expect(page.locator("#sandi")).to_be_visible()
    other.get_by_role("link", name="Obrolan").click()
    expect(main_of(other)).to_contain_text("Sesi Anda berakhir")
    other.goto(f"{console.url}/pengguna")
    expect(other).to_have_url(f"{console.url}/masuk?ke=%2Fpengguna")
    other.locator("#nama").fill("ani")
    other.locator("#sandi").fill(PASSWORD)
    other.get_by_role("button", name="Masuk").click()
    expect(other.get_by_role("heading", name="Pengguna").first).to_be_visible()
    other.goto(f"{console.url}/tidak-ada")
    expect(other.get_by_role("heading", name=text("ui.unknown.title"))).to_be_visible()
    other.get_by_role("link", name=text("ui.unknown.back")).click()
    expect(other.get_by_role("heading", name="Obrolan").first).to_be_visible()
