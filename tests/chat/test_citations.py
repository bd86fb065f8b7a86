"""What an answer refers to must have been retrieved; what it links must have been written."""

import pytest

from sipd_core.chat.citations import check, without_marks
from sipd_core.documents import Hit
from sipd_core.texts import text
from tests.builders import make_case

HITS = tuple(
    Hit(make_case(issue, remedy="Buka https://sipd.kemendagri.go.id lalu tekan Transfer."), 0.9, 0.9, 0.5)
    for issue in ("satu", "dua", "tiga")
)


@pytest.mark.parametrize(
    ("answer", "shown", "cited"),
    [
        ("Tekan Transfer [K1].", "Tekan Transfer [K1].", (1,)),
        ("Tekan Transfer [K1, K3].", "Tekan Transfer [K1][K3].", (1, 3)),
        ("Tekan [kasus K2 dan K3] dulu", "Tekan [K2][K3] dulu", (2, 3)),
        ("Tekan [k 2] dan [K2]", "Tekan [K2] dan [K2]", (2,)),
    ],
)
def test_references_in_order_are_kept(answer: str, shown: str, cited: tuple[int, ...]) -> None:
    checked = check(answer, HITS)
    assert (checked.text, checked.cited, checked.caution) == (shown, cited, "")


def test_a_case_that_was_not_retrieved_is_taken_out_and_said() -> None:
    checked = check("Tekan Transfer [K1][K7]. Lalu cetak [K0].", HITS)
    assert (checked.text, checked.cited) == ("Tekan Transfer [K1]. Lalu cetak.", (1,))
    assert checked.caution == text("answer.caution.unknown")


def test_an_answer_without_references_is_said_to_be_one() -> None:
    assert check("Tekan Transfer.", HITS).caution == text("answer.caution.none")
    assert check("Isi [NIP] dan [K].", HITS).caution == text("answer.caution.none")


def test_only_links_that_were_written_stay() -> None:
    known = check("Buka https://sipd.kemendagri.go.id lalu tekan Transfer [K1]", HITS)
    assert "https://sipd.kemendagri.go.id" in known.text and known.caution == ""
    foreign = check("Masuk lewat http://sipd-palsu.example/masuk [K1]", HITS)
    assert "sipd-palsu" not in foreign.text and foreign.caution == text("answer.caution.link")


def test_a_link_out_of_a_complaint_is_never_passed_on_as_ours() -> None:
    hit = Hit(make_case("Situs http://jahat.example/x galat", remedy="Tekan Transfer."), 0.9, 0.9, 0.5)
    assert "jahat.example" not in check("Buka http://jahat.example/x [K1]", (hit,)).text


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("![x](http://jahat.example/b.png?d=1) Tekan Transfer [K1]", "(tautan dihapus) Tekan Transfer [K1]"),
        ("Klik [di sini](javascript:alert(1)) [K1]", "Klik di sini (tautan dihapus) [K1]"),
        ("Klik [di sini](https://sipd.kemendagri.go.id) [K1]", "Klik di sini https://sipd.kemendagri.go.id [K1]"),
        ('<img src=x onerror="alert(1)">Tekan Transfer [K1]', "(tautan dihapus)Tekan Transfer [K1]"),
        ("<script src=//jahat.example/x Tekan [K1]", "(tautan dihapus)"),
        ("Tekan <Simpan> lalu <OK> [K1](lihat)", "Tekan <Simpan> lalu <OK> [K1](lihat)"),
    ],
)
def test_nothing_is_left_that_a_browser_could_load_or_run(answer: str, shown: str) -> None:
    assert check(answer, HITS).text == shown


def test_the_caller_reads_no_marks() -> None:
    assert without_marks("1. Tekan Transfer [K1].\n2. Cetak [K1, K2]") == "1. Tekan Transfer.\n2. Cetak"
