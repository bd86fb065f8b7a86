"""Headers by what they say, and the complaint column that nobody named."""

import pytest

from sipd_core.tables.headers import Column, classify
from sipd_core.tables.layout import find_layout
from sipd_core.tables.model import Record, Sheet


@pytest.mark.parametrize(
    ("column", "headers"),
    [
        (Column.MENU, ["MENU", " menu ", "Modul", "Fitur", "Menu/Modul", "NAMA MENU", "1. Menu",
                       "\uff2d\uff25\uff2e\uff35"]),
        (Column.ISSUE, ["ISSUE", "Issue(s)", "masalah *", "PROBLEM", "Isi Aduan", "Kendala", "Keluhan", "Pertanyaan",
                        "URAIAN", "Uraian Masalah", "DESKRIPSI_KENDALA", "Masalah/Kendala",
                        "Permasalahan\nyang dihadapi"]),
        (Column.EXPECTED, ["EXPECTED", "Expected Result", "SOLUSI", "Solution", "Harapan", "Jawaban", "Tindak Lanjut",
                           "TINDAK-LANJUT", "Penyelesaian", "Solusi / Jawaban", "Hasil yang diharapkan"]),
        (Column.NOTE_DEV, ["NOTE BY DEV", "Note by Dev", "notes dev", "CATATAN DEV", "Catatan Developer", "NoteByDev",
                           "NOTE_BY_DEV", "notebydev", "Catatan dari tim pengembang"]),
        (Column.NOTE_QA, ["NOTE BY QA", "Catatan QA", "note qa", "Catatan Tim QA"]),
        (Column.STATUS, ["STATUS", "Status by Dev", "STATUS DEV", "Status Tiket"]),
        (Column.DATE, ["DATE", "TANGGAL", "tgl.", "Tanggal Aduan", "TGL LAPOR", "Hari/Tanggal", "Tanggal & Jam"]),
        (Column.REGION, ["DAERAH", "Nama Daerah", "PEMDA", "KAB/KOTA", "Kabupaten / Kota", "Asal Daerah"]),
    ],
)  # fmt: skip
def test_synonyms(column: Column, headers: list[str]) -> None:
    for header in headers:
        found = classify(header)
        assert found is not None, header
        assert found[0] is column, header


@pytest.mark.parametrize(
    "header",
    ["USER", "USER LOGIN", "PASSWORD", "REPORTER", "LINK WHATSAPP REPORTER", "PETUGAS INPUT", "NIP", "Nama QA", "NO",
     "Nomor Aduan", "DATE FINISH", "Tanggal Selesai", "Waktu Penyelesaian", "id_daerah", "KODE DAERAH", "Nama Pelapor Aduan", "Link Issue", "Status by QA", "SKPD", "KODE SKPD",
     "EVIDENCE", "REKAP ADUAN 2025", "DATA TIKET", "CATATAN", "", "Jumlah masalah"],
)  # fmt: skip
def test_other_columns_are_not_read(header: str) -> None:
    assert classify(header) is None


def sheet(*rows: tuple[str, ...]) -> Sheet:
    return Sheet("S", lambda: iter([Record(number, row) for number, row in enumerate(rows, 1)]), delimited=False)


COMPLAINTS = [
    ("budi01", "Login", "pengguna tidak dapat masuk sejak pagi tadi", "reset sandi", "x"),
    ("ani02", "DPA", "nilai pagu pada cetakan dokumen tidak sama", "rekap ulang", "y"),
]


@pytest.mark.parametrize("blank", ["", "  ", "Unnamed: 3", "Column3"])
def test_an_unnamed_column_of_complaints_is_inferred(blank: str) -> None:
    finding = find_layout(sheet(("LOG",), ("USER", "MENU", blank, "EXPECTED", "Status by Dev"), *COMPLAINTS))
    assert finding.layout is not None
    assert finding.layout.columns[Column.ISSUE] == 2
    assert finding.layout.inferred == {Column.ISSUE}
    assert finding.layout.header_row == 2


@pytest.mark.parametrize(
    "headers",
    [
        ("", "MENU", "TEMPAT", "EXPECTED", "STATUS"),  # named, but by a word we do not know
        ("MENU", "EXPECTED", "", "STATUS", ""),  # nothing unnamed between the two
    ],
)
def test_nothing_is_inferred_without_good_reason(headers: tuple[str, ...]) -> None:
    finding = find_layout(sheet(headers, *COMPLAINTS))
    assert finding.layout is None
    assert finding.recognised >= 2


def test_short_codes_are_not_taken_for_complaints() -> None:
    rows = [("Login", "user01", "reset"), ("DPA", "user02", "ulang")]
    assert find_layout(sheet(("MENU", "", "EXPECTED"), *rows)).layout is None


def test_issue_merged_over_two_header_rows() -> None:
    finding = find_layout(sheet(("", "ISSUE", ""), ("MENU", "", "EXPECTED"), ("Login", "tidak bisa masuk", "reset")))
    assert finding.layout is not None
    assert finding.layout.columns == {Column.MENU: 0, Column.ISSUE: 1, Column.EXPECTED: 2}
    assert finding.layout.header_row == 2


def test_a_sheet_that_explains_the_columns_is_no_log() -> None:
    rows = [("Kolom", "Arti"), ("MENU", "nama menu sipd"), ("ISSUE", "isi aduan"), ("EXPECTED", "hasil")]
    assert find_layout(sheet(*[(name, "penjelasan panjang") for name, _ in rows])).layout is None


def test_header_below_many_title_rows() -> None:
    titles = [(f"JUDUL {number}",) for number in range(30)]
    finding = find_layout(sheet(*titles, ("MENU", "ISSUE"), ("a", "b")))
    assert finding.layout is not None
    assert finding.layout.header_row == 31
