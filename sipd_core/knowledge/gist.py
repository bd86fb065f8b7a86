"""What of a complaint is compared with other complaints: its telling terms, without greetings, names and numbers.

One reason to change: which words of a complaint tell nothing of its matter.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipd_core.knowledge.distinctions import named_in
from sipd_core.language import clean_query, concepts, is_stop_word, listed_words, stems, words

_TELLS_NOTHING: Final = re.compile(
    r"(?:\b(?:nip|nik|npwp|password|pass|pw|sandi|user\w*|login|akun|email|surel|hp|wa|telp|telepon|nomor|no|nama|an)\b"
    r"\W{0,3}){0,3}\[[^\W\d_]+(?: [^\W\d_]+)*\]"
    r"|\b(?:no\b|nomor\b|nmr\b)?\W{0,3}\b\w*\d[\w.]*(?:/[\w.]+){3,}"
    r"|\b(?:nilai|nominal|sebesar|senilai|jumlah|total)?\W{0,3}\brp\b[\s.]*[\d.,]+",
    re.IGNORECASE,
)
"""What masking left where personal data stood, document numbers, amounts, each with the word that announces it."""
_LONGEST: Final = 1_500
"""Characters read of a complaint: 95 % are below 437, what comes later is a pasted log."""
_DIGITS: Final = re.compile(r"\d+")
_PLACES: Final = frozenset(
    "kab kabupaten kota pemkab pemkot pemprov prov provinsi dinas badan kecamatan kec kelurahan kel puskesmas rsud sdn "
    "smpn sman bagian inspektorat sekretariat setda".split()
)
"""Words that a name follows."""
_NAME_WORDS: Final = 3
"""Words of a name after such a word at most, as far as they mean nothing in the field."""
_REMEMBERED: Final = 50_000

_SHORTEST: Final = 6
"""Letters from which a word may be a slip of the pen."""
_MORE_OFTEN: Final = 8
"""How many times more often the right word is written."""


@dataclass(frozen=True, slots=True)
class Gist:
    """A complaint as it is compared."""

    terms: tuple[str, ...]
    """Distinct stems of the words that carry the matter, in order."""
    meanings: tuple[str, ...]
    """Distinct meanings (`#name`), and the stems of the words that have none."""


class Spelling:
    """Slips of the pen found by the base itself: a rare word one letter away from a frequent one."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """`counts`: how often each word is written."""
        self._right: dict[str, str] = {}
        long = [(word, count) for word, count in counts.items() if len(word) >= _SHORTEST and word.isalpha()]
        shortened: dict[str, str] = {}
        for word, count in sorted(long, key=lambda item: (-item[1], item[0])):
            if count >= _MORE_OFTEN:
                for form in (word, *_one_less(word)):
                    shortened.setdefault(form, word)
        for word, count in long:
            meant = next((shortened[form] for form in (word, *_one_less(word)) if form in shortened), word)
            if meant[0] == word[0] and counts[meant] >= _MORE_OFTEN * count and word not in listed_words():
                self._right[word] = meant

    def right(self, said: Iterable[str]) -> list[str]:
        """`said` with the slips put right."""
        return [self._right.get(word, word) for word in said]


def said_in(issue: str) -> list[str]:
    """The words of a masked complaint in order, without greetings, names, document numbers, amounts and masked data."""
    text = _TELLS_NOTHING.sub(" ", issue[:_LONGEST])
    return [sys.intern(word) for word in _without_names(words(clean_query(text)))]


def spelling_of(texts: Iterable[Sequence[str]]) -> Spelling:
    """The slips among the words of all complaints."""
    return Spelling(Counter(word for said in texts for word in said))


def gist_of(said: Sequence[str]) -> Gist:
    """The gist of a complaint's words."""
    kept = [word for word in said if not is_stop_word(word) and not _DIGITS.fullmatch(word)]
    return Gist(_distinct(map(_term, kept)), _distinct([*_meanings(kept), *named_in(said)]))


def _meanings(kept: Sequence[str]) -> list[str]:
    found = [_term(word) for word in kept]
    return [*concepts(found), *(stem for stem in found if not _means(stem))]


def _one_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


@lru_cache(_REMEMBERED)
def _term(word: str) -> str:
    return sys.intern(stems([word])[0])


@lru_cache(_REMEMBERED)
def _means(stem: str) -> bool:
    return bool(concepts([stem]))


def _is_of_the_field(word: str) -> bool:
    """Whether a word belongs to the field or to grammar, so that no name goes on with it."""
    return is_stop_word(word) or _means(_term(word)) or word in ("tidak", "belum", "sudah", "bukan")


def _without_names(said: Sequence[str]) -> Iterator[str]:
    name = 0
    for word in said:
        if word in _PLACES:
            name = _NAME_WORDS
        elif name and not _is_of_the_field(word):
            name -= 1
        else:
            name = 0
            yield word


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
