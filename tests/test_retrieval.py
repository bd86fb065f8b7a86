"""The figures of a search as a value: they come back as they were written, and say when a relevance was not learnt for them."""

from dataclasses import replace

import pytest

from sipd_core.retrieval import RetrievalSettings


def test_written_and_read_again_is_the_same() -> None:
    settings = RetrievalSettings(0.42, 7, 0.3, 0.05, 90, False, 1.5)
    assert RetrievalSettings.from_json(settings.to_json()) == settings


def test_figures_of_an_older_and_of_a_newer_release_are_read() -> None:
    assert RetrievalSettings.from_json('{"threshold": 0.3, "not_yet_known": 1}') == RetrievalSettings(threshold=0.3)


@pytest.mark.parametrize(
    ("change", "calibrated"),
    [
        ({}, True),
        ({"threshold": 0.2, "top_k": 9, "vector_candidates": 50}, True),
        ({"order_vector": 0.2}, False),
        ({"order_grams": 0.0}, False),
        ({"order_vector": 0.2, "use_vectors": False}, True),
        ({"order_grams": 0.2, "use_vectors": False}, False),
    ],
)
def test_a_relevance_is_calibrated_for_the_weights_it_was_learnt_with(
    change: dict[str, float], calibrated: bool
) -> None:
    assert replace(RetrievalSettings(), **change).is_calibrated is calibrated  # type: ignore[arg-type]


def test_every_figure_counts_for_the_fingerprint() -> None:
    changes = [{"threshold": 0.4}, {"top_k": 4}, {"order_vector": 0.2}, {"order_grams": 0.2}]
    changes += [{"vector_candidates": 10}, {"use_vectors": False}, {"sureness": 2.0}]
    prints = {replace(RetrievalSettings(), **change).fingerprint for change in changes}  # type: ignore[arg-type]
    assert len(prints | {RetrievalSettings().fingerprint}) == len(changes) + 1
