"""The price table: dated, exact, edited while it is in use, and never a price that nobody wrote."""

import logging
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sipd_core.errors import PriceError
from sipd_core.prices import Price, PriceTable
from sipd_core.settings import SHIPPED_DATA, load_settings
from sipd_core.usage import Usage

HEADER = "model,valid_from,prompt,cached,completion,source\n"
DAY = date(2026, 11, 22)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prices.csv"


def written(path: Path, rows: str, header: str = HEADER) -> Path:
    """Write a table whose time of change is always another one, however fast the test runs."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(header + rows, encoding="utf-8")
    if path.stat().st_mtime_ns == before:
        os.utime(path, ns=(before + 1, before + 1))
    return path


def test_the_shipped_table_prices_what_is_asked_for_by_default() -> None:
    table = PriceTable.load(SHIPPED_DATA / "prices.csv")
    settings = load_settings(_env_file=None)
    embedding = table.price(settings.nebius_embedding_model, DAY)
    chat = table.price(settings.nebius_model_id, DAY)
    assert embedding == Price(Decimal("0.01"), Decimal("0.01"), Decimal(0))
    assert chat == Price(Decimal("0.10"), Decimal("0.10"), Decimal("0.30"))
    assert chat is not None and chat.cost(Usage(600, 150)) == Decimal("0.000105")
    assert table.price("multilingual-e5-small-q4", DAY) == Price(Decimal(0), Decimal(0), Decimal(0))


def test_an_unknown_model_has_no_price_and_names_are_case_sensitive(path: Path) -> None:
    table = PriceTable.load(written(path, "a/B,2026-09-01,1,,2,\n"))
    assert table.price("text-embedding-ada-002", DAY) is None
    assert table.price("a/b", DAY) is None


def test_a_newer_price_holds_from_its_day_on_in_any_order_of_rows(path: Path) -> None:
    table = PriceTable.load(written(path, "m,2026-11-22,3,,,\nm,2026-09-01,1,,,\nm,2026-10-01,2,,,\n"))
    days = date(2026, 8, 31), date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 21), DAY
    prices = [table.price("m", day) for day in days]
    assert [price and price.prompt for price in prices] == [None, 1, 2, 2, 3]


def test_cached_tokens_have_their_own_price_and_are_part_of_the_prompt() -> None:
    price = Price(Decimal("0.10"), Decimal("0.025"), Decimal("0.30"))
    assert price.cost(Usage(1_000, 10, cached=400)) == Decimal("0.000073")
    assert price.cost(Usage(10, 0, cached=4_000)) == Decimal("0.00000025"), "no more than the prompt can be cached"


def test_a_blank_cached_price_is_the_prompts_and_blank_completion_is_free(path: Path) -> None:
    table = PriceTable.load(written(path, "m,2026-09-01,0.5,,,\n"))
    assert table.price("m", DAY) == Price(Decimal("0.5"), Decimal("0.5"), Decimal(0))


def test_costs_are_exact_to_the_pico_dollar() -> None:
    price = Price(Decimal("0.123457"), Decimal("0.000001"), Decimal("999999.999999"))
    cost = price.cost(Usage(123_456_789, 987_654_321, cached=3))
    assert cost * 10**12 == (123_456_786 * 123_457) + 3 + 987_654_321 * 999_999_999_999


def test_a_table_saved_by_an_indonesian_excel_is_read(path: Path) -> None:
    path.write_text("model;valid_from;prompt;cached;completion;source\r\nm;2026-09-01;0,15;0,05;0,6;x\r\n", "utf-8-sig")
    table = PriceTable.load(path)
    assert table.price("m", DAY) == Price(Decimal("0.15"), Decimal("0.05"), Decimal("0.6"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("m,2026-09-01,-0.1,,0.3,", "negatif"),
        ("m,2026-09-01,0.1,,NaN,", "bukan angka"),
        ("m,2026-09-01,Infinity,,0.3,", "bukan angka"),
        ("m,2026-09-01,sepuluh,,0.3,", "sepuluh bukan angka"),
        ("m,2026-09-01,,,0.3,", "bukan angka"),
        ("m,2026-09-01,1000000.01,,0.3,", "melebihi 1000000"),
        ("m,2026-09-01,0.0000001,,0.3,", "lebih dari 6 angka"),
        ("m,2026-09-01,0.1,0.2,0.3,", "lebih mahal"),
        ("m,01/09/2026,0.1,,0.3,", "01/09/2026"),
        ("m,2026-02-30,0.1,,0.3,", "2026-02-30"),
        (",2026-09-01,0.1,,0.3,", "nama model kosong"),
        ("ok,2026-09-01,0.9,,,", "sudah ada"),
    ],
)
def test_a_row_that_cannot_be_right_is_named(path: Path, row: str, reason: str) -> None:
    with pytest.raises(PriceError) as caught:
        PriceTable.load(written(path, f"ok,2026-09-01,0.1,,,\n\n{row}\n"))
    assert f"{path} baris 4" in caught.value.user_text
    assert reason in caught.value.user_text


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("model,prompt,completion\n", "kolom valid_from, cached tidak ada"),
        (HEADER, "tidak ada satu pun harga"),
        ("", "tidak ada"),
    ],
)
def test_a_file_that_is_no_price_table_is_named(path: Path, header: str, reason: str) -> None:
    with pytest.raises(PriceError) as caught:
        PriceTable.load(written(path, "", header))
    assert reason in caught.value.user_text


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(PriceError):
        PriceTable.load(path)
    for content in (b"model\xff\xfe", HEADER.encode() + b"m" * 200_000):
        path.write_bytes(content)
        with pytest.raises(PriceError) as caught:
            PriceTable.load(path)
        assert f"{path} baris 1" in caught.value.user_text


def test_an_edit_is_noticed_while_running(path: Path) -> None:
    table = PriceTable.load(written(path, "m,2026-09-01,1,,,\n"))
    written(path, "m,2026-09-01,2,,,\n")
    assert table.price("m", DAY) == Price(Decimal(2), Decimal(2), Decimal(0))
    assert table.models == {"m"}


def test_a_broken_edit_leaves_the_last_good_table_and_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = PriceTable.load(written(path, "m,2026-09-01,1,,,\n"))
    written(path, "m,2026-09-01,minus,,,\n")
    with caplog.at_level(logging.ERROR):
        prices = [table.price("m", DAY) for _ in range(3)]
    assert prices == [Price(Decimal(1), Decimal(1), Decimal(0))] * 3
    assert len(caplog.records) == 1 and "minus bukan angka" in caplog.text
    path.unlink()
    assert table.price("m", DAY) is not None, "a file that is gone is a broken edit too"
    written(path, "m,2026-09-01,5,,,\n")
    assert table.price("m", DAY) == Price(Decimal(5), Decimal(5), Decimal(0))


def test_a_table_of_ones_own_replaces_the_shipped_one_as_long_as_it_is_there(tmp_path: Path) -> None:
    shipped = written(tmp_path / "shipped.csv", "m,2026-09-01,1,,,\nn,2026-09-01,1,,,\n")
    own = tmp_path / "data" / "prices.csv"
    own.parent.mkdir()
    table = PriceTable.load(shipped, own)
    assert table.models == {"m", "n"}
    written(own, "m,2026-09-01,7,,,\n")
    assert table.models == {"m"}
    assert table.price("n", DAY) is None
    own.unlink()
    assert table.models == {"m", "n"}
