"""Numbers that stand for a person: NIP, NIK, NPWP, telephone and other identities.

A number without a label is taken only when its own structure proves it (dates in a NIP, province and date in a NIK, the
prefix of a mobile telephone). Behind a label the digits may be malformed. What the help desk talks about stays: account
and activity codes, document numbers, amounts, dates, NTPN and billing codes. An NTPN or a billing code names one tax
payment, not a person, and the complaint cannot be answered without it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from sipd_core.privacy.kinds import Find, Kind

GAP = r"[ .\-\u2010-\u2015]"
"""One character that sets groups of digits apart; the dashes of Unicode among them."""
LEFT = r"(?<![^\W_])(?<![^\W_]/)(?<!\d[.,-])"
RIGHT = r"(?![^\W_])(?![.,/-]\d)(?!/[A-Z])"

_PROVINCES = {
    *range(11, 20), 21, *range(31, 37), 51, 52, 53, *range(61, 66), *range(71, 77), 81, 82, *range(91, 98),
}  # fmt: skip
"""The first two digits of a NIK: province codes of the Ministry of Home Affairs' region register."""


def _run(low: int, high: int) -> str:
    """A run of `low` to `high` digits that may be set apart by spaces, dots or hyphens."""
    return rf"\d(?:{GAP}{{0,2}}\d){{{low - 1},{high - 1}}}"


def _labelled(label: str, reach: int, low: int, high: int) -> re.Pattern[str]:
    """`label`, up to `reach` characters of talk, then a run of digits as the group `run`."""
    return re.compile(
        rf"(?<![^\W_])(?:{label})(?:nya|ne|ku|16)?(?![^\W\d_])(?P<gap>[^\d\n]{{0,{reach}}}?(?:\n[^\d\n]{{0,3}})?)"
        rf"(?<![^\W\d_])(?P<run>(?>{_run(low, high)}))(?![^\W_]|/\d|,\d)",
        re.IGNORECASE,
    )


_AFTER_TAG = r"(?:(?<![^\W_])|(?<=nip)|(?<=nik))(?<!\d[.,/-])"
_BEFORE_TAG = r"(?![^\W_])(?![.,/-]\d)"
_NIP_BARE = (
    re.compile(
        rf"{_AFTER_TAG}(?P<run>\d{{8}}{GAP}{{0,2}}\d{{6}}{GAP}{{0,2}}\d{GAP}{{0,2}}\d{{3}}){_BEFORE_TAG}", re.IGNORECASE
    ),
    re.compile(rf"{_AFTER_TAG}(?P<run>\d(?:{GAP}?\d){{17}})(?!{GAP}?\d){_BEFORE_TAG}", re.IGNORECASE),
)
_NIP_LABEL = _labelled(r"n\.?i\.?p(?:ppk|3k| pppk)?|ni pppk|nomor induk pegawai|no\.? induk pegawai", 40, 9, 22)
_NIP_NEAR = re.compile(r"(?<![^\W_])nip(?:nya)?[ .:=]{1,4}(?P<run>\d[\dxX*]{5,24})(?![^\W_])", re.IGNORECASE)
_NIK_BARE = (
    re.compile(rf"{_AFTER_TAG}(?P<run>\d{{16}}){_BEFORE_TAG}", re.IGNORECASE),
    re.compile(rf"{LEFT}(?P<run>\d{{6}}{GAP}{{1,2}}\d{{6}}{GAP}{{1,2}}\d{{4}})(?!{GAP}?\d){RIGHT}"),
    re.compile(rf"{LEFT}(?P<run>\d{{4}}(?:{GAP}\d{{4}}){{3}})(?!{GAP}?\d){RIGHT}"),
)
_NIK_LABEL = _labelled(
    r"n\.?i\.?k|(?:e-?)?ktp|no\.? ?kk|nomor kk|kk|kartu keluarga|nomor induk kependudukan|identitas", 40, 13, 18
)
_NPWP_BARE = re.compile(r"(?<![\d.,/-])(?P<run>\d{2}[.-]\d{3}[.-]\d{3}[.-]\d ?[.-] ?\d{3}[.-]?\d{3})(?![.,/-]?\d)")
_NPWP_LABEL = _labelled(r"npwp(?:d|15)?|nitku|nomor pokok wajib pajak|tax id", 40, 14, 22)
_IDENTITY_LABEL = _labelled(r"nuptk|nrp|nrk|nidn|nuks|karpeg|bpjs(?: \w{2,20})?|kis|sim|nib", 15, 8, 18)
_PASSPORT = re.compile(
    r"(?<!\w)(?:pas+por\w{0,3}|kitas|kitap)[ .:=]{1,3}(?:no\.? ?)?(?P<run>[A-Z]{1,2} ?\d{6,8}|\d[A-Z\d]{8,12})(?!\w)",
    re.IGNORECASE,
)

