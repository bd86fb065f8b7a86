"""What is found wrong with a base, as lists a person can work through. Pure values; it is found elsewhere.

One reason to change: what an admin's work list shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from sipd_core.documents import Case
from sipd_core.knowledge.clusters import Cluster
from sipd_core.knowledge.judgement import Judgement
from sipd_core.knowledge.menus import MenuGroup, menu_words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as it is reported: one case, or several that tell of the same."""

    cases: tuple[Case, ...]
    reports: Mapping[str, int]
    """Case id -> how often it was reported, for those reported more than once."""
    latest: datetime | None = None
    """When the newest file that reports it came in, None when no import says so."""

    @property
    def id(self) -> str:
        """The id of its first case."""
        return self.cases[0].id

    @property
    def times(self) -> int:
        """How often it was reported in all."""
        return sum(self.reports.get(case.id, 1) for case in self.cases)

    @property
    def remedies(self) -> tuple[str, ...]:
        """The different remedies of its cases, the most reported case's first."""
        ranked = sorted(self.cases, key=lambda case: -self.reports.get(case.id, 1))
        return tuple(dict.fromkeys(case.remedy for case in ranked if case.remedy))

    @property
    def survivor(self) -> Case:
        """The case that should stand for all: no sample row, one with a remedy, the most reported, the fullest."""
        return min(
            self.cases,
            key=lambda case: (case.sample, not case.remedy, -self.reports.get(case.id, 1), -len(case.issue), case.id),
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """A case without a remedy and why none of its texts is one."""

    case: Case
    texts: tuple[Judgement, ...]
    """Empty for a case whose texts are all empty."""


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """The state of a base in numbers of cases, unless said otherwise."""

    cases: int
    with_remedy: int
    judged_none: int
    """Without a remedy though a text of theirs might have held one."""
    silent: int
    """Without a remedy and without any text that could hold one."""
    clusters: int
    """Groups of near duplicates."""
    clustered: int
    """Cases in those groups."""
    spellings: int
    """Different spellings of menus."""
    menus: int
    """Menus that they mean."""
    without_menu: int

    @property
    def remedy_share(self) -> float | None:
        """Share of the cases that have a remedy, None for an empty base."""
        return self.with_remedy / self.cases if self.cases else None


@dataclass(frozen=True)
class Findings:
    """Everything found at one version of the base."""

    version: int
    cases: tuple[Case, ...]
    clusters: tuple[Problem, ...]
    """Near duplicates, the most reported first."""
    unsolved: tuple[Problem, ...]
    """Problems without any remedy, single cases among them, the most reported first."""
    judged: tuple[Judged, ...]
    """Every case without a remedy, those with a text first."""
    menus: tuple[MenuGroup, ...]
    figures: HealthFigures
    with_vectors: bool
    """Whether meanings were compared too, not words alone."""
    problems: Mapping[str, Problem] = field(repr=False)
    """Case id -> the problem it tells of."""

    @cached_property
    def without_menu(self) -> tuple[Case, ...]:
        """Cases whose menu says nothing."""
        blank = {menu for menu in {case.menu for case in self.cases} if not menu_words(menu)}
        return tuple(case for case in self.cases if case.menu in blank)


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    total: int


def findings_of(
    version: int,
    cases: Sequence[Case],
    reports: Mapping[str, int],
    clusters: Iterable[Cluster],
    judged: Iterable[Judged],
    menus: Sequence[MenuGroup],
    arrivals: Mapping[str, datetime],
    *,
    with_vectors: bool,
) -> Findings:
    """Put together what was found; `arrivals`: file -> when it was last imported."""
    by_id = {case.id: case for case in cases}
    grouped = [[by_id[id_] for id_ in cluster.ids if id_ in by_id] for cluster in clusters]
    groups = [_problem(of, reports, arrivals) for of in grouped if len(of) > 1]
    taken = {case.id for group in groups for case in group.cases}
    alone = [_problem([case], reports, arrivals) for case in cases if case.id not in taken]
    unsolved = [problem for problem in (*groups, *alone) if not any(case.remedy for case in problem.cases)]
    listed = sorted(judged, key=lambda one: (not one.texts, -reports.get(one.case.id, 1), one.case.menu, one.case.id))
    return Findings(
        version,
        tuple(cases),
        tuple(sorted(groups, key=_rank)),
        tuple(sorted(unsolved, key=_rank)),
        tuple(listed),
        tuple(menus),
        _figures(cases, groups, listed, menus),
        with_vectors,
        {case.id: problem for problem in (*groups, *alone) for case in problem.cases},
    )


def page_of(items: Sequence[T], offset: int, limit: int) -> Part[T]:
    """One page of a list."""
    return Part(tuple(items[offset : offset + limit]), len(items))


def fits(case: Case, search: str, menu: str | None) -> bool:
    """Whether a case is of `menu` (None: any) and its texts hold every word of `search`."""
    if menu is not None and case.menu != menu:
        return False
    if not search:
        return True
    text = " ".join((case.menu, case.issue, case.expected, case.note_dev, case.note_qa, case.remedy)).casefold()
    return all(word in text for word in search.casefold().split())


def _problem(cases: Sequence[Case], reports: Mapping[str, int], arrivals: Mapping[str, datetime]) -> Problem:
    counts = {case.id: reports[case.id] for case in cases if case.id in reports}
    latest = max((arrivals[case.file] for case in cases if case.file in arrivals), default=None)
    return Problem(tuple(cases), counts, latest)


def _rank(problem: Problem) -> tuple[int, float, str]:
    return -problem.times, -problem.latest.timestamp() if problem.latest else 0.0, problem.id


def _figures(
    cases: Sequence[Case], groups: Sequence[Problem], judged: Sequence[Judged], menus: Sequence[MenuGroup]
) -> HealthFigures:
    spellings = Counter(case.menu for case in cases)
    without = [spelling for spelling in spellings if not menu_words(spelling)]
    return HealthFigures(
        cases=len(cases),
        with_remedy=len(cases) - len(judged),
        judged_none=sum(bool(one.texts) for one in judged),
        silent=sum(not one.texts for one in judged),
        clusters=len(groups),
        clustered=sum(len(group.cases) for group in groups),
        spellings=len(spellings) - len(without),
        menus=len(menus),
        without_menu=sum(spellings[spelling] for spelling in without),
    )
