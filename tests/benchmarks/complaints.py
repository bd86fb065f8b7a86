"""A large log of complaints as help desks write them: the sample rows told again by other offices, in other words.

Every one has its own office, numbers, ending and spelling, so that words, lengths and near duplicates are spread as in a
real log (FIELD: median of 121 characters, 95 % below 437, short forms and typing errors everywhere).
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sipd_core.documents import Case, case_id
from sipd_core.language import LANGUAGE_FOLDER
from tests.benchmarks.rows import sample_rows

SEED = 4
_OFFICES = "Dinas Kecamatan Kelurahan Badan Inspektorat UPTD RSUD Puskesmas Bagian Sekretariat".split()
_DUTIES = (
    "Pendidikan Kesehatan Perhubungan Sosial Pertanian Perikanan Kelautan Pariwisata Kominfo PUPR Perkim Disdukcapil DLH"
    " Bapenda Bappeda Kesbangpol BPBD Satpol Kepegawaian Perpustakaan Koperasi Perdagangan Perindustrian Ketenagakerjaan"
).split()
_FIRST = "Suka Tanjung Muara Karang Batu Sungai Bukit Teluk Kota Rantau Lubuk Pulau Gunung Tebing Banjar Cipta Wono Sido".split()
_SECOND = "maju jaya sari mulya baru indah makmur rejo agung harapan asih lestari bakti tirta raya putih hitam kencana".split()
_OPENINGS = (
    "selamat pagi min", "mohon bantuannya", "izin bertanya", "assalamualaikum", "mau lapor", "tolong dibantu", "halo helpdesk",
    "ijin menyampaikan kendala", "mohon pencerahan", "siang pak", "min", "",  "", "", "",
)  # fmt: skip
_ENDINGS = (
    "sudah dicoba logout login tetap sama", "sudah hapus cache dan ganti browser", "pakai chrome versi terbaru", "terjadi sejak kemarin sore",
    "mohon segera karena besok batas akhir", "di SKPD lain normal", "bendahara sudah menunggu dari pagi", "kejadian ini sudah dua kali",
    "padahal bulan lalu lancar", "atasan menanyakan terus", "sudah telepon bank juga", "muncul setelah perubahan anggaran",
    "aplikasi juga lambat sekali", "tangkapan layar terlampir", "operator baru belum paham", "jaringan kantor stabil", "", "", "",
)  # fmt: skip
_DIGITS = re.compile(r"(?<![^\W\d_])\d+(?![^\W\d_])")
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """A case, and the number of the sample row it tells again."""

    case: Case
    origin: int


def complaints(count: int) -> Iterator[Complaint]:
    """`count` different complaints, always the same ones."""
    dice, told, seen = random.Random(SEED), sample_rows(), set[str]()
    short = _short_forms()
    while len(seen) < count:
        origin = dice.randrange(len(told))
        menu, issue, expected, note_dev, note_qa = told[origin]
        issue = _again(issue, told[dice.randrange(len(told))][1], dice, short)
        id_ = case_id(menu, issue)
        if id_ in seen:
            continue
        seen.add(id_)
        remedy = expected if dice.random() < 0.6 else ""
        file, row = f"rekap-{len(seen) // 5_000:02d}.csv", len(seen) % 5_000 + 2
        yield Complaint(Case(id_, menu, issue, expected, note_dev, note_qa, "DONE", file, None, row, remedy), origin)


def _again(issue: str, other: str, dice: random.Random, short: dict[str, list[str]]) -> str:
    """One complaint in the words of another office."""
    issue = _DIGITS.sub(lambda found: "".join(dice.choice("0123456789") for _ in found.group()), issue)
    place = dice.choice(_FIRST) + dice.choice(_SECOND)
    parts = [dice.choice(_OPENINGS), issue, f"{dice.choice(_OFFICES)} {dice.choice(_DUTIES)} {place}"]
    if dice.random() < 0.3:
        parts.append(other.partition("\n")[0][: dice.randint(30, 160)])
    parts.append(dice.choice(_ENDINGS))
    text = ", ".join(part for part in parts if part)
    return _WORD.sub(lambda found: _written(found.group(), dice, short), text)


def _written(word: str, dice: random.Random, short: dict[str, list[str]]) -> str:
    chance = dice.random()
    if chance < 0.02 and len(word) > 4:
        at = dice.randrange(1, len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    forms = short.get(word.casefold()) if chance < 0.4 else None
    return dice.choice(forms) if forms else word


def _short_forms() -> dict[str, list[str]]:
    lines = (LANGUAGE_FOLDER / "short_forms.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {full: short.split()[:4] for full, short in pairs}
