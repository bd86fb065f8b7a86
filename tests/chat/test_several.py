"""Several complaints in one message: told apart where that is plain, and one complaint never cut in two."""

import pytest

from sipd_core.chat.several import complaints_in


@pytest.mark.parametrize(
    "message",
    [
        "1) SP2D belum cair 2) DPA tidak bisa dicetak 3) lupa password",
        "min ada tiga kendala:\n1. SP2D belum cair\n2. DPA tidak bisa dicetak\n3. lupa password",
        "SP2D belum cair + DPA tidak bisa dicetak + lupa password",
        "SP2D belum cair dan juga DPA tidak bisa dicetak; lupa password",
        "SP2D belum cair\nDPA tidak bisa dicetak\nlupa password",
    ],
)
def test_a_list_of_complaints_is_told_apart(message: str) -> None:
    assert complaints_in(message) == ("SP2D belum cair", "DPA tidak bisa dicetak", "lupa password")


@pytest.mark.parametrize(
    "message",
    [
        "SP2D belum cair padahal SPM sudah disetujui",
        "SP2D belum cair\npadahal SPM tidak ditolak",
        "sudah dicoba: 1. logout 2. login lagi 3. hapus cache, tetap gagal",
        "SPP tidak bisa disimpan\nSPP muncul tulisan gagal",
        "NIP saya [NIP]\nSP2D belum cair",
        "nilai SPP + SPM tidak sama",
    ],
)
def test_one_complaint_stays_whole(message: str) -> None:
    assert complaints_in(message) == (message,)
