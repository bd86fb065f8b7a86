"""A complaint log in the proportions of the field, made up whole, whose truth is known: who reports the same problem,
which spellings mean the same menu, which texts are remedies.

A problem is a subject of a menu with one failure; a report of it is worded anew each time, with greetings, regions,
document numbers, short forms and misspellings. Its neighbours differ in exactly what matters: the same failure of
another subject, another failure of the same subject.
"""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from sipd_core.documents import Case, case_id
from sipd_core.knowledge.remedy import remedy_of
from sipd_core.privacy import mask

MENUS: Mapping[str, tuple[str, ...]] = {
    "SP2D - Pencairan": ("SP2D LS", "SP2D GU", "SP2D TU", "SP2D gaji"),
    "SP2D - Pembuatan": ("SP2D LS", "SP2D UP", "SP2D GU"),
    "SP2D - Retur": ("retur SP2D", "SP2D pengganti"),
    "SPM - Pembuatan": ("SPM LS", "SPM GU", "SPM UP"),
    "SPM - Verifikasi": ("SPM LS", "SPM GU"),
    "SPM - Persetujuan": ("SPM",),
    "SPP - Pembuatan - LS": ("SPP LS", "SPP LS gaji"),
    "SPP - Pembuatan - GU": ("SPP GU",),
    "SPP - Pembuatan - TU": ("SPP TU",),
    "SPP - Verifikasi": ("SPP",),
    "SPD - Pembuatan": ("SPD",),
    "SPD - Otorisasi": ("otorisasi SPD",),
    "NPD - Pembuatan": ("NPD",),
    "TBP - Pembuatan": ("TBP GU", "TBP UP"),
    "TBP - Persetujuan": ("persetujuan TBP",),
    "LPJ - Bendahara Pengeluaran": ("LPJ UP", "LPJ GU"),
    "LPJ - BPP": ("LPJ BPP",),
    "STS - Penerimaan": ("STS",),
    "STBP": ("STBP",),
    "BKU - Bendahara Pengeluaran": ("BKU", "buku pembantu bank"),
    "BKU - Bendahara Penerimaan": ("BKU penerimaan",),
    "Pelimpahan UP / GU": ("pelimpahan UP", "pelimpahan GU"),
    "Pelimpahan TU": ("pelimpahan TU",),
    "Rekening Bank - SKPD - Pengajuan": ("pengajuan rekening", "rekening penerima"),
    "Rekening Bank - SKPD - Verifikasi": ("verifikasi rekening",),
    "Rekening Bank - BUD - Validasi": ("validasi rekening",),
    "KKPD - Pengajuan": ("transaksi KKPD",),
    "DPA - Penarikan - Belanja": ("DPA belanja",),
    "DPA - Penarikan - Pendapatan": ("DPA pendapatan",),
    "DPA - Penarikan - Pembiayaan": ("DPA pembiayaan",),
    "DPA - Validasi": ("validasi DPA",),
    "DPA - Laporan": ("laporan DPA",),
    "DPA - Pergeseran": ("DPA pergeseran",),
    "RKA - Rincian Belanja": ("rincian belanja RKA", "catatan asistensi RKA"),
    "RKA - Pendapatan": ("RKA pendapatan",),
    "RKA - Pembiayaan": ("RKA pembiayaan",),
    "RKA - Laporan": ("cetakan RKA",),
    "RAK - Belanja": ("RAK belanja",),
    "RAK - Pendapatan": ("RAK pendapatan",),
    "KUA PPAS - Pagu": ("pagu PPAS", "pagu sub kegiatan"),
    "Jadwal - Penganggaran": ("jadwal penganggaran",),
    "Jadwal - Perencanaan": ("jadwal perencanaan",),
    "Standar Harga - SSH": ("komponen SSH",),
    "Standar Harga - HSPK": ("komponen HSPK",),
    "RPJMD": ("RPJMD",),
    "RKPD - Rancangan": ("RKPD",),
    "RKPD - Perubahan": ("RKPD perubahan",),
    "Renja - Rancangan": ("Renja",),
    "Renstra": ("Renstra",),
    "Pokir DPRD": ("usulan pokir",),
    "Musrenbang": ("usulan musrenbang",),
    "Login": ("akun", "captcha"),
    "Pengguna": ("akun PPTK", "akun KPA", "akun bendahara"),
    "Pegawai": ("data pegawai", "pegawai baru"),
    "Penugasan PPTK": ("penugasan PPTK",),
    "Perangkat Daerah": ("data SKPD",),
    "Akuntansi - Saldo Awal": ("saldo awal",),
    "Akuntansi - Jurnal Umum": ("jurnal umum",),
    "Akuntansi - Jurnal Penyesuaian": ("jurnal penyesuaian",),
    "Akuntansi - Posting": ("posting jurnal",),
    "Laporan - LRA": ("LRA",),
    "Laporan - LO": ("LO",),
    "Laporan - LPE": ("LPE",),
    "Laporan - Neraca": ("neraca",),
    "Laporan - CaLK": ("CaLK",),
    "Laporan - LRA Konsolidasi": ("LRA konsolidasi",),
    "Pajak - Potongan": ("potongan pajak", "PPN"),
    "Pajak - Setoran": ("setoran pajak",),
    "Dashboard": ("dashboard",),
    "Notifikasi": ("notifikasi",),
    "Dokumen - Tanda Tangan": ("tanda tangan elektronik",),
    "Integrasi SPBE": ("data API",),
    "Koreksi - Tanggal": ("koreksi tanggal",),
    "Koreksi - Rekening": ("koreksi rekening",),
    "Pengembalian Belanja": ("pengembalian belanja",),
    "Anggaran Kas": ("anggaran kas",),
}
"""The 76 real menus, each with what people complain about in it."""

