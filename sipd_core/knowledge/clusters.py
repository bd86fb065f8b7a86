"""Complaints that tell of the same problem, found among all: by words and vectors together, never against what matters.

One reason to change: when two complaints count as one. Precision goes before recall: what is missed stays in the base
as it was, what is joined wrongly loses its own remedy.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sipd_core.documents import Case
from sipd_core.knowledge.distinctions import Matter, difference, matter_of
from sipd_core.knowledge.gist import Gist, gist_of, said_in, spelling_of
from sipd_core.knowledge.likeness import (
    Bags,
    Floats,
    Pairs,
    cosines,
    pairs_by_terms,
    pairs_by_vectors,
)
from sipd_core.knowledge.menus import menu_path

ALIKE: Final = 0.66
"""Share of their terms that two complaints have in common when they are one: 0.998 of such pairs are, of those that do
not differ in what matters (tests/knowledge/test_clusters.py)."""
ALIKE_IN_MEANING: Final = 0.55
"""Share that is enough for longer complaints when their vectors say so too."""
NEAR: Final = 0.55
"""Cosine (of vectors centred on their mean) at which they do; from it on complaints are compared at all."""
LONG: Final = 5
"""Shared terms of a longer complaint: of three words, half in common says little."""
COHESION: Final = 0.45
"""Mean share, without weights, that the members of two groups must have in common across, so that no chain of
neighbours joins what is not alike."""
WITNESSES: Final = 5
"""Members of a group that are asked whether another group fits."""
_ROWS_AT_ONCE: Final = 4_096
MATTERS_ASKED: Final = 60
"""Different matters of a group that are compared with another's, at most."""

T = TypeVar("T")
Progress = Callable[[float], None]
"""Hears the share that is done, 0..1; may raise to stop the work."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Cases that tell of the same problem, the clearest example first."""

    ids: tuple[str, ...]
    likeness: float
    """Share of common terms of the least alike two that were joined, 0..1."""


@dataclass(slots=True)
class _Text:
    """Cases with the same words: compared once."""

    said: tuple[str, ...]
    menu: frozenset[str]
    gist: Gist
    places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """A cluster as it grows."""

    texts: list[int]
    matters: dict[Matter, None]
    menus: dict[frozenset[str], None]
    weakest: float = 1.0


def find_clusters(
    cases: Sequence[Case],
    menus: Mapping[str, str],
    vectors: Callable[[Sequence[str]], NDArray[Any]] | None,
    on_progress: Progress,
) -> tuple[Cluster, ...]:
    """The groups of two and more cases that tell of the same problem, largest first.

    `menus` files spellings under one name. `vectors` gives the vectors of complaints by case id, shape (cases,
    dimension), a row of zeros for a case that has none; None compares words alone.
    """
    texts = _texts(cases, menus, lambda share: on_progress(0.5 * share))
    known = None
    if vectors is not None and texts:
        known = _centred(vectors([cases[text.places[0]].id for text in texts]))
    on_progress(0.55)
    pairs, scores = _alike(texts, known, lambda share: on_progress(0.55 + 0.35 * share))
    groups = _joined(texts, pairs, scores, lambda share: on_progress(0.9 + 0.1 * share))
    found = [_cluster(group, texts, cases) for group in groups]
    return tuple(sorted((one for one in found if len(one.ids) > 1), key=lambda one: (-len(one.ids), one.ids)))


def _texts(cases: Sequence[Case], menus: Mapping[str, str], on_progress: Progress) -> list[_Text]:
    said = []
    for at, case in enumerate(cases):
        said.append(said_in(case.issue))
        if at % 500 == 0:
            on_progress(0.6 * at / len(cases))
    spelling = spelling_of(said)
    paths = {menu: frozenset(menu_path(menus.get(menu, menu))) for menu in {case.menu for case in cases}}
    texts: dict[tuple[frozenset[str], tuple[str, ...]], _Text] = {}
    for at, case in enumerate(cases):
        right = tuple(spelling.right(said[at]))
        text = texts.get((paths[case.menu], right))
        if text is None:
            text = texts[paths[case.menu], right] = _Text(right, paths[case.menu], gist_of(right))
        text.places.append(at)
        if at % 500 == 0:
            on_progress(0.6 + 0.4 * at / len(cases))
    return [text for text in texts.values() if text.gist.terms]


def _centred(vectors: NDArray[Any]) -> NDArray[np.float16]:
    """Vectors without what all complaints have in common, of length one; rows of zeros stay so.

    In parts: a large base of long vectors is held once, in half precision.
    """
    parts = [slice(at, at + _ROWS_AT_ONCE) for at in range(0, len(vectors), _ROWS_AT_ONCE)]
    there = np.asarray(vectors.any(axis=1))
    total = sum(vectors[part].sum(axis=0, dtype=np.float64) for part in parts)
    mean = np.asarray(total / max(int(there.sum()), 1), np.float32)
    held = np.zeros(vectors.shape, np.float16)
    for part in parts:
        some = (vectors[part].astype(np.float32) - mean) * there[part, None]
        held[part] = some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-9)
    return held


