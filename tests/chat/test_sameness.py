"""Two ways to ask the same are one question; two questions never are, however alike they look."""

from itertools import combinations

import numpy as np
import pytest

from sipd_core.chat.sameness import NEAR, agree, asked, is_same, may_be_same
from tests.benchmarks.approved_answers import questions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SP2D belum cair padahal SPM sudah final", "pagi min, sp2d blm cair pdhl spm udh final ya"),
        ("gak bisa login, katanya akun tidak aktif", "Tidak bisa login katanya akunnya tidak aktif, mohon bantuannya"),
        ("DPA tidak bisa dicetak Kecamatan Sukamaju", "dpa ga bisa dicetak"),
    ],
)
def test_spelling_short_forms_and_politeness_do_not_make_another_question(one: str, other: str) -> None:
    assert may_be_same(asked(one), asked(other)) and not is_same(asked(one), asked(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SP2D sudah cair tapi belum muncul di BKU", "SP2D belum cair tapi sudah muncul di BKU"),
        ("pindah dari GU ke LS", "pindah ke GU dari LS"),
        ("muncul error 500 saat simpan SPP LS", "muncul error 404 saat simpan SPP LS"),
        ("status: 500 saat simpan SPP LS", "status: 404 saat simpan SPP LS"),
        ("evaluasi renja triwulan 2 terkunci", "evaluasi renja triwulan 3 terkunci"),
        ("pagu lebih besar > realisasi", "pagu lebih besar < realisasi"),
        ("akun bendahara tidak aktif", "akun bendahara nonaktif"),
        ("akun bendahara tidak bisa diaktifkan", "akun bendahara tidak bisa dinonaktifkan"),
        ("cara hapus SPM yang sudah disetujui", "cara ubah SPM yang sudah disetujui"),
        ("rekening penerima SP2D ditolak bank", "rekening penerimaan SP2D ditolak bank"),
        ("PPTK bisa diganti di tengah tahun", "PPTK tidak bisa diganti di tengah tahun"),
        ("DPA pergeseran tidak muncul", "DPA perubahan tidak muncul"),
        ("login", "tolong login"),
    ],
)
def test_what_differs_in_what_matters_is_another_question(one: str, other: str) -> None:
    assert not may_be_same(asked(one), asked(other)) and not is_same(asked(one), asked(other))


def test_no_two_different_gold_questions_are_taken_for_one() -> None:
    taken = [(one.text, asked(one.text)) for one in questions()]
    met = [(a, b) for (a, x), (b, y) in combinations(taken, 2) if is_same(x, y) or may_be_same(x, y)]
    assert len(taken) > 300 and met == []


def test_the_model_has_its_say() -> None:
    one = np.array([1.0, 0.0], np.float32)
    near = np.array([NEAR + 0.01, (1 - (NEAR + 0.01) ** 2) ** 0.5], np.float32)
    far = np.array([NEAR - 0.01, (1 - (NEAR - 0.01) ** 2) ** 0.5], np.float32)
    assert agree(one, near) and not agree(one, far)
