"""A workbook of a real log's size: seconds of each step from the upload to the last vector, and the memory it takes.

Its embeddings are made once beforehand, as after an earlier import; the measured import runs in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, select

from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.previews import Draft, DraftState
from sipd_core.settings import load_settings
from sipd_core.store.database import Database
from sipd_core.store.schema import embeddings
from tests.workbooks import make_workbook

GOAL_SECONDS, GOAL_MB = 60, 600
READING = 0.4
"""Share of a draft's progress at which reading ends and masking begins."""


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second, file = Path(folder) / "first", Path(folder) / "second", Path(folder) / "log.xlsx"
        made = make_workbook()
        file.write_bytes(made.content)
        print(f"{made.rows} rows on 15 sheets, {made.duplicates} duplicates, {len(made.content) / 2**20:.1f} MB")
        _embed(first, file)
        _copy_embeddings(first, second)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.workbook", str(second), str(file)], check=True)


def measure(folder: Path, file: Path) -> None:
    """Import `file` into the base in `folder` and print what it took."""
    engine = _engine(folder)
    before_it = resource.getrusage(resource.RUSAGE_SELF)
    processor_before = before_it.ru_utime + before_it.ru_stime
    started = time.perf_counter()
    engine.uploads.open(file.name, file.read_bytes())
    read = _wait(engine, lambda draft: draft.share >= READING) - started
    masked = _wait(engine, lambda draft: draft.state is DraftState.READY) - started - read
    draft = engine.uploads.drafts()[0]
    before = time.perf_counter()
    report = engine.uploads.confirm(draft.id, "tolok ukur")
    stored = time.perf_counter() - before
    engine.wait_until_indexed()
    total = time.perf_counter() - started
    indexed = total - (before - started) - stored
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / 1024
    print(f"read {read:6.1f} s   mask and compare {masked:6.1f} s   store {stored:6.1f} s   index {indexed:6.1f} s")
    processor = used.ru_utime + used.ru_stime - processor_before
    print(
        f"whole {total:6.1f} s (goal {GOAL_SECONDS}), {processor:.0f} s of processor   peak memory {peak:6.0f} MB (goal {GOAL_MB})"
    )
    print(f"{report.accepted} stored, {report.rejected} refused, {engine.embedded_texts()} texts embedded")
    _again(engine, file)
    engine.close()


def _again(engine: BlockingEngine, file: Path) -> None:
    engine.uploads.open(file.name, file.read_bytes())
    _wait(engine, lambda draft: draft.state is DraftState.READY)
    draft = engine.uploads.drafts()[0]
    assert draft.report is not None and draft.estimate is not None
    report, texts = draft.report, draft.estimate.texts
    print(f"the same file again: {report.accepted} new, {report.unchanged} unchanged, {texts} texts to embed")


def _wait(engine: BlockingEngine, reached) -> float:  # type: ignore[no-untyped-def]
    while True:
        (draft,) = engine.uploads.drafts()
        assert isinstance(draft, Draft) and draft.state is not DraftState.REFUSED, draft.error
        if reached(draft) or draft.state is DraftState.READY:
            return time.perf_counter()
        time.sleep(0.02)


def _engine(folder: Path) -> BlockingEngine:
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder), load_samples=False)
    engine.wait_until_prepared()
    return engine


def _embed(folder: Path, file: Path) -> None:
    engine = _engine(folder)
    with file.open("rb") as log:
        engine.import_files([(file.name, log)])
    started = time.perf_counter()
    engine.wait_until_indexed()
    print(f"its embeddings made beforehand: {engine.embedded_texts()} texts in {time.perf_counter() - started:.0f} s")
    engine.close()


def _copy_embeddings(first: Path, second: Path) -> None:
    old, new = (Database(f"sqlite:///{folder / 'sipd.db'}") for folder in (first, second))
    with old.read() as source, new.write() as target:
        rows = [dict(row) for row in source.execute(select(embeddings)).mappings()]
        target.execute(insert(embeddings), rows)
    old.close()
    new.close()


if __name__ == "__main__":
    measure(Path(sys.argv[1]), Path(sys.argv[2]))
