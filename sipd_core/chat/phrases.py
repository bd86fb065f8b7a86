"""Messages as sentences of canonical tokens, and phrases to look for in them. One reason to change: the phrase language.

`data/language/signals.toml` explains the phrase language and holds every word; this module only reads and compiles it.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

LEXICON_FILE = Path(__file__).resolve().parents[2] / "data" / "language" / "signals.toml"

_CLITICS = ("nya", "kah", "lah", "pun", "ku", "mu", "na")
_GAP = r"(?:(?!(?:tidak|bukan|jangan|belum|tanpa|never) )\S+ ){{0,{}}}"
_SENTENCE_END = re.compile(r"(?<=[.!?;…])\s+|\n+|(?<=[!?])(?=\w)")
_WORD = re.compile(r"[a-z0-9]+(?:[.,:/]\d+)*|,")
_SLIP_LENGTH = 6
"""Shorter tokens are never corrected: too many words differ by one letter."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a message."""

    text: str
    """Canonical tokens, each followed by one space."""
    asked: bool
    """Ends with a question mark."""
    shouted: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word lists of `signals.toml`, ready to be searched."""

    short: Mapping[str, str]
    """Short form, local word or common misspelling -> canonical token."""
    joined: tuple[tuple[str, str], ...]
    vocabulary: frozenset[str]
    known: frozenset[str]
    long_words: tuple[str, ...]
    """The words a slip is compared with."""
    phrases: Mapping[str, re.Pattern[str]]
    exceptions: Mapping[str, re.Pattern[str]]
    topics: frozenset[str]
    small_talk: Mapping[str, frozenset[str]]

    def shows(self, sentence: Sentence, name: str) -> bool:
        """Whether a phrase of `name` stands in the sentence and none of its exceptions."""
        return not self.excepted(sentence, name) and bool(self.phrases[name].search(sentence.text))

    def excepted(self, sentence: Sentence, name: str) -> bool:
        """Whether the sentence holds an exception of `name`."""
        return self.excepted_at(sentence, name, (0, len(sentence.text)))

    def excepted_at(self, sentence: Sentence, name: str, reach: tuple[int, int]) -> bool:
        """Whether an exception of `name` stands from one place of the sentence to another."""
        exception = self.exceptions.get(name)
        return bool(exception and exception.search(sentence.text, *reach))


@cache
def load_lexicon(path: Path = LEXICON_FILE) -> Lexicon:
    """The lexicon in `path`; raises OSError when it cannot be read, KeyError when it names an unknown class."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    classes: dict[str, list[str]] = table["class"]
    vocabulary = _literals([*classes.values(), *table["phrases"].values(), *table["except"].values()])
    return Lexicon(
        short={form: word for word, forms in table["short"].items() for form in forms.split()},
        joined=tuple((pair, word) for word, pairs in table["joined"].items() for pair in pairs),
        vocabulary=vocabulary,
        known=frozenset(table["known"]["words"].split()),
        long_words=tuple(sorted(word for word in vocabulary if len(word) >= _SLIP_LENGTH and word.isalpha())),
        phrases={name: _any_of(rows, classes) for name, rows in table["phrases"].items()},
        exceptions={name: _any_of(rows, classes) for name, rows in table["except"].items()},
        topics=frozenset(table["topics"]["words"].split()),
        small_talk={kind: frozenset(words.split()) for kind, words in table["small_talk"].items()},
    )