FAILURES: tuple[tuple[str, ...], ...] = (
    ("tidak bisa dicetak", "tidak dapat dicetak", "gagal cetak", "saat dicetak tidak keluar"),
    ("tidak bisa dihapus", "tidak dapat dihapus", "mau dihapus tidak bisa", "gagal dihapus"),
    ("tidak bisa disimpan", "gagal disimpan", "tidak dapat disimpan", "saat klik simpan gagal"),
    ("tidak muncul di daftar", "tidak tampil di daftar", "di daftar tidak muncul", "belum muncul pada daftar"),
    ("nilainya lebih besar dari pagu", "nilai melebihi pagu", "nilainya melebihi pagu"),
    ("nilainya lebih kecil dari realisasi", "nilai kurang dari realisasi"),
    ("ganda dua kali", "tercatat dua kali", "dobel", "terinput ganda"),
    ("tanggalnya salah dan mau diubah", "salah tanggal, mau ubah tanggal", "keliru tanggal, mohon diubah tanggalnya"),
    ("menunggu verifikasi terus", "tertahan di verifikasi", "masih tertahan di tahap verifikasi"),
    ("ditolak tanpa keterangan", "ditolak tapi tidak ada keterangannya", "ditolak, keterangan penolakan kosong"),
    ("tidak bisa diunduh ke excel", "gagal unduh excel", "unduh excel tidak bisa"),
    ("tidak bisa diunggah", "gagal unggah", "saat unggah gagal terus"),
    ("terkunci padahal jadwal masih buka", "terkunci, jadwal padahal masih terbuka"),
    ("saldonya minus", "saldo menjadi minus", "saldo minus"),
    ("sumber dananya tidak sesuai", "sumber dana tidak sesuai", "sumber dana beda"),
    ("muncul error 500", "keluar error 500", "selalu error 500"),
    ("loading terus dan lambat sekali", "sangat lambat, loading terus", "lemot loading lama"),
    ("sudah final tetapi masih bisa diedit", "masih bisa diedit padahal sudah final"),
    ("nomornya tidak berurutan", "penomoran loncat tidak urut", "nomor tidak urut"),
    ("tanda tangan pejabat lama masih tampil", "masih tampil tanda tangan pejabat lama"),
)
"""Each failure in several wordings."""

NO_REMEDIES = (
    "sudah selesai saat di cek",
    "done",
    "cek berkala",
    "confirm https://contoh.test/bukti/17",
    "ok sudah aman",
    "sudah diperbaiki",
)
WISHES = ("bisa dicetak", "data sesuai", "rekening aktif", "bisa login", "saldo sesuai", "tampil normal", "berhasil")
REMEDIES = (
    "Hapus draf lalu buat ulang dari menu yang sama, kemudian minta PA menyetujui.",
    "Buka menu Pengaturan > Penugasan, pilih pejabat baru, klik Simpan.",
    "Keluar dari akun, bersihkan cache browser dengan Ctrl+F5, lalu masuk kembali.",
    "Kuasa BUD membatalkan verifikasi supaya dokumen bisa diperbaiki.",
    "Minta admin daerah membuka jadwal, lalu klik Sinkronkan.",
)
REGIONS = (
    "Kab. Sleman", "Kota Bitung", "Kab Malang", "kabupaten garut", "Pemkot Palu", "Prov. Riau", "Kab. Sikka",
    "kota ambon", "Dinas Kesehatan Kab Bone", "Dinas Pendidikan", "Kecamatan Kalasan", "RSUD Wangaya",
    "Puskesmas Mlati", "Dinas PUPR Kota Batu", "Kab. Asahan", "kab. wonogiri", "Kota Sorong", "Kab Toraja Utara",
)  # fmt: skip
_GREETINGS = ("Selamat pagi min, ", "Mohon bantuannya, ", "izin bertanya ", "pagi admin ", "Assalamualaikum, ", "min ")
_ENDINGS = (" mohon bantuannya", " terima kasih", " gimana ya min?", " mohon solusinya", "", "")
_SHORT = {
    "tidak": ("gak", "tdk", "ga", "nggak"),
    "sudah": ("udh", "sdh"),
    "belum": ("blm",),
    "padahal": ("pdhl",),
    "bisa": ("bs",),
    "dengan": ("dgn",),
    "tanggal": ("tgl",),
    "terus": ("trs",),
    "masih": ("msh",),
}
_ABBREVIATED = {
    "Pembuatan": "Pemb.",
    "Pengajuan": "Peng.",
    "Pendapatan": "Pend.",
    "Belanja": "Bel.",
    "Rekening": "Rek.",
    "Verifikasi": "Verif",
    "Persetujuan": "Perset.",
    "Bendahara": "Bend.",
    "Laporan": "Lap.",
    "Akuntansi": "Akt.",
}