def _alike(texts: Sequence[_Text], vectors: NDArray[Any] | None, on_progress: Progress) -> tuple[Pairs, Floats]:
    """The pairs that are one problem by their words and vectors, best first, and the share of their common terms."""
    terms, meanings = Bags([text.gist.terms for text in texts]), Bags([text.gist.meanings for text in texts])
    both = Bags([(*text.gist.terms, *text.gist.meanings) for text in texts])
    menus = {menu: at for at, menu in enumerate({text.menu: None for text in texts})}
    blocks = np.fromiter((menus[text.menu] for text in texts), np.int64, len(texts))
    pairs = pairs_by_terms(both, blocks, lambda share: on_progress(0.5 * share))
    if vectors is not None:
        near = pairs_by_vectors(vectors, _families(texts), NEAR, lambda share: on_progress(0.5 + 0.4 * share))
        pairs = np.unique(np.concatenate((pairs, near)), axis=0)
    (by_terms, shared), (by_meaning, _) = terms.overlap(pairs), meanings.overlap(pairs)
    words = (by_terms + by_meaning) / 2
    scores = words / ALIKE
    if vectors is not None:
        supported = (cosines(vectors, pairs) >= NEAR) & (shared >= LONG)
        scores = np.where(supported, np.maximum(scores, words / ALIKE_IN_MEANING), scores)
    kept = np.flatnonzero(scores >= 1.0)
    order = kept[np.argsort(-scores[kept], kind="stable")]
    return pairs[order], np.asarray(words[order], np.float32)


def _families(texts: Sequence[_Text]) -> list[NDArray[np.int64]]:
    """Places of the texts that share a part of their menu's path; those without a menu are a family too."""
    families: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        for part in text.menu or ("",):
            families[part].append(at)
    return [np.asarray(places, np.int64) for places in families.values() if len(places) > 1]


def _joined(texts: Sequence[_Text], pairs: Pairs, scores: Floats, on_progress: Progress) -> list[_Group]:
    """The texts in groups, the most alike joined first; every text is in one."""
    matters: dict[int, Matter] = {}
    group_of: dict[int, _Group] = {}

    def group(at: int) -> _Group:
        if at not in group_of:
            matters[at] = matter_of(texts[at].said, " ".join(texts[at].menu))
            group_of[at] = _Group([at], {matters[at]: None}, {texts[at].menu: None})
        return group_of[at]

    for done, ((one, other), score) in enumerate(zip(pairs.tolist(), scores.tolist(), strict=True)):
        mine, theirs = group(one), group(other)
        if mine is not theirs and _fit(mine, theirs, texts):
            _join(mine, theirs, score, group_of)
        if done % 1_000 == 0:
            on_progress(done / len(pairs))
    alone = (_Group([at], {}, {}) for at, text in enumerate(texts) if at not in group_of and len(text.places) > 1)
    return [*{id(one): one for one in group_of.values()}.values(), *alone]


def _join(mine: _Group, theirs: _Group, score: float, group_of: dict[int, _Group]) -> None:
    if len(mine.texts) < len(theirs.texts):
        mine, theirs = theirs, mine
    mine.texts += theirs.texts
    mine.matters |= theirs.matters
    mine.menus |= theirs.menus
    mine.weakest = min(mine.weakest, theirs.weakest, score)
    group_of.update(dict.fromkeys(theirs.texts, mine))


def _fit(one: _Group, other: _Group, texts: Sequence[_Text]) -> bool:
    """Whether nothing that matters differs between two groups, and their members are alike across."""
    if not all(a <= b or b <= a for a in one.menus for b in other.menus):
        return False
    if any(
        difference(a, b)
        for a in _some(list(one.matters), MATTERS_ASKED)
        for b in _some(list(other.matters), MATTERS_ASKED)
    ):
        return False
    across = [
        _likeness(texts[a].gist, texts[b].gist)
        for a in _some(one.texts, WITNESSES)
        for b in _some(other.texts, WITNESSES)
    ]
    return sum(across) / len(across) >= COHESION


def _likeness(one: Gist, other: Gist) -> float:
    """Share of common terms, without weights: a second look at members that were not compared before."""
    return (_share(one.terms, other.terms) + _share(one.meanings, other.meanings)) / 2


def _share(one: Sequence[str], other: Sequence[str]) -> float:
    mine, theirs = set(one), set(other)
    return len(mine & theirs) / max(len(mine | theirs), 1)


def _some(items: Sequence[T], count: int) -> Sequence[T]:
    """At most `count` of them, evenly spread, the first among them."""
    return items if len(items) <= count else [items[at * len(items) // count] for at in range(count)]


def _cluster(group: _Group, texts: Sequence[_Text], cases: Sequence[Case]) -> Cluster:
    ids = [cases[place].id for at in group.texts for place in texts[at].places]
    return Cluster(tuple(ids), group.weakest)
