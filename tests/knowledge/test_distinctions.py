import pytest

from sipd_core.knowledge.distinctions import DENIAL, difference, matter_of
from sipd_core.language import words


def told(one: str, other: str, menu: str = "Umum") -> str | None:
    return difference(matter_of(words(one), menu), matter_of(words(other), menu))


@pytest.mark.parametrize(
    ("one", "other", "question"),
    [
        ("SP2D tidak bisa dicetak", "SPM tidak bisa dicetak", "dokumen"),
        ("SPP GU ditolak terus", "SPP UP ditolak terus", "pembayaran"),
        ("SPP GU ditolak terus", "SPP ditolak terus", "pembayaran"),
        ("DPA belanja tidak tertarik", "DPA pendapatan tidak tertarik", "arah"),
        ("SPM tidak bisa dihapus", "SPM tidak bisa dicetak", "gejala"),
        ("nilainya lebih besar dari pagu", "nilainya lebih kecil dari pagu", "gejala"),
        ("akun PPTK tidak bisa login", "akun KPA tidak bisa login", "orang"),
        ("muncul error 500 di LRA", "muncul error 404 di LRA", "kode"),
        ("SPD triwulan I tidak muncul", "SPD triwulan II tidak muncul", "periode"),
        ("jadwal penganggaran terkunci", "jadwal perencanaan terkunci", "modul"),
        ("DPA perubahan tidak tertarik", "DPA pergeseran tidak tertarik", "babak"),
        ("potongan PPh 21 tidak muncul", "potongan PPh 23 tidak muncul", "unsur"),
        ("saldo awal neraca kosong", "saldo akhir neraca kosong", "waktu"),
        ("data tidak muncul", "data muncul", DENIAL),
        ("SP2D sudah cair", "sp2d blm cair", DENIAL),
        ("bisa login tapi muncul error", "tidak bisa login muncul error", DENIAL),
    ],
)
def test_what_matters_keeps_complaints_apart(one: str, other: str, question: str) -> None:
    assert told(one, other) == question
    assert told(other, one) == question


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sp2d blm cair pdhl spm udh final", "SP2D belum cair"),
        ("prognosis semester 1 kosong", "prognosis semester I kosong"),
        ("login gagal terus", "tidak bisa login"),
        ("kendala login", "tdk bs login"),
        ("RAK belanja unduh excel tidak bisa", "tidak bisa diunduh ke excel RAK belanja"),
        ("unduh excel gak bs LRA", "LRA tidak dapat diunduh ke excel"),
        ("ditolak tanpa keterangan", "ditolak tapi tidak ada keterangannya"),
        ("saat dicetak tidak keluar", "tidak bisa dicetak"),
        ("tanggalnya keliru", "salah tanggal"),
        ("PPTK tidak ada di pilihan", "pilihan PPTK tidak ada"),
    ],
)
def test_the_same_in_other_words_is_the_same(one: str, other: str) -> None:
    assert told(one, other) is None


def test_the_menu_says_what_the_complaint_leaves_open() -> None:
    of_belanja = matter_of(words("rincian tidak tertarik"), "DPA - Penarikan - Belanja")
    of_pendapatan = matter_of(words("rincian tidak tertarik"), "DPA - Penarikan - Pendapatan")
    assert difference(of_belanja, of_pendapatan) == "arah"
