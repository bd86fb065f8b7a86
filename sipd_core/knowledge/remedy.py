"""Which text of a case solves anything: a solution told apart from a wished-for state, a report or a request.

One reason to change: how people of the field write solutions. Texts are read clause by clause, by the form of the
Indonesian verb: an instruction begins with a bare verb (*hapus*, *batalkan*) or lets someone act (*bendahara
mengajukan*), a rule names a duty, a limit, a means or a condition, a wish has *bisa/dapat* or a state (*sesuai*,
*tampil*), a report begins with *sudah*. The weights were set by hand on the development examples of
`tests/knowledge/test_remedy.py`.
"""

import re
from enum import Enum
from itertools import pairwise
from typing import Final


class Clause(Enum):
    """What one clause does; the value is its weight."""

    INSTRUCTION = 3.0
    BRIEF = 2.2
    """An instruction of up to three words, which in a raw log may as well be a request (*hapus data ganda*)."""
    RULE = 2.0
    NEUTRAL = 0.0
    STATE = -1.0
    WISH = -2.0
    REPORT = -3.0
    REQUEST = -3.5


_THRESHOLD: Final = 2.0
_LOG_THRESHOLD: Final = 2.5
"""For EXPECTED of a raw log, known by its status: there a rule alone is more often a wish."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_ACTORS = _words(
    "admin operator bendahara pa kpa ppk pptk bud bp bpp kuasa skpd opd ppkd tapd bappeda bpkad setwan sekda "
    "dinas kecamatan desa pengguna user verifikator walidata diskominfo pejabat akuntan dewan kepala rekanan "
    "penyedia pusat daerah pemda kemendagri unit sekretariat bank pokja camat pegawai petugas bkd bkad skpkd"
)
_IMPERATIVES = _words(
    "ajukan aktifkan ambil arahkan arsipkan atur baca bagi bandingkan batalkan bayar buat buatkan buatlah buka "
    "catat centang cetak cocokkan daftarkan gabung gabungkan ganti geser gunakan hapus hapuslah hitung hubungi "
    "ikuti impor import ekspor export isi isikan izinkan jalankan jangan kembali kembalikan keluar ketik kirim "
    "kirimkan klik kosongkan kunci kurangi lakukan lampirkan lanjutkan laporkan lengkapi masuk masukan masukkan "
    "matikan minta muat naikkan nonaktifkan pakai pasang pasangkan pastikan pecah perbaiki perbarui perbaharui "
    "rubah perhatikan periksa perluas perpanjang petakan pilih pilihlah pindah pindahkan pisahkan proses rapikan "
    "refresh restart sahkan salin samakan sambungkan scan segarkan selesaikan serahkan sertakan sesuaikan setor "
    "setorkan setujui simpan sinkronkan susun tambah tambahkan tandai tarik tautkan tekan telusuri tempel "
    "terapkan terbitkan terima tetapkan tinjau tolak tukar tunda tunggu tunjuk tutup ubah ulangi unduh unggah "
    "upload update urutkan download logout relogin install uninstall pulihkan tandatangani turunkan bersihkan "
    "hilangkan gandakan alihkan limpahkan kompres pindai pantau konfirmasikan koordinasikan usulkan tugaskan "
    "tanyakan bentuk kecilkan lepas lepaskan posting"
)
# Nouns as often as verbs ("validasi gagal"): an instruction only when more words follow.
_WEAK_IMPERATIVES = _words(
    "validasi verifikasi input reset koreksi sinkron sinkronisasi login koordinasi otorisasi aktivasi rekap "
    "revisi pengesahan persetujuan batal batalin lapor hapusin setting cancel delete edit"
)
_LOOKING = _words("cek cekk check lihat liat")
_NOT_IMPERATIVE = _words(
    "akan bukan dengan bahkan sedangkan melainkan silakan silahkan rekan makan ikan kebijakan tindakan kerusakan "
    "kenaikan perbaikan pengecekan cetakan pencetakan masukkannya gerakan kan sejalan kesepakatan pemasukan "
    "penerbitan inginkan harapkan dibutuhkan tampilkan munculkan mohonkan"
)
_OPENERS = _words(
    "dan lalu kemudian baru barulah lanjut lanjutkan maka selanjutnya setelahnya sesudahnya cukup sebaiknya "
    "langsung segera silakan silahkan coba cobalah tetap untuk harap solusi solusinya jawab jawaban kak bapak ibu "
    "pak bu itu"
)
_PLEAS = _words("mohon mhn tolong tlg minta boleh bantu bantuannya dimohon")
_REPORTS = _words(
    "sudah telah sdh udah udh sudh done ok oke okay okey fixed fix solved closed close clear confirm confirmed "
    "konfirmasi selesai masih sedang on waiting menunggu aman hotfix bug bugs duplikat duplicate diteruskan "
    "dieskalasi eskalasi tes test hasil follow progress pending proses reopen sama kemarin tadi lancar lolos "
    "diselesaikan diperbaiki dihapuskan"
)
_WISHES = _words(
    "bisa dapat agar supaya biar seharusnya harusnya semestinya diharapkan harapannya harapan ingin semoga muncul "
    "tampil berhasil normal kembalinya tidak bs dpt"
)
_STATES = _words(
    "bisa dapat sesuai sama muncul tampil tertampil aktif normal berhasil lancar cocok aman berfungsi berjalan "
    "lengkap terbuka tersimpan terhapus terisi menampilkan menjadi berubah balance seimbang final valid bs dpt "
    "dpat terbaca"
)
_DUTIES = _words("harus wajib perlu jangan hanya minimal maksimal diminta cukup paling diwajibkan mesti")
_CONDITIONS = _words(
    "bila jika kalau apabila selama setelah sesudah sebelum karena sebab ketika sampai saat hingga mengikuti "
    "bukan berarti akibat sejak sehingga maka memerlukan"
)
_MEANS = _words("lewat melalui via dari pada di oleh")
_PLACES = _words("menu akun halaman modul pengaturan tombol kolom tab filter tiket jurnal fitur form laman")
_BLOCKERS = _words(
    "bisa dapat bs dpt berhasil sudah telah sdh belum blm tidak tdk masih akan sedang gagal merespon merespons"
)
_ASKED_FOR = _words("tangkapan screenshot screenshoot ss bukti foto gambar info video rekaman kabar")
_NO_RULE = _words("seharusnya harusnya semestinya tim dev developer qa backend frontend")
_INTO = _words("ke kembali menu memakai pakai lewat dengan ulang lagi sebagai")
_NO_ACTION = _words(
    "menu melalui menjadi memiliki merupakan mengalami menampilkan merespon merespons mendapat mendapatkan "
    "membutuhkan meminta mengeluh melaporkan menyatakan menanyakan mengonfirmasi mengkonfirmasi meski meskipun "
    "mengapa memberikan menunggu memang mereka merah mengetahui"
)
_NOTHING = re.compile(r"(https?://|www\.)\S+|terima ?kasih|makasih|trims")
"""Links and courtesies, which solve nothing."""
_STEP = re.compile(r"(?:^|\s)\(?(\d{1,2})[.)]\s+(?=\D)")
_PATH = re.compile(r"\w\s*(?:>|→|»|->)\s*\w")
_SEQUENCE = re.compile(r"\b(lalu|kemudian|dulu|dahulu|setelah itu|sesudah itu)\b")
_SPLIT = re.compile(r"[.;!?\n,](?=\s|$)|[()]|\s(?:lalu|kemudian|terus|trs|setelah itu|sesudah itu|barulah)\s")
_WORD = re.compile(r"[a-z0-9][a-z0-9/&-]*")
_ACTION = re.compile(r"(?:mem|men|meng|meny|me)[a-z]{3,}")
_PASSIVE = re.compile(r"di[a-z]{3,}")
_APPLICATIVE = re.compile(r"(?!me|di|ter|ber[^is])[a-z]{3,}kan")


def remedy_of(expected: str, note_dev: str, note_qa: str, status: str) -> str:
    """The text of a row that solves its complaint: EXPECTED, else the developers' note, else QA's, else "".

    A row with a `status` comes from a raw log, whose EXPECTED must show more plainly that it is no wish.
    """
    if _score(expected) >= (_LOG_THRESHOLD if status.strip() else _THRESHOLD):
        return expected.strip()
    return next((note.strip() for note in (note_dev, note_qa) if is_remedy(note)), "")


def is_remedy(text: str) -> bool:
    """Whether `text` tells someone what to do or why it is so, rather than what is wished, reported or asked for."""
    return _score(text) >= _THRESHOLD


def clauses_of(text: str) -> list[tuple[str, Clause]]:
    """Each clause of `text` in lower case, links and courtesies left out, with what it does."""
    plain = _STEP.sub(". ", _NOTHING.sub(" ", text).casefold())
    parts = ((part.strip(), _WORD.findall(part)) for part in _SPLIT.split(plain))
    return [(part, _kind(words)) for part, words in parts if words]


def _score(text: str) -> float:
    """Weights of the clauses and of the whole; 0.0 for a text without words."""
    clauses = clauses_of(text)
    if not clauses:
        return 0.0
    plain = _NOTHING.sub(" ", text).casefold()
    length = sum(len(_WORD.findall(part)) for part, _ in clauses)
    ordered = (len(_STEP.findall(plain)) >= 2) * 2.0 + bool(_SEQUENCE.search(plain))
    shape = ordered + bool(_PATH.search(plain)) + (length >= 15) + (length >= 30)
    acts = any(kind in (Clause.INSTRUCTION, Clause.BRIEF, Clause.RULE) for _, kind in clauses)
    return sum(kind.value for _, kind in clauses) + (shape if acts else shape / 2)


def _kind(clause: list[str]) -> Clause:
    words = clause[:]
    while len(words) > 1 and words[0] in _OPENERS:
        words = words[1:]
    if _is_plea(words):
        return Clause.REQUEST
    if _is_report(words):
        return Clause.REPORT
    if words[0] in _WISHES:
        return Clause.RULE if words[0] in ("tidak", "bisa", "dapat") and _is_rule(words) else Clause.WISH
    if _is_instruction(words):
        return Clause.BRIEF if len(words) <= 3 and not _PLACES & set(words) else Clause.INSTRUCTION
    if _is_rule(words):
        return Clause.RULE
    # What is impossible explains; nobody wishes for it.
    hindered = {("tidak", "bisa"), ("tidak", "dapat")} & set(pairwise(words))
    return Clause.STATE if _STATES & set(words) and not hindered else Clause.NEUTRAL


def _is_plea(words: list[str]) -> bool:
    """*Mohon dibantu*, *minta screenshot*; but *minta BUD membuka* sends someone to act."""
    if words[0] in ("kirim", "kirimkan", "lampirkan", "minta") and _ASKED_FOR & set(words[1:4]):
        return True
    if words[0] not in _PLEAS:
        return False
    return not (words[0] == "minta" and _ACTORS & set(words[1:3]))


def _is_report(words: list[str]) -> bool:
    """*Sudah diperbaiki*, *done*, *data sudah disinkronkan*; but not *harus sudah diverifikasi*."""
    if words[0] in _REPORTS and words[:2] != ["clear", "cache"]:
        return not (words[0] in ("proses", "konfirmasi", "hasil") and _is_rule(words))
    said = set(words)
    if {"bug", "bugs", "hotfix"} & set(words[:4]):
        return True
    if words[0] in _IMPERATIVES or said & (_DUTIES | _CONDITIONS - {"setelah", "saat"} | {"yang", "pastikan"}):
        return False
    return any(
        done in ("sudah", "telah", "sdh", "ternyata") and (_PASSIVE.fullmatch(after) or after in _STATES | {"sudah"})
        for done, after in pairwise(words)
    )


def _is_instruction(words: list[str]) -> bool:
    first = words[0]
    if first == "masuk":
        return bool(_INTO & set(words[1:2]))
    if first in _IMPERATIVES or words[:2] == ["clear", "cache"]:
        return len(words) > 1 or first not in ("kembali", "proses", "keluar", "terima", "bentuk", "tutup")
    if first in _LOOKING:
        return len(words) > 3
    if first in _WEAK_IMPERATIVES:
        return len(words) > 2 or (len(words) == 2 and not _STATES & {words[1]} and words[1] not in ("berkala", "dulu"))
    if _APPLICATIVE.fullmatch(first) and first not in _NOT_IMPERATIVE:
        return True
    return _lets_someone_act(words)


def _lets_someone_act(words: list[str]) -> bool:
    """An actor among the first words, followed by what that person does, with nothing between that makes it a wish."""
    place = next((place for place, word in enumerate(words[:3]) if word in _ACTORS), None)
    if place is None:
        return False
    for word in words[place + 1 : place + 9]:
        if word in _BLOCKERS:
            return False
        acts = _ACTION.fullmatch(word) and word not in _NO_ACTION
        if acts or word in ("harus", "wajib", "perlu", "jangan") or (word in _IMPERATIVES and word != "masuk"):
            return True
    return False


def _is_rule(words: list[str]) -> bool:
    said = set(words)
    if said & _NO_RULE or len(words) < 3:
        return False
    if _DUTIES & said:
        # "nilai harus sesuai" wishes; "LPJ harus sudah disahkan PA" rules.
        return not (_STATES & said and len(words) <= 5)
    pairs = set(pairwise(words))
    if ("tidak", "boleh") in pairs or ("tidak", "perlu") in pairs:
        return True
    if any(means in ("lewat", "melalui") or (means in _MEANS and place in _PLACES | _ACTORS) for means, place in pairs):
        return not {"sudah", "telah", "tampil", "muncul"} & said and (not {"bisa", "dapat"} & said or len(words) >= 6)
    return _says_how(words) or (bool(_CONDITIONS & said) and len(words) >= 4)


def _says_how(words: list[str]) -> bool:
    """*Melakukan sinkron ulang*, *potongan diisi pada SPP*: an action named without a person, not yet done."""
    if _ACTION.fullmatch(words[0]) and words[0] not in _NO_ACTION:
        return True
    pairs = pairwise(words[1:])
    passive = any(_PASSIVE.fullmatch(word) and word not in _ACTORS and after in _MEANS for word, after in pairs)
    return passive and not _BLOCKERS & set(words)
