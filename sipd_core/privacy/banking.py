"""Bank accounts and payment cards.

An account number has no structure that proves it, so it needs the word for one nearby ("rekening", "norek", a bank's
name) and must not look like an account code of the budget, an amount, a date or the number of a regulation.
"""

import re
from collections.abc import Iterator

from sipd_core.privacy.kinds import Find, Kind
from sipd_core.privacy.numbers import (
    AMOUNT,
    CODE,
    DATE,
    GAP,
    LEFT,
    RIGHT,
    cut,
    digits_of,
)

_BANKS = (
    r"bri|bni|bca|btn|bsi|bjb|bpd|mandiri|cimb|danamon|permata|panin|muamalat|bank (?:dki|jatim|jateng|[^\W\d_]{2,12})"
)
_ACCOUNT_WORD = re.compile(
    rf"(?<![^\W_])(?:(?P<sure>no\.?\s?rek(?:ening)?|norek|nomor\s(?:rek(?:ening)?)|no\.?\s?account|account\s(?:no|number)|"
    rf"acct?\.?\s(?:no|number)|a/c|virtual\saccount|va)|rek(?:ening)?|account|acct|acc|"
    rf"(?P<weak>transfer|ditransfer|{_BANKS}))(?:nya|ne|ku)?(?![^\W_])",
    re.IGNORECASE,
)
_ACCOUNT_TALK = re.compile(
    r"[ \t:=.,()>\-#\n\"'*]{0,4}(?:(?!(?:belanja|saldo|koran|sebesar|senilai|nominal|nilai|rp|idr|tahun|ta|tgl|tanggal|"
    r"kode|pagu|sejak|bulan|jumlah|total|min|minimal|akun|spm|spp|sp2d|spd|id|kegiatan|tahap|tidak|belum|gagal|error|jam|"
    r"pukul|sampai|sisa|selisih|nol|dana|uang|anggaran|per)(?![^\W_]))"
    r"(?:a/n|a\.n\.?|[^\W\d_][^\W\d_.']{0,20}|[123](?=[ :)]|\.\s))(?![^\W_]))?",
    re.IGNORECASE,
)
"""One word on the way to the number; words that announce money, time or a document end the way."""
_ACCOUNT_RUN = re.compile(rf"(?P<run>(?>\d(?:{GAP}?\d){{5,19}}))(?![^\W_])(?!/)(?!,\d)")
_NEXT_ACCOUNT = re.compile(
    r"\s{0,2}(?:,|;|/|&|->|→|(?=\w))\s{0,2}(?:(?:dan|ke|bukan|menjadi|jadi|harusnya|seharusnya|yang|yg|benar|betul|"
    r"adalah|rekening|rek|lama|baru|no|nomor)\W{1,3}){0,4}",
    re.IGNORECASE,
)
_REACH = 6
"""How many words may stand between the word for an account and its number."""
_LISTED = 5
"""How many accounts one label may list; further ones have a label of their own."""
_BEFORE_HOLDER = re.compile(
    rf"{LEFT}(?P<run>\d{{8,16}}|\d{{2,6}}(?:-\d{{1,8}}){{1,4}})(?=\s{{1,3}}(?:a\.n\.?|a/n|atas nama)(?!\w))",
    re.IGNORECASE,
)
_CARD_WORD = re.compile(
    r"(?<![^\W_])(?:kartu|kkpd|kkp|kki|card|visa|mastercard|gpn|debit|atm)(?:nya)?(?![^\W_])", re.IGNORECASE
)
_CARD_RUN = re.compile(rf"[^\d\n]{{0,30}}(?P<run>\d(?:{GAP}?\d){{12,18}})(?![^\W_])(?![.,/]\d)")
_CARD_BARE = re.compile(rf"{LEFT}(?P<run>[3-6]\d{{3}}(?:{GAP}?\d{{4}}){{2}}{GAP}?\d{{4}})(?!{GAP}?\d){RIGHT}")
_CVV = re.compile(r"(?<!\w)(?:cvv2?|cvc2?)\W{1,3}(?P<run>\d{3,4})(?!\w)", re.IGNORECASE)

_REGULATION = re.compile(r"\d{2,3}(?:\.\d{1,3}){1,5}-\d{3,5}")
_YEARS = re.compile(rf"(?:(?:19|20)\d\d{GAP}?){{2,5}}")


def find_banking(view: str) -> Iterator[Find]:
    """Every account and card number in `view`."""
    yield from _cards(view)
    yield from _accounts(view)


def _accounts(view: str) -> Iterator[Find]:
    """Bank accounts: a run of digits behind the word for one, or in front of the holder's name."""
    for word in _ACCOUNT_WORD.finditer(view):
        weak = word["weak"] is not None
        if not view[max(0, word.start() - 6) : word.start()].rstrip().lower().endswith(("kode", "akun")):
            yield from _account_behind(view, word.end(), sure=word["sure"] is not None, weak=weak)
    for hit in _BEFORE_HOLDER.finditer(view):
        yield Find(*hit.span("run"), Kind.BANK_ACCOUNT)


def _account_behind(view: str, position: int, *, sure: bool, weak: bool) -> Iterator[Find]:
    run = _first_run(view, position)
    for _ in range(_LISTED):
        if run is None or not _is_account(run["run"], sure=sure, weak=weak):
            return
        yield Find(*run.span("run"), Kind.BANK_ACCOUNT)
        link = _NEXT_ACCOUNT.match(view, run.end())
        run = _ACCOUNT_RUN.match(view, link.end()) if link else None


def _first_run(view: str, position: int) -> re.Match[str] | None:
    for _ in range(_REACH):
        run = _ACCOUNT_RUN.match(view, position)
        step = _ACCOUNT_TALK.match(view, position)
        if run or step is None or step.end() == position:
            return run
        position = step.end()
    return None


def _is_account(run: str, *, sure: bool, weak: bool) -> bool:
    if CODE.fullmatch(run) or _REGULATION.fullmatch(run) or DATE.match(run) or _YEARS.fullmatch(run):
        return False
    if AMOUNT.fullmatch(run) or (weak and run.isdigit() and run.endswith("000")):
        return False
    return len(digits_of(run)) >= (6 if sure else 8)


def _cards(view: str) -> Iterator[Find]:
    for word in _CARD_WORD.finditer(view):
        hit = _CARD_RUN.match(view, word.end())
        end = hit and cut(hit["run"], (16, 15, 19, 14, 13, 17, 18))
        if hit and end and not AMOUNT.fullmatch(hit["run"]):
            yield Find(hit.start("run"), hit.start("run") + end, Kind.CARD)
    for hit in _CARD_BARE.finditer(view):
        if passes_luhn(digits_of(hit["run"])):
            yield Find(*hit.span("run"), Kind.CARD)
    for hit in _CVV.finditer(view):
        yield Find(*hit.span("run"), Kind.CARD)


def passes_luhn(digits: str) -> bool:
    """The check digit of a payment card (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
