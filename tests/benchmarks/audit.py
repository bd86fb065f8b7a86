"""The audit of a hundred thousand entries: written, verified, and a page of it read."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sipd_core.deeds import Deed, DeedKind, Source, acting_as
from sipd_core.store.audit import AuditFilter, AuditLog
from sipd_core.store.database import Database
from tests.benchmarks.report import print_latencies

ENTRIES, TOGETHER, ALONE, PAGES = 100_000, 500, 100, 20


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="sipd-audit-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'sipd.db'}", audit_key="kunci-pengukuran-audit")
        log = AuditLog(database)
        with acting_as(Source("konsol", "10.1.2.3", "Bu Admin")):
            _write(database, log)
        _timed(f"verify {ENTRIES:,} entries (goal: a few seconds)", lambda: log.verify().is_whole)
        print_latencies("a page of 25 entries, filtered", [_page(log, n) for n in range(PAGES)])
        database.close()


def _write(database: Database, log: AuditLog) -> None:
    for first in range(0, ENTRIES - ALONE, TOGETHER):
        with database.write() as connection:
            for n in range(first, min(first + TOGETHER, ENTRIES - ALONE)):
                database.note(connection, Deed(DeedKind.EXPORT, f"berkas_{n}.csv", details={"bytes": n, "note": "uji"}))
    took = []
    for n in range(ALONE):
        started = time.perf_counter()
        log.record(Deed(DeedKind.PRICE, f"model {n}", details={"usd": "0.5"}))
        took.append((time.perf_counter() - started) * 1_000)
    print_latencies("one entry in a transaction of its own", took)


def _page(log: AuditLog, page: int) -> float:
    started = time.perf_counter()
    assert log.page(AuditFilter(kinds=("export",), words="berkas"), offset=page * 25, limit=25).total
    return (time.perf_counter() - started) * 1_000


def _timed(what: str, work: Callable[[], bool]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    assert work()
    print(f"{what}: {time.perf_counter() - wall:.2f} s, processor {time.process_time() - cpu:.2f} s")
