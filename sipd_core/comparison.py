"""Two runs over the same questions, side by side. One reason to change: what makes one way of searching better than another."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sipd_core.scoring import (
    Answered,
    Duel,
    Figures,
    duel,
    figures,
    is_hit,
    reciprocal_rank,
)
from sipd_core.store.runs import Run, RunAnswer


class Outcome(StrEnum):
    """What became of one question."""

    WON = "won"
    LOST = "lost"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Pair:
    """One question as both runs answered it."""

    before: RunAnswer
    after: RunAnswer

    @property
    def is_outside(self) -> bool:
        """No case is meant to answer it."""
        return not self.after.wanted

    @property
    def outcome(self) -> Outcome:
        """In scope the right case came earlier or later; out of scope it was refused or accepted."""
        before, after = _worth(self.before), _worth(self.after)
        if before == after:
            return Outcome.SAME
        return Outcome.WON if after > before else Outcome.LOST


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the questions that they have in common."""

    first: Run
    second: Run
    pairs: tuple[Pair, ...]
    unpaired: int
    """Questions that only one of them asked, or whose text or cases changed in between."""
    before: Figures
    after: Figures
    hits: Duel
    """Whether the right case came first, over the questions in scope."""
    ranks: Duel
    """How early it came."""
    refusals: Duel
    """Whether the questions out of scope were refused."""

    @property
    def same_rows(self) -> bool:
        """Whether both searched the same rows with the same model: else the figures are not all that differs."""
        versions = {self.first.version, self.first.version_after, self.second.version, self.second.version_after}
        return len(versions) == 1 and self.first.model == self.second.model


def compare(first: Run, before: Sequence[RunAnswer], second: Run, after: Sequence[RunAnswer]) -> Comparison:
    """The second run against the first."""
    known = {_identity(answer): answer for answer in before}
    pairs = tuple(Pair(known[key], answer) for answer in after if (key := _identity(answer)) in known)
    inside = [pair for pair in pairs if not pair.is_outside]
    outside = [pair for pair in pairs if pair.is_outside]
    return Comparison(
        first,
        second,
        pairs,
        len(before) + len(after) - 2 * len(pairs),
        figures(_told(inside, "before"), _told(outside, "before")),
        figures(_told(inside, "after"), _told(outside, "after")),
        duel(_told(inside, "before"), _told(inside, "after"), is_hit),
        duel(_told(inside, "before"), _told(inside, "after"), reciprocal_rank),
        duel(_told(outside, "before"), _told(outside, "after"), _refused),
    )


def _identity(answer: RunAnswer) -> tuple[str, str, frozenset[str]]:
    return answer.question_id, answer.query, frozenset(answer.wanted)


def _told(pairs: Sequence[Pair], side: str) -> list[Answered]:
    return [getattr(pair, side).answered for pair in pairs]


def _worth(answer: RunAnswer) -> float:
    return reciprocal_rank(answer.answered) if answer.wanted else _refused(answer.answered)


def _refused(one: Answered) -> float:
    return float(not one.found)
