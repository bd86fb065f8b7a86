"""A base of 100,000 rows: how long a start takes, how long a search, how soon a changed row is found, how much memory.

The complaints are told after the sample rows (complaints.py). Their vectors are synthetic: that of the sample row, moved a
little, so that neighbours lie as near as a real model puts them; they are put into SQL and Chroma directly. Everything
that is measured goes through the real engine in a process of its own, questions through the bundled model.
`SIPD_LARGE_BASE` names a folder that keeps the base for the next time: filling Chroma takes minutes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray

from sipd_core.documents import Case, ImportReport
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.embeddings.shipped import ShippedVectors
from sipd_core.engine import VECTOR_FOLDER
from sipd_core.knowledge.index import ChromaHome
from sipd_core.knowledge.views import model_name, passages_of, view_id
from sipd_core.metrics import PerformanceMonitor
from sipd_core.settings import Settings, load_settings
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from tests.benchmarks.complaints import Complaint, complaints
from tests.benchmarks.rows import sample_rows
from tests.builders import make_case, make_report

ROWS = 100_000
VIEWS = 2
BATCH = 2_000
SPREAD = 0.45
"""Length of the random step away from the sample row's unit vector: a cosine of .91 with it."""

Floats = NDArray[np.float32]


def run() -> None:
    kept = os.environ.get("SIPD_LARGE_BASE")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary)
        if not (folder / "whole").exists():
            fill(folder)
        for name in ("first start (words are read anew)", "later start"):
            print(f"-- {name}", flush=True)
            subprocess.run([sys.executable, "-m", "tests.benchmarks.large_search", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Put the rows and their vectors where the engine looks for them."""
    settings = settings_of(folder)
    started = time.perf_counter()
    database = Database(settings.sql_url)
    vectors = EmbeddingStore(database, compress=True)
    embedder = CachedEmbedder(
        LocalEmbedder(threads=2, max_tokens=512),
        None,
        vectors,
        shipped=ShippedVectors(VECTOR_FOLDER / f"{LocalEmbedder.model}.npz"),
        monitor=PerformanceMonitor(),
        on_call=None,
    )
    origins = _origins(embedder)
    cases = CaseStore(database)
    home = ChromaHome.local(folder / "chroma", settings.collection_name)
    index = home.collection(embedder.model, embedder.dimension)
    there = index.ids()
    told = complaints(ROWS)
    for at, batch in enumerate(iter(lambda: list(islice(told, BATCH)), [])):
        cases.add_import(make_report(f"besar-{at}"), [one.case for one in batch], finish=_as_it_is)
        table = _moved(origins, batch, at)
        keys = {one.case: [f"{one.case.id}-{view}" for view in range(VIEWS)] for one in batch}
        flat = [key for of_case in keys.values() for key in of_case]
        vectors.put(embedder.model, dict(zip(flat, table, strict=True)), {})
        ids = [view_id(one.case.id, view) for one in batch for view in range(VIEWS)]
        if not there.issuperset(ids):
            index.upsert(ids, table)
        cases.mark_indexed(model_name(embedder), list(keys.items()))
        print(f"\r{(at + 1) * BATCH} rows, {time.perf_counter() - started:.0f} s", end="", flush=True)
    home.close()
    database.close()
    (folder / "whole").touch()
    print()


def settings_of(folder: Path) -> Settings:
    return load_settings(_env_file=None, sipd_data_dir=folder)


def _as_it_is(report: ImportReport, stored: Stored) -> ImportReport:
    return report


def _origins(embedder: CachedEmbedder) -> Floats:
    """Vectors of the sample rows' views, shape (rows, VIEWS, dimension)."""
    texts = [passage for row in sample_rows() for passage in passages_of(_sample(row), 1_000, 150)[:VIEWS]]
    found = anyio.run(embedder.passages, texts)
    return found.vectors.reshape(-1, VIEWS, embedder.dimension)


def _sample(row: Sequence[str]) -> Case:
    menu, issue, expected, *_ = row
    return make_case(issue, menu, expected=expected, remedy=expected)


def _moved(origins: Floats, batch: Sequence[Complaint], seed: int) -> Floats:
    """A view's vector for each of the batch's views, shape (len(batch) * VIEWS, dimension)."""
    table = np.concatenate([origins[one.origin] for one in batch])
    steps = np.random.default_rng(seed).normal(size=table.shape).astype(np.float32)
    table += SPREAD * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True))
