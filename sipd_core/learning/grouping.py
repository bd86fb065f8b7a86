"""Questions that ask the same, found among all: by meaning and words together.

One reason to change: when two failing questions count as one matter. Cosines of a small model lie close together for
anything at all, so vectors are measured from the average question first. The figures were chosen on the questions of
tests/learning/data, where no two matters are joined and 94 of 100 pairs of one matter are found.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sipd_core.knowledge.gist import gist_of, said_in
from sipd_core.knowledge.likeness import Bags, pairs_by_terms, pairs_by_vectors

WORDS_COUNT: Final = 1.5
"""What the share of common words adds to the cosine of two centred vectors."""
ALIKE: Final = 0.75
"""Sum of both, on average over two groups, from which they are one matter."""
ALIKE_IN_WORDS: Final = 0.25
"""Share of common words that is enough where one has no vector."""
WITNESSES: Final = 5
"""Questions of a group that others are compared with."""
NEAR: Final = 0.2
"""Cosine from which two questions are compared at all, if they share no words."""
_LEAD_LENGTHS: Final = range(25, 240)
"""Characters of a question that can name a gap: shorter ones say little, longer ones tell a story."""
_LEAD_COMPARED: Final = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is compared."""

    id: str
    terms: frozenset[str]
    meanings: frozenset[str]
    length: int
    """Characters."""
    vector: NDArray[np.float16] | None = None
    """Of length one, shape (dimension,), without what all questions have in common."""


def asked(id_: str, text: str, vector: NDArray[Any] | None, mean: NDArray[np.float32] | None) -> Asked:
    """A masked question made ready; `vector` is its embedding, `mean` that of the average question."""
    gist = gist_of(said_in(text))
    return Asked(id_, frozenset(gist.terms), frozenset(gist.meanings), len(text), _centred(vector, mean))


def _centred(vector: NDArray[Any] | None, mean: NDArray[np.float32] | None) -> NDArray[np.float16] | None:
    if vector is None or mean is None or vector.shape != mean.shape:
        return None
    moved = np.asarray(vector, np.float32) - mean
    return np.asarray(moved / max(float(np.linalg.norm(moved)), 1e-9), np.float16)


def likeness(one: Asked, other: Asked) -> float:
    """How alike two questions are; from 1 on they are one matter."""
    words = (_share(one.terms, other.terms) + _share(one.meanings, other.meanings)) / 2
    if one.vector is None or other.vector is None or len(one.vector) != len(other.vector):
        return words / ALIKE_IN_WORDS
    cosine = float(np.dot(one.vector.astype(np.float32), other.vector.astype(np.float32)))
    return (cosine + WORDS_COUNT * words) / ALIKE


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


class Groups:
    """Groups that are there; tells which of them a further question belongs to."""

    def __init__(self, groups: Mapping[int, Sequence[Asked]]) -> None:
        """`groups`: number -> its questions, the most telling first; the first WITNESSES of each are compared."""
        self._witnesses = {id_: tuple(members[:WITNESSES]) for id_, members in groups.items() if members}
        flat = [(id_, one) for id_, members in self._witnesses.items() for one in members]
        self._by_term: dict[str, set[int]] = defaultdict(set)
        for id_, one in flat:
            for term in one.terms | one.meanings:
                self._by_term[term].add(id_)
        held = [(id_, one.vector) for id_, one in flat if one.vector is not None]
        self._owners = np.asarray([id_ for id_, _ in held], np.int64)
        self._table = np.stack([vector for _, vector in held]).astype(np.float32) if held else None

    def home(self, question: Asked) -> int | None:
        """The group it is most alike, None when it is like none."""
        best, score = None, 1.0
        for id_ in sorted(self._possible(question)):
            members = self._witnesses[id_]
            mean = sum(likeness(question, one) for one in members) / len(members)
            if mean >= score:
                best, score = id_, mean
        return best

    def _possible(self, question: Asked) -> set[int]:
        """Groups worth a comparison: a witness is near, or two words are shared."""
        shared = Counter(id_ for term in question.terms | question.meanings for id_ in self._by_term.get(term, ()))
        found = {id_ for id_, count in shared.items() if count > 1}
        if question.vector is not None and self._table is not None and len(question.vector) == self._table.shape[1]:
            near = self._table @ question.vector.astype(np.float32) >= NEAR
            found.update(self._owners[near].tolist())
        return found


