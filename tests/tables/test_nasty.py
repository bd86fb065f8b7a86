"""Files as they really come, each with what must be read of it: (name of the case, content, rows, rows refused)."""

import io
import random
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from sipd_core.errors import TableError
from sipd_core.tables import Limits, Table, read_table
from sipd_core.tables.layout import find_layout
from sipd_core.tables.model import Record, Sheet

HEADER = ("MENU", "ISSUE", "EXPECTED", "NOTE BY DEV", "NOTE BY QA")
Row = tuple[str, str, str]


def xlsx(rows: Sequence[Sequence[Any]], then: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    book.active.title = "A"
    for row in rows:
        book.active.append(row)
    if then:
        then(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(content: str | bytes) -> list[Row]:
    table = read_table("log.csv", content.encode() if isinstance(content, str) else content)
    return [(row.menu.strip(), row.issue.strip(), row.expected.strip()) for row in table.rows]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param("MENU | ISSUE | EXPECTED\nLogin | tidak bisa | reset\n", [("Login", "tidak bisa", "reset")], id="pipe"),
        pytest.param(
            'MENU, ISSUE, EXPECTED\nLogin, "tidak bisa, sama sekali", reset\n',
            [("Login", "tidak bisa, sama sekali", "reset")],
            id="space before a quotation",
        ),
        pytest.param(
            "MENU;ISSUE, MASALAH;EXPECTED\nSPM;1.234,56, 3,4;cek, ulang\n",
            [("SPM", "1.234,56, 3,4", "cek, ulang")],
            id="commas in a semicolon file",
        ),
        pytest.param(
            "REKAP ADUAN, TAHUN 2025;;\nDinas, X;;\n;;\nMENU;ISSUE;EXPECTED\nSPM;nilai beda;cek\n",
            [("SPM", "nilai beda", "cek")],
            id="titles with commas above a semicolon header",
        ),
        pytest.param("\ufeff\ufeffMENU,ISSUE\nLogin,tidak bisa\n", [("Login", "tidak bisa", "")], id="two byte order marks"),
        pytest.param("MENU\u00a0,\u200bISSUE\nLogin,tidak bisa\n", [("Login", "tidak bisa", "")], id="unseen signs in headers"),
        pytest.param("MENU,ISSUE\nLogin,tidak\x07 bisa\x1b[31m\n", [("Login", "tidak\x07 bisa\x1b[31m", "")], id="control signs"),
        pytest.param("MENU,ISSUE\r\nLogin,satu\nDPA,dua\r\n", [("Login", "satu", ""), ("DPA", "dua", "")], id="mixed line ends"),
        pytest.param('MENU,ISSUE\nLogin,"muncul \\"Error\\" saja"\n', [("Login", 'muncul \\"Error\\" saja', "")], id="backslashes"),
        pytest.param("MENU,ISSUE\nLogin,1.98E+17\nDPA,00123\n", [("Login", "1.98E+17", ""), ("DPA", "00123", "")], id="numbers"),
        pytest.param("MENU\tISSUE\r\nLogin\té beda\r\n".encode("utf-16"), [("Login", "é beda", "")], id="Unicode text of Excel"),
        pytest.param("MENU;ISSUE\nLogin;“é” – beda…\n".encode("cp1252"), [("Login", "“é” – beda…", "")], id="Windows-1252"),
        pytest.param("MENU,ISSUE\nLogin,x\0y\0z\n", [("Login", "xyz", "")], id="a few NULs in a small file"),
    ],
)  # fmt: skip
def test_text_files(content: str | bytes, rows: list[Row]) -> None:
    assert read(content) == rows


def test_when_and_where_a_complaint_was_reported() -> None:
    text = "NO,TANGGAL ADUAN,KAB/KOTA,MENU,ADUAN,HARAPAN\n1,01/02/2025,Kota Uji,SPM,nilai beda,cek\n"
    (row,) = read_table("log.csv", text.encode()).rows
    assert (row.date, row.region, row.expected) == ("01/02/2025", "Kota Uji", "cek")


@pytest.mark.parametrize("content", [b'[{"MENU": "a", "ISSUE": "b"}]', b'{"ISSUE": "b"}'])
def test_json_is_no_table(content: bytes) -> None:
    with pytest.raises(TableError) as error:
        read_table("log.csv", content)
    assert "JSON" in error.value.user_text


def merged(*areas: str) -> Callable[[Workbook], None]:
    def then(book: Workbook) -> None:
        for area in areas:
            book.active.merge_cells(area)

    return then


def table(rows: Sequence[Sequence[Any]], then: Callable[[Workbook], None] | None = None) -> Table:
    return read_table("log.xlsx", xlsx(rows, then))


