"""What keeps two complaints apart though nearly all their words are the same: the document, the kind of payment, the
work that fails, who is meant, and whether something is or is not so.

One reason to change: which differences matter to a remedy. The words are in `data/language/distinctions.tsv`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from sipd_core.language import LANGUAGE_FOLDER, stems, words

_NEGATIONS: Final = frozenset(("tidak", "belum", "bukan", "tanpa", "jangan", "tak"))
_HELPERS: Final = frozenset(
    "bisa dapat dpt mau juga lagi pernah boleh berhasil mampu di ke dari pada untuk yang saat waktu ketika terus selalu "
    "masih sudah telah akan dan nya".split()
)
"""Words between a negation and what it denies, or between a failure and what fails."""
_THINGS: Final = frozenset(("dokumen", "pembayaran", "arah", "orang", "unsur"))
"""Questions whose answers are nouns."""
_THERE: Final = "ada"
_WHERE: Final = frozenset(("di", "ke", "dari", "pada"))
_ABLE: Final = frozenset(("bisa", "dapat", "boleh"))
_SURE: Final = frozenset(("sudah", "telah", "masih", "bisa", "dapat"))
_FAILING: Final = frozenset(
    "gagal error eror kendala terkendala masalah bermasalah kesulitan susah sulit trouble kosong hilang".split()
)
_SHORTEST_POINTING: Final = 5
_LONGEST_CODE: Final = 5
_REACH: Final = 2
"""Telling words between a failure and what fails: *kendala saat login*, *login selalu gagal*."""

CODE: Final = "kode"
"""The question which error code was shown."""
PERIOD: Final = "periode"
"""The question which quarter, half-year or instalment is meant."""
DENIAL: Final = "negasi"
"""The question whether something is or is not so."""
_CODE_WORDS: Final = frozenset(("error", "eror", "kode", "code", "rc", "http", "status"))
_PERIOD_WORDS: Final = frozenset(("triwulan", "semester", "tahap", "termin", "caturwulan"))
_ORDINALS: Final = {"i": 1, "ii": 2, "iii": 3, "iv": 4} | {str(at): at for at in range(1, 13)}

Rule = Literal["same", "part"]


@dataclass(frozen=True, slots=True)
class Matter:
    """What a complaint is about, as far as it must agree."""

    answers: frozenset[tuple[str, frozenset[str]]]
    """(question of the table, what the complaint says to it); questions it does not touch are missing."""
    denied: frozenset[str]
    """Stems of what is not so, or fails."""
    affirmed: frozenset[str]
    """Stems of what is so."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A telling word and how it is said."""

    stem: str
    negated: bool
    sure: bool
    """*Sudah*, *masih* or *bisa* stands before it: it is so, whatever fails beside it."""
    failure: bool
    vague: bool = False
    """Denied from behind, which may mean what stands before it: *unduh excel tidak bisa*."""


@dataclass(frozen=True, slots=True)
class _Table:
    rules: Mapping[str, Rule]
    phrases: Mapping[str, Mapping[tuple[str, ...], tuple[tuple[str, str], ...]]]
    """First word -> words of the whole phrase -> its (question, answer) pairs, longest phrase first."""
    things: frozenset[str]
    """Stems that name a thing or a person."""


def matter_of(said: Sequence[str], menu: str) -> Matter:
    """What a complaint is about, from its words in order; its menu answers what it leaves open itself."""
    answers = _answers(_bare(said))
    for question, answer in _answers(_bare(words(menu))).items():
        answers.setdefault(question, answer)
    denied, affirmed = _polarity(said)
    answers |= _counted(said)
    return Matter(frozenset((question, frozenset(found)) for question, found in answers.items()), denied, affirmed)


def answers_to(said: Sequence[str]) -> dict[str, frozenset[str]]:
    """What words in order say to the questions of the table; questions they do not touch are missing."""
    return {question: frozenset(found) for question, found in _answers(_bare(said)).items()}


def named_in(said: Sequence[str]) -> list[str]:
    """The answers that a complaint's words give, as `question=answer`: what is named alike though worded otherwise."""
    found = _answers(_bare(said))
    return [f"{question}={answer}" for question, answers in found.items() for answer in sorted(answers)]


