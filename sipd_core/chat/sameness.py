"""Whether two questions ask the very same, so that an answer approved for one may be given to the other.

One reason to change: what may differ between two ways to ask the same. Better no approved answer than a wrong one:
likeness alone proves nothing (any two questions of this field look alike to the model), so the words themselves must
be the same, in the same order, but for spelling, short forms and words that say nothing of the matter.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.answer_cache import same_question
from sipd_core.knowledge.distinctions import Matter, difference, matter_of
from sipd_core.knowledge.gist import said_in
from sipd_core.language import is_stop_word

NEAR: Final = 0.93
"""Cosine from which the model agrees that two questions with the same words are one: it does not know the words that
are left out here (`python -m tests.benchmarks approved_answers` prints what is found at which bar)."""
LEAST: Final = 2
"""Telling words that a question must have; one with fewer is matched only letter by letter."""
_TURNING: Final = frozenset(
    "dan atau juga lagi saja di ke dari pada untuk dengan dalam oleh agar supaya karena sebab jika jikalau kalau bila "
    "apabila akan telah sedang masih sebagai seperti namun tetapi tapi melainkan sehingga hingga sampai padahal malah "
    "justru ada mau ingin hendak harus perlu dapat milik punya apa apakah bagaimana mengapa kenapa mana siapa berapa "
    "kapan dimana kemana begitu begini in of on at to from not no only without".split()
)
"""Stop words that can turn a question into another one: *dari GU ke LS*, *ke GU dari LS*."""
_IDLE: Final = frozenset(
    "sejak hari sekarang segera secepatnya cepat besok lusa semalam urgent penting mendesak helpdesk admin".split()
)
"""Words that say when and how badly, besides the stop words."""
_EXACT: Final = re.compile(r"\d+|[<>=≠≤≥%+]")
"""Numbers and signs are never spelling: codes, periods, years, more and less."""
_SHORTEST_POINTING: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A masked question as it is compared."""

    text: str
    key: str
    """The same for two questions that differ in case, width and white space only."""
    core: tuple[str, ...]
    """Its words in order, short forms written out, without greetings, names, and what says nothing of the matter."""
    exact: tuple[str, ...]
    """Its numbers and signs, in order."""
    matter: Matter


def asked(question: str) -> Asked:
    """Take a question apart."""
    said = said_in(question)
    core = tuple(_bare(word) for word in said if word in _TURNING or not (is_stop_word(word) or word in _IDLE))
    return Asked(question, same_question(question), core, tuple(_EXACT.findall(question)), matter_of(said, ""))


def is_same(one: Asked, other: Asked) -> bool:
    """Letter by letter the same, apart from case, width and white space."""
    return one.key == other.key


def may_be_same(one: Asked, other: Asked) -> bool:
    """The same words in the same order, and no difference that matters; the model must agree too before this counts."""
    return (
        one.core == other.core
        and len(one.core) >= LEAST
        and one.exact == other.exact
        and difference(one.matter, other.matter) is None
    )


def agree(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether the model finds two questions the same; vectors of length one."""
    return float(np.dot(one.astype(np.float32), other.astype(np.float32))) >= NEAR


def _bare(word: str) -> str:
    """*tanggalnya* is *tanggal*."""
    return word[:-3] if word.endswith("nya") and len(word) > _SHORTEST_POINTING else word
