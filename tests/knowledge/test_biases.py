"""What is subtracted from cosines is worked out for the views a search finds, and never taken from views that are gone."""

from collections.abc import Collection

import numpy as np

from sipd_core.embeddings import Vectors
from sipd_core.knowledge.biases import ViewBiases
from sipd_core.knowledge.calibration import Calibration

CALIBRATION = Calibration(mean_query=(1.0, 0.0), field_weights=(0.0, 0.0))


class Stored:
    """Vectors as SQL has them; what was asked for is noted."""

    def __init__(self) -> None:
        self.vectors = {"a:0": (0.6, 0.8), "a:1": (1.0, 0.0), "b:0": (0.0, 1.0)}
        self.asked: list[set[str]] = []

    def read(self, case_ids: Collection[str]) -> tuple[list[str], Vectors]:
        self.asked.append(set(case_ids))
        found = [view for view in self.vectors if view.partition(":")[0] in case_ids]
        return found, np.array([self.vectors[view] for view in found], np.float32).reshape(-1, 2)


def test_it_is_the_similarity_to_the_average_question() -> None:
    assert ViewBiases(CALIBRATION, Stored().read).of(["a:0", "b:0"]) == {"a:0": np.float32(0.6), "b:0": 0.0}


def test_a_case_is_read_once() -> None:
    stored = Stored()
    biases = ViewBiases(CALIBRATION, stored.read)
    biases.of(["a:0"])
    assert biases.of(["a:1", "a:0"]).keys() == {"a:0", "a:1"}
    assert stored.asked == [{"a"}]


def test_a_view_that_nobody_acknowledged_is_left_out_until_somebody_does() -> None:
    stored = Stored()
    biases = ViewBiases(CALIBRATION, stored.read)
    assert biases.of(["c:0"]) == {}
    stored.vectors["c:0"] = (1.0, 0.0)
    assert biases.of(["c:0"]) == {"c:0": 1.0}


def test_a_case_that_changed_is_read_again_and_searches_under_way_keep_what_they_know() -> None:
    stored = Stored()
    before = ViewBiases(CALIBRATION, stored.read)
    before.of(["a:0", "b:0"])
    after = before.without(["a", "tidak ada"])
    del stored.vectors["a:0"]
    assert after.of(["a:0", "b:0"]).keys() == {"b:0"}
    assert before.of(["a:0", "b:0"]).keys() == {"a:0", "b:0"}


def test_without_a_calibration_no_vector_has_a_say_and_none_is_read() -> None:
    stored = Stored()
    assert ViewBiases(Calibration(), stored.read).of(["a:0"]) == {}
    assert stored.asked == []
