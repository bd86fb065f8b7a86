"""Ten thousand entries from several processes at once: none is lost, none counts twice, the sum is exact."""

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.schema import usage

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS, CALLS = 4, 10, 250
"""Ten thousand calls in all."""
WRITER = """
import sys, threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.usage import CallRecord, Usage

url, process, threads, calls = sys.argv[1], *map(int, sys.argv[2:])
books = CostTracker(Database(url), usd_idr=Decimal(1))
at = datetime(2026, 11, 22, 5, tzinfo=UTC)

def write(thread):
    for n in range(calls):
        pico = (process * threads + thread) * calls + n
        call = CallRecord(at, "chat", f"m{n % 3}", Usage(n, 1), 1, 1.0, Decimal(pico).scaleb(-12), f"c{thread}")
        if n % 5 == 0:  # a call that has a price at once
            books.record(call)
            continue
        entry = books.open(replace(call, cost_usd=Decimal("0.5")))
        if n % 50 == 1:  # never reached the provider, and is tried again
            books.release(entry)
            entry = books.open(replace(call, cost_usd=Decimal("0.25")))
        books.settle(entry, call)

writers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
sys.stdin.readline()
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
"""


def test_ten_thousand_writes_of_several_processes_are_all_there_and_add_up_exactly(database: Database) -> None:
    url = database._engine.url.render_as_string(hide_password=False)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    counts = [str(number) for number in (THREADS, CALLS)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(process), *counts],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for process in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    said = [writer.communicate()[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * PROCESSES, said

    total = PROCESSES * THREADS * CALLS
    books = CostTracker(database, usd_idr=Decimal(1))
    totals = books.totals(date(2026, 11, 22), date(2026, 11, 22))
    assert sum(line.calls for line in totals) == total == 10_000
    assert sum((line.cost_usd for line in totals), Decimal(0)) == Decimal(total * (total - 1) // 2).scaleb(-12)
    assert sum(line.tokens for line in totals) == PROCESSES * THREADS * sum(n + 1 for n in range(CALLS))
    with database.read() as connection:
        rows, costs = connection.execute(select(func.count(), func.count(usage.c.cost_pico_usd.distinct()))).one()
    assert (rows, costs) == (total, total), "every call once, no reservation left"
