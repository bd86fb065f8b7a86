"""The figures themselves, on numbers that can be worked out by hand."""

import math

import pytest

from sipd_core.scoring import (
    Answered,
    Duel,
    answered,
    auroc,
    duel,
    false_positives_at,
    figures,
    is_hit,
    macro_f1,
    ranking,
    reciprocal_rank,
    reliability,
)


def test_auroc_counts_ties_half() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.1], [0.9]) == 0.0
    assert auroc([0.9, 0.3], [0.5, 0.1]) == 0.75


def test_false_positives_at_full_and_half_recall() -> None:
    inside, outside = [0.9, 0.8, 0.7, 0.2], [0.75, 0.3, 0.1, 0.05]
    assert false_positives_at(inside, outside, 0.5) == 0.0
    assert false_positives_at(inside, outside, 0.75) == 0.25
    assert false_positives_at(inside, outside, 1.0) == 0.5


def test_macro_f1_weighs_classes_alike() -> None:
    assert macro_f1(["a", "a", "b"], ["a", "a", "b"]) == 1.0
    assert macro_f1(["a", "a", "a", "b"], ["a", "a", "a", "a"]) == pytest.approx((6 / 7 + 0) / 2)


def test_a_question_is_judged_by_its_first_right_case() -> None:
    one = answered("kasual", {"b", "c"}, ["a", "b", "x", "c"], relevance=0.7, found=True, milliseconds=3.0)
    assert one.rank == 2
    assert one.ndcg == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert answered("", {"z"}, ["a"] * 10 + ["z"], relevance=0, found=False, milliseconds=0).rank is None
    assert answered("", set(), ["a"], relevance=0.2, found=True, milliseconds=0) == Answered("", None, 0, 0.2, True, 0)


def test_the_figures_of_four_questions() -> None:
    rows = [told(1), told(3, style="b"), told(None), told(2)]
    found = ranking(rows)
    assert (found.n, found.hit_1, found.hit_3) == (4, 0.25, 0.75)
    assert found.mrr == pytest.approx((1 + 1 / 3 + 1 / 2) / 4)
    assert figures(rows).by_style["b"].n == 1
    assert ranking([]).hit_1 is None


def test_abstention_needs_questions_of_both_kinds() -> None:
    inside, outside = [told(1, 0.9), told(1, 0.4, found=False)], [told(None, 0.6), told(None, 0.1, found=False)]
    assert figures(inside).abstention is None
    found = figures(inside, outside).abstention
    assert found is not None
    assert (found.n, found.auroc, found.false_accepts, found.false_refusals) == (2, 0.75, 0.5, 0.5)


def test_what_relevances_promise_and_keep() -> None:
    top, *_, bottom = reliability([told(1, 1.0), told(2, 0.95), told(1, 0.1)], [told(None, 0.92)])
    assert (top.n, top.right) == (3, pytest.approx(1 / 3))
    assert top.relevance == pytest.approx((1 + 0.95 + 0.92) / 3)
    assert (bottom.n, bottom.right) == (1, 1.0)


def test_a_difference_that_can_be_chance_and_one_that_hardly_can() -> None:
    assert Duel(0, 0, 9).chance == 1.0
    assert Duel(3, 1, 0).chance == pytest.approx(2 * (1 + 4) / 16)
    assert Duel(8, 0, 50).chance == pytest.approx(2 / 256)
    assert Duel(8, 0, 50).is_sure and not Duel(5, 0, 50).is_sure
    assert Duel(5, 5, 0).chance == 1.0


def test_two_ways_are_compared_question_by_question() -> None:
    first, second = [told(1), told(2), told(None), told(3)], [told(2), told(1), told(5), told(3)]
    assert duel(first, second, is_hit) == Duel(1, 1, 2)
    assert duel(first, second, reciprocal_rank) == Duel(2, 1, 1)


def told(rank: int | None, relevance: float = 0.5, *, style: str = "a", found: bool = True) -> Answered:
    return Answered(style, rank, 0.0, relevance, found, 1.0)
