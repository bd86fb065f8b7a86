"""Who sends a complaint is told from what it is about, whatever words introduce what was masked."""

import pytest

from sipd_core.language import clean_query
from sipd_core.signatures import without_signature, without_stamps


@pytest.mark.parametrize(
    "signed",
    [
        "SP2D belum cair. NIP saya [NIP] password [KATA SANDI] hp [NOMOR HP]",
        "SP2D belum cair\nUser : [NAMA PENGGUNA]\nPass : [KATA SANDI]",
        "SP2D belum cair, username: [NAMA PENGGUNA] password: [KATA SANDI] mohon bantuannya",
        "sp2d belum cair NIP [NIP] pw [KATA SANDI]",
        "SP2D belum cair. pw nya [KATA SANDI]",
        "SP2D belum cair pakai password [KATA SANDI]",
        "SP2D belum cair. usernya [NAMA PENGGUNA] dan kata sandinya [KATA SANDI]",
        "SP2D belum cair. kata sandinya itu [KATA SANDI]",
        "SP2D belum cair, nomor hp yang aktif [NOMOR HP]",
        "SP2D belum cair. cp pak Budi [NOMOR HP]",
        "SP2D belum cair. a.n. Budi Santoso NIP. [NIP]",
    ],
)
def test_who_signs_with_his_password_does_not_ask_about_it(signed: str) -> None:
    assert clean_query(signed) == clean_query("SP2D belum cair")
    assert without_signature(signed).casefold().startswith("sp2d belum cair")
    assert "pass" not in without_signature(signed).casefold()


@pytest.mark.parametrize(
    "about",
    [
        "lupa password [KATA SANDI] min",
        "lupa kata sandi nya [KATA SANDI]",
        "password [KATA SANDI], ditolak terus",
        "sudah saya kasih password [KATA SANDI]",
        "password lama [KATA SANDI] tidak bisa dipakai",
        "user [NAMA PENGGUNA] password [KATA SANDI] ditolak terus",
        "NIP [NIP] tidak ditemukan saat tambah pegawai",
        "reset user [NAMA PENGGUNA] password [KATA SANDI]",
    ],
)
def test_a_question_about_a_password_or_number_keeps_it(about: str) -> None:
    assert without_signature(about) == about


@pytest.mark.parametrize("before", ["NIP saya [NIP], ", "pak ini pw nya [KATA SANDI], ", "hp [NOMOR HP]. "])
def test_who_introduces_himself_first_asks_what_comes_then(before: str) -> None:
    assert clean_query(f"{before}SP2D belum cair") == clean_query("SP2D belum cair")


@pytest.mark.parametrize("unit", ["\n", "user [nip], ", "nip [nip] ", "no ", "pass: "])
def test_a_hostile_message_of_full_length_ends(unit: str) -> None:
    """With unbounded repetitions one of these took minutes, which the time limit of a test does not allow."""
    assert without_signature(f"nip [nip]{unit * (10_000 // len(unit))}x").endswith("x")


@pytest.mark.parametrize("stamp", ["[26/11 08.12] Bu Rina: ", "[26/11/26, 08.12.33] Bu Rina: ", "26/11/26 08.12 - Rina: "])
def test_the_stamp_of_a_copied_message_is_no_part_of_it(stamp: str) -> None:
    assert without_stamps(f"{stamp}pagi min\n{stamp}SP2D belum cair") == "pagi min\nSP2D belum cair"
    assert clean_query(f"{stamp}SP2D belum cair") == clean_query("SP2D belum cair")
