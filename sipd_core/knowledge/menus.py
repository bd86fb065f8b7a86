"""Spellings of one menu found among all that people wrote, with the name it should have.

One reason to change: how people misspell a menu. Different submenus are never one: a spelling that could mean two menus
stays by itself.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from rapidfuzz.distance import OSA

from sipd_core.language import expand, listed_words, with_full_names

_SEPARATOR: Final = re.compile(r"\s+[-–—−>»›|/\\:]+\s+|\s*[>»›|]+\s*")
_ODD: Final = re.compile(r"[–—−>»›|\\]|\s{2}|^\W|[^\w).]$")
_DIGIT: Final = re.compile(r"\d")
_WORD: Final = re.compile(r"[a-z0-9]+")
_DOTTED: Final = re.compile(r"[^\W\d_]{2,}\.")
_NAMES_A_MENU: Final = frozenset(("menu", "submenu", "modul", "fitur", "halaman", "kolom"))
_SHORTEST_SLIP: Final = 5
"""Letters from which one wrong letter is a slip of the pen and no other word (SPM and SPP, SPD and SP2D)."""
_LONG_WORD: Final = 10
"""Letters from which two wrong letters are."""
_MOST_SLIPS: Final = 2
"""Words of a spelling that may be slips or abbreviations."""
_CLEARLY_MORE: Final = 3
"""How many times more often the right form of a word that no table knows is written."""
_SHORTEST_ABBREVIATION: Final = 3
_LETTERS: Final = 3
"""Letters up to which a word in capitals may be an abbreviation that no table knows."""


class Why(StrEnum):
    """How a spelling differs from the name of its menu."""

    NAME = "name"
    """It is the name."""
    FORM = "form"
    """Capitals, spaces, hyphens, punctuation."""
    ORDER = "order"
    SLIP = "slip"
    SHORT = "short"
    """An abbreviation of a word."""


@dataclass(frozen=True, slots=True)
class MenuSpelling:
    """One way a menu is written."""

    spelling: str
    cases: int
    why: Why


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """Spellings of one menu, the name it should have first, then by frequency."""

    canonical: str
    spellings: tuple[MenuSpelling, ...]

    @property
    def cases(self) -> int:
        """Cases filed under any of the spellings."""
        return sum(one.cases for one in self.spellings)


@dataclass(eq=False, slots=True)
class _Node:
    """Spellings that have the same words, in whatever order, and those that were found to mean them."""

    words: tuple[str, ...]
    spellings: list[str] = field(default_factory=list)
    cases: int = 0

    def known(self) -> int:
        """How many of its words any table knows."""
        return sum(map(_is_known, self.words))


def menu_groups(counts: Mapping[str, int]) -> tuple[MenuGroup, ...]:
    """Every menu with its spellings (one alone included), the most cases first; `counts`: cases of each spelling."""
    groups = [_group(node.spellings, counts) for node in _in_full(_slips_put_right(_nodes(counts)))]
    return tuple(sorted(groups, key=lambda group: (-group.cases, group.canonical)))


def menu_path(menu: str) -> tuple[str, ...]:
    """The parts of a menu's name, comparable: lower case, one space between words."""
    parts = (" ".join(_WORD.findall(part)) for part in _SEPARATOR.split(_folded(menu)))
    return tuple(part for part in parts if part)


def group_of(spellings: Mapping[str, int], canonical: str | None = None) -> MenuGroup:
    """A group as a person put it together; the name is chosen when none is given."""
    return _group(list(spellings), spellings, canonical)


def menu_words(menu: str) -> tuple[str, ...]:
    """The words of a menu's name in full, comparable; words that only say that it is a menu left out."""
    return tuple(_WORD.findall(with_full_names(expand(" ".join(_written(menu))))))


def _nodes(counts: Mapping[str, int]) -> list[_Node]:
    """One node for the spellings with the same letters in a row or the same words in any order."""
    by_letters: dict[str, _Node] = {}
    by_words: dict[tuple[str, ...], _Node] = {}
    for spelling in sorted(counts, key=lambda spelling: (-counts[spelling], spelling)):
        words = menu_words(spelling)
        if not words:
            continue
        letters, ordered = "".join(_WORD.findall(_folded(spelling))), tuple(sorted(words))
        node = by_letters.get(letters) or by_words.get(ordered) or _Node(words)
        by_letters.setdefault(letters, node)
        by_letters.setdefault("".join(words), node)
        by_words.setdefault(ordered, node)
        node.spellings.append(spelling)
        node.cases += counts[spelling]
    return list(dict.fromkeys(by_letters.values()))


def _slips_put_right(nodes: Sequence[_Node]) -> list[_Node]:
    """Nodes that are a slip of the pen for exactly one other are taken into it."""
    written = Counter({word: 0 for node in nodes for word in node.words})
    for node in nodes:
        written.update(dict.fromkeys(node.words, node.cases))
    kept: list[_Node] = []
    for node in sorted(nodes, key=lambda node: (-node.cases, -node.known(), node.words)):
        slips = [(count, at) for at, other in enumerate(kept) if (count := _slips(node, other, written))]
        nearest = [at for count, at in slips if count == min(slips)[0]]
        if len(nearest) == 1:
            _take_in(kept[nearest[0]], node)
        else:
            kept.append(node)
    return kept


