"""What speaks against a case whose words fit: each difference alone, and that likeness costs nothing."""

import pytest

from sipd_core.knowledge.contradictions import SERIOUS, WORTH_A_LOOK, contradictions, tempered
from sipd_core.language import clean_query
from tests.builders import make_case


@pytest.mark.parametrize(
    ("question", "menu", "issue"),
    [
        ("TBP LS tidak muncul di BKU", "BKU - Penerimaan", "STBP tanggal 6 muncul dua kali di BKU penerimaan"),
        ("SPP TPP tidak bisa dibuat, pagu tidak mencukupi", "SPP - TU", "saat buat SPP TU rincian belanjanya kosong"),
        ("SPP GU ditolak", "SPP - LS", "SPP LS ditolak PPK"),
        ("reset akun bendahara, ga bisa masuk", "Login", "Pegawai lupa kata sandi dan nomor HP sudah tidak aktif"),
    ],
)
def test_another_matter_is_at_most_worth_a_look(question: str, menu: str, issue: str) -> None:
    case = make_case(issue, menu, remedy="Buka menu lalu simpan.", expected="")
    assert contradictions(clean_query(question), case) >= SERIOUS
    assert tempered(1.0, contradictions(clean_query(question), case)) == WORTH_A_LOOK


def test_another_document_alone_is_doubted() -> None:
    other = make_case("Cetak SP2D hanya halaman putih kosong", "SP2D - Laporan", remedy="", expected="")
    same = make_case("Cetak DPA halaman depan muncul kesalahan", "DPA - Laporan")
    question = clean_query("DPA tidak bisa dicetak, muncul halaman kosong")
    assert contradictions(question, other) == 1 and contradictions(question, same) == 0
    assert tempered(0.76, 1) < 0.735


@pytest.mark.parametrize(
    "question",
    ["sp2d blm cair", "SP2D kami kok belum masuk rekening ya", "tidak bisa mencairkan SP2D padahal SPM sudah disetujui"],
)
def test_nothing_speaks_against_the_same_matter_in_other_words(question: str) -> None:
    assert contradictions(clean_query(question), make_case("SP2D belum cair padahal SPM sudah final")) < SERIOUS
    assert tempered(0.9, 0) == 0.9
