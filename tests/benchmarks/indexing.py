"""Indexing: when rows are found by their words, when by meaning, and what a second upload costs."""

import io
import tempfile
import time
from pathlib import Path

from sipd_core.blocking import BlockingEngine
from sipd_core.settings import load_settings
from tests.benchmarks.rows import many_rows

ROWS = 500


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=Path(folder)), load_samples=False)
        engine.wait_until_prepared()
        table = many_rows(ROWS)
        started = time.perf_counter()
        engine.import_files([("aduan.csv", io.BytesIO(table))])
        print(f"{ROWS} rows stored and found by their words after {time.perf_counter() - started:6.2f} s")
        engine.wait_until_indexed()
        first, texts = time.perf_counter() - started, engine.embedded_texts()
        print(f"{ROWS} rows found by meaning after {first:6.2f} s ({texts} texts embedded, {ROWS / first:.1f} rows/s)")
        started = time.perf_counter()
        engine.import_files([("aduan.csv", io.BytesIO(table))])
        engine.wait_until_indexed()
        again = time.perf_counter() - started
        print(
            f"the same file again: {again:6.2f} s, {engine.embedded_texts() - texts} texts embedded, ratio {first / again:.0f}"
        )
        engine.close()
