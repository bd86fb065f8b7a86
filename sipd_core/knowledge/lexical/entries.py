"""What of a text is compared: the terms of a row and of a question. One reason to change: which terms count, how often."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sipd_core.language import concepts, is_stop_word, normalise, stems, words

WEIGHT_STEPS = 2
"""Terms are counted in whole numbers, so one of weight 1 counts this many times; halves are the finest weight."""

GRAM_SIZES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """One row of the index: its key and its texts, each with the weight its words count (in halves, at least one)."""

    key: str
    texts: tuple[tuple[str, float], ...]

    @property
    def digest(self) -> int:
        """64 bits of the texts and their weights: equal digests under one key are equal rows."""
        texts, weights = zip(*self.texts, strict=True) if self.texts else ((), ())
        told = "\x1f".join((*texts, repr(weights))).encode(errors="replace")
        return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())


def row_terms(entry: LexicalEntry) -> tuple[Counter[str], Counter[str]]:
    """The terms of a row (stems and meanings) and its words as written, each counted by weight."""
    terms: Counter[str] = Counter()
    surfaces: Counter[str] = Counter()
    for text, weight in entry.texts:
        times = max(1, round(weight * WEIGHT_STEPS))
        found = words(text)
        kept = [word for word in found if not is_stop_word(word)]
        for counter, counted in ((terms, stems(kept) + concepts(stems(found))), (surfaces, kept)):
            for term, count in Counter(counted).items():
                counter[term] += count * times
    return terms, surfaces


def question_terms(text: str) -> tuple[list[str], list[str]]:
    """Stems of the words that carry the matter of a question, and the meanings it names, each once."""
    return _distinct(stems(normalise(text).split())), _distinct(concepts(stems(words(text))))


def word_grams(word: str) -> list[str]:
    """Character n-grams of ` word `, with a space at both ends."""
    padded = f" {word} "
    return [padded[at : at + size] for size in GRAM_SIZES for at in range(len(padded) - size + 1)]


def _distinct(terms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(terms))
