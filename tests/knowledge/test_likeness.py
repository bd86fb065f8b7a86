import numpy as np
import pytest

from sipd_core.knowledge.likeness import (
    Bags,
    cosines,
    pairs_by_terms,
    pairs_by_vectors,
)


def test_overlap_weighs_shared_terms_by_their_rarity() -> None:
    bags = Bags([("a", "b"), ("a", "b"), ("a", "c"), ("d",), ()])
    share, count = bags.overlap(np.array([[0, 1], [0, 2], [0, 3], [3, 4]]))
    assert share[0] == pytest.approx(1.0)
    assert 0 < share[1] < 0.5, "what they share is the common word"
    assert share[2] == share[3] == 0.0
    assert count.tolist() == [2, 1, 0, 0]


def test_pairs_with_half_their_terms_in_common_are_found_among_thousands() -> None:
    chance = np.random.default_rng(3)
    words = [f"w{at}" for at in range(3_000)]
    others = [tuple(chance.choice(words, 8, replace=False)) for _ in range(2_000)]
    alike = [(*others[at][:6], "x", f"y{at}") for at in range(100)]
    pairs = pairs_by_terms(Bags([*others, *alike]), np.zeros(2_100, np.int64), lambda _: None)
    met = {tuple(pair) for pair in pairs.tolist()}
    assert sum((at, 2_000 + at) in met for at in range(100)) >= 95
    assert len(met) < 20_000, "nearly all of two million pairs are never looked at"


def test_a_bucket_of_thousands_costs_its_size_and_not_its_square() -> None:
    pairs = pairs_by_terms(Bags([("sama", "persis")] * 3_000), np.zeros(3_000, np.int64), lambda _: None)
    assert len(pairs) < 3_000 * 13


def test_nearest_vectors_are_found_within_a_family() -> None:
    vectors = np.array([[1, 0], [0.9, 0.4359], [0, 1], [1, 0], [0, 0]], np.float16)
    families = [np.array([0, 1, 2, 4])]
    assert pairs_by_vectors(vectors, families, 0.8, lambda _: None).tolist() == [[0, 1]]


def test_a_missing_vector_is_no_cosine() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 0]], np.float16)
    found = cosines(vectors, np.array([[0, 1], [0, 2]]))
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])
