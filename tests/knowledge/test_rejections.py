"""The file of rows that were not taken: original columns, the reason last, nothing that a spreadsheet would run."""

import csv
import io

from openpyxl import load_workbook  # type: ignore[import-untyped]

from sipd_core.documents import RejectedRow, RejectedRows
from sipd_core.knowledge.rejections import rejected_csv, rejected_xlsx
from sipd_core.tables import read_table

ABOUT = ["LEMBAR ASAL", "BARIS ASAL", "ALASAN DITOLAK"]
ROWS = RejectedRows(
    (("MENU", "ISSUE", ""), ("Issue", "SOLUSI")),
    (
        RejectedRow(3, "kosong", "Jan: a/b", 0, ("Login", "=HYPERLINK(\"x\")", "+1")),
        RejectedRow(7, "ganda", "Feb", 1, ("@SUM(1)", "a\x07b", "lebih")),
    ),
)  # fmt: skip


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_csv_has_every_column_once_and_the_reason_last() -> None:
    header, first, second = lines(rejected_csv(ROWS))
    assert header == ["MENU", "ISSUE", "KOLOM C", "SOLUSI", *ABOUT]
    assert first == ["Login", '\'=HYPERLINK("x")', "'+1", "", "Jan: a/b", "3", "kosong"]
    assert second == ["", "'@SUM(1)", "lebih", "a\x07b", "Feb", "7", "ganda"]


def test_xlsx_has_a_sheet_for_each_sheet_and_only_text() -> None:
    book = load_workbook(io.BytesIO(rejected_xlsx(ROWS)))
    assert book.sheetnames == ["Jan  a b", "Feb"]
    rows = [[cell.value for cell in row] for row in book["Jan  a b"].rows]
    assert rows == [
        ["MENU", "ISSUE", "KOLOM C", *ABOUT],
        ["Login", '\'=HYPERLINK("x")', "'+1", "Jan: a/b", 3, "kosong"],
    ]
    assert {cell.data_type for sheet in book for row in sheet.rows for cell in row} <= {"s", "n"}
    assert book["Feb"]["B2"].value == "ab"


def test_a_cell_longer_than_excel_takes_is_cut() -> None:
    long = RejectedRows((("ISSUE",),), (RejectedRow(2, "panjang", None, 0, ("x" * 40_000,)),))
    (sheet,) = load_workbook(io.BytesIO(rejected_xlsx(long))).worksheets
    assert len(sheet["A2"].value) == 32_767
    assert len(lines(rejected_csv(long))[1][0]) == 40_000


def test_the_mended_file_is_read_again() -> None:
    content = rejected_csv(RejectedRows((("MENU", "ISSUE"),), (RejectedRow(2, "x", None, 0, ("Login", "=1+1")),)))
    (row,) = read_table("perbaikan.csv", content).rows
    assert (row.menu, row.issue) == ("Login", "=1+1")
    workbook = rejected_xlsx(RejectedRows((("MENU", "ISSUE"),), (RejectedRow(2, "x", None, 0, ("Login", "=1+1")),)))
    (row,) = read_table("perbaikan.xlsx", workbook).rows
    assert (row.menu, row.issue) == ("Login", "=1+1")


def test_no_rejected_rows_make_a_file_all_the_same() -> None:
    assert lines(rejected_csv(RejectedRows()))[0] == ABOUT
    assert len(load_workbook(io.BytesIO(rejected_xlsx(RejectedRows()))).worksheets) == 1
