from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from sipd_core import locale_id

NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (0, 0, "0"),
        (1234567, 0, "1.234.567"),
        (1234.5, 2, "1.234,50"),
        (0.125, 2, "0,13"),
        (2.5, 0, "3"),
        (-1234.5, 1, "-1.234,5"),
        (-0.001, 1, "0,0"),
        (Decimal("92235000.10"), 2, "92.235.000,10"),
        (None, 2, "—"),
        (float("nan"), 0, "—"),
        (float("inf"), 0, "—"),
    ],
)
def test_number(value: float | Decimal | None, decimals: int, shown: str) -> None:
    assert locale_id.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("share", "decimals", "shown"),
    [(0.864, 0, "86%"), (1, 0, "100%"), (0.0512, 1, "5,1%"), (0.0, 0, "0%"), (None, 0, "—")],
)
def test_percent(share: float | None, decimals: int, shown: str) -> None:
    assert locale_id.percent(share, decimals) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (92235000, "Rp 92.235.000"),
        (Decimal(0), "Rp 0"),
        (Decimal("0.5"), "Rp 0,50"),
        (-1500, "-Rp 1.500"),
        (None, "—"),
    ],
)
def test_rupiah(value: Decimal | None, shown: str) -> None:
    assert locale_id.rupiah(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal(0), "US$ 0,00"),
        (Decimal("1234.5"), "US$ 1.234,50"),
        (Decimal("0.000123"), "US$ 0,000123"),
        (Decimal("0.00000019"), "US$ 0,000000190"),
        (Decimal(-2), "-US$ 2,00"),
        (None, "—"),
    ],
)
def test_usd(value: Decimal | None, shown: str) -> None:
    assert locale_id.usd(value) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0.4, "0 ms"),
        (820, "820 ms"),
        (1400, "1,4 detik"),
        (185_000, "3 menit 5 detik"),
        (2 * 3_600_000 + 180_000, "2 jam 3 menit"),
        (26 * 3_600_000, "1 hari 2 jam"),
        (None, "—"),
    ],
)
def test_duration(milliseconds: float | None, shown: str) -> None:
    assert locale_id.duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Jakarta", "22 Nov 2026 14.05 WIB"),
        ("Asia/Makassar", "22 Nov 2026 15.05 WITA"),
        ("Asia/Jayapura", "22 Nov 2026 16.05 WIT"),
        ("UTC", "22 Nov 2026 07.05 UTC+0"),
    ],
)
def test_moment_is_the_wall_clock_of_its_zone(zone: str, shown: str) -> None:
    assert locale_id.moment(NOW, ZoneInfo(zone)) == shown


def test_moment_of_late_evening_utc_is_the_next_day_in_jakarta() -> None:
    late = datetime(2026, 8, 16, 18, 0, tzinfo=UTC)
    assert locale_id.moment(late) == "17 Agu 2026 01.00 WIB"
    assert locale_id.local_day(late) == "17 Agu 2026"


def test_clock_and_day() -> None:
    assert locale_id.clock(NOW) == "14.05.00"
    assert locale_id.day(date(2026, 5, 1)) == "1 Mei 2026"
    assert locale_id.short_day(date(2026, 12, 31)) == "31 Des"
    assert locale_id.day(None) == locale_id.moment(None) == locale_id.ago(None, NOW) == "—"


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (timedelta(seconds=-5), "baru saja"),
        (timedelta(seconds=59), "baru saja"),
        (timedelta(minutes=5), "5 menit lalu"),
        (timedelta(hours=3, minutes=59), "3 jam lalu"),
        (timedelta(hours=30), "kemarin"),
        (timedelta(days=3), "3 hari lalu"),
        (timedelta(days=8), "14 Nov 2026"),
    ],
)
def test_ago(passed: timedelta, shown: str) -> None:
    assert locale_id.ago(NOW - passed, NOW) == shown


def test_from_unix_is_aware() -> None:
    assert locale_id.from_unix(0) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(None, "—"), (0, "0,0 kB"), (2_345, "2,3 kB"), (45_678, "46 kB"), (2_499_082, "2,5 MB"), (1_234_567_890, "1.234,6 MB")],
)
def test_files_are_counted_as_people_count_them(size: int | None, shown: str) -> None:
    assert locale_id.megabytes(size) == shown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("16.500", "16500"),
        ("16500", "16500"),
        ("0,15", "0.15"),
        ("0.15", "0.15"),
        ("0.150", "0.150"),
        ("1.234,56", "1234.56"),
        ("1.234.567", "1234567"),
        (" 12 ", "12"),
        ("-3,5", "-3.5"),
    ],
)
def test_a_typed_figure_is_read_as_it_is_written_here(typed: str, meant: str) -> None:
    assert locale_id.parse_number(typed) == Decimal(meant)


@pytest.mark.parametrize("typed", ["", "abc", "1,2,3", "1.23.456", "Rp 5", "1e5", "NaN", "١٢", "1,234.56", ","])
def test_what_is_no_figure_is_none(typed: str) -> None:
    assert locale_id.parse_number(typed) is None
