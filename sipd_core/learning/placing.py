"""Where questions belong among the gaps that are there. Pure. One reason to change: which gap a question goes to."""

from collections.abc import Callable, Mapping, Sequence

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sipd_core.documents import Hit
from sipd_core.knowledge.calibration import Calibration
from sipd_core.learning.grouping import Asked, Groups, asked, grouped, settled, without_pause
from sipd_core.learning.model import FailingQuestion
from sipd_core.learning.scope import of_the_field
from sipd_core.store.gap_work import Member

Vectors = Mapping[str, NDArray[Any]]
"""Of questions, by what they say, each of shape (dimension,)."""


def strange(questions: Sequence[FailingQuestion], vectors: Vectors, calibration: Calibration) -> set[str]:
    """Turns of those that are no matter of this help desk."""
    return {one.turn_id for one in questions if not of_the_field(calibration, one.text, vectors.get(one.text))}


def made_ready(texts: Mapping[str, str], vectors: Vectors, mean: NDArray[np.float32] | None) -> dict[str, Asked]:
    """Questions as they are compared, by turn; `mean` is the vector of the average question."""
    return {id_: asked(id_, text, vectors.get(text), mean) for id_, text in texts.items()}


def homes(
    members: Sequence[Member],
    compared: Mapping[str, Asked],
    inside: Sequence[Asked],
    breathe: Callable[[], None] = without_pause,
) -> list[tuple[int | None, list[str]]]:
    """Which gap each question belongs to; those of none are grouped among themselves."""
    groups: dict[int, list[Asked]] = {}
    for one in members:
        groups.setdefault(one.gap_id, []).append(compared[one.turn_id])
    known = Groups(groups)
    found: dict[int, list[str]] = {}
    rest = []
    for question in inside:
        breathe()
        home = known.home(question)
        if home is None:
            rest.append(question)
        else:
            found.setdefault(home, []).append(question.id)
    fresh = [(None, [one.id for one in group]) for group in grouped(rest, breathe)]
    return [*found.items(), *fresh]


def anew(
    members: Sequence[Member], compared: Mapping[str, Asked], breathe: Callable[[], None] = without_pause
) -> list[tuple[int | None, Sequence[str]]]:
    """Where loose questions belong that belong elsewhere, looked at all together; the numbers of their gaps are kept."""
    firm: dict[int, list[Asked]] = {}
    for one in members:
        if not one.loose:
            firm.setdefault(one.gap_id, []).append(compared[one.turn_id])
    known = Groups(firm)
    homes: dict[int, list[str]] = {}
    rest = []
    for one in members:
        if one.loose:
            breathe()
            home = known.home(compared[one.turn_id])
            if home is None:
                rest.append(compared[one.turn_id])
            else:
                homes.setdefault(home, []).append(one.turn_id)
    before = {one.turn_id: one.gap_id for one in members if one.loose}
    clusters = [[one.id for one in group] for group in grouped(rest, breathe)]
    places = [*homes.items(), *settled(clusters, before)]
    return [(gap, ids) for gap, ids in places if any(before[id_] != gap for id_ in ids)]


def menu_of(hits: Sequence[Hit], orders: dict[str, float]) -> str:
    """The menu that most of the nearest cases speak for, each by how far it stands above the last of them."""
    if not hits:
        return ""
    least = min(orders.values())
    votes: dict[str, float] = {}
    for hit in hits:
        votes[hit.case.menu] = votes.get(hit.case.menu, 0.0) + orders[hit.case.id] - least
    return max(votes, key=lambda menu: (votes[menu], menu))