_MOBILE = re.compile(
    rf"{LEFT}(?P<run>\(?(?:\+ ?|00)?62\)?{GAP}{{0,2}}(?:\(0\) ?|0)?8[1-9](?:\)?{GAP}{{0,3}}\d){{6,11}}"
    rf"|\(?08[1-9]\d?\d?\)?(?:{GAP}{{0,3}}\d){{6,10}})(?![^\W_])(?![.,-]\d)"
)
_MOBILE_AFTER_SLASH = re.compile(r"(?<=\d/)(?P<run>08[1-9]\d{7,10})(?![^\W_])(?![.,/-]\d)")
_FOREIGN = re.compile(rf"(?<![\w+])(?P<run>\+[1-9]\d{{0,2}}{GAP}\(?\d(?:\)?{GAP}?\d){{6,12}})(?![^\W_])")
_AREA_CODE = re.compile(
    rf"(?<![\w/])(?P<run>\((?:0|\+?62 ?)\d{{2,3}}\)[ -]{{0,2}}\d(?:{GAP}?\d){{4,8}})(?![^\W_])(?![.,/]\d)"
)
_PHONE_WORDS = (
    r"telp\w{0,4}|tlp\w{0,2}|tel|telepon|telfon|tilpun|phone|hp|hape|handphone|ponsel|seluler|selular|wa|w\.a|whats?app?|"
    r"kontak|kontaknya|contact|contact person|cp|hub|hubungi|call|fax|faks|faksimili|hotline|no\.? ?verifikasi|mobile"
)
_LANDLINE = _labelled(_PHONE_WORDS, 30, 8, 13)
_LANDLINE_SHORT = re.compile(
    rf"(?<![^\W_])(?:telp|tlp|telepon|telpon|fax|faks)(?:nya)?[ .:=]{{1,3}}(?P<run>\d{{3}}{GAP}?\d{{3,5}})"
    r"(?![^\W_])(?![.,/-]\d)",
    re.IGNORECASE,
)
_WITHOUT_ZERO = re.compile(
    rf"(?<![^\W_])(?:nomor|no\.?|{_PHONE_WORDS})(?:nya|ku)?[^\d\n]{{0,12}}?(?<![^\W_])"
    rf"(?P<run>8[1-9]\d{GAP}?\d{{3,4}}{GAP}?\d{{3,5}})(?![^\W_])(?![.,/-]\d)",
    re.IGNORECASE,
)

AMOUNT = re.compile(r"\d{1,3}(?:\.\d{3})+")
CODE = re.compile(r"\d\.\d{1,2}(?:\.\d{1,4}){0,8}")
DATE = re.compile(r"(?:\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d|(?:19|20)\d\d[-. ]\d{1,2}[-. ]\d{1,2})(?!\d)")
_CLOCK = re.compile(r"[012]\d[.:][0-5]\d(?!\d)")
_MONEY_TALK = re.compile(r"(?<![^\W_])(?:rp|idr|sebesar|senilai|nominal|nilai|pagu|saldo)(?![^\W_])", re.IGNORECASE)


def find_numbers(view: str) -> Iterator[Find]:
    """Every number of a person or an account in `view`; finds may overlap, the caller keeps the first and longest."""
    yield from _nips(view)
    yield from _niks(view)
    yield from _tax_numbers(view)
    yield from _phones(view)


def _nips(view: str) -> Iterator[Find]:
    for pattern in _NIP_BARE:
        for hit in pattern.finditer(view):
            if is_nip(digits_of(hit["run"])):
                yield Find(*hit.span("run"), Kind.NIP)
    for hit in _NIP_NEAR.finditer(view):
        yield Find(*hit.span("run"), Kind.NIP)
    yield from _behind(view, _NIP_LABEL, Kind.NIP, (18, 17, 19, 16, 20, 15, 21, 14, 22, 9))