@dataclass(frozen=True, slots=True)
class ComplaintLog:
    """Cases as an import would store them, and the truth about them."""

    cases: list[Case]
    reports: dict[str, int]
    """Case id -> rows that report it, for those reported more than once."""
    problem_of: dict[str, str]
    """Case id -> the problem it tells of."""
    menu_of: dict[str, str]
    """Spelling -> the menu it means."""


@dataclass(slots=True)
class _Growing:
    cases: dict[str, Case] = field(default_factory=dict)
    reports: Counter[str] = field(default_factory=Counter)
    problem_of: dict[str, str] = field(default_factory=dict)
    menu_of: dict[str, str] = field(default_factory=dict)


def complaint_log(rows: int = 4_469, *, seed: int = 7, spellings: int = 212) -> ComplaintLog:
    """`rows` reports over 15 sheets; a few problems are reported by many regions, most once or twice."""
    chance = random.Random(seed)
    problems = [(menu, subject, at) for menu, of in MENUS.items() for subject in of for at in range(len(FAILURES))]
    chance.shuffle(problems)
    names = list(MENUS)
    chance.shuffle(names)
    rank = {name: at for at, name in enumerate(names)}
    weights = list(accumulate(1 / (at + 9) / (rank[problem[0]] + 8) for at, problem in enumerate(problems)))
    written = _spellings(spellings, chance)
    log = _Growing()
    told: dict[tuple[str, str, int], list[str]] = {}
    for row in range(rows):
        problem = chance.choices(problems, cum_weights=weights)[0]
        before = told.setdefault(problem, [])
        issue = chance.choice(before) if before and chance.random() < 0.1 else _report(problem, chance)
        before.append(issue)
        menu = chance.choice(written[problem[0]]) if chance.random() < 0.06 else problem[0]
        log.menu_of[menu] = problem[0]
        _keep(log, menu, issue, "/".join(map(str, problem)), row, chance)
    for name, variants in written.items():  # each spelling is used at least once, as in the real log
        for menu in variants:
            if menu not in log.menu_of:
                problem = chance.choice([one for one in problems if one[0] == name])
                log.menu_of[menu] = name
                _keep(log, menu, _report(problem, chance), "/".join(map(str, problem)), rows, chance)
    reports = {id_: n for id_, n in log.reports.items() if n > 1}
    return ComplaintLog(list(log.cases.values()), reports, log.problem_of, log.menu_of)


def _keep(log: _Growing, menu: str, issue: str, problem: str, row: int, chance: random.Random) -> None:
    issue = mask(issue).text
    id_ = case_id(menu, issue)
    log.reports[id_] += 1
    log.problem_of[id_] = problem
    if id_ in log.cases:
        return
    expected = chance.choice(WISHES) if chance.random() < 0.9 else ""
    note_dev = _note(chance) if chance.random() < 0.2 else ""
    note_qa = _note(chance) if chance.random() < 0.28 else ""
    status = chance.choices(("DONE", "BUGS", "REQUEST"), (88, 9, 2))[0]
    remedy = remedy_of(expected, note_dev, note_qa, status)
    sheet = f"Lembar {row % 15 + 1}"
    log.cases[id_] = Case(
        id_, menu, issue, expected, note_dev, note_qa, status, "log.xlsx", sheet, row // 15 + 3, remedy
    )


def _note(chance: random.Random) -> str:
    return chance.choice(NO_REMEDIES if chance.random() < 0.5 else REMEDIES)


