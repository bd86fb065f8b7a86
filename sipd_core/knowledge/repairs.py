"""What a decision of an admin makes of the rows, worked out before it is done, so that it can be shown first.

One reason to change: what becomes of rows that are merged, renamed or given a remedy. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sipd_core.documents import Case, case_id


@dataclass(frozen=True, slots=True)
class MergePlan:
    """Several cases made into one."""

    survivor: Case
    """The case that stays, as it will be."""
    gone: tuple[Case, ...]
    reports: int
    """How often the survivor will have been reported."""
    lost_remedies: tuple[str, ...]
    """Remedies of the cases that go which the survivor does not have."""

    @property
    def states(self) -> dict[str, Case | None]:
        """Case id -> what becomes of it."""
        return {self.survivor.id: self.survivor} | dict.fromkeys((case.id for case in self.gone), None)

    @property
    def redirects(self) -> dict[str, str]:
        """Content id -> the case that stands for it from now on, so that no file brings the others back."""
        return {case.id: self.survivor.id for case in self.gone}


@dataclass(frozen=True, slots=True)
class MenuPlan:
    """Spellings of menus filed under one name each."""

    names: Mapping[str, str]
    """Spelling -> name."""
    states: Mapping[str, Case | None]
    redirects: Mapping[str, str]

    @property
    def renamed(self) -> int:
        """Cases that get another menu."""
        return sum(case is not None for case in self.states.values())

    @property
    def folded(self) -> int:
        """Cases that turn out to be the very same as another once their menu has its name."""
        return sum(case is None for case in self.states.values())


def plan_merge(cases: Sequence[Case], survivor: str, remedy: str, reports: Mapping[str, int]) -> MergePlan:
    """What merging `cases` into the one with the id `survivor` makes of them; it gets `remedy`."""
    kept = next(case for case in cases if case.id == survivor)
    gone = tuple(case for case in cases if case.id != survivor)
    remedy = remedy.strip()
    edited = replace(kept, remedy=remedy, sample=all(case.sample for case in cases))
    lost = dict.fromkeys(case.remedy for case in cases if case.remedy and case.remedy != remedy)
    return MergePlan(edited, gone, sum(reports.get(case.id, 1) for case in cases), tuple(lost))


def plan_menus(names: Mapping[str, str], cases: Iterable[Case]) -> MenuPlan:
    """What filing each spelling of `names` under its name makes of the cases.

    Cases that then say the very same become one, unless both have a remedy of their own: nothing a person wrote is lost.
    """
    wanted = {spelling: name for spelling, name in names.items() if spelling != name}
    touched = {*wanted, *wanted.values()}
    same: dict[str, list[Case]] = {}
    for case in cases:
        if case.menu in touched:
            same.setdefault(case_id(wanted.get(case.menu, case.menu), case.issue), []).append(case)
    states: dict[str, Case | None] = {}
    redirects: dict[str, str] = {}
    for key, group in same.items():
        if any(case.menu in wanted for case in group):
            _file_under(wanted, key, group, states, redirects)
    return MenuPlan(wanted, states, redirects)


def _file_under(
    wanted: Mapping[str, str],
    key: str,
    group: Sequence[Case],
    states: dict[str, Case | None],
    redirects: dict[str, str],
) -> None:
    """Rename the cases of one content id; the first stands for it, others that add no remedy go."""
    first, *others = sorted(group, key=lambda case: (case.sample, not case.remedy, case.menu in wanted, case.id))
    kept = [first]
    for case in others:
        if case.remedy and case.remedy != first.remedy:
            kept.append(case)
        else:
            states[case.id] = None
            redirects[case.id] = first.id
    states.update((case.id, replace(case, menu=wanted[case.menu])) for case in kept if case.menu in wanted)
    if key != first.id:
        redirects[key] = first.id
