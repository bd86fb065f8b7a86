"""Made-up complaint workbooks in the manner of a real log (FIELD.md): many sheets, titles, padding, and secrets everywhere.

Every person, number and password in them is invented; `Workbook.secrets` names them all, so that a test can search for
them where they must not be.
"""

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from openpyxl import Workbook as Book  # type: ignore[import-untyped]

from sipd_core.documents import Row
from sipd_core.settings import SHIPPED_DATA
from sipd_core.tables import read_table

HEADER = (
    "NO", "DATE", "id_daerah", "DAERAH", "id_skpd", "KODE SKPD", "SKPD", "USER", "REPORTER", "LINK WHATSAPP REPORTER",
    "PETUGAS INPUT", "MENU", "ISSUE", "EXPECTED", "EVIDENCE", "Status by Dev", "Note by Dev", "Status by QA", "Nama QA",
    "Note by QA", "DATE FINISH",
)  # fmt: skip
MONTHS = ("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
          "November", "Desember", "Wilayah I", "Wilayah II", "Wilayah III")  # fmt: skip
_PLACES = ("Kota Contoh", "Kab. Rekaan", "Kab. Umpama", "Kota Misal", "Prov. Andai", "Kab. Seumpama")
_FIRST = ("Bramantyo", "Citrawati", "Dewangga", "Endraswari", "Fajarudin", "Gunarwan", "Hestiningsih", "Ilhamsyah")
_LAST = ("Prakosojati", "Wulandhari", "Kertanegoro", "Suryaningrat", "Mangkuprojo", "Tirtonegoro")
_WORDS = ("Kenanga", "Merapi", "Jatayu", "Cendana", "Rinjani", "Pelangi", "Angsana", "Mahakam")
_NOTES = ("sudah selesai saat di cek", "cek berkala", "done", "confirm", "")


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook and what is known of it."""

    content: bytes
    rows: int
    """Filled rows, duplicates included."""
    duplicates: int
    secrets: tuple[str, ...]
    """Everything that must never be found anywhere: passwords, user names, numbers, names of people."""


@dataclass(slots=True)
class _Maker:
    chance: random.Random
    secrets: set[str] = field(default_factory=set)
    texts: list[tuple[str, str, str]] = field(default_factory=list)

    def password(self) -> str:
        return self._kept(
            f"{self.chance.choice(_WORDS)}{self.chance.choice('#@!%')}{self.chance.randrange(1000, 9999)}"
        )

    def user(self) -> str:
        return self._kept(f"op_{self.chance.choice(_WORDS).lower()}{self.chance.randrange(10_000, 99_999)}")

    def phone(self) -> str:
        return "0" + self._kept(f"812{self.chance.randrange(10_000_000, 99_999_999)}")

    def nip(self) -> str:
        born = date(1965, 1, 1) + timedelta(days=self.chance.randrange(12_000))
        began = f"{born.year + 25}{self.chance.randrange(1, 13):02}"
        return self._kept(f"{born:%Y%m%d}{began}{self.chance.randrange(1, 3)}{self.chance.randrange(1, 999):03}")

    def person(self) -> str:
        return self._kept(f"{self.chance.choice(_FIRST)} {self.chance.choice(_LAST)}")

    def _kept(self, secret: str) -> str:
        self.secrets.add(secret)
        return secret

    def complaint(self, at: int) -> tuple[str, str, str]:
        """Menu, complaint and expectation of the row with this number; 7 % hold a NIP, 3 % a password."""
        menu, issue, expected = self.texts[at % len(self.texts)]
        issue = f"{issue} ({self.chance.choice(_PLACES)}, dokumen {at:05}/LS/{self.chance.randrange(2020, 2026)})"
        if at % 100 < 45:
            issue = issue.replace(". ", ".\n")
        if at % 100 < 7:
            issue += f"\natas nama NIP {self.nip()}"
        if at % 100 in (11, 41, 71):
            issue += f" username {self.user()} password: {self.password()}"
        return menu, issue, expected


def make_workbook(*, sheets: int = 15, padded: int = 1_000, rows: int = 4_500, seed: int = 1) -> Workbook:
    """`rows` filled rows over `sheets` sheets, one in ten of them the complaint of an earlier one, each sheet padded."""
    maker = _Maker(random.Random(seed))
    maker.texts = [(row.menu, row.issue, row.expected or row.note_dev) for row in _shipped_rows()]
    book = Book(write_only=True)
    told: list[tuple[str, str, str]] = []
    duplicates = 0
    for place in range(sheets):
        sheet = book.create_sheet(MONTHS[place % len(MONTHS)] + ("" if place < len(MONTHS) else f" {place}"))
        for title in _titles(place):
            sheet.append(title)
        sheet.append(_header(place))
        mine = rows // sheets + (place < rows % sheets)
        for number in range(mine):
            again = (len(told) + duplicates) % 10 == 9
            complaint = maker.chance.choice(told) if again else maker.complaint(len(told))
            duplicates += again
            told += [] if again else [complaint]
            sheet.append(_row(maker, number + 1, complaint))
        for number in range(mine, padded):
            sheet.append([number + 1, *[None] * (len(HEADER) - 1)])
    target = io.BytesIO()
    book.save(target)
    return Workbook(target.getvalue(), rows, duplicates, tuple(sorted(maker.secrets)))


def leaked(secrets: Sequence[str], data: bytes) -> list[str]:
    """Which of the secrets stand in `data`, byte by byte, in UTF-8 or in either UTF-16."""
    return [
        secret
        for secret in secrets
        if any(secret.encode(codec) in data for codec in ("utf-8", "utf-16-le", "utf-16-be"))
    ]


def _shipped_rows() -> Iterator[Row]:
    for path in sorted((SHIPPED_DATA / "contoh").iterdir()):
        with path.open("rb") as file:
            yield from read_table(path.name, file).rows


def _titles(place: int) -> Iterator[Sequence[object]]:
    yield ("LOG ADUAN SIPD RI TAHUN 2025",)
    if place % 3 == 1:
        yield (f"Wilayah {place}", None, "Rekap bulanan")
    if place % 4 == 2:
        yield ()


def _header(place: int) -> Sequence[object]:
    """Spellings vary from sheet to sheet; one sheet's ISSUE is blank, as a merged cell is."""
    header = list(HEADER)
    if place % 5 == 1:
        header[7], header[16], header[0] = "USER LOGIN", "NOTE BY DEV", "No"
    if place == 3:
        header[12] = ""
    return header


def _row(maker: _Maker, number: int, complaint: tuple[str, str, str]) -> Sequence[object]:
    menu, issue, expected = complaint
    day = date(2025, 1, 1) + timedelta(days=maker.chance.randrange(180))
    user = f"{maker.user()} / {maker.password()}"
    status = maker.chance.choices(("DONE", "BUGS", "REQUEST"), (88, 9, 2))[0]
    note = maker.chance.choice(_NOTES) if maker.chance.random() < 0.5 else ""
    return [
        number, day, maker.chance.randrange(1, 550), maker.chance.choice(_PLACES), maker.chance.randrange(1, 9_999),
        "1.01.0.00.0.00.01.0000", "Dinas Contoh", user, maker.person(), f"https://wa.me/62{maker.phone()[1:]}",
        maker.person(), menu, issue, expected, None, status, note, "OK", maker.person(), note, None,
    ]  # fmt: skip
