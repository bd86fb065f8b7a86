"""Secrets in prose: passwords, one-time codes, PINs and keys behind (or in front of) the words that announce them.

A label is followed word by word for a short distance. What decides is the tier of each word and the shape of the token
(`words`), so that "sandinya tetap Gunung77 ya" is hidden and "sandinya tetap salah" is not.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

from sipd_core.privacy import labels
from sipd_core.privacy.kinds import PAINTED, USER_PAINT, Find, Kind
from sipd_core.privacy.reading import (
    Promise,
    Word,
    ends_sentence,
    read_quoted,
    read_word,
    whole_end,
    word_in_front,
    words_behind,
)
from sipd_core.privacy.words import (
    LINKS,
    is_known,
    is_reference,
    is_talk,
    is_unmistakable,
    is_verb,
    looks_secret,
)

_REACH = 9
"""How many words behind a label are read."""

_SPACED_CODE = re.compile(r"(?<![^\W_])\d{1,4}(?:[ \-.]\d{1,4}){1,7}(?![^\W_]|[.,/-]\d)")
_SHORT_CODE = re.compile(r"[A-Z]\d[A-Z]?-[A-Z\d]{2,6}")
_DATE_OR_TIME = re.compile(
    r"(?:19|20)\d\d|\d{1,2}[.:]\d\d|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|1[0-2])[-/. ](?:\d{2}|\d{4})(?!\d)"
)
_COUNTED = re.compile(
    r"\s(?:kali|x|orang|user|pegawai|akun|pengguna|menit|jam|hari|bulan|tahun|digit|karakter|huruf|angka|detik|opd|skpd)(?!\w)",
    re.IGNORECASE,
)
_LOOSE_CODE = re.compile(
    r"(?<!\w)(?:kode|code)(?:nya)?[ :]{1,3}(?:itu |ini |yang |masuk |adalah ){0,3}(?P<run>\d{4,8})(?![^\W_]|[.,/-]\d)",
    re.IGNORECASE,
)
_CODE_TALK = re.compile(r"(?<!\w)(?:otp|sms|pin|verifikasi|2fa|authenticator|whatsapp|tte)(?!\w)", re.IGNORECASE)
_BUDGET_TALK = re.compile(
    r"rekening|kegiatan|program|wilayah|skpd|opd|daerah|menu|akun|barang|billing|error", re.IGNORECASE
)
_LIST_LINK = re.compile(
    r"[\s\"')]{0,3}(?:,|;|/|\||->|→|atau|dan|or|and|lalu|kemudian|trus|terus|menjadi|jadi|ke|bukan|to)[ \"'(]{1,3}"
    r"(?:dan |and |atau )?(?:(?:yang|pertama|kedua|ketiga|lama|baru|sekarang|skrg)[ :]{1,2}){0,2}"
)
_EQUATED = re.compile(r"[\"')]{0,2}\s(?:itu|adalah|sebagai|is|as)\s", re.IGNORECASE)
_PHRASE_WORD = re.compile(rf" ([^\s,.;:!?\"'(){PAINTED}]{{1,40}})(?=[\s,.;:!?\"'()]|$)")
_TOKEN = re.compile(rf"[^\s{PAINTED}]{{6,64}}(?![^\s{PAINTED}])")


class _Verdict(Enum):
    NO = auto()
    GUESS = auto()
    """A plain word in the right place; a clearer token further on is preferred."""
    YES = auto()


def find_credentials(view: str) -> Iterator[Find]:
    """Every secret that a label announces, and codes that the talk around them gives away."""
    yield from _loose_codes(view)
    labelled = False
    for pattern, kind in labels.SECRETS:
        for label in pattern.finditer(view):
            labelled = True
            found = list(_behind(view, label, kind))
            yield from found or _in_front(view, label, kind)
    if labelled:
        yield from _unmistakable(view)


def find_repeats(view: str, known: dict[str, Kind]) -> Iterator[Find]:
    """Further places where credentials that were found once stand again; the 40 longest are looked for."""
    literals = sorted(known, key=len, reverse=True)[:40]
    if literals:
        pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, literals))})(?![^\W_])")
        for hit in pattern.finditer(view):
            yield Find(*hit.span(), known[hit[0]])


def _behind(view: str, label: re.Match[str], kind: Kind) -> Iterator[Find]:
    after_user = USER_PAINT in view[max(0, label.start() - 6) : label.start()]
    promise = Promise(owned=labels.is_owned(label) or after_user)
    guess: Word | None = None
    for step, word in enumerate(words_behind(view, label, promise, reach=_REACH, through_paint=True)):
        whole = read_quoted(view, word.at, promise) or _spaced_code(view, word.at, promise, kind)
        verdict = _Verdict.YES if whole else _judge(view, word, promise, kind, step)
        if verdict is _Verdict.YES:
            yield from _with_companions(view, whole or word, kind, promise)
            return
        if labels.ANY.match(view, word.start) and word.low not in LINKS:
            break
        guess = word if verdict is _Verdict.GUESS and guess is None else guess
        promise.learn(word)
        if ends_sentence(view, word):
            break
    if guess is not None:
        yield Find(guess.start, guess.end, kind)


def _judge(view: str, word: Word, promise: Promise, kind: Kind, step: int) -> _Verdict:
    token = word.text
    if not any(map(str.isalpha, token)):
        return _Verdict.YES if _is_number_value(view, word, promise, kind) else _Verdict.NO
    if kind is Kind.CODE and promise.near and _SHORT_CODE.fullmatch(token):
        return _Verdict.YES
    if is_talk(token) or labels.ANY.match(view, word.start):
        return _Verdict.NO
    if is_reference(token) and not (promise.explicit and kind is Kind.PASSWORD and "." not in token):
        return _Verdict.NO
    if looks_secret(token, far=not promise.near):
        return _Verdict.YES
    return _judge_plain(view, word, promise, kind, step)


def _judge_plain(view: str, word: Word, promise: Promise, kind: Kind, step: int) -> _Verdict:
    """A token without digits or signs: a value only where something says so."""
    token = word.text
    if kind is Kind.ACCESS_KEY:
        return _Verdict.YES if promise.explicit and len(token) > 5 and not is_known(token) else _Verdict.NO
    if kind is Kind.CODE:
        return _Verdict.NO
    if promise.explicit:
        return _Verdict.NO if is_verb(token) else _Verdict.YES
    if is_known(token):
        return _Verdict.NO
    capitalised = step == 0 and re.fullmatch(r"[A-Z][a-z]{3,}", token) is not None
    bracketed = step == 0 and view[word.start - 1] == "("
    return _Verdict.GUESS if promise.owned or bracketed or capitalised else _Verdict.NO


def _is_number_value(view: str, word: Word, promise: Promise, kind: Kind) -> bool:
    digits = sum(map(str.isdigit, word.text))
    least = 3 if kind is Kind.CODE and promise.explicit else 4
    if digits < least or not promise.near or _COUNTED.match(view, word.end):
        return False
    if _DATE_OR_TIME.fullmatch(word.text):
        return promise.explicit and word.text.isdigit()
    return word.text.isdigit() or (promise.explicit and re.search(r"[^\d.,/-]", word.text) is not None)


def _spaced_code(view: str, position: int, promise: Promise, kind: Kind) -> Word | None:
    """Digits set apart, as one-time codes are read out: `55 19 02`, `412-908`, `1 9 4 4 7 2`."""
    run = _SPACED_CODE.match(view, position) if kind is Kind.CODE and promise.near else None
    if run is None or not 4 <= sum(map(str.isdigit, run[0])) <= 9 or _DATE_OR_TIME.match(run[0]):
        return None
    return Word(run.start(), run.end(), run[0], position, run.end())


def _with_companions(view: str, value: Word, kind: Kind, promise: Promise) -> Iterator[Find]:
    """The value, the rest of an unquoted phrase, and the further values of a list ("Apel1, Apel2 dan Apel3")."""
    position = whole_end(view, value)
    if promise.explicit and value.text.isalpha():
        position = _phrase_end(view, value)
    yield Find(value.start, position, kind)
    for _ in range(6):
        link = _LIST_LINK.match(view, position)
        word = read_word(view, link.end()) if link else None
        if word is None or not looks_secret(word.text, far=True):
            return
        yield Find(word.start, word.end, kind)
        position = word.end


def _phrase_end(view: str, value: Word) -> int:
    """Where an unquoted secret of several words ends: one ordinary word in between is bridged, two are not."""
    end = position = value.end
    bridged = False
    for _ in range(5):
        following = _PHRASE_WORD.match(view, position)
        if following is None or labels.ANY.match(view, following.start(1)):
            break
        known = is_known(following[1])
        if known and (bridged or following[1][0].isupper()):
            break
        position, bridged = following.end(), known
        end = end if known else position
    return end


def _in_front(view: str, label: re.Match[str], kind: Kind) -> Iterator[Find]:
    """A secret named before its label: "Rinjani3726 itu password saya", "664422 sebagai kode OTP"."""
    word = word_in_front(view, label.start())
    if word is None:
        return
    if kind is Kind.CODE:
        is_value = re.fullmatch(r"\d{4,8}", word.text) is not None and _EQUATED.match(view, word.end) is not None
    else:
        is_value = looks_secret(word.text) and re.search(r"[\d@#$%^&*]", word.text) is not None
    if is_value:
        yield Find(word.start, word.end, kind)


def _loose_codes(view: str) -> Iterator[Find]:
    """ "kodenya 551288": a code by its length, or by talk of an OTP within 60 characters."""
    other_codes = _BUDGET_TALK.search(view) is not None
    for hit in _LOOSE_CODE.finditer(view):
        six = "nya" in hit[0].lower() and len(hit["run"]) == 6 and not other_codes
        if six or _CODE_TALK.search(view, max(0, hit.start() - 60), hit.end() + 60):
            yield Find(*hit.span("run"), Kind.CODE)


def _unmistakable(view: str) -> Iterator[Find]:
    """Tokens that only a password looks like, anywhere in a text that speaks of one."""
    for hit in _TOKEN.finditer(view):
        word = read_word(view, hit.start())
        if word is not None and is_unmistakable(word.text):
            yield Find(word.start, word.end, Kind.PASSWORD)
