"""What counts as won and lost, and when two runs can be compared at all."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sipd_core.chat.turn import Verdict
from sipd_core.comparison import Outcome, compare
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scoring import Answered, Duel
from sipd_core.store.runs import Run, RunAnswer, RunStatus

RUN = Run(
    id="u1",
    set_id="s",
    at=datetime(2026, 11, 22, tzinfo=UTC),
    actor="uji",
    status=RunStatus.DONE,
    retrieval=RetrievalSettings(),
    total=1,
    done=1,
    skipped=0,
    version=3,
    version_after=3,
    cases=9,
    model="kata/64",
    finished_at=None,
    error=None,
    figures=None,
)


def inside(name: str, rank: int | None) -> RunAnswer:
    return RunAnswer(name, name, ("k",), Answered("", rank, 0.0, 0.5, True, 1.0), Verdict.FOUND, "k", "k")


def outside(name: str, *, found: bool) -> RunAnswer:
    verdict = Verdict.PARTIAL if found else Verdict.NOT_FOUND
    return RunAnswer(name, name, (), Answered("", None, 0.0, 0.5, found, 1.0), verdict, "k", "k")


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (inside("a", 2), inside("a", 1), Outcome.WON),
        (inside("a", 1), inside("a", None), Outcome.LOST),
        (inside("a", 3), inside("a", 3), Outcome.SAME),
        (outside("a", found=True), outside("a", found=False), Outcome.WON),
        (outside("a", found=False), outside("a", found=True), Outcome.LOST),
    ],
)
def test_won_is_earlier_in_scope_and_refused_out_of_scope(
    before: RunAnswer, after: RunAnswer, outcome: Outcome
) -> None:
    (pair,) = compare(RUN, [before], RUN, [after]).pairs
    assert pair.outcome is outcome


def test_the_kinds_are_counted_apart() -> None:
    before = [inside("a", 2), inside("b", 1), outside("c", found=True)]
    after = [inside("a", 1), inside("b", 3), outside("c", found=False)]
    told = compare(RUN, before, RUN, after)
    assert (told.hits, told.ranks, told.refusals) == (Duel(1, 1, 0), Duel(1, 1, 0), Duel(1, 0, 0))
    assert (told.before.ranking.n, told.after.ranking.hit_1) == (2, 0.5)


def test_a_question_whose_text_or_cases_changed_is_another_one() -> None:
    before = [inside("a", 1), inside("b", 1), inside("c", 1)]
    after = [replace(inside("a", 1), query="lain"), replace(inside("b", 1), wanted=("x",)), inside("c", 2)]
    told = compare(RUN, before, RUN, after)
    assert ([pair.after.query for pair in told.pairs], told.unpaired) == (["c"], 4)


def test_runs_on_other_rows_or_with_another_model_are_told_apart() -> None:
    assert compare(RUN, [], RUN, []).same_rows
    for other in (replace(RUN, version=4), replace(RUN, version_after=4), replace(RUN, model="huruf/32")):
        assert not compare(RUN, [], other, []).same_rows
