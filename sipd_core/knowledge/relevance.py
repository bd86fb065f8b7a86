"""From two kinds of scores to an order and to a relevance in 0..1.

One reason to change: how scores become a judgement. Cosines of a small model lie close together for anything at all, so
they are measured from what background sentences reach (calibration.py) and judged together with the words.

The relevance of a case estimates the chance that it answers the question:

    relevance = scope * right / sqrt(right of the first case)
    scope = sigmoid(a + b * field + c * margin of the first)    the question is of this base's field
    right = sigmoid(d + e * margin + f * gap)                   this case answers it, if it is

`field` is what calibration.py says about the question, `margin` a case's order above the mean of the RIVALS after the
first, `gap` its order above the best of the others (negative for all but the first). All falls with the order, and equals
stay equal.

Both factors rest on the first one's margin, so the plain product counts it twice; the root takes that back. Learnt on
one base and judged on the other, the first case's relevance and its share of right answers were, for relevances up to .5,
.75, .9 and above: .32/.49, .62/.60, .82/.75, .99/.99; of the second to fifth cases, .03/.02 on average. The plain product
had a log loss of .44 and .21 there against .44 and .19, and told foreign questions from the field's with an AUROC of .93
and .98 against .95 and .99.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case
from sipd_core.knowledge.calibration import Calibration, sigmoid
from sipd_core.knowledge.contradictions import contradictions, tempered
from sipd_core.knowledge.lexical import LexicalIndex, LexicalScores
from sipd_core.knowledge.views import case_of, is_whole
from sipd_core.language import clean_query, normalise, stems, with_full_names
from sipd_core.retrieval import RetrievalSettings

Doubles = NDArray[np.float64]
Integers = NDArray[np.int32]

LEXICAL_CANDIDATES = 60
"""Rows that the words alone may put forward."""

TIED = 1_000
"""Equally strong rows that are looked through for the first ones; more are equal only in that they share no word."""

PARTIAL_SHARE = 0.5
"""Down to this share of the threshold a relevance still counts as `partial`."""

RIVALS = 3
"""How many of the next best cases a case is compared with; with 10, near questions are told apart less well."""

COMPARED = 12
"""How many of the best are looked through for reports of the same problem: the RIVALS lie among them."""

WITHOUT_REMEDY = 0.95
"""Factor on the place of a case that solves nothing, not on its relevance: a near equal with a remedy goes before it."""

TWIN_SHARE = 0.6
"""Share of common words (Jaccard, over stems) from which two complaints tell of the same problem."""


@dataclass(frozen=True, slots=True)
class _Weights:
    """The constants a to f of the formula above."""

    scope: float
    field: float
    standing: float
    right: float
    margin: float
    gap: float


WITH_VECTORS = _Weights(-1.95, 2.5, 12.0, -1.5, 10.4, 16.4)
WORDS_ONLY = _Weights(-1.8, 0.23, 8.2, -1.6, 13.0, 21.2)
"""Two logistic regressions each, on two bases (180 and 324 cases): `scope` on 120 and 235 questions of the field against
38 and 76 foreign ones, balanced, its intercept then raised by ln(.7 / .3) as if seven questions in ten were of the field;
`right` on the ten best cases of each question of the field. They hold for the weights of the order in retrieval.py."""

BY_DEFAULT = RetrievalSettings()


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A question ready to be searched."""

    clean: str
    """Plain Indonesian, for the lexical side."""
    embedded: str
    """The text to embed: as `clean`, abbreviations written out, as in the embedded passages."""


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """What the vector side found: the question's unit vector, shape (d,), and cosines by view id (`case:position`)."""

    vector: NDArray[np.float32]
    cosines: Mapping[str, float]
    biases: Mapping[str, float]
    """`calibration.biases(...)` of these views: how near each is to any question."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One case in the order of usefulness. Only `relevance` is a probability."""

    case_id: str
    order: float
    relevance: float
    vector: float
    """Cosine of the nearest view, 0.0 when unknown."""
    lexical: float
    """BM25 over the best attainable, 0..1."""
    matched: tuple[str, ...]
    """Words of the question that the case shares."""
    grams: float = 0.0
    """Cosine of character n-grams, 0..1."""
    nearness: float | None = None
    """How near whole case and complaint are on average, in spreads above the background; None without vectors."""
    problem: int = 0
    """Number of the problem it tells of, in the order of their first appearance."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the relevance of the first case is made of: the terms of the formula above."""

    field: float
    margin: float
    gap: float
    scope: float
    """Chance that the question is of this base's field."""
    right: float
    """Chance that the first case answers it, if it is."""
    by_words: bool
    """Vectors had no say."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The cases of one question, best first, and how the first of them was judged (None: there is none)."""

    cases: tuple[Scored, ...] = ()
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class _VectorScores:
    """By candidate row: cosine, and how near whole case and complaint are on average, in spreads above the background."""

    cosine: Doubles
    nearness: Doubles