def every_hit(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The hits that begin at each token, overlapping ones too: "belum dibayar, gaji dobel" holds "gaji dobel" as well."""
    hit = pattern.search(text)
    while hit:
        yield hit
        hit = pattern.search(text, hit.start() + 1)


def split_sentences(message: str, lexicon: Lexicon) -> list[Sentence]:
    """The sentences of `message` that hold at least one word."""
    plain = unicodedata.normalize("NFKC", message).replace("'", "").replace("’", "")
    made = (_sentence(part, lexicon) for part in _SENTENCE_END.split(plain))
    return [sentence for sentence in made if sentence.text]


def _sentence(part: str, lexicon: Lexicon) -> Sentence:
    lowered = re.sub(r"(\d+)\s?x\b", r"\1 kali ", part.lower())
    lowered = re.sub(r"([a-z])\1{2,}", r"\1", lowered)
    tokens = " ".join(_canonical(token, lexicon) for token in _WORD.findall(lowered) if token != "nya")
    text = f" {tokens} "
    for pair, word in lexicon.joined:
        text = text.replace(f" {pair} ", f" {word} ")
    return Sentence(text.strip() + " " if text.strip(" ,") else "", "?" in part, _shouted(part))


def _shouted(part: str) -> bool:
    """Three exclamation marks in a row, or capital words (longer than SIPD's abbreviations) with one."""
    long_words = re.findall(r"[A-Za-z]{5,}", part)
    loud = sum(word.isupper() for word in long_words)
    return "!!!" in part or (loud >= 3 and loud >= 0.7 * len(long_words) and "!" in part)


def _canonical(token: str, lexicon: Lexicon) -> str:
    undoubled = re.sub(r"^([a-z]{3,})2(nya)?$", r"\1", token)
    word = lexicon.short.get(undoubled, undoubled)
    if word in lexicon.vocabulary or word in lexicon.known or not word.isalpha():
        return word
    bare = _without_clitic(word, lexicon)
    return bare if bare != word else _without_slip(word, lexicon)


def _without_clitic(token: str, lexicon: Lexicon) -> str:
    for clitic in _CLITICS:
        stem = token.removesuffix(clitic)
        stem = lexicon.short.get(stem, stem)
        if token.endswith(clitic) and len(stem) > 2 and stem in lexicon.vocabulary:
            return stem
    return token


def _without_slip(token: str, lexicon: Lexicon) -> str:
    if len(token) < _SLIP_LENGTH:
        return token
    return _meant(token, lexicon.long_words)


@lru_cache(maxsize=20_000)
def _meant(token: str, long_words: tuple[str, ...]) -> str:
    """Every word of every message is looked up here, and people use few."""
    near = [word for word in long_words if word[0] == token[0] and _one_slip(token, word)]
    return near[0] if len(near) == 1 else token


def _one_slip(token: str, word: str) -> bool:
    """A vowel left out of `word`, or two neighbours swapped; other slips too often make another word."""
    start = next((i for i, (a, b) in enumerate(zip(token, word, strict=False)) if a != b), len(token))
    left, right = token[start:], word[start:]
    if len(word) == len(token) + 1:
        return left == right[1:] and right[0] in "aeiou"
    return len(word) == len(token) and left[:2] == right[:2][::-1] and left[2:] == right[2:]


def _any_of(rows: Iterable[str], classes: Mapping[str, list[str]]) -> re.Pattern[str]:
    return re.compile(r"(?<!\S)(?:" + "|".join(_pattern(row, classes) for row in rows) + ")")


def _pattern(row: str, classes: Mapping[str, list[str]]) -> str:
    return "".join(_item(item, classes) for item in row.split())


def _item(item: str, classes: Mapping[str, list[str]]) -> str:
    if item.startswith("~"):
        return _GAP.format(item[1:])
    return "(?:" + "|".join(_alternative(part, classes) for part in item.split("|")) + ")"


def _alternative(part: str, classes: Mapping[str, list[str]]) -> str:
    if part.startswith("{"):
        return "|".join(_pattern(row, classes) for row in classes[part.strip("{}")])
    if part == ".":
        return "$"
    words = (re.escape(word).replace(r"\*", r"\S*") for word in part.split("_"))
    return "".join(f"{word} " for word in words)


def _literals(groups: Iterable[Iterable[str]]) -> frozenset[str]:
    rows = " ".join(row for group in groups for row in group)
    return frozenset(re.findall(r"(?<![\w{~])[a-z0-9]+(?![\w}*])", rows.replace("|", " ").replace("_", " ")))