def _report(problem: tuple[str, str, int], chance: random.Random) -> str:
    """One wording of a problem as an operator types it."""
    _, subject, failure = problem
    said = chance.choice(FAILURES[failure])
    body = f"{subject} {said}" if chance.random() < 0.75 else f"{said} {subject}"
    if chance.random() < 0.35:
        body = f"{body} {chance.choice(('di', 'pada', 'untuk', '-'))} {chance.choice(REGIONS)}"
    elif chance.random() < 0.3:
        body = f"{chance.choice(REGIONS)}{chance.choice((': ', ' - ', ' '))}{body}"
    body += _detail(chance)
    if chance.random() < 0.5:
        body = _shortened(body, chance)
    if chance.random() < 0.15:
        body = _misspelt(body, chance)
    if chance.random() < 0.4:
        body = chance.choice(_GREETINGS) + body + chance.choice(_ENDINGS)
    return body.lower() if chance.random() < 0.3 else body


def _detail(chance: random.Random) -> str:
    number = f"35.74/04.0/{chance.randrange(10**6):06d}/LS/1.02.0.00.0.00.01.0000/M/{chance.randint(1, 12)}/2025"
    amount = f"Rp {chance.randint(1, 900)}.{chance.randint(0, 999):03d}.000"
    person = f"NIP 19{chance.randint(70, 95)}0{chance.randint(1, 9)}12200501100{chance.randint(1, 9)}"
    return chance.choice(
        (f"\nno. {number}", f"\nnilai {amount}", f", {person}", f" password: Rahasia{chance.randrange(999)}", "", "", "",
         "", "", "", f" sejak {chance.randint(1, 28)}/{chance.randint(1, 12)}/2025", "\n")
    )  # fmt: skip


def _shortened(text: str, chance: random.Random) -> str:
    def short(word: str) -> str:
        return chance.choice(_SHORT[word]) if word in _SHORT and chance.random() < 0.6 else word

    return " ".join(short(word) for word in text.split(" "))


def _misspelt(text: str, chance: random.Random) -> str:
    """`text` with one letter of one longer word dropped or doubled."""
    parts = text.split(" ")
    long = [at for at, word in enumerate(parts) if len(word) >= 7 and word.isalpha()]
    if not long:
        return text
    at = chance.choice(long)
    where = chance.randrange(2, len(parts[at]) - 1)
    word = parts[at]
    parts[at] = word[:where] + word[where + 1 :] if chance.random() < 0.6 else word[:where] + word[where] + word[where:]
    return " ".join(parts)


def _spellings(count: int, chance: random.Random) -> dict[str, list[str]]:
    """Other spellings of the menus, `count` in all with the menus themselves; none means two menus."""
    taken = {_squeezed(menu) for menu in MENUS} | set(MENUS)
    written: dict[str, list[str]] = {menu: [] for menu in MENUS}
    names = list(MENUS)
    while sum(map(len, written.values())) < count - len(MENUS):
        name = chance.choice(names)
        made = chance.choice(_VARIANTS)(name, chance)
        if made != name and made not in taken:
            taken.add(made)
            written[name].append(made)
    return {menu: of or [menu] for menu, of in written.items()}


def _squeezed(menu: str) -> str:
    return re.sub(r"\W", "", menu).casefold()


def _abbreviated(menu: str, chance: random.Random) -> str:
    return " ".join(_ABBREVIATED.get(word, word) for word in menu.split(" "))


def _reordered(menu: str, chance: random.Random) -> str:
    parts = menu.split(" - ")
    return " - ".join([*parts[1:], parts[0]])


_VARIANTS = (
    lambda menu, chance: menu.upper(),
    lambda menu, chance: menu.lower(),
    lambda menu, chance: menu.replace(" - ", "-").replace(" / ", "/"),
    lambda menu, chance: menu.replace(" - ", " "),
    lambda menu, chance: menu.replace(" - ", " – "),
    lambda menu, chance: menu.replace(" - ", " > "),
    lambda menu, chance: menu.replace(" ", "  "),
    lambda menu, chance: f"{menu} -",
    lambda menu, chance: f"Menu {menu}",
    _abbreviated,
    _misspelt,
    _misspelt,
    _reordered,
)


@dataclass(frozen=True, slots=True)
class PairQuality:
    """How found groups meet the true ones, counted in pairs of members."""

    precision: float
    recall: float
    found: int
    true: int


def pair_quality(found: Sequence[Sequence[str]], truth: Mapping[str, str]) -> PairQuality:
    """Quality of groups of keys against key -> true group."""
    pairs = sum(len(group) * (len(group) - 1) // 2 for group in found)
    right = sum(n * (n - 1) // 2 for group in found for n in Counter(truth[key] for key in group).values())
    true = sum(n * (n - 1) // 2 for n in Counter(truth.values()).values())
    return PairQuality(right / pairs if pairs else 1.0, right / true if true else 1.0, pairs, true)
