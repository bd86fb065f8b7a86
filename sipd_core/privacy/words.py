"""Which words are ordinary talk and which tokens look like a secret: the knowledge behind masking credentials in prose.

Three tiers. A *link* word stands between a label and its value ("kata sandi saya yang lama ..."). A *talk* word says
something about the label and is never its value ("password salah"). A *thing* word is a value only after an explicit
sign such as a colon ("password: admin", but "password admin kabupaten"). The tiers are written down in `words.toml`.
"""

import re
import tomllib
from pathlib import Path

_TIERS = {
    name: frozenset(words.split())
    for name, words in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}
LINKS = _TIERS["links"]
REARM = _TIERS["rearm"]
POSSESSIVE = _TIERS["possessive"]
TALK = _TIERS["talk"]
THINGS = _TIERS["things"]

_VERB = re.compile(
    r"(?:di|ter|ber|men|mem|meng|meny|pen|pem)[a-z]{4,}|ke[a-z]{3,}an|[a-z]{3,}(?:kan|lah|kah|nya|annya)"
)
_ABBREVIATION = re.compile(
    r"sp2d\w*|(?:rp|idr)\.?[\d.,]{1,25}-?|v\d[\d.]{0,12}|e-[a-z]{2,8}|\d?fa|[ah]\d|f\d{1,2}|[a-z]{1,4}-?\d{1,2}|covid-?19|"
    r"(?:pph|ppn|pasal|uu|pp|pmk|perda|perbup|perwal|tahap|termin|tw|triwulan|ta|thn|tahun|tgl|tanggal|jam|pkl|pukul|rp|"
    r"no|nomor|ver|versi|windows|win|chrome|android|ms|office|kelas|level|tipe|type|bulan|minggu|semester|kuartal|opsi|"
    r"langkah|poin|point|baris|kolom|halaman|gambar|lampiran|menu|hari|http|https|error|kode|rc|status|ipv|utf|sha|md)"
    r"[-.:]?\d[\d.,]{0,12}",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"[\d.,]{1,20}(?:x|kali|jt|juta|rb|ribu|m|mb|kb|gb|k|menit|mnt|jam|detik|dtk|hari|hr|minggu|bulan|bln|tahun|thn|org|"
    r"orang|user|akun|pegawai|digit|karakter|char|huruf|persen|persil|unit|paket|buah|lembar|am|pm|th|st|nd|rd|wib|wita|"
    r"wit|an|nya){1,2}",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"[^/]+\.(?:pdf|xlsx?|csv|docx?|pptx?|png|jpe?g|zip|rar|txt|json|exe|apk|html?|php|js)", re.IGNORECASE
)
_DOMAIN = re.compile(
    r"(?:[a-z0-9-]{1,63}\.){1,6}(?:go\.id|or\.id|co\.id|ac\.id|id|com|net|org|io|test|dev|app|info|gov)(?:/\S*)?",
    re.IGNORECASE,
)
_WRITTEN_DATE = re.compile(r"\d{1,2}[-/][A-Za-z]{3,9}[-/]\d{2,4}")
_DOTTED_SHORT = re.compile(r"(?:[A-Za-z]{1,3}\.){1,4}[A-Za-z]{0,3}")
_REGISTER = re.compile(r"[A-Z]{2,8}(?:-[A-Z0-9]{1,12}){1,4}")
_SIGNED = re.compile(r"\w[@#$%^&*_+=~!?:;\\|<>]+\w|\w[@#$%^&*_+=!]+$|^[@#$%^&*_+=!]+\w")
_STRONG_SIGN = re.compile(r"[^\W_][!@#$%^&*?]")
_NUMBERED = re.compile(r"[^\W\d_]{2,20}-?\d{1,2}")


def is_talk(word: str) -> bool:
    """Whether the word says something about a label, so that it cannot be the label's value."""
    low = word.lower()
    return low in TALK or low in LINKS


def is_verb(word: str) -> bool:
    """Whether a plain lower-case word has the shape of an Indonesian verb or noun built with affixes."""
    return _VERB.fullmatch(word) is not None


def is_known(word: str) -> bool:
    """Whether the word is ordinary language: talk, a thing of the field, or a formation such as `diperbarui`."""
    low = word.lower().rstrip("!?~").removesuffix("-nya")
    parts = low.split("-")
    return all(part in TALK or part in LINKS or part in THINGS or is_verb(part) for part in parts)


def is_reference(token: str) -> bool:
    """Whether a token with letters and digits or signs is an ordinary one: a unit, a file, a domain, a document."""
    patterns = (_ABBREVIATION, _MEASURE, _FILE, _DOMAIN, _WRITTEN_DATE, _DOTTED_SHORT)
    if any(pattern.fullmatch(token) for pattern in patterns):
        return True
    pieces = re.split(r"[/&+>,()]+", token)
    if len(pieces) > 1 and all(is_known(piece) or _ABBREVIATION.fullmatch(piece) for piece in pieces if piece):
        return True
    return token.count("/") > 1 and sum(map(str.isdigit, token)) > 5


def looks_secret(token: str, *, far: bool = False) -> bool:
    """Whether the shape alone says that this is no ordinary word: letters with digits, inner signs, inner capitals.

    `far` is for a token that does not stand right behind its label: `laptop2` is then a word with a number.
    """
    letters = any(map(str.isalpha, token))
    if len(token) < 4 or not letters or is_known(token) or is_reference(token):
        return False
    if far and _REGISTER.fullmatch(token):
        return False
    if far and _NUMBERED.fullmatch(token) and is_known(token.rstrip("0123456789").rstrip("-")):
        return False
    if any(map(str.isdigit, token)):
        return True
    if not far and re.fullmatch(r"[^\W\d_]{3,}(?:\.[^\W\d_]{3,})+", token):
        return not any(is_talk(part) for part in token.split("."))
    return _SIGNED.search(token) is not None or re.search(r"[a-z]{2}[A-Z][a-z]", token) is not None


def is_unmistakable(token: str) -> bool:
    """Whether letters, digits and a sign stand together as only a made-up password has them: `Awan!77`."""
    if not 6 <= len(token) <= 64 or not looks_secret(token, far=True) or not _STRONG_SIGN.search(token):
        return False
    if not any(map(str.isdigit, token)) or re.search(r"[/\"{}\[\]]", token):
        return False
    # "tiket#123" and "R&D2" are ordinary: these signs prove nothing behind a word we know
    stem = re.match(r"([^\W\d_]+)[#%&?]", token)
    return stem is None or not is_known(stem[1])


def looks_user(token: str) -> bool:
    """Whether the shape is that of a user name: `op.kec.uji`, `bend_uji`, `opd01`."""
    if len(token) < 4 or not any(map(str.isalpha, token)) or is_reference(token) or is_known(token):
        return False
    return re.search(r"\w[._@]\w", token) is not None or any(map(str.isdigit, token))
