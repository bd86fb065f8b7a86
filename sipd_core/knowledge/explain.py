"""The stages of one search as a person can follow them. One reason to change: what of a search is told.

Nothing is scored here: every figure is one that the search itself worked with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sipd_core.documents import Case
from sipd_core.knowledge.base import SearchResult, Trial
from sipd_core.knowledge.relevance import PARTIAL_SHARE, Judgement, Scored
from sipd_core.language import Cleaning, cleaning
from sipd_core.privacy import Masked
from sipd_core.retrieval import RetrievalSettings

SHOWN = 10
"""Cases told of at each stage."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One case and what each side gave it towards its order: the three parts add up to `order`."""

    case: Case
    place: int
    """In the fused order, from 1."""
    scored: Scored
    from_words: float
    from_grams: float
    from_vectors: float | None
    """None where words alone were compared."""

    @property
    def order(self) -> float:
        """What the cases are ordered by."""
        return self.scored.order


@dataclass(frozen=True, slots=True)
class Explanation:
    """One question from its text to its verdict."""

    masked: str
    masks: Mapping[str, int]
    """Kind of masked data -> how many were masked."""
    cleaning: Cleaning
    embedded: str
    """The text that was embedded."""
    retrieval: RetrievalSettings
    result: SearchResult
    judgement: Judgement | None
    """How the best case was judged; None when there is no case."""
    by_vectors: tuple[Candidate, ...]
    """The nearest by meaning; empty where words alone were compared."""
    by_words: tuple[Candidate, ...]
    """The nearest by words and n-grams."""
    fused: tuple[Candidate, ...]
    considered: int
    """Cases that any side put forward."""
    rivals_alike: int
    """Of the best, cases that tell of the same problem as the first: they do not make it doubtful."""
    version: int
    """Version of the rows that were searched."""

    @property
    def partial_from(self) -> float:
        """Relevance from which a case still counts as partial."""
        return PARTIAL_SHARE * self.retrieval.threshold


def explanation(masked: Masked, trial: Trial, retrieval: RetrievalSettings) -> Explanation:
    """What a trial with these figures shows of a masked question."""
    candidates = [_candidate(place, one, trial.cases, retrieval) for place, one in enumerate(trial.ranking.cases, 1)]
    nearest = [one for one in candidates if one.scored.nearness is not None]
    worded = [one for one in candidates if one.from_words + one.from_grams > 0]
    return Explanation(
        masked.text,
        masked.counts,
        cleaning(masked.text),
        trial.query.embedded,
        retrieval,
        trial.result,
        trial.ranking.judgement,
        tuple(sorted(nearest, key=lambda one: -(one.scored.nearness or 0.0))[:SHOWN]),
        tuple(sorted(worded, key=lambda one: -(one.from_words + one.from_grams))[:SHOWN]),
        tuple(candidates[:SHOWN]),
        len(candidates),
        sum(one.scored.problem == 0 for one in candidates) - 1 if candidates else 0,
        trial.version,
    )


def _candidate(place: int, scored: Scored, cases: Mapping[str, Case], retrieval: RetrievalSettings) -> Candidate:
    vectors = None if scored.nearness is None else retrieval.order_vector * scored.nearness
    grams = retrieval.order_grams * scored.grams
    return Candidate(cases[scored.case_id], place, scored, scored.lexical, grams, vectors)