def _niks(view: str) -> Iterator[Find]:
    for pattern in _NIK_BARE:
        for hit in pattern.finditer(view):
            if is_nik(digits_of(hit["run"])):
                yield Find(*hit.span("run"), Kind.NIK)
    yield from _behind(view, _NIK_LABEL, Kind.NIK, (16, 17, 15, 14, 18, 13))


def _tax_numbers(view: str) -> Iterator[Find]:
    for hit in _NPWP_BARE.finditer(view):
        yield Find(*hit.span("run"), Kind.NPWP)
    yield from _behind(view, _NPWP_LABEL, Kind.NPWP, (22, 16, 15, 14, 17))
    yield from _behind(view, _IDENTITY_LABEL, Kind.IDENTITY, tuple(range(18, 7, -1)))
    for hit in _PASSPORT.finditer(view):
        yield Find(*hit.span("run"), Kind.IDENTITY)


def _phones(view: str) -> Iterator[Find]:
    for pattern in (_MOBILE, _MOBILE_AFTER_SLASH):
        for hit in pattern.finditer(view):
            end = cut(hit["run"], _mobile_lengths(hit["run"]))
            if end and not AMOUNT.fullmatch(hit["run"]):
                yield Find(hit.start("run"), hit.start("run") + end, Kind.PHONE)
    for pattern in (_FOREIGN, _AREA_CODE, _LANDLINE_SHORT, _WITHOUT_ZERO):
        for hit in pattern.finditer(view):
            if not AMOUNT.fullmatch(hit["run"]):
                yield Find(*hit.span("run"), Kind.PHONE)
    for find in _behind(view, _LANDLINE, Kind.PHONE, (12, 11, 10, 9, 13, 8)):
        if view[find.start] in "068" and not _CLOCK.match(view, find.start):
            yield find


def _mobile_lengths(run: str) -> Sequence[int]:
    """Whole lengths of a mobile number as written; a bare 62 in front needs twelve digits, or amounts would pass."""
    if run.startswith("62") and run.isdigit():
        return 14, 13, 12
    return (14, 13, 12, 11) if "62" in run[:5] else (13, 12, 11, 10)


def _behind(view: str, pattern: re.Pattern[str], kind: Kind, lengths: Sequence[int]) -> Iterator[Find]:
    for hit in pattern.finditer(view):
        run = hit["run"]
        if _MONEY_TALK.search(hit["gap"]):
            continue
        apart = re.fullmatch(r"\W*(?:(?:lama|baru)\W*)?", hit["gap"]) is None
        if (AMOUNT.fullmatch(run) and apart) or DATE.match(run) or CODE.fullmatch(run):
            continue
        end = cut(run, lengths)
        if end:
            yield Find(hit.start("run"), hit.start("run") + end, kind)


def cut(run: str, lengths: Sequence[int]) -> int | None:
    """Where to end a run so that whole groups of digits make up one of `lengths`, the first possible one."""
    ends: dict[int, int] = {}
    count = 0
    for group in re.finditer(r"\d+", run):
        count += len(group[0])
        ends[count] = group.end()
    return next((ends[length] for length in lengths if length in ends), None)


def digits_of(run: str) -> str:
    """The digits of a run without what sets them apart."""
    return "".join(filter(str.isdigit, run))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_nip(digits: str) -> bool:
    """18 digits: birth date (8), month of appointment or 21 and more for contract staff (6), sex 1 or 2, serial (3)."""
    born, appointed, sex = digits[:8], digits[8:14], digits[14:15]
    return (
        len(digits) == 18
        and 1935 <= int(born[:4]) <= 2012
        and _is_date(int(born[:4]), int(born[4:6]), int(born[6:]))
        and 1955 <= int(appointed[:4]) <= 2045
        and (1 <= int(appointed[4:]) <= 12 or 21 <= int(appointed[4:]) <= 29)
        and sex in ("1", "2")
    )


def is_nik(digits: str) -> bool:
    """16 digits: region (6), birth date as ddmmyy with 40 added to a woman's day, serial (4, from 0001)."""
    day, month = int(digits[6:8]), int(digits[8:10])
    return (
        len(digits) == 16
        and int(digits[:2]) in _PROVINCES
        and digits[2:4] != "00"
        and digits[4:6] != "00"
        and 1 <= (day - 40 if day > 40 else day) <= 31
        and 1 <= month <= 12
        and digits[12:] != "0000"
    )
