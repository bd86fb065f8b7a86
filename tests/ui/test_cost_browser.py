"""A manager's way through the real console: enter a price, take it back, price calls later, hold an invoice to the books."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.usage import CallRecord, Usage
from tests.ui.chromium import open_page
from tests.ui.server import Console
from tests.ui.test_import_browser import main_of

pytestmark = pytest.mark.browser


def booked(folder: Path) -> None:
    """Two calls of unknown price, one of a known one, in the books that the console has open."""
    now = datetime.now(UTC)
    database = Database(f"sqlite:///{folder / 'sipd.db'}")
    books = CostTracker(database, usd_idr=Decimal(1))
    for cost in (None, None, Decimal("0.40")):
        model = "openai/gpt-oss-120b" if cost else "instansi/model"
        books.record(CallRecord(now - timedelta(seconds=5), "chat", model, Usage(2_000_000), 1, 5.0, cost))
    database.close()


def section(page: Page, name: str) -> None:
    main_of(page).get_by_role("radio", name=name, exact=True).or_(
        main_of(page).get_by_text(name, exact=True)
    ).first.click()


def says(main: Locator, wanted: str | re.Pattern[str]) -> None:
    """Sooner or later; parts of a page are loaded when they are first drawn."""
    expect(main).to_contain_text(wanted, timeout=30_000)


def never_says(main: Locator, unwanted: str) -> None:
    expect(main).not_to_contain_text(unwanted, timeout=30_000)


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_label(label, exact=True).first
    box.fill(value)
    box.press("Tab")


def test_a_price_is_entered_and_calls_are_priced_later(browser: Browser, console: Console, tmp_path: Path) -> None:
    booked(tmp_path / "data")
    page = open_page(browser, f"{console.url}/biaya")
    main = main_of(page)
    says(main, "2 panggilan pada periode ini tidak diketahui harganya")
    page.get_by_role("button", name="Lengkapi harga").click()
    says(main, "instansi/model: 2 panggilan")
    page.get_by_role("button", name="Isi harganya").click()
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("instansi/model", timeout=30_000)
    fill(page, "Token masuk", "0,35")
    fill(page, "Token keluar", "1,2")
    page.get_by_role("button", name="Simpan harga").click()
    says(main, "2 panggilan dapat diberi harga dengan harga yang berlaku pada harinya, seluruhnya US$ 1,40")
    page.get_by_role("button", name="Beri harga 2 panggilan").click()
    says(main, "Semua panggilan di pembukuan diketahui harganya")
    section(page, "Ringkasan")
    says(main, "US$ 1,80")
    never_says(main, "tidak diketahui harganya")

    section(page, "Harga & kurs")
    main.get_by_text("Riwayat (1)").first.click()
    page.get_by_role("button", name="Batalkan").first.click()
    says(main, "2 panggilan dapat diberi harga")
    section(page, "Ringkasan")
    says(main, "≥ US$ 0,40")


def test_an_invoice_is_held_against_the_books(browser: Browser, console: Console, tmp_path: Path) -> None:
    booked(tmp_path / "data")
    page = open_page(browser, f"{console.url}/biaya", width=390)
    main = main_of(page)
    says(main, "Hari ini")
    section(page, "Cocokkan tagihan")
    says(main, "Belum ada tagihan untuk bulan ini")
    fill(page, "Jumlah tagihan (US$)", "dua")
    page.get_by_role("button", name="Simpan tagihan").click()
    says(main, "Tulis Jumlah tagihan (US$) sebagai angka")
    fill(page, "Jumlah tagihan (US$)", "0,52")
    fill(page, "Catatan (opsional)", "INV-11 dari sari@example.com")
    page.get_by_role("button", name="Simpan tagihan").click()
    says(main, "masih dalam rentang yang dapat dijelaskan")
    says(main, "Harga tidak diketahui · 2 panggilan")
    says(main, re.compile(r"Selisih.*US\$ 0,12", re.S))
    main.get_by_text("Riwayat (1)").click()
    says(main, "INV-11 dari")
    never_says(main, "sari@example.com")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Batalkan").click()
    says(main, "Belum ada tagihan untuk bulan ini")