def without_pause() -> None:
    """For work that nobody else waits beside."""


def grouped(questions: Sequence[Asked], breathe: Callable[[], None] = without_pause) -> list[list[Asked]]:
    """All questions in groups of one matter, the largest first; in each the one that names it best comes first.

    `breathe` is called every few comparisons, so that the work can step back for others.
    """
    groups = {at: [at] for at in range(len(questions))}
    home = list(range(len(questions)))
    for one, other in _ordered(questions, breathe):
        breathe()
        mine, theirs = home[one], home[other]
        if mine != theirs and _fit(questions, groups[mine], groups[theirs]):
            if len(groups[mine]) < len(groups[theirs]):
                mine, theirs = theirs, mine
            for at in groups[theirs]:
                home[at] = mine
            groups[mine] += groups.pop(theirs)
    found = []
    for members in groups.values():
        breathe()
        found.append(_led([questions[at] for at in sorted(members)]))
    return sorted(found, key=lambda members: (-len(members), members[0].id))


def _ordered(questions: Sequence[Asked], breathe: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """The pairs that are alike, the most alike first."""
    if len(questions) < 2:
        return
    alike = []
    for a, b in _pairs(questions, breathe):
        breathe()
        score = likeness(questions[a], questions[b])
        if score >= 1.0:
            alike.append((score, a, b))
    for _, one, other in sorted(alike, key=lambda pair: (-pair[0], *pair[1:])):
        yield one, other


def _pairs(questions: Sequence[Asked], breathe: Callable[[], None]) -> Iterable[tuple[int, int]]:
    """Pairs worth a comparison: many shared words, or near vectors."""

    def heard(_share: float) -> None:
        breathe()

    bags = Bags([sorted({*one.terms, *one.meanings}) for one in questions])
    found = pairs_by_terms(bags, np.zeros(len(questions), np.int64), heard).tolist()
    width = Counter(len(one.vector) for one in questions if one.vector is not None).most_common(1)
    if width:
        fits = [at for at, one in enumerate(questions) if one.vector is not None and len(one.vector) == width[0][0]]
        held = [one.vector for one in (questions[at] for at in fits) if one.vector is not None]
        if len(fits) > 1:
            table = np.stack(held)
            near = pairs_by_vectors(table, [np.arange(len(fits), dtype=np.int64)], NEAR, heard)
            found += [[fits[a], fits[b]] for a, b in near.tolist()]
    return {(a, b) for a, b in found}


def _fit(questions: Sequence[Asked], one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether the members of two groups are alike across, so that no chain of neighbours joins what is not."""
    mine, theirs = _some(one), _some(other)
    total = sum(likeness(questions[a], questions[b]) for a in mine for b in theirs)
    return total / (len(mine) * len(theirs)) >= 1.0


def _some(members: Sequence[int]) -> Sequence[int]:
    """At most WITNESSES of them, evenly spread, the first among them."""
    count = min(len(members), WITNESSES)
    return [members[at * len(members) // count] for at in range(count)]


def _led(members: list[Asked]) -> list[Asked]:
    """The member most alike the others first, if it is neither too short nor too long to name the matter."""
    compared = members[:_LEAD_COMPARED]

    def standing(one: Asked) -> tuple[bool, float]:
        return one.length in _LEAD_LENGTHS, sum(likeness(one, other) for other in compared if other is not one)

    lead = max(compared, key=standing)
    return [lead, *(one for one in members if one is not lead)]


def settled(clusters: Sequence[Sequence[str]], before: Mapping[str, int]) -> list[tuple[int | None, Sequence[str]]]:
    """Which number each cluster of ids goes on under: that of the group it has most in common with; None: a new one.

    Every number goes to one cluster at most, so groups keep their numbers however often they are made anew.
    """
    overlaps = sorted(
        (-count, number, at)
        for at, cluster in enumerate(clusters)
        for number, count in Counter(before[id_] for id_ in cluster if id_ in before).items()
    )
    numbers: dict[int, int] = {}
    for _, number, at in overlaps:
        if at not in numbers and number not in numbers.values():
            numbers[at] = number
    return [(numbers.get(at), cluster) for at, cluster in enumerate(clusters)]
