"""Uploaded logs from end to end: the development files, and every kind of damage an admin may bring."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from sipd_core.errors import TableError
from sipd_core.tables import Column, Limits, detect, read_table

BAD_FILES = Path(__file__).resolve().parents[1] / ".." / "shared" / "eval" / "bad_files"
HEADER = "MENU,ISSUE,EXPECTED,NOTE BY DEV,NOTE BY QA"

# Counted by the knowledge base, which alone knows what it holds: the table gives every row.
DUPLICATES = {"09_tiga_lembar.xlsx": 1, "23_semua_duplikat.csv": 7}


def manifest() -> list[dict[str, str]]:
    path = BAD_FILES / "manifest.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("expected", manifest(), ids=lambda row: row["file"])
def test_development_files(expected: dict[str, str]) -> None:
    path = BAD_FILES / expected["file"]
    with path.open("rb") as file:
        if expected["file"].startswith("14_"):
            with pytest.raises(TableError) as error:
                read_table(path.name, file)
            assert "ISSUE" in error.value.user_text
            return
        table = read_table(path.name, file)
    repeated = DUPLICATES.get(path.name, 0)
    assert len(table.rows) == int(expected["rows_accepted"]) + repeated
    assert len(table.rejections) == int(expected["rows_rejected"]) - repeated
    assert table.data_rows == len(table.rows) + len(table.rejections)


def read(content: str | bytes, limits: Limits | None = None) -> list[tuple[str, str, str]]:
    table = read_table("log.csv", content.encode() if isinstance(content, str) else content, limits)
    return [(row.menu, row.issue, row.expected) for row in table.rows]


def refusal(content: bytes, name: str = "log.csv", limits: Limits | None = None) -> str:
    with pytest.raises(TableError) as error:
        read_table(name, content, limits)
    return error.value.user_text


def test_rows_carry_file_line_and_all_columns() -> None:
    header = "NO;menu;Aduan;Solusi;Catatan Developer;Catatan QA;Status by Dev"
    text = f'{header}\r\n1;Login;"a\r\nb";c;d;e;DONE\r\n2;X;y;;;;\r\n'
    first, second = read_table(r"C:\tmp\log.csv", text.encode()).rows
    assert (first.file, first.sheet, first.row) == ("log.csv", None, 2)
    assert (first.menu, first.issue, first.expected) == ("Login", "a\r\nb", "c")
    assert (first.note_dev, first.note_qa, first.status) == ("d", "e", "DONE")
    assert second.row == 4


def test_credential_columns_are_never_read() -> None:
    head = "USER,PASSWORD,REPORTER,LINK WHATSAPP REPORTER,PETUGAS INPUT,NIP,MENU,ISSUE,EXPECTED"
    table = read_table("log.csv", f"{head}\nu1,rahasia1,Budi,http://wa,Ani,198001,Login,tidak bisa,reset\n".encode())
    shown = repr(table)
    assert [row.issue for row in table.rows] == ["tidak bisa"]
    assert not any(secret in shown for secret in ("u1", "rahasia1", "Budi", "http://wa", "Ani", "198001"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(codec: str, delimiter: str, end: str) -> None:
    lines = [["MENU", "ISSUE", "EXPECTED"], ["Café", "tanda … dan “kutip”; koma, tab", "00123"], ["b", "c", "d"]]
    text = end.join(delimiter.join(f'"{cell}"' for cell in line) for line in lines) + end
    assert read(text.encode(codec)) == [tuple(lines[1]), tuple(lines[2])]


def test_other_delimiters_inside_texts_do_not_mislead() -> None:
    rows = "".join(f"Menu{n};SPP, SPM, SP2D, STS, TBP | hilang{n};a, b, c\n" for n in range(30))
    assert read("MENU;ISSUE;EXPECTED\n" + rows)[0] == ("Menu0", "SPP, SPM, SP2D, STS, TBP | hilang0", "a, b, c")


def test_bytes_that_are_not_utf8_are_read_as_windows_1252_and_told() -> None:
    content = HEADER.encode() + b"\nA,\xe2\x80\x9ckutip\xe2\x80\x9d sah,x,,\nB,kutip \x93lama\x94,y,,\n"
    table = read_table("log.csv", content)
    assert [row.issue for row in table.rows] == ["“kutip” sah", "kutip “lama”"]
    assert any("Windows-1252" in notice for notice in table.notices)


def test_nul_characters_are_left_out_and_told() -> None:
    table = read_table("log.csv", f"{HEADER}\nA,tidak\0 tampil di daftar aduan,x,,\n".encode())
    assert table.rows[0].issue == "tidak tampil di daftar aduan"
    assert any("NUL" in notice for notice in table.notices)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("ISSUE\n", "Saldo beda, mohon cek; segera\n"),
        ('"Masalah"\n', '"Saldo beda, mohon cek; segera"\n'),
    ],
)
def test_one_column_keeps_its_commas(header: str, row: str) -> None:
    assert read(header + row) == [("", "Saldo beda, mohon cek; segera", "")]


def test_lines_quoted_whole_are_unwrapped() -> None:
    text = '"MENU,ISSUE,EXPECTED"\n"Login,""a, b"",reset"\n"DPA,c,d"\n'
    assert read(text) == [("Login", "a, b", "reset"), ("DPA", "c", "d")]


def test_separator_line_of_excel() -> None:
    assert read("sep=;\nMENU;ISSUE;EXPECTED\na;b;c\n") == [("a", "b", "c")]


def test_two_header_rows_are_joined() -> None:
    text = "MENU,ISSUE,EXPECTED,CATATAN,\n,,,DEV,QA\nLogin,tidak bisa,reset,x,y\n"
    (row,) = read_table("log.csv", text.encode()).rows
    assert (row.menu, row.note_dev, row.note_qa) == ("Login", "x", "y")


def test_header_repeated_and_second_table_below() -> None:
    text = f"{HEADER}\nA,satu,x,,\n{HEADER}\nB,dua,y,,\nSOLUSI,MASALAH,MENU,,\nz,tiga,C,,\n"
    table = read_table("log.csv", text.encode())
    assert [(row.menu, row.issue, row.expected) for row in table.rows] == [
        ("A", "satu", "x"), ("B", "dua", "y"), ("C", "tiga", "z"),
    ]  # fmt: skip
    assert sum("berulang" in notice for notice in table.notices) == 2


def test_of_two_issue_columns_the_filled_one_is_read() -> None:
    table = read_table("log.csv", b"MENU,ISSUE,ERROR,EXPECTED\nA,,isi,x\nB,,isi dua,y\n")
    assert [row.issue for row in table.rows] == ["isi", "isi dua"]
    assert any("tidak dibaca" in notice for notice in table.notices)


def test_a_solution_is_preferred_to_the_expected_state() -> None:
    text = "MENU,ISSUE,EXPECTED,SOLUSI\nLogin,tidak bisa,bisa login,reset sandi\n"
    assert read(text) == [("Login", "tidak bisa", "reset sandi")]


@pytest.mark.parametrize("blank", ["", "  ", "-", "...", "nan", "NULL", "None", "\u00a0"])
def test_an_issue_without_text_is_rejected(blank: str) -> None:
    table = read_table("log.csv", f"{HEADER}\nA,{blank},x,,\nB,isi,y,,\n".encode())
    assert [(rejection.row, "ISSUE" in rejection.reason) for rejection in table.rejections] == [(2, True)]


def test_made_up_empty_values_are_empty_and_others_stay() -> None:
    table = read_table("log.csv", f"{HEADER}\nnan,007,NULL,-,5.1.02.01.01.0024\n".encode())
    (row,) = table.rows
    assert (row.menu, row.issue, row.expected, row.note_dev, row.note_qa) == ("", "007", "", "-", "5.1.02.01.01.0024")


def test_short_rows_and_trailing_delimiters_are_taken() -> None:
    text = f"{HEADER}\nA,satu\nB,dua,x,,,\nC,tiga,y,,,\nD,empat,z,,,\n"
    assert read(text) == [("A", "satu", ""), ("B", "dua", "x"), ("C", "tiga", "y"), ("D", "empat", "z")]


def test_a_delimiter_inside_a_text_is_rejected_rather_than_shifted() -> None:
    shifted = "A,saldo beda, mohon cek,x,,\n"
    table = read_table("log.csv", f"{HEADER}\n{shifted}B,dua,y,,\n".encode())
    assert [row.menu for row in table.rows] == ["B"]
    assert "6 sel" in table.rejections[0].reason
    assert len(read_table("log.csv", f"{HEADER}\n{shifted * 5}".encode()).rejections) == 5


def test_prepared_rows_are_padding() -> None:
    text = "NO,DATE,MENU,ISSUE,EXPECTED\n1,1/2/2025,A,satu,x\n" + "".join(f"{n},,,,\n" for n in range(2, 1000))
    table = read_table("log.csv", text.encode())
    assert (len(table.rows), len(table.rejections)) == (1, 0)
    assert any("998 baris kosong" in notice for notice in table.notices)


def test_cell_limit_names_column_and_length() -> None:
    table = read_table("log.csv", f"{HEADER}\nA,{'x' * 11},y,,\n".encode(), Limits(max_cell=10))
    assert "ISSUE" in table.rejections[0].reason
    assert "11" in table.rejections[0].reason


def test_thousands_are_told_whole_when_a_cell_is_too_long() -> None:
    table = read_table("log.csv", f"{HEADER}\nA,{'x' * 1_234},y,,\n".encode(), Limits(max_cell=1_200))
    (rejected,) = table.rejections
    assert "1.234 karakter" in rejected.reason and "1.200" in rejected.reason


def test_long_cells_of_columns_not_read_do_no_harm() -> None:
    assert read(f"MENU,ISSUE,EVIDENCE\nA,satu,{'x' * 300_000}\n") == [("A", "satu", "")]


def test_limits_of_size_and_rows() -> None:
    content = (HEADER + "\nA,b,c,,\n" * 5).encode()
    assert "batasnya" in refusal(content, limits=Limits(max_bytes=20))
    assert "4" in refusal(content, limits=Limits(max_rows=4))
    assert len(read(content, Limits(max_rows=5))) == 5


@pytest.mark.parametrize("content", [b"", b" \r\n\t \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\n\n"])
def test_empty_files(content: bytes) -> None:
    assert "kosong" in refusal(content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"  <!DOCTYPE html><html><table>", "HTML"),
        (b"\xef\xbb\xbf<html>", "HTML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000) + "EncryptedPackage".encode("utf-16-le"), "kata sandi"),
        (bytes(range(256)) * 20, "biner"),
        (b"PK\x03\x04 not really", "rusak"),
        (b"halo dunia\nini bukan tabel\n", "Judul kolom"),
        (b'MENU,"ISSUE,EXPECTED\nA,b,c\n', "baris 1"),
    ],
)
@pytest.mark.parametrize("name", ["log.csv", "log.xlsx"])
def test_files_that_are_no_log(content: bytes, told: str, name: str) -> None:
    assert told in refusal(content, name)


def test_missing_issue_names_the_columns_there_are() -> None:
    assert "MENU, EXPECTED, TEMPAT" in refusal(b"MENU,EXPECTED,TEMPAT\na,b,c\n")


def test_header_alone_gives_no_rows_and_says_so() -> None:
    table = read_table("log.csv", HEADER.encode())
    assert (table.rows, table.rejections, table.data_rows) == ((), (), 0)
    assert any("Tidak ada baris data" in notice for notice in table.notices)


def test_formulas_are_text() -> None:
    assert read(f'{HEADER}\nA,"=HYPERLINK(""x"")",@SUM(1),,\n') == [("A", '=HYPERLINK("x")', "@SUM(1)")]


def test_an_open_file_is_read_and_left_open() -> None:
    stream = io.BytesIO(f"{HEADER}\nA,satu,x,,\n".encode())
    assert len(read_table("log.csv", stream).rows) == 1
    assert not stream.closed


def test_a_corrected_layout_is_obeyed() -> None:
    content = b"MENU,Temuan Lain,EXPECTED,Masalah\nA,teks lain,x,teks masalah\n"
    (layout,) = detect("log.csv", content).layouts
    assert layout.columns[Column.ISSUE] == 3
    corrected = replace(layout, columns={**layout.columns, Column.ISSUE: 1})
    (row,) = read_table("log.csv", content, layouts=[corrected]).rows
    assert row.issue == "teks lain"
