"""The arithmetic of gold sets: how well questions were answered, and whether a difference can be chance.

One reason to change: which figures tell a good search from a bad one.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

from sipd_core.metrics import percentile

DEPTH = 10
"""Hits looked at: MRR@10 and nDCG@10."""
SURE_BELOW = 0.05
"""A difference that chance alone brings less often than this is told as one."""
RELIABILITY_BOUNDS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Answered:
    """One gold question: the rank of its first right case (None: not among the first ten), its gain and its time."""

    style: str
    rank: int | None
    ndcg: float
    relevance: float
    """Of the best case, 0..1."""
    found: bool
    """The verdict was not `not_found`."""
    milliseconds: float


@dataclass(frozen=True, slots=True)
class RankingFigures:
    """Means over `n` questions; None where there is none."""

    n: int
    hit_1: float | None = None
    hit_3: float | None = None
    mrr: float | None = None
    ndcg: float | None = None


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well questions that no case answers are told from the others."""

    n: int
    """Out-of-scope questions."""
    auroc: float
    """Chance that the relevance of a question in scope is above that of one out of scope."""
    false_accepts_at_95: float
    """Share of them accepted where 95 % of the questions in scope are."""
    false_accepts: float
    """Share of them whose verdict was not `not_found`."""
    false_refusals: float
    """Share of the questions in scope whose verdict was `not_found`."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Questions whose relevance lies between two bounds: what was promised and what was kept."""

    low: float
    high: float
    n: int
    relevance: float | None
    """Mean relevance of the best case; None where there is no question."""
    right: float | None
    """Share of questions whose best case was right; out of scope none is."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a run over a gold set says."""

    ranking: RankingFigures
    by_style: dict[str, RankingFigures] = field(default_factory=dict)
    abstention: Abstention | None = None
    """None without questions of both kinds."""
    reliability: tuple[Reliability, ...] = ()
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Duel:
    """How often the second of two ways did better and worse on the same questions."""

    won: int
    lost: int
    tied: int

    @property
    def chance(self) -> float:
        """Two-sided p of the exact sign test; for answers that are right or wrong it is McNemar's exact test."""
        n, low = self.won + self.lost, min(self.won, self.lost)
        ways: int = 2**n
        return min(1.0, 2 * sum(math.comb(n, k) for k in range(low + 1)) / ways)

    @property
    def is_sure(self) -> bool:
        """Whether chance alone is an unlikely explanation."""
        return self.chance < SURE_BELOW


def answered(
    style: str, wanted: Set[str], hits: Sequence[str], *, relevance: float, found: bool, milliseconds: float
) -> Answered:
    """How a question was answered whose right cases are `wanted` (empty: it is out of scope); `hits`, best first."""
    ranks = [at for at, hit in enumerate(hits[:DEPTH], start=1) if hit in wanted]
    ideal = sum(1 / math.log2(at + 1) for at in range(1, min(len(wanted), DEPTH) + 1))
    gain = sum(1 / math.log2(at + 1) for at in ranks) / ideal if wanted else 0.0
    return Answered(style, ranks[0] if ranks else None, gain, relevance, found, milliseconds)


def figures(inside: Sequence[Answered], outside: Sequence[Answered] = ()) -> Figures:
    """All figures over the questions in scope and those out of scope."""
    times = [one.milliseconds for one in (*inside, *outside)]
    return Figures(
        ranking(inside),
        by_style(inside),
        abstention(inside, outside),
        reliability(inside, outside),
        percentile(times, 0.5),
        percentile(times, 0.95),
    )


def by_style(rows: Iterable[Answered]) -> dict[str, RankingFigures]:
    """The ranking of every style, in the order of their names."""
    styles: defaultdict[str, list[Answered]] = defaultdict(list)
    for one in rows:
        styles[one.style].append(one)
    return {style: ranking(found) for style, found in sorted(styles.items())}


def ranking(rows: Sequence[Answered]) -> RankingFigures:
    """How early the right case came."""
    n = len(rows)
    if not n:
        return RankingFigures(0)
    ranks = [one.rank for one in rows if one.rank is not None]
    reciprocal = sum(1 / rank for rank in ranks)
    first, third = sum(rank == 1 for rank in ranks), sum(rank <= 3 for rank in ranks)
    return RankingFigures(n, first / n, third / n, reciprocal / n, sum(one.ndcg for one in rows) / n)


def abstention(inside: Sequence[Answered], outside: Sequence[Answered]) -> Abstention | None:
    """How well the two kinds are told apart; None unless there are some of both."""
    if not inside or not outside:
        return None
    high, low = [one.relevance for one in inside], [one.relevance for one in outside]
    return Abstention(
        len(outside),
        auroc(high, low),
        false_positives_at(high, low, 0.95),
        sum(one.found for one in outside) / len(outside),
        sum(not one.found for one in inside) / len(inside),
    )


def reliability(inside: Sequence[Answered], outside: Sequence[Answered]) -> tuple[Reliability, ...]:
    """What relevances promised and what they kept, by size, the largest first."""
    judged = [(one.relevance, one.rank == 1) for one in inside] + [(one.relevance, False) for one in outside]
    return tuple(_reliability(judged, low, high) for low, high in reversed(list(pairwise(RELIABILITY_BOUNDS))))


def duel(first: Sequence[Answered], second: Sequence[Answered], good: Callable[[Answered], float]) -> Duel:
    """The second way against the first, question by question; `good` tells how well one was answered."""
    signs = [good(b) - good(a) for a, b in zip(first, second, strict=True)]
    return Duel(sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs), sum(sign == 0 for sign in signs))


def is_hit(one: Answered) -> float:
    """1.0 when the right case came first."""
    return float(one.rank == 1)


def reciprocal_rank(one: Answered) -> float:
    """1 over the rank of the first right case, 0.0 when it is not among the first ten."""
    return 1 / one.rank if one.rank else 0.0


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney U over its maximum)."""
    ordered = sorted(negatives)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in positives)
    return below / 2 / (len(positives) * len(negatives))


def false_positives_at(positives: Sequence[float], negatives: Sequence[float], recall: float) -> float:
    """Share of negatives accepted at the highest threshold that accepts `recall` of the positives."""
    threshold = sorted(positives, reverse=True)[math.ceil(recall * len(positives)) - 1]
    return sum(score >= threshold for score in negatives) / len(negatives)


def macro_f1(truth: Sequence[str], read: Sequence[str]) -> float:
    """Mean over the classes of the truth of F1 = 2 TP / (2 TP + FP + FN)."""
    pairs = list(zip(truth, read, strict=True))
    scores = []
    for name in sorted(set(truth)):
        hits = sum(a == b == name for a, b in pairs)
        wrong = sum((a == name) != (b == name) for a, b in pairs)
        scores.append(2 * hits / (2 * hits + wrong) if hits else 0.0)
    return sum(scores) / len(scores)


def _reliability(judged: Sequence[tuple[float, bool]], low: float, high: float) -> Reliability:
    within = [
        (score, right) for score, right in judged if low <= score < high or score == high == RELIABILITY_BOUNDS[-1]
    ]
    if not within:
        return Reliability(low, high, 0, None, None)
    n = len(within)
    return Reliability(low, high, n, sum(score for score, _ in within) / n, sum(right for _, right in within) / n)
