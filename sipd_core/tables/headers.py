"""What a column header means, in any case, spacing, punctuation and common synonym.

One reason to change: how people name the columns of a complaint log. A header is understood only when *all* its words
are known, so `LINK WHATSAPP`, `NAMA PELAPOR ADUAN` or `USER LOGIN` never match: columns with credentials are not read.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Column(StrEnum):
    """The columns that are read; the value is the name a person sees."""

    MENU = "MENU"
    ISSUE = "ISSUE"
    EXPECTED = "EXPECTED"
    NOTE_DEV = "NOTE BY DEV"
    NOTE_QA = "NOTE BY QA"
    STATUS = "STATUS"
    DATE = "TANGGAL"
    REGION = "DAERAH"
    REMEDY = "SOLUSI DIPAKAI"
    ENABLED = "DIPAKAI"
    REPORTS = "DILAPORKAN"


ABOUT_THE_REPORT: Final = frozenset({Column.DATE, Column.REGION})
"""Columns that say when and where a complaint was reported. They are kept for each row that reports it and are no part
of the case: the same outage told by thirty regions is one case."""


OF_AN_EXPORT: Final = frozenset({Column.REMEDY, Column.ENABLED, Column.REPORTS})
"""Columns that only our own export writes, so that a base can be made anew from it: known by their exact names alone."""


# Strength 1.0 names the column outright; lower ones win only when no better header is present.
_WORDS: Mapping[Column, Mapping[str, float]] = {
    Column.MENU: {
        "menu": 1.0,
        "modul": 0.9,
        "module": 0.9,
        "fitur": 0.9,
        "feature": 0.9,
        "submenu": 0.8,
        "kategori": 0.6,
        "category": 0.6,
        "topik": 0.5,
        "halaman": 0.5,
    },
    Column.ISSUE: {
        "issue": 1.0,
        "issues": 1.0,
        "isu": 1.0,
        "masalah": 1.0,
        "permasalahan": 1.0,
        "problem": 1.0,
        "problems": 1.0,
        "permasalahannya": 1.0,
        "aduan": 1.0,
        "pengaduan": 1.0,
        "kendala": 1.0,
        "keluhan": 1.0,
        "komplain": 1.0,
        "complaint": 1.0,
        "pertanyaan": 0.95,
        "question": 0.95,
        "kasus": 0.8,
        "gangguan": 0.8,
        "trouble": 0.8,
        "temuan": 0.7,
        "error": 0.7,
    },
    Column.EXPECTED: {
        "solusi": 1.0,
        "solution": 1.0,
        "penyelesaian": 1.0,
        "solusinya": 1.0,
        "tindak": 0.95,
        "lanjut": 0.95,
        "tindaklanjut": 0.95,
        "penanganan": 0.95,
        "jawaban": 0.95,
        "answer": 0.95,
        "resolution": 0.95,
        "mengatasi": 0.9,
        "expected": 0.9,
        "ekspektasi": 0.9,
        "expectation": 0.9,
        "harapan": 0.85,
        "diharapkan": 0.85,
        "seharusnya": 0.8,
        "tanggapan": 0.8,
        "respon": 0.8,
        "respons": 0.8,
        "response": 0.8,
        "rekomendasi": 0.8,
        "langkah": 0.7,
        "tindakan": 0.7,
    },
    Column.STATUS: {"status": 0.9},
    Column.DATE: {"date": 1.0, "tanggal": 1.0, "tgl": 1.0, "timestamp": 0.9, "waktu": 0.8, "hari": 0.7},
    Column.REGION: {
        "daerah": 1.0,
        "pemda": 0.95,
        "kabupaten": 0.9,
        "kab": 0.9,
        "kota": 0.9,
        "wilayah": 0.8,
        "region": 0.8,
        "provinsi": 0.7,
        "propinsi": 0.7,
        "prov": 0.7,
        "province": 0.7,
    },
}
_BESIDE: Mapping[Column, frozenset[str]] = {
    Column.DATE: frozenset(
        "aduan pengaduan laporan lapor pelaporan dilaporkan masuk kejadian issue isu masalah kendala keluhan report"
        " reported created dibuat diterima terima input jam".split()
    ),
    Column.REGION: frozenset({"pemerintah", "asal", "pelaporan", "pengaduan", "aduan"}),
}
"""Words that may stand beside those of a column without making it another one: `Tanggal Aduan` is a date."""
_SOFT = frozenset({"uraian", "deskripsi", "description", "detail", "penjelasan", "rincian"})
_FILLERS = frozenset(
    {
        "by",
        "from",
        "dari",
        "oleh",
        "tim",
        "team",
        "the",
        "of",
        "yang",
        "di",
        "ke",
        "isi",
        "teks",
        "nama",
        "sub",
        "dialami",
        "dihadapi",
        "disampaikan",
        "dilaporkan",
        "ditanyakan",
        "result",
        "results",
        "hasil",
        "cara",
        "sipd",
        "ri",
        "aplikasi",
        "pada",
        "dan",
        "atau",
        "or",
        "and",
        "wajib",
        "diisi",
        "opsional",
        "ticket",
        "tiket",
        "kondisi",
        "behavior",
        "behaviour",
        "singkat",
        "lengkap",
    }
)
_NOTES = frozenset(
    {"note", "notes", "catatan", "keterangan", "ket", "komentar", "comment", "comments", "remark", "remarks"}
)
_DEV = frozenset({"dev", "devs", "developer", "developers", "pengembang", "programmer", "development"})
_QA = frozenset({"qa", "qc", "tester", "penguji", "testing"})
_COMPACT: Mapping[str, str] = {
    f"{note}{by}{role}": f"{note} {role}" for note in (*_NOTES, "status") for by in ("", "by") for role in ("dev", "qa")
}
_UNLABELLED = re.compile(r"(unnamed( \d+)*|(column|kolom|field) ?\d*)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OWN: Mapping[str, Column] = {column.value.casefold(): column for column in OF_AN_EXPORT}
_EXTRA_WORD_COST: Final = 0.02
LONGEST: Final = 60
"""Characters beyond which a cell is no header."""


def normalise(header: str) -> str:
    """`header` as lower-case words and numbers with single spaces."""
    plain = unicodedata.normalize("NFKC", _CAMEL.sub(" ", header)).casefold()
    return " ".join(re.sub(r"[^0-9a-z]+", " ", plain).split())


def is_unlabelled(header: str) -> bool:
    """Whether a header says nothing: blank, or a name that a program made up (`Unnamed: 3`, `Column5`)."""
    return _UNLABELLED.fullmatch(normalise(header)) is not None


@lru_cache(maxsize=4096)
def classify(header: str) -> tuple[Column, float] | None:
    """The column that `header` names and how plainly (0..1), or None."""
    if not header or len(header) > LONGEST:
        return None
    said = normalise(header)
    said = _COMPACT.get(said, said)
    if own := _OWN.get(said):
        return own, 1.0
    words = [word for word in said.split() if not word.isdigit() and len(word) > 1]
    telling = {word for word in words if word not in _FILLERS}
    roles = telling & (_DEV | _QA)
    found = _role_column(telling - roles, roles) if roles else _plain_column(telling)
    if found is None:
        return None
    column, strength = found
    return column, strength - _EXTRA_WORD_COST * (len(words) - 1)


def _role_column(words: set[str], roles: set[str]) -> tuple[Column, float] | None:
    """Columns that belong to developers or QA: notes of either, the status of the developers."""
    if roles <= _DEV and words == {"status"}:
        return Column.STATUS, 1.0
    if not words or not words <= _NOTES | set(_WORDS[Column.EXPECTED]) | _SOFT:
        return None
    if roles <= _DEV:
        return Column.NOTE_DEV, 1.0
    return (Column.NOTE_QA, 1.0) if roles <= _QA else None


def _plain_column(words: set[str]) -> tuple[Column, float] | None:
    if words and words <= _SOFT:
        return Column.ISSUE, 0.5
    for column, vocabulary in _WORDS.items():
        known = words & vocabulary.keys()
        if known and words <= vocabulary.keys() | _BESIDE.get(column, _SOFT | _NOTES):
            return column, max(vocabulary[word] for word in known)
    return None