def prepare(text: str) -> PreparedQuery:
    """The two forms of a question that the two sides of the search need."""
    clean = clean_query(text)
    return PreparedQuery(clean, with_full_names(clean))


class Ground(StrEnum):
    """Why a question got its verdict."""

    SURE = "sure"
    """The best case reaches the threshold and has a remedy."""
    NO_REMEDY = "no_remedy"
    """The best case reaches the threshold, but what solves it is not known."""
    DOUBTFUL = "doubtful"
    """The best case reaches only PARTIAL_SHARE of the threshold."""
    BELOW = "below"
    """The best case does not even reach that."""
    EMPTY = "empty"
    """There is no case at all."""
    VAGUE = "vague"
    """The question names no problem: it says at most that something fails."""

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        return _VERDICTS.get(self, Verdict.NOT_FOUND)


_VERDICTS = {Ground.SURE: Verdict.FOUND, Ground.NO_REMEDY: Verdict.PARTIAL, Ground.DOUBTFUL: Verdict.PARTIAL}


def ground(relevance: float, threshold: float, *, has_remedy: bool) -> Ground:
    """What the best case's relevance says; `threshold` is the setting SIMILARITY_THRESHOLD, on the calibrated scale."""
    if relevance >= threshold:
        return Ground.SURE if has_remedy else Ground.NO_REMEDY
    return Ground.DOUBTFUL if relevance >= PARTIAL_SHARE * threshold else Ground.BELOW


