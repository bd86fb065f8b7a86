"""The durable embedding cache: half the bytes when compressed, readable after the setting changed."""

import numpy as np
import pytest

from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore


@pytest.mark.parametrize(("compress", "size"), [(True, 16), (False, 32)])
def test_vectors_come_back(database: Database, compress: bool, size: int) -> None:
    vector = np.array([0.5, -0.25, 0.125, 0, 0.1, 0.2, 0.3, 0.7], dtype=np.float32)
    store = EmbeddingStore(database, compress=compress)
    store.put("m", {"a": vector}, {"a": 3})
    other = EmbeddingStore(database, compress=not compress)
    assert np.allclose(other.get(["a", "missing"], 8)["a"], vector, atol=1e-3)
    assert set(other.get(["a", "missing"], 8)) == {"a"}
    assert store.size() == (1, size)


def test_many_keys_are_read_in_batches(database: Database) -> None:
    store = EmbeddingStore(database, compress=True)
    vectors = {f"k{n}": np.full(4, n, dtype=np.float32) for n in range(1200)}
    store.put("m", vectors, {})
    assert len(store.get(list(vectors), 4)) == 1200


def test_what_compression_saves_is_known(database: Database) -> None:
    small, large = EmbeddingStore(database, compress=True), EmbeddingStore(database, compress=False)
    small.put("m", dict.fromkeys("abe", np.ones(8, np.float32)), {})
    large.put("m", {"c": np.ones(8, np.float32)}, {})
    small.put("other", {"d": np.ones(8, np.float32)}, {})
    assert small.saved_bytes("m", 8) == 3 * 16
    assert small.saved_bytes("none", 8) == 0
