from collections import Counter

import pytest

from sipd_core.knowledge.menus import Why, group_of, menu_groups, menu_path
from tests.complaint_log import MENUS, complaint_log, pair_quality


def grouped(**cases: int) -> dict[str, list[str]]:
    return {group.canonical: [one.spelling for one in group.spellings] for group in menu_groups(cases)}


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_212_spellings_of_the_field_become_76_menus(seed: int) -> None:
    log = complaint_log(seed=seed)
    counts = Counter(case.menu for case in log.cases)
    assert len(counts) >= 200
    groups = menu_groups(counts)
    quality = pair_quality([[one.spelling for one in group.spellings] for group in groups], log.menu_of)
    assert quality.precision == 1.0
    assert quality.recall >= 0.97
    assert sum(group.canonical in MENUS for group in groups) >= 74


def test_every_kind_of_difference_is_named() -> None:
    counts = {
        "SP2D - Pencairan": 30,
        "sp2d-pencairan": 31,
        "SP2D - PENCAIRAN": 2,
        "Pencairan SP2D": 1,
        "SP2D - Pencairn": 1,
        "SP2D - Penc.": 1,
    }
    (group,) = menu_groups(counts)
    assert group.canonical == "SP2D - Pencairan", "the most frequent well-formed one"
    assert group.cases == 66
    why = {one.spelling: one.why for one in group.spellings}
    assert why["SP2D - Pencairan"] is Why.NAME
    assert why["sp2d-pencairan"] is why["SP2D - PENCAIRAN"] is Why.FORM
    assert why["Pencairan SP2D"] is Why.ORDER
    assert why["SP2D - Pencairn"] is Why.SLIP
    assert why["SP2D - Penc."] is Why.SHORT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DPA - Penarikan - Belanja", "DPA - Penarikan - Pendapatan"),
        ("SPP - Pembuatan", "SPM - Pembuatan"),
        ("SPD - Otorisasi", "SP2D - Otorisasi"),
        ("Pelimpahan UP", "Pelimpahan GU"),
        ("SPM - Pembatalan", "SPM - Pembetulan"),
        ("Rekening Bank - Pengajuan", "Rekening Bank - Pengaduan"),
        ("LRA - Semester I", "LRA - Semester II"),
        ("DPA - Laporan", "DPA - Laporan - Belanja"),
        ("BKU - Bendahara Penerimaan", "BKU - Bendahara Pengeluaran"),
        ("LPJ - BP", "LPJ - BPP"),
    ],
)
def test_different_menus_are_never_one(one: str, other: str) -> None:
    assert len(menu_groups({one: 50, other: 1})) == 2


def test_an_abbreviation_that_could_mean_two_menus_stays_alone() -> None:
    names = {"DPA - Penarikan - Pendapatan": 8, "DPA - Penarikan - Pembiayaan": 3, "DPA - Penarikan - Pen": 1}
    assert ["DPA - Penarikan - Pen"] in [[one.spelling for one in group.spellings] for group in menu_groups(names)]


def test_full_names_and_abbreviations_of_the_field_are_one() -> None:
    assert len(menu_groups({"SP2D - Pencairan": 3, "Surat Perintah Pencairan Dana - Pencairan": 1})) == 1


def test_what_names_no_menu_is_no_menu() -> None:
    assert menu_groups({"": 9, "-": 3, " . ": 1}) == ()
    assert grouped(Login=1) == {"Login": ["Login"]}


def test_a_person_may_name_the_group_as_none_is_spelt() -> None:
    group = group_of({"sp2d cair": 2, "SP2D CAIR": 1}, "SP2D - Pencairan")
    assert group.canonical == "SP2D - Pencairan"
    assert [one.spelling for one in group.spellings] == ["sp2d cair", "SP2D CAIR"]


def test_the_path_of_a_menu_is_comparable() -> None:
    assert menu_path("DPA - Penarikan > Belanja") == ("dpa", "penarikan", "belanja")
    assert menu_path("E-walidata") == menu_path("e-Walidata") == ("e walidata",)