class Ranker:
    """Orders and judges the cases of one knowledge base; immutable, a new one is built when the base changes."""

    def __init__(
        self,
        lexical: LexicalIndex,
        calibration: Calibration,
        cases: Mapping[str, Case] | None = None,
    ) -> None:
        """`cases` tells which of the best tell of the same problem; without it every case is a problem of its own."""
        self._lexical = lexical
        self._calibration = calibration
        self._cases = cases or {}

    def rank(
        self,
        query: PreparedQuery,
        found: QueryVectors | None = None,
        limit: int = 10,
        exclude: Collection[str] = (),
        words: LexicalScores | None = None,
        settings: RetrievalSettings = BY_DEFAULT,
    ) -> list[Scored]:
        """The best `limit` cases, best first.

        `found` holds all views of a small base, or the nearest hundred or more of a large one; None when the vector
        side is not available: then words alone decide. Cases in `exclude` were tried in vain: they and what has the same
        remedy are left out, and the others keep the relevance that they have beside them: that the first case did not
        help makes no other one right. `words`: the scores of the query's words, when they are at hand.
        """
        return list(self.judge(query, found, limit, exclude, words, settings).cases)

    def judge(
        self,
        query: PreparedQuery,
        found: QueryVectors | None = None,
        limit: int = 10,
        exclude: Collection[str] = (),
        words: LexicalScores | None = None,
        settings: RetrievalSettings = BY_DEFAULT,
    ) -> Ranking:
        """As `rank`, with the grounds."""
        if len(self._lexical.keys) == sum(key in self._lexical.row_of for key in set(exclude)):
            return Ranking()
        words = words or self._lexical.scores(query.clean)
        use = found if found and found.cosines and self._calibration.has_vectors else None
        rows = self._candidates(words, use, settings)
        vectors = self._vector_scores(rows, use) if use else None
        order = _order(words, rows, vectors, settings)
        best = np.argsort(-order, kind="stable")
        problems = self._problems(rows[best])
        relevance, judgement = self._relevance(query, use, order[best] * settings.sureness, problems)
        fitting, relevance = self._fitting(query.clean, rows[best], relevance)
        fitting = fitting[~np.isin(fitting, self._spent(rows[best], exclude))][:limit]
        best, relevance, problems = best[fitting], relevance[fitting], _numbered(problems[fitting])
        matched = self._lexical.matched(query.clean, rows[best])
        cases = tuple(
            Scored(
                self._lexical.keys[rows[at]],
                float(order[at]),
                float(relevance[place]),
                float(vectors.cosine[at]) if vectors else 0.0,
                float(words.share[rows[at]]),
                matched[place],
                float(words.grams[rows[at]]),
                float(vectors.nearness[at]) if vectors else None,
                int(problems[place]),
            )
            for place, at in enumerate(best)
        )
        return Ranking(cases, judgement)

    def _relevance(
        self, query: PreparedQuery, found: QueryVectors | None, order: Doubles, problems: Integers
    ) -> tuple[Doubles, Judgement]:
        """Problems compete, not the cases that tell of them: thirty reports of one outage are one answer, thirty times."""
        first = np.unique(problems, return_index=True)[1]
        if found:
            field = self._calibration.field_score(found.vector)
        else:
            field = self._calibration.word_score(query.clean)
        chance, judgement = _relevance(WITH_VECTORS if found else WORDS_ONLY, field, order[first])
        return np.minimum.accumulate(chance[problems]), judgement

    def _problems(self, rows: Integers) -> Integers:
        """For the rows, best first: the number of the problem each tells of, in the order of their first appearance."""
        heads: list[tuple[int, Case]] = []
        numbers: list[int] = []
        fresh = 0
        for row in rows[:COMPARED]:
            case = self._cases.get(self._lexical.keys[row])
            known = next((number for number, head in heads if case and same_problem(head, case)), None)
            numbers.append(fresh if known is None else known)
            if known is None:
                heads += [(fresh, case)] if case else []
                fresh += 1
        others = np.arange(fresh, fresh + len(rows) - len(numbers), dtype=np.int32)
        return np.concatenate([np.array(numbers, np.int32), others])

    def _fitting(self, clean: str, rows: Integers, relevance: Doubles) -> tuple[Integers, Doubles]:
        """The places of `rows` anew, and their relevance: what contradicts the question falls, and of near equals the
        one with a remedy leads. Only the COMPARED best are looked at; no relevance rises."""
        after, weight = relevance.copy(), np.ones(len(rows))
        for place, row in enumerate(rows[:COMPARED]):
            if case := self._cases.get(self._lexical.keys[row]):
                after[place] = tempered(float(relevance[place]), contradictions(clean, case))
                weight[place] = 1.0 if case.remedy else WITHOUT_REMEDY
        order = np.argsort(-after * weight, kind="stable").astype(np.int32)
        after[order] = np.minimum.accumulate(after[order])
        return order, after

    def _spent(self, rows: Integers, exclude: Collection[str]) -> list[int]:
        """The places of `rows` that were tried, or have a remedy that was."""
        tried = {_line(case.remedy) for key in exclude if (case := self._cases.get(key)) and case.remedy}
        places = enumerate(self._lexical.keys[row] for row in rows)
        return [place for place, key in places if key in exclude or (tried and self._remedy(key) in tried)]

    def _remedy(self, key: str) -> str:
        case = self._cases.get(key)
        return _line(case.remedy) if case else ""

    def _candidates(
        self, words: LexicalScores, found: QueryVectors | None, settings: RetrievalSettings
    ) -> Integers:
        strength = words.share + settings.order_grams * words.grams
        chosen = set(self._strongest(strength))
        for view_id in found.cosines if found else ():
            row = self._lexical.row_of.get(case_of(view_id))
            if row is not None:
                chosen.add(row)
        keys = self._lexical.keys  # equals stay in the order of their ids, whatever rows they have here
        return np.array(sorted(chosen, key=keys.__getitem__), dtype=np.int32)

    def _strongest(self, strength: NDArray[np.float32]) -> list[int]:
        """The LEXICAL_CANDIDATES strongest rows; of equals, which are many in a large base, the first by their ids."""
        if len(strength) <= LEXICAL_CANDIDATES:
            return list(range(len(strength)))
        least = -np.partition(-strength, LEXICAL_CANDIDATES - 1)[LEXICAL_CANDIDATES - 1]
        above = np.flatnonzero(strength > least).tolist()
        equal = np.flatnonzero(strength == least)[:TIED].tolist()
        return [*above, *nsmallest(LEXICAL_CANDIDATES - len(above), equal, self._lexical.keys.__getitem__)]

    def _vector_scores(self, rows: Integers, found: QueryVectors) -> _VectorScores:
        """A view that is not among the nearest is taken to be as near as the last of them."""
        place = {self._lexical.keys[row]: at for at, row in enumerate(rows)}
        at = np.array([place.get(case_of(view), -1) for view in found.cosines])
        is_complaint = np.array([not is_whole(view) for view in found.cosines], np.intp)
        cosines = np.array(list(found.cosines.values()))
        lessened = cosines - np.array([found.biases[view] for view in found.cosines])
        raw = np.full(len(rows), cosines.min())
        sides = np.full((2, len(rows)), lessened.min())
        here = at >= 0
        np.maximum.at(raw, at[here], cosines[here])
        np.maximum.at(sides, (is_complaint[here], at[here]), lessened[here])
        whole, complaint = sides
        low, spread = self._calibration.nearest_mean, self._calibration.nearest_spread
        return _VectorScores(raw, ((complaint + whole) / 2 - low) / spread)


