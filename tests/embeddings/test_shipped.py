"""The vectors that come along are those of today's rows and examples: a first start embeds nothing of them."""

from pathlib import Path

import numpy as np
import pytest

from sipd_core.chat.reader import LocalReader
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.embeddings.shipped import ShippedVectors, write_shipped
from sipd_core.engine import SAMPLE_FOLDER, VECTOR_FOLDER
from sipd_core.knowledge.batches import collect
from sipd_core.knowledge.calibration import training_texts
from sipd_core.knowledge.views import passages_of
from sipd_core.metrics import PerformanceMonitor
from sipd_core.settings import SHIPPED_DATA, load_settings
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.tables import read_table


@pytest.fixture
def embedder(tmp_path: Path) -> CachedEmbedder:
    """Only its keys are asked for."""
    store = EmbeddingStore(Database(f"sqlite:///{tmp_path / 'sipd.db'}"), compress=True)
    local = LocalEmbedder(threads=1, max_tokens=512)
    return CachedEmbedder(local, None, store, monitor=PerformanceMonitor(), on_call=lambda _: None)


def test_a_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    vectors = {"b" * 64: np.array([0.5, -1], np.float32), "a" * 64: np.array([0.25, 0], np.float32)}
    write_shipped(tmp_path / "v.npz", vectors)
    shipped = ShippedVectors(tmp_path / "v.npz")
    found = shipped.get(["a" * 64, "c" * 64])
    assert {key: vector.tolist() for key, vector in found.items()} == {"a" * 64: [0.25, 0.0]}


def test_a_missing_file_is_an_empty_cache(tmp_path: Path) -> None:
    assert ShippedVectors(tmp_path / "none.npz").get(["a"]) == {}


def test_rows_and_examples_of_today_are_all_in_the_file(embedder: CachedEmbedder) -> None:
    """Renew them with `python -m sipd_core vectors` after changing the rows, the examples or the background sentences."""
    settings = load_settings(_env_file=None)
    cases = []
    for path in sorted(SAMPLE_FOLDER.iterdir()):
        with path.open("rb") as file:
            cases += collect(read_table(path.name, file), sample=True).cases
    passages = [text for case in cases for text in passages_of(case, settings.chunk_size, settings.chunk_overlap)]
    questions = [*LocalReader(SHIPPED_DATA / "training").texts, *training_texts(cases).queries]
    keys = [embedder.key("passage", text) for text in passages] + [embedder.key("query", text) for text in questions]
    there = ShippedVectors(VECTOR_FOLDER / f"{embedder.model}.npz").get(keys)
    assert [key for key in keys if key not in there] == []