def test_complaints_beside_a_merged_header() -> None:
    rows = [("MENU", "ISSUE", None, "EXPECTED"), ("Login", None, "pengguna tidak bisa masuk sejak pagi", "reset")]
    assert table(rows, merged("B1:C1")).rows[0].issue == "pengguna tidak bisa masuk sejak pagi"


def test_headers_merged_over_two_rows() -> None:
    rows = [
        ("LOG",),
        ("NO", "MENU", "ISSUE", "EXPECTED", "CATATAN", None),
        (None, None, None, None, "DEV", "QA"),
        (1, "Login", "tidak bisa", "reset", "a", "b"),
    ]
    (row,) = table(rows, merged("A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:F2")).rows
    assert (row.menu, row.issue, row.note_dev, row.note_qa) == ("Login", "tidak bisa", "a", "b")


def test_an_unnamed_complaint_column_of_a_sheet_that_is_mostly_prepared() -> None:
    """A thousand numbered rows of which sixty are filled."""
    filled = [(n, "Login", f"pengguna tidak bisa masuk ke {n}", "reset") for n in range(60)]
    prepared = [(n, None, None, None) for n in range(60, 1_000)]
    read = table([("LOG",), ("NO", "MENU", None, "EXPECTED"), *filled, *prepared])
    assert (len(read.rows), len(read.refused)) == (60, 0)


def test_prepared_rows_with_formulas_for_date_and_region_are_padding() -> None:
    rows = [(n, "=TODAY()", "=VLOOKUP(A1,B:C,2)", None, None) for n in range(2, 500)]
    read = table([("NO", "DATE", "DAERAH", "MENU", "ISSUE"), (1, "1/2/2025", "Kota", "Login", "tidak bisa"), *rows])
    assert (len(read.rows), len(read.refused)) == (1, 0)


def test_a_row_with_date_and_region_but_no_complaint_is_told() -> None:
    read = table(
        [("DATE", "DAERAH", "MENU", "ISSUE"), ("1/2/2025", "Kota A", None, None), ("x", "y", "Login", "gagal")]
    )
    assert [refused.rejection.row for refused in read.refused] == [2]


@pytest.mark.parametrize("header", [("DAERAH", "ADUAN"), ("MENU", "ADUAN", "SOLUSI")])
def test_a_sheet_that_counts_complaints_is_no_log(header: tuple[str, ...]) -> None:
    def then(book: Workbook) -> None:
        sheet = book.create_sheet("Rekap")
        sheet.append(header)
        for row in (("Kota A", 12, 10), ("Kota B", 3, 1)):
            sheet.append(row[: len(header)])

    read = table([HEADER, ("Login", "tidak bisa", "reset")], then)
    assert [row.sheet for row in read.rows] == ["A"]
    assert any("Rekap" in notice for notice in read.notices)


def test_an_exported_workbook_loses_its_apostrophes() -> None:
    (row,) = table([HEADER, ("Login", "'=1+1", "'007")]).rows
    assert (row.issue, row.expected) == ("=1+1", "'007")


def test_a_workbook_whose_words_would_fill_the_memory_is_refused() -> None:
    """Sheets are streamed, the list of words is held whole: it may not be as large as the sheets may."""
    target = io.BytesIO(xlsx([HEADER, ("Login", "tidak bisa", "")]))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", "".join(random.Random(1).choices("abcd", k=400_000)))
    assert len(read_table("log.xlsx", target, Limits(max_bytes=400_000)).rows) == 1
    with pytest.raises(TableError) as error:
        read_table("log.xlsx", target, Limits(max_bytes=target.getbuffer().nbytes))
    assert "mengembang" in error.value.user_text


def test_a_refused_row_keeps_its_cells_and_nothing_shows_them() -> None:
    read = read_table("log.csv", b"USER,MENU,ISSUE\nrahasia77,Login,\n")
    (refused,) = read.refused
    assert (refused.cells, refused.in_place) == (("rahasia77", "Login", ""), True)
    assert "rahasia77" not in repr(read)


def test_headers_nobody_knows_are_shown_and_not_read() -> None:
    rows = [("LAPORAN",), ("TEMPAT", "URAIAN KEJADIAN"), ("Kota A", "tidak bisa masuk")]
    sheet = Sheet("S", lambda: iter([Record(number, row) for number, row in enumerate(rows, 1)]), delimited=False)
    found = find_layout(sheet)
    assert (found.layout, found.header_row, found.headers) == (None, 2, ("TEMPAT", "URAIAN KEJADIAN"))
    assert found.samples == (("Kota A",), ("tidak bisa masuk",))