def difference(one: Matter, other: Matter) -> str | None:
    """A question on which two complaints contradict each other, `DENIAL` for is and is not; None when they agree."""
    if one == other:
        return None
    mine_all, theirs_all = dict(one.answers), dict(other.answers)
    for question in {question for question, _ in one.answers ^ other.answers}:
        mine, theirs, rule = mine_all.get(question, _NONE), theirs_all.get(question, _NONE), _table().rules[question]
        if rule == "same" or (mine and theirs and not (mine <= theirs or theirs <= mine)):
            return question
    only_denied = one.denied - one.affirmed, other.denied - other.affirmed
    only_affirmed = one.affirmed - one.denied, other.affirmed - other.denied
    return DENIAL if only_denied[0] & only_affirmed[1] or only_denied[1] & only_affirmed[0] else None


_NONE: Final[frozenset[str]] = frozenset()


def _bare(said: Sequence[str]) -> list[str]:
    """Words without the ending that points at them: *tanggalnya* is *tanggal*."""
    return [word[:-3] if word.endswith("nya") and len(word) > _SHORTEST_POINTING else word for word in said]


def _answers(said: Sequence[str]) -> dict[str, set[str]]:
    phrases = _table().phrases
    found: dict[str, set[str]] = {}
    at = 0
    while at < len(said):
        length = 1
        for phrase, pairs in phrases.get(said[at], {}).items():
            if tuple(said[at : at + len(phrase)]) == phrase:
                length = len(phrase)
                for question, answer in pairs:
                    found.setdefault(question, set()).add(answer)
                break
        at += length
    return found


def _counted(said: Sequence[str]) -> dict[str, set[str]]:
    """Error codes (*error 500*, *kode 68*) and periods (*triwulan II*, *semester 1*)."""
    found: dict[str, set[str]] = {}
    for word, number in pairwise(said):
        if word in _CODE_WORDS and number.isdigit() and len(number) <= _LONGEST_CODE:
            found.setdefault(CODE, set()).add(number)
        if word in _PERIOD_WORDS and number in _ORDINALS:
            found.setdefault(PERIOD, set()).add(f"{word} {_ORDINALS[number]}")
    return found


def _polarity(said: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Stems that are denied, and stems that are so. What stands beside a failure or before a denial is both: *login
    gagal* says the same as *tidak bisa login*. Documents and persons are neither: they are there or not by the table."""
    telling = list(_telling(said))
    denied, affirmed = set(), set()
    for at, word in enumerate(telling):
        near = telling[max(at - _REACH, 0) : at + _REACH + 1]
        followed = any(one.negated or one.vague for one in telling[at + 1 : at + _REACH + 1])
        if word.negated or word.vague or (not word.sure and (followed or any(one.failure for one in near))):
            denied.add(word.stem)
        if not word.negated:
            affirmed.add(word.stem)
    things = _table().things
    return frozenset(denied - things), frozenset(affirmed - things)


def _telling(said: Sequence[str]) -> Iterator[_Said]:
    before: set[str] = set()
    last: _Said | None = None
    for word in said:
        if word in _HELPERS or word in _NEGATIONS:
            if word in _WHERE and last is not None and last.stem == _THERE:
                before.clear()  # *tidak ada di pilihan* denies no choice
            before.add(word)
            continue
        stem = stems([word])[0]
        negated = bool(before & _NEGATIONS)
        if last is not None:
            # *unduh excel tidak bisa SPM*: nobody can a thing, so the denial looks back, as it does at the end
            back = negated and bool(before & _ABLE) and stem in _table().things
            yield replace(last, vague=True) if back else last
            negated = negated and not back
        last = _Said(stem, negated, not negated and bool(before & _SURE), word in _FAILING)
        before = {"tidak"} if negated and stem == _THERE else set()
    if last is not None:
        yield replace(last, vague=True) if before & _NEGATIONS else last


@cache
def _table() -> _Table:
    rules: dict[str, Rule] = {CODE: "part", PERIOD: "part"}
    named: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for line in (LANGUAGE_FOLDER / "distinctions.tsv").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("# "):
            continue
        question, rule, answer, phrases = line.split("\t")
        rules[question] = "same" if rule == "same" else "part"
        for phrase in phrases.split("|"):
            named.setdefault(tuple(words(phrase)), []).append((question, answer))
    by_first: dict[str, dict[tuple[str, ...], tuple[tuple[str, str], ...]]] = {}
    for said in sorted(named, key=len, reverse=True):
        by_first.setdefault(said[0], {})[said] = tuple(named[said])
    things = (said[0] for said, pairs in named.items() if len(said) == 1 and pairs[0][0] in _THINGS)
    return _Table(rules, by_first, frozenset(stems(list(things))))
