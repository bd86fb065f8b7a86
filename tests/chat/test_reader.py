"""The reader works before it is taught meaning, without vectors, and better with them."""

from pathlib import Path

import numpy as np
import pytest

from sipd_core.chat.reader import LocalReader
from sipd_core.errors import SipdError
from sipd_core.settings import SHIPPED_DATA


def test_words_alone_are_enough_to_read() -> None:
    reader = LocalReader(SHIPPED_DATA / "training")
    assert reader.intent("lupa kata sandi, tidak bisa login", None) == "login_issue"
    assert reader.sentiment("pelayanannya sangat mengecewakan dan lambat", None) < -0.25
    assert reader.sentiment("terima kasih banyak, sudah bisa", None) > 0.25


def test_a_vector_is_used_only_by_models_that_were_taught_with_vectors() -> None:
    reader = LocalReader(SHIPPED_DATA / "training")
    vector = np.ones(8, dtype=np.float32)
    assert reader.intent("lupa kata sandi", vector) == reader.intent("lupa kata sandi", None)
    reader.teach(np.random.default_rng(1).normal(size=(len(reader.texts), 8)).astype(np.float32))
    assert -1 <= reader.sentiment("apa kabar", vector) <= 1
    assert reader.intent("lupa kata sandi, tidak bisa login", None) == "login_issue"


def test_missing_examples_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(SipdError):
        LocalReader(tmp_path)
