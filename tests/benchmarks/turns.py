"""Own overhead of a local turn: 1,000 rows, warm, every question new, all of it on one core."""

import io
import os
import tempfile
import time
from pathlib import Path

from sipd_core.blocking import BlockingEngine
from sipd_core.settings import load_settings
from tests.benchmarks.report import print_latencies
from tests.benchmarks.rows import many_rows, questions

ROWS = 1_000
WARM_UP = 20


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=Path(folder)), load_samples=False)
        engine.import_files([("aduan.csv", io.BytesIO(many_rows(ROWS)))])
        engine.wait_until_indexed()
        if hasattr(os, "sched_setaffinity"):
            for thread in os.listdir("/proc/self/task"):
                os.sched_setaffinity(int(thread), {0})
        asked = questions()
        for question in asked[:WARM_UP]:
            engine.ask(question, engine.new_session_id())
        walls, stages = [], {"embed": [], "search": [], "classify": [], "total": []}
        for question in asked[WARM_UP:]:
            started = time.perf_counter()
            turn = engine.ask(question, engine.new_session_id())
            walls.append((time.perf_counter() - started) * 1000)
            for name in stages:
                stages[name].append(turn.timings_ms.get(name, 0.0))
        own = [wall - embed for wall, embed in zip(walls, stages["embed"], strict=True)]
        print_latencies(f"own overhead of a local turn, {ROWS} rows, one core", own, "p95 <= 60")
        print_latencies("  with the bundled model's embedding of the question", walls)
        for name, values in stages.items():
            print_latencies(f"  of which {name}", values)
        again = []
        for question in asked[WARM_UP:]:
            started = time.perf_counter()
            engine.ask(question, engine.new_session_id())
            again.append((time.perf_counter() - started) * 1000)
        print_latencies("the same questions again (embedding cached)", again)
        engine.close()
