"""The composed answer: rests on the case, dresses nothing up, invents nothing."""

import pytest

from sipd_core.chat.answers import compose, excerpt, small_talk
from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case, Hit
from tests.builders import make_case


def hit(case: Case, relevance: float = 0.9, also: int = 0) -> Hit:
    return Hit(case, relevance, 0.85, 0.5, also)


def test_a_found_case_gives_remedy_notes_and_source() -> None:
    case = make_case(note_dev="Status di-reset saat ganti jadwal.", note_qa="Cek tanggal.", sample=True)
    answer = compose(Verdict.FOUND, [hit(case)], limit=4000)
    for part in (case.remedy, case.menu, "Status di-reset", "Cek tanggal", "uji.csv", "baris 2", "contoh"):
        assert part in answer


@pytest.mark.parametrize(("note", "shown"), [("done", False), ("OK", False), ("Sudah fixed.", False), ("Cek tanggal.", True)])
def test_how_a_row_stands_is_no_note_to_show(note: str, shown: bool) -> None:
    answer = compose(Verdict.FOUND, [hit(make_case(note_qa=note))], limit=4000)
    assert ("Catatan QA" in answer) is shown


def test_a_note_that_is_the_remedy_is_not_said_twice() -> None:
    case = make_case(remedy="Perbaiki dulu.", note_dev="Perbaiki dulu.")
    assert compose(Verdict.FOUND, [hit(case)], limit=4000).count("Perbaiki dulu.") == 1


def test_a_precedent_is_never_a_solution() -> None:
    case = make_case(expected="saldo sesuai", remedy="")
    answer = compose(Verdict.FOUND, [hit(case, also=30)], limit=4000)
    assert "31 kali" in answer
    assert "tidak tercatat" in answer
    assert "Penyelesaian" not in answer
    assert "saldo sesuai" not in answer


def test_partial_asks_to_compare_first() -> None:
    answer = compose(Verdict.PARTIAL, [hit(make_case())], limit=4000)
    assert "mendekati" in answer
    assert "SP2D belum cair" in answer
    assert "Pastikan gejalanya sama" in answer


def test_not_found_offers_no_remedy() -> None:
    answer = compose(Verdict.NOT_FOUND, [hit(make_case(), 0.1)], limit=4000)
    assert "Belum ada penyelesaian" in answer
    assert make_case().remedy not in answer


def test_an_empty_base_is_said_so() -> None:
    assert "masih kosong" in compose(Verdict.NOT_FOUND, [], limit=4000, empty_base=True)


def test_a_long_answer_is_cut_at_a_word_and_says_so() -> None:
    case = make_case(remedy="langkah " * 2000)
    answer = compose(Verdict.FOUND, [hit(case)], limit=500)
    assert len(answer) <= 500
    assert answer.endswith("kartu kasus)")


def test_small_talk_differs_by_what_was_said() -> None:
    assert len({small_talk("greeting"), small_talk("thanks"), small_talk("ack"), small_talk("ack", solved=True)}) == 4


def test_an_excerpt_is_one_line_cut_at_a_word() -> None:
    assert excerpt("satu\n dua   tiga", 100) == "satu dua tiga"
    assert excerpt("satu dua tiga", 10) == "satu dua…"
