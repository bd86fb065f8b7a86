"""Workbooks: cells as a person reads them, which sheets are logs, and archives that are traps."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.worksheet.formula import ArrayFormula  # type: ignore[import-untyped]

from sipd_core.errors import TableError
from sipd_core.tables import Limits, Table, read_table
from sipd_core.tables.workbook import cell_text, open_sheets

HEADER = ("MENU", "ISSUE", "EXPECTED", "NOTE BY DEV", "NOTE BY QA")


def packed(book: Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def workbook(**sheets: Sequence[Sequence[Any]]) -> Workbook:
    book = Workbook()
    book.remove(book["Sheet"])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return book


def read(book: Workbook) -> Table:
    return read_table("log.xlsx", packed(book))


def rewritten(content: bytes, changes: dict[str, tuple[bytes, bytes]]) -> bytes:
    """The archive with one piece of text replaced in some members; a member that is new is added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            before, after = changes.get(name, (b"", b""))
            data = old.read(name)
            assert before in data
            new.writestr(name, data.replace(before, after) if before else data)
    return target.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("00123", "00123"),
        (123, "123"),
        (92235000.0, "92235000"),
        (12.5, "12,5"),
        (1.98e17, "198000000000000000"),
        (True, "TRUE"),
        (datetime(2025, 3, 9), "09/03/2025"),
        (datetime(2025, 3, 9, 7, 59, 59, 999997), "09/03/2025 08:00"),
        (date(2025, 12, 1), "01/12/2025"),
        (time(8, 5), "08:05"),
        (timedelta(hours=30, minutes=5), "30:05"),
        ("=A1+1", "=A1+1"),
        ("#N/A", "#N/A"),
        ("a_x000D_\nb", "a\nb"),
        (ArrayFormula("A1", "=SUM(B1)"), "=SUM(B1)"),
    ],
)
def test_cells_as_a_person_reads_them(value: object, shown: str) -> None:
    assert cell_text(value) == shown


def test_number_formats_with_leading_zeros_and_percent() -> None:
    book = workbook(A=[HEADER, ("x", 123, 0.4)])
    book["A"]["B2"].number_format = "000000"
    book["A"]["C2"].number_format = "0%"
    (row,) = read(book).rows
    assert (row.issue, row.expected) == ("000123", "40%")


def test_formulas_and_errors_are_text() -> None:
    (row,) = read(workbook(A=[HEADER, ("x", '=HYPERLINK("http://jahat.test","klik")', "#N/A")])).rows
    assert (row.issue, row.expected) == ('=HYPERLINK("http://jahat.test","klik")', "#N/A")


def test_header_in_the_second_sheet_only_and_padding() -> None:
    logs = [("REKAP",), (), HEADER, ("Login", "tidak bisa", "reset"), *[("",)] * 1000, ("DPA", "beda", "rekap")]
    table = read(workbook(Petunjuk=[("Isi lembar lain",)], Log=logs, Master=[("MENU", "STATUS"), ("a", "DONE")]))
    assert [(row.sheet, row.row, row.issue) for row in table.rows] == [("Log", 4, "tidak bisa"), ("Log", 1005, "beda")]
    assert table.rejections == ()
    told = " ".join(table.notices)
    assert "Petunjuk dilewati" in told
    assert "Master dilewati" in told
    assert "baris 3 di lembar Log" in told


def test_merged_header_cell_is_inferred_and_told() -> None:
    rows = [("MENU", None, "EXPECTED"), ("Login", "pengguna tidak bisa masuk sejak pagi", "reset")]
    book = workbook(A=rows)
    book["A"].merge_cells("A1:B1")
    table = read(book)
    assert table.rows[0].issue == "pengguna tidak bisa masuk sejak pagi"
    assert any("Kolom B" in notice and "ISSUE" in notice for notice in table.notices)


def test_hidden_sheets_are_told_not_read() -> None:
    book = workbook(A=[HEADER, ("x", "satu")], B=[HEADER, ("y", "dua")])
    book["B"].sheet_state = "hidden"
    table = read(book)
    assert [row.issue for row in table.rows] == ["satu"]
    assert any("tersembunyi B" in notice for notice in table.notices)


