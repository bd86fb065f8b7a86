"""Answers that a person approved for a question: the words for them. Values and pure decisions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sipd_core.documents import Case

DOUBTS = 2
"""Thumbs down since the last confirmation, and more than thumbs up, from which an answer is not served any more."""


class Standing(StrEnum):
    """Whether an approved answer is served, and why not."""

    LIVE = "live"
    STALE = "stale"
    """A case it rests on is not what it was."""
    DOUBTED = "doubted"
    """People said that it does not help."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RestsOn:
    """A case that an approved answer rests on."""

    case_id: str
    state: str
    """Its `case_state` when the answer was approved or confirmed."""


@dataclass(frozen=True, slots=True)
class ApprovedAnswer:
    """One approved answer as it is kept; texts are masked."""

    id: str
    at: datetime
    """Timezone-aware, UTC, as all times here."""
    actor: str
    question: str
    answer: str
    turn_id: str
    """The answer it was made of."""
    rests_on: tuple[RestsOn, ...]
    confirmed_at: datetime
    """When somebody last said that it holds: at first when it was approved."""
    confirmed_by: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    served: int = 0
    last_served_at: datetime | None = None
    helpful: int = 0
    """Thumbs up of those it was served to."""
    unhelpful: int = 0
    doubts: int = 0
    """Thumbs down since it was confirmed, less thumbs up since then."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An approved answer as it stands against the base of now."""

    approved: ApprovedAnswer
    standing: Standing
    cases: tuple[Case | None, ...]
    """Those it rests on as they are now, in order; None for one that is gone."""
    changed: frozenset[str]
    """Ids of those that are not what they were."""


def case_state(case: Case | None) -> str:
    """What of a case an answer can rest on, as one value; that it is gone or disabled is a state too."""
    if case is None or not case.enabled:
        return "gone"
    parts = case.menu, case.issue, case.expected, case.note_dev, case.note_qa, case.remedy
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def standing_of(approved: ApprovedAnswer, cases: Mapping[str, Case]) -> Listed:
    """How an approved answer stands against the cases as they are now, by id."""
    changed = frozenset(one.case_id for one in approved.rests_on if case_state(cases.get(one.case_id)) != one.state)
    standing = Standing.LIVE
    if approved.withdrawn_at is not None:
        standing = Standing.WITHDRAWN
    elif changed:
        standing = Standing.STALE
    elif approved.doubts >= DOUBTS:
        standing = Standing.DOUBTED
    return Listed(approved, standing, tuple(cases.get(one.case_id) for one in approved.rests_on), changed)


def found_in(listed: Sequence[Listed], search: str) -> tuple[Listed, ...]:
    """Those that hold every word of `search` in their question, answer, author or the menus of their cases."""
    wanted = search.casefold().split()

    def holds(one: Listed) -> bool:
        approved = one.approved
        menus = (case.menu for case in one.cases if case)
        said = " ".join((approved.question, approved.answer, approved.actor, *menus)).casefold()
        return all(word in said for word in wanted)

    return tuple(one for one in listed if holds(one))