def _in_full(nodes: Sequence[_Node]) -> list[_Node]:
    """Nodes that abbreviate exactly one other are taken into it."""
    meant = {id(node): [other for other in nodes if other is not node and _abbreviates(node, other)] for node in nodes}
    kept = [node for node in nodes if len(meant[id(node)]) != 1]
    for node in sorted(nodes, key=lambda node: len("".join(node.words))):
        if len(meant[id(node)]) == 1:
            _take_in(meant[id(node)][0], node)
    return kept


def _take_in(node: _Node, other: _Node) -> None:
    node.spellings += other.spellings
    node.cases += other.cases


def _slips(node: _Node, right: _Node, written: Mapping[str, int]) -> int:
    """How many wrong letters make `node` out of `right`; 0 when it is something else. `written`: cases of each word."""
    pairs = _differing(node.words, right.words)
    counts = [_slip(word, meant, clear=written[meant] >= _CLEARLY_MORE * written[word]) for word, meant in pairs]
    return sum(counts) if pairs and all(counts) else 0


def _abbreviates(node: _Node, full: _Node) -> bool:
    pairs = _differing(node.words, full.words)
    return bool(pairs) and all(_is_short_for(word, meant) for word, meant in pairs)


def _differing(words: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of words in which two names of equal length differ; none when they differ in too many."""
    left, right = Counter(words), Counter(others)
    missing, further = list((left - right).elements()), list((right - left).elements())
    if len(missing) != len(further) or len(missing) > _MOST_SLIPS:
        return []
    return list(zip(missing, further, strict=True))


def _slip(word: str, meant: str, *, clear: bool) -> int:
    """Wrong letters of a misspelt word; 0 when it may be a word of its own. `clear`: the other is far more frequent."""
    if min(len(word), len(meant)) < _SHORTEST_SLIP or _DIGIT.search(word + meant):
        return 0
    if _is_known(word) or not (clear or _is_known(meant)):
        return 0
    most = 2 if min(len(word), len(meant)) >= _LONG_WORD else 1
    distance = OSA.distance(word, meant, score_cutoff=most)
    return distance if distance <= most else 0


def _is_short_for(word: str, full: str) -> bool:
    """*Pend* for *pendapatan*, *blnj* for *belanja*."""
    if not _SHORTEST_ABBREVIATION <= len(word) <= len(full) - 2 or _is_known(word) or word[0] != full[0]:
        return False
    rest = iter(full)
    return all(letter in rest for letter in word)


def _is_known(word: str) -> bool:
    """Whether the language or the field has this word, as it is written."""
    return word in listed_words()


def _group(spellings: Sequence[str], counts: Mapping[str, int], canonical: str | None = None) -> MenuGroup:
    most_parts = max(len(menu_path(spelling)) for spelling in spellings)
    ranked = sorted(spellings, key=lambda one: (_faults(one, most_parts), -counts[one], -_known_words(one), one))
    name = canonical or ranked[0]
    others = sorted((one for one in spellings if one != name), key=lambda one: (-counts[one], one))
    listed = [name, *others] if name in counts else others
    return MenuGroup(name, tuple(MenuSpelling(one, counts[one], _why(one, name)) for one in listed))


def _faults(menu: str, most_parts: int) -> int:
    """What keeps a spelling from being a good name."""
    words = _WORD.findall(_folded(menu))
    letters = [letter for letter in menu if letter.isalpha()]
    return (
        bool(_ODD.search(menu))
        + bool(_DOTTED.search(menu))
        + (not any(letter.isupper() for letter in letters))
        + (all(letter.isupper() for letter in letters) and not all(map(_may_be_letters, words)))
        + any(word in _NAMES_A_MENU for word in words)
        + (most_parts - len(menu_path(menu)))
    )


def _may_be_letters(word: str) -> bool:
    """Whether a word may be an abbreviation in capitals, as SP2D is."""
    return len(word) <= _LETTERS or with_full_names(word) != word


def _known_words(menu: str) -> int:
    return sum(map(_is_known, menu_words(menu)))


def _why(spelling: str, name: str) -> Why:
    if spelling == name:
        return Why.NAME
    written, right = _written(spelling), _written(name)
    if "".join(written) == "".join(right):
        return Why.FORM
    if sorted(written) == sorted(right):
        return Why.ORDER
    pairs = _differing(written, right)
    short = any(_is_short_for(word, full) or _is_short_for(full, word) for word, full in pairs)
    return Why.SHORT if short or not pairs else Why.SLIP


def _written(menu: str) -> list[str]:
    return [word for word in _WORD.findall(_folded(menu)) if word not in _NAMES_A_MENU]


def _folded(menu: str) -> str:
    return unicodedata.normalize("NFKC", menu).casefold()
