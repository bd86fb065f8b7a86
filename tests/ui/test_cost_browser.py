"""A manager's way through the real console: enter a price, take it back, price calls later, hold an invoice to the books."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

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


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_label(label, exact=True).first
    box.fill(value)
    box.press("Tab")


def test_a_price_is_entered_and_calls_are_priced_later(browser: Browser, console: Console, tmp_path: Path) -> None:
    booked(tmp_path / "data")
    page = open_page(browser, f"{console.url}/biaya")
    main = main_of(page)
    expect(main).to_contain_text("2 panggilan pada rentang ini tidak diketahui harganya")
    page.get_by_role("button", name="Lengkapi harga").click()
    expect(main).to_contain_text("instansi/model: 2 panggilan")
    page.get_by_role("button", name="Isi harganya").click()
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("instansi/model")
    fill(page, "Token masuk", "0,35")
    fill(page, "Token keluar", "1,2")
    page.get_by_role("button", name="Simpan harga").click()
    expect(main).to_contain_text(
        "2 panggilan dapat diberi harga dengan harga yang berlaku pada harinya, seluruhnya US$ 1,40"
    )
    page.get_by_role("button", name="Beri harga 2 panggilan").click()
    expect(main).to_contain_text("Semua panggilan di pembukuan diketahui harganya")
    section(page, "Ringkasan")
    expect(main).to_contain_text("US$ 1,80")
    expect(main).not_to_contain_text("tidak diketahui harganya")

    section(page, "Harga & kurs")
    main.get_by_text("Riwayat (1)").first.click()
    page.get_by_role("button", name="Batalkan").first.click()
    expect(main).to_contain_text("2 panggilan dapat diberi harga")
    section(page, "Ringkasan")
    expect(main).to_contain_text("≥ US$ 0,40")


def test_an_invoice_is_held_against_the_books(browser: Browser, console: Console, tmp_path: Path) -> None:
    booked(tmp_path / "data")
    page = open_page(browser, f"{console.url}/biaya", width=390)
    main = main_of(page)
    expect(main).to_contain_text("Hari ini")
    section(page, "Cocokkan tagihan")
    expect(main).to_contain_text("Belum ada tagihan untuk bulan ini")
    fill(page, "Jumlah tagihan (US$)", "dua")
    page.get_by_role("button", name="Simpan tagihan").click()
    expect(main).to_contain_text("Tulis Jumlah tagihan (US$) sebagai angka")
    fill(page, "Jumlah tagihan (US$)", "0,52")
    fill(page, "Catatan (opsional)", "INV-11 dari sari@example.com")
    page.get_by_role("button", name="Simpan tagihan").click()
    expect(main).to_contain_text("masih dalam rentang yang dapat dijelaskan")
    expect(main).to_contain_text("Harga tidak diketahui · 2 panggilan")
    expect(main).to_contain_text(re.compile(r"Selisih.*US\$ 0,12", re.S))
    main.get_by_text("Riwayat (1)").click()
    expect(main).to_contain_text("INV-11 dari")
    expect(main).not_to_contain_text("sari@example.com")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Batalkan").click()
    expect(main).to_contain_text("Belum ada tagihan untuk bulan ini")
