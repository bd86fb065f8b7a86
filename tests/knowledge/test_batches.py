"""What a file becomes: nothing personal in anything that is kept, and rows handed back as they stood."""

import pytest

from sipd_core.knowledge.batches import RETURNED_CHARACTERS, Batch, collect
from sipd_core.tables import read_table
from sipd_core.texts import text

HEADER = "NO,TANGGAL,DAERAH,USER,REPORTER,MENU,ISSUE,EXPECTED\n"


def batch(rows: str, header: str = HEADER) -> Batch:
    return collect(read_table("log.csv", (header + rows).encode()))


def test_every_row_that_reports_a_case_says_when_and_where() -> None:
    made = batch("1,01/02/2025,Kota A,u,,Login,tidak bisa,reset\n2,03/02/2025,Kab. B,u,,Login,Tidak  bisa,reset\n")
    assert len(made.cases) == 1
    assert [(one.row, one.date, one.region) for one in made.origins] == [
        (2, "01/02/2025", "Kota A"),
        (3, "03/02/2025", "Kab. B"),
    ]


def test_a_formula_says_neither_when_nor_where() -> None:
    made = batch('1,=TODAY(),"=VLOOKUP(A1,B:C,2)",u,,Login,tidak bisa,reset\n')
    assert (made.origins[0].date, made.origins[0].region) == ("", "")


def test_a_refused_row_is_handed_back_without_what_is_private() -> None:
    made = batch("1,,Kota A,budi01 / Rahasia#77,Budi Santoso,Login,,hubungi 081200003333\n")
    (row,) = made.rejected.rows
    hidden = text("imports.hidden_cell")
    assert row.cells == ("1", "", "Kota A", hidden, hidden, "Login", "", "hubungi [NOMOR HP]")
    assert made.rejected.headings == (("NO", "TANGGAL", "DAERAH", "USER", "REPORTER", "MENU", "ISSUE", "EXPECTED"),)


def test_a_duplicate_is_handed_back_too() -> None:
    made = batch("1,,,rahasia88,,Login,tidak bisa,reset\n2,,,Sandi!99,,Login,tidak bisa,reset\n")
    assert made.duplicates == 1
    assert made.rejected.rows[0].cells[3] == text("imports.hidden_cell")
    assert "baris 2" in made.rejected.rows[0].reason


def test_cells_that_may_have_moved_are_all_blanked() -> None:
    """A delimiter inside a text moves the password under another header, where no rule would know it."""
    made = batch("1,,Kota A, Jawa,Rahasia77x,Budi,Login,tidak bisa,reset\n2,,K,u,,DPA,dua,x\n")
    (row,) = made.rejected.rows
    assert set(row.cells) == {"", text("imports.hidden_cell")}


def test_what_a_private_column_gives_away_is_hidden_in_the_complaint() -> None:
    made = batch(
        "1,,,opr.kota / Mawar#2025,Bramantyo Prakosojati,Login,"
        "sudah dicoba Mawar#2025 lalu opr.kota oleh BRAMANTYO PRAKOSOJATI tetap gagal,reset\n"
    )
    (case,) = made.cases
    assert case.issue == "sudah dicoba [KATA SANDI] lalu [KATA SANDI] oleh [NAMA ORANG] tetap gagal"
    assert dict(made.masked) == {"password": 2, "person": 1}


def test_ordinary_words_of_a_private_column_stay_in_the_complaint() -> None:
    made = batch("1,,,bendahara dinas,Admin Dinas Pendidikan,Login,bendahara dinas tidak bisa masuk,reset\n")
    assert made.cases[0].issue == "bendahara dinas tidak bisa masuk"


def test_a_long_cell_is_handed_back_cut_before_a_word() -> None:
    made = batch(f"1,,,u,,Login,{'kata ' * 5_000}197705052000121001,x\n")
    cell = made.rejected.rows[0].cells[6]
    assert len(cell) <= RETURNED_CHARACTERS + 60
    assert cell.startswith("kata kata")
    assert text("imports.cut", n=25_018) in cell


def test_the_name_of_the_file_is_masked() -> None:
    made = collect(read_table("aduan 081200003333.csv", (HEADER + "1,,,,,Login,tidak bisa,x\n").encode()))
    assert made.cases[0].file == "aduan [NOMOR HP].csv"


@pytest.mark.parametrize(
    "name", ["log-aduan-2025.xlsx", "Aduan SIPD Jan 2025 (rev 2).csv", "DATA_ADUAN_v3.CSV", "log.csv"]
)
def test_ordinary_file_names_stay(name: str) -> None:
    assert collect(read_table(name, (HEADER + "1,,,,,Login,tidak bisa,x\n").encode())).cases[0].file == name


def test_whoever_watches_can_end_the_work() -> None:
    class Stop(Exception):
        pass

    def watch(share: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        collect(read_table("log.csv", (HEADER + "1,,,,,Login,tidak bisa,x\n").encode()), watch=watch)