def same_problem(one: Case, other: Case) -> bool:
    """Whether two cases have the same remedy, or complaints that share most of their words."""
    if one.remedy and _line(one.remedy) == _line(other.remedy):
        return True
    here, there = _complaint_stems(one.issue), _complaint_stems(other.issue)
    return len(here & there) >= TWIN_SHARE * len(here | there) > 0


def _numbered(problems: Integers) -> Integers:
    """The same problems, numbered in the order of their first appearance."""
    seen: dict[int, int] = {}
    return np.array([seen.setdefault(int(problem), len(seen)) for problem in problems], np.int32)


def _line(text: str) -> str:
    return " ".join(text.split()).casefold()


@lru_cache(maxsize=10_000)
def _complaint_stems(issue: str) -> frozenset[str]:
    return frozenset(stems(normalise(issue).split()))


def _order(words: LexicalScores, rows: Integers, vectors: _VectorScores | None, settings: RetrievalSettings) -> Doubles:
    order = np.asarray(words.share[rows] + settings.order_grams * words.grams[rows], np.float64)
    return order + settings.order_vector * vectors.nearness if vectors else order


def _relevance(weights: _Weights, field: float, order: Doubles) -> tuple[Doubles, Judgement]:
    """The formula above for the cases' `order`, best first, shape (cases,); a single case is compared with an order of 0."""
    others = order[1:] if len(order) > 1 else np.zeros(1)
    margin = order - others[:RIVALS].mean()
    gap = np.append(order[0] - others[0], order[1:] - order[0])
    scope = sigmoid(weights.scope + weights.field * field + weights.standing * margin[:1])
    right = sigmoid(weights.right + weights.margin * margin + weights.gap * gap)
    judgement = Judgement(
        field, float(margin[0]), float(gap[0]), float(scope[0]), float(right[0]), weights is WORDS_ONLY
    )
    return np.asarray(scope * right / np.sqrt(right[0])), judgement
