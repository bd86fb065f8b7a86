"""Looking through a base: time and memory for the size of a real log and for a large base, quality on a known log."""

import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from sipd_core.documents import ImportReport, ImportStatus
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.clusters import find_clusters
from sipd_core.knowledge.health import HealthDesk
from sipd_core.knowledge.menus import menu_groups
from sipd_core.locale_id import from_unix
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from tests.complaint_log import ComplaintLog, complaint_log, pair_quality

SIZES = (5_000, 100_000)
DIMENSION = 384


def run() -> None:
    for size in SIZES:
        log = complaint_log(size)
        _quality(log)
        _desk(log)


def _quality(log: ComplaintLog) -> None:
    started = time.perf_counter()
    groups = find_clusters(log.cases, log.menu_of, None, lambda _: None)
    words = time.perf_counter() - started
    quality = pair_quality([group.ids for group in groups], log.problem_of)
    menus = menu_groups(Counter(case.menu for case in log.cases))
    spelt = pair_quality([[one.spelling for one in group.spellings] for group in menus], log.menu_of)
    print(f"{len(log.cases)} cases: {len(groups)} groups of near duplicates by words in {words:.1f} s")
    print(f"  pairs of cases: precision {quality.precision:.4f}, recall {quality.recall:.3f}")
    print(f"  pairs of spellings: precision {spelt.precision:.3f}, recall {spelt.recall:.3f}, {len(menus)} menus")
    chance = np.random.default_rng(1)
    started = time.perf_counter()
    find_clusters(
        log.cases, log.menu_of, lambda ids: chance.normal(size=(len(ids), DIMENSION)).astype(np.float16), lambda _: None
    )
    print(f"  with vectors (synthetic, {DIMENSION} dimensions) in {time.perf_counter() - started:.1f} s")


def _desk(log: ComplaintLog) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'sipd.db'}")
        cases, vectors = CaseStore(database), EmbeddingStore(database, compress=True)
        report = ImportReport("a" * 32, "log.csv", from_unix(time.time()), ImportStatus.INDEXING)
        cases.add_import(report, log.cases, finish=lambda report, _: report)
        base = KnowledgeBase(
            cases,
            vectors,
            retrieval=RetrievalSettings(),
            chunk_size=1_000,
            chunk_overlap=150,
            monitor=PerformanceMonitor(),
        )
        desk = HealthDesk(cases, vectors, base, cases.change)
        before = _memory()
        _timed("first look, out of SQL", desk)
        print(f"  memory grew by {_memory() - before} MiB")
        findings = desk.look().findings
        assert findings is not None
        desk.write_remedy([findings.unsolved[0].id], "Hapus draf, lalu buat ulang.", actor="ukur")
        _timed("look after a remedy was written", desk)
        desk.close()
        database.close()


def _timed(what: str, desk: HealthDesk) -> None:
    started = time.perf_counter()
    desk.settle()
    print(f"  {what}: {time.perf_counter() - started:.1f} s")


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
