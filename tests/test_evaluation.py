"""The figures themselves, on numbers that can be worked out by hand."""

import pytest

from sipd_core.evaluation import auroc, false_positives_at, macro_f1


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