def test_wide_sheet_and_far_cells() -> None:
    wide = [f"KOLOM {number}" for number in range(500)]
    book = workbook(A=[[*wide, *HEADER], [*["x"] * 500, "Login", "tidak bisa", "reset"]])
    book["A"]["XFD1"] = "jauh"
    book["A"]["A200000"] = "  "
    assert [(row.menu, row.issue) for row in read(book).rows] == [("Login", "tidak bisa")]


def test_a_dimension_that_lies_costs_nothing() -> None:
    content = packed(workbook(A=[HEADER, ("x", "satu")]))
    member = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b'ref="A1:E2"' in archive.read(member)
    lying = rewritten(content, {member: (b'ref="A1:E2"', b'ref="A1:XFD1048576"')})
    with open_sheets(io.BytesIO(lying)) as (sheets, _):
        first = next(sheets[0].records())
    assert first.cells == HEADER
    assert [row.issue for row in read_table("log.xlsx", lying).rows] == ["satu"]


def test_unlabelled_cells_beside_a_row_do_not_reject_it() -> None:
    table = read(workbook(A=[HEADER, ("x", "satu", "y", "", "", "", "catatan lepas")]))
    assert len(table.rows) == 1


def test_a_workbook_named_csv_and_the_reverse() -> None:
    assert len(read_table("log.csv", packed(workbook(A=[HEADER, ("x", "satu")]))).rows) == 1
    assert len(read_table("log.xlsx", b"MENU,ISSUE\nx,satu\n").rows) == 1


def refusal(content: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(TableError) as error:
        read_table("log.xlsx", content, limits)
    return error.value.user_text


def test_no_sheet_with_a_log() -> None:
    assert "ISSUE" in refusal(packed(workbook(A=[("MENU", "EXPECTED"), ("a", "b")])))
    assert "Judul kolom" in refusal(packed(workbook(A=[("halo",)])))
    assert "kosong" in refusal(packed(workbook(A=[])))


def archive(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), data)
    return target.getvalue()


def test_other_archives() -> None:
    assert ".ods" in refusal(archive(mimetype=b"application/vnd.oasis", content_xml=b"<x/>"))
    assert ".xlsb" in refusal(archive(xl__workbook_bin=b"..."))
    assert "bukan tabel" in refusal(archive(word__document_xml=b"<x/>"))
    assert "rusak" in refusal(archive(xl__workbook_xml=b"<x/>"))


def test_zip_bombs_are_refused_before_unpacking() -> None:
    bomb = archive(xl__workbook_xml=b"<x/>", xl__a_xml=bytes(60 * 2**20))
    assert "mengembang" in refusal(bomb)
    large = archive(xl__workbook_xml=b"<x/>", xl__a_xml=b"x" * 200_000)
    assert "mengembang" in refusal(large, Limits(max_bytes=30_000))


@pytest.mark.parametrize("far", ["A100", "XFD3"])
def test_claimed_emptiness_is_bounded(far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipd_core.tables.workbook.MAX_SCANNED_ROWS", 50)
    book = workbook(A=[HEADER, ("x", "satu")])
    assert len(read(book).rows) == 1
    book["A"][far] = "x"
    assert "mengembang" in refusal(packed(book))


def test_document_types_are_refused() -> None:
    content = packed(workbook(A=[HEADER, ("x", "satu")]))
    entity = b'<!DOCTYPE w [<!ENTITY a "aaaa">]><workbook '
    assert "rusak" in refusal(rewritten(content, {"xl/workbook.xml": (b"<workbook ", entity)}))


@pytest.mark.parametrize("cut", [50, 300, 1000])
def test_truncated_workbooks(cut: int) -> None:
    assert "rusak" in refusal(packed(workbook(A=[HEADER, ("x", "satu")]))[:-cut])


def test_damaged_sheet_xml() -> None:
    content = packed(workbook(A=[HEADER, ("x", "satu")]))
    assert "rusak" in refusal(rewritten(content, {"xl/worksheets/sheet1.xml": (b"</sheetData>", b"</shee")}))
