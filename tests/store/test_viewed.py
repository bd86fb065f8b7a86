"""Which rows wait for a model, and which views it has read: asked of what changed alone, where that is enough."""

from dataclasses import replace

import numpy as np
import pytest

from sipd_core.documents import Case, ChangeKind
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from tests.builders import make_case, make_report

MODEL = "m/2"
ROWS = [make_case(f"keluhan {n}") for n in range(6)]


@pytest.fixture
def store(database: Database) -> CaseStore:
    made = CaseStore(database)
    made.add_import(make_report("b1"), ROWS, finish=lambda report, _: report)
    made.mark_indexed(MODEL, [(case, [f"{case.id}-0", f"{case.id}-1"]) for case in ROWS])
    return made


def edited(store: CaseStore, case: Case) -> None:
    store.change(ChangeKind.EDIT, {case.id: replace(case, remedy="lain")}, actor="uji")


def test_only_what_changed_since_is_asked_for(store: CaseStore) -> None:
    clear = store.version
    assert store.pending_count(MODEL, clear) == 0
    edited(store, ROWS[2])
    assert [case.id for case in store.pending(MODEL, 9, clear)] == [ROWS[2].id]
    assert (store.pending_count(MODEL, clear), store.pending_count(MODEL, store.version)) == (1, 0)
    assert (store.changed_since(clear), store.changed_since(store.version)) == (1, 0)
    store.change(ChangeKind.DELETE, {ROWS[3].id: None}, actor="uji")
    assert store.changed_since(clear) == 2


def test_views_are_counted_listed_and_sampled(store: CaseStore) -> None:
    edited(store, ROWS[0])
    read = sorted(case.id for case in ROWS[1:])
    assert store.view_count(MODEL) == 10
    assert sorted(store.views(MODEL)) == [(id_, at) for id_ in read for at in range(2)]
    assert store.some_viewed(MODEL, 3) == read[:3]
    assert store.some_viewed(MODEL, 9, start=read[3]) == read[3:] + read[:3]
    assert store.some_viewed(MODEL, 2, start="g") == read[:2]  # behind every id: an empty sample would check nothing
    assert store.some_viewed("lain/2", 3) == []


def test_only_rows_that_count_are_enabled(store: CaseStore) -> None:
    off, gone = ROWS[0], ROWS[1]
    store.change(ChangeKind.DISABLE, {off.id: replace(off, enabled=False)}, actor="uji")
    store.change(ChangeKind.DELETE, {gone.id: None}, actor="uji")
    assert store.enabled([case.id for case in ROWS] + ["tidak ada"]) == {case.id for case in ROWS[2:]}


@pytest.mark.parametrize("compress", [(True, True), (True, False)])
def test_vectors_of_views_come_in_one_table(store: CaseStore, database: Database, compress: tuple[bool, bool]) -> None:
    """Whether or not some were kept at half the size before the setting was changed."""
    case, keys = ROWS[0], [f"{ROWS[0].id}-{at}" for at in range(2)]
    for key, halved, place in zip(keys, compress, range(2), strict=True):
        EmbeddingStore(database, compress=halved).put("m", {key: np.eye(2, dtype=np.float32)[place]}, {})
    vectors = EmbeddingStore(database, compress=True)
    views, table = vectors.of_views(MODEL, [case.id, ROWS[1].id], 2)
    assert dict(zip(views, table.tolist(), strict=True)) == {(case.id, 0): [1, 0], (case.id, 1): [0, 1]}
    assert vectors.of_views(MODEL, ["tidak ada"], 2)[1].shape == (0, 2)
