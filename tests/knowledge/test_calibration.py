"""The fit: its questions are few and always the same, it separates, and it survives being stored."""

import json

import numpy as np
import pytest

from sipd_core.knowledge.calibration import (
    MAX_QUERIES,
    RECIPE,
    Calibration,
    fit,
    training_texts,
)
from tests.builders import make_case

CASES = [make_case(f"Dokumen nomor {number} tidak bisa dicetak dari menu laporan") for number in range(300)]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def fitted() -> Calibration:
    """Questions of the field point one way, background the other, all with noise."""
    training = training_texts(CASES)
    noise = np.random.default_rng(1).normal(size=(len(training.queries), 16))
    noise[: len(training.field), 0] += 4
    noise[len(training.field) :, 0] -= 4
    views = unit(np.random.default_rng(2).normal(size=(20, 16)) + np.eye(16)[0] * 4)
    return fit(training, [f"k{at // 2}:{at % 2}" for at in range(20)], views, unit(noise))


def test_questions_are_bounded_and_repeatable() -> None:
    training = training_texts(CASES)
    assert len(training.queries) <= MAX_QUERIES
    assert training == training_texts(list(reversed(CASES)))
    assert all(training.queries)


def test_every_sampled_row_is_asked_once_whole_or_cut() -> None:
    training = training_texts(CASES)
    shipped = set(training_texts([]).field)
    own = [text for text in training.field if text not in shipped]
    whole = [text for text in own if len(text.split()) > 8]
    assert len(training.queries) == MAX_QUERIES
    assert len(whole) == len(set(whole)) == len(own) // 2


def test_a_small_base_still_has_questions_of_the_field() -> None:
    assert len(training_texts(CASES[:1]).field) >= 50


def test_the_field_is_told_from_the_background(fitted: Calibration) -> None:
    assert fitted.field_score(np.eye(16, dtype=np.float32)[0]) > 1
    assert fitted.field_score(-np.eye(16, dtype=np.float32)[0]) < -1


def test_words_tell_the_field_too() -> None:
    prior = Calibration.prior()
    assert prior.word_score("spm tidak bisa disimpan") > 0 > prior.word_score("siapa presiden pertama")


def test_without_vectors_only_words_are_measured() -> None:
    calibration = fit(training_texts(CASES), [], None, None)
    assert not calibration.has_vectors
    assert calibration.biases(["a:0"], np.ones((1, 3), np.float32)) == {}


def test_biases_are_similarities_to_the_average_question(fitted: Calibration) -> None:
    bias = fitted.biases(["a:0"], np.eye(16, dtype=np.float32)[:1])
    assert bias["a:0"] == pytest.approx(fitted.mean_query[0], abs=1e-6)


def test_what_is_stored_comes_back(fitted: Calibration) -> None:
    assert Calibration.from_json(fitted.to_json()) == fitted


def test_what_another_recipe_fitted_is_refused(fitted: Calibration) -> None:
    stored = json.loads(fitted.to_json())
    with pytest.raises(ValueError):
        Calibration.from_json(json.dumps(stored | {"recipe": RECIPE - 1}))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"mean_query": 3}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Calibration.from_json(text)
