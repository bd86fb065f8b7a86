"""Indexing with a provider that takes 50 ms a call and 1 ms a text: calls, wall time, and what a second upload sends.

The latency floor is what the calls take one after the other on as many lanes as may be under way at once.
"""

import csv
import heapq
import io
import math
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from sipd_core.blocking import BlockingEngine
from sipd_core.settings import Settings, load_settings
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.usage import CallRecord
from tests.benchmarks.provider_process import account, provider
from tests.benchmarks.rows import many_rows

ROWS = 2_000
DOUBLES = 400
CHANGED = 10
CALL_MS, TEXT_MS = 50, 1
KEY = "kunci-uji"
OPERATION = "index_embedding"

Row = list[str]


@dataclass(frozen=True, slots=True)
class Upload:
    """What one upload took."""

    texts: int
    """Texts of rows that the provider was sent."""
    stored: float
    """Seconds until the rows are durable and found by their words."""
    total: float
    """Seconds until all of them are found by their meaning, and the relevance is fitted to them."""


def run() -> None:
    rows = _rows()
    with provider(embedding_delay_ms=CALL_MS, per_text_ms=TEXT_MS) as url, tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            _env_file=None, sipd_data_dir=Path(folder), nebius_api_key=KEY, nebius_base_url=url, nebius_model_id="local"
        )
        desk = BlockingEngine(settings, load_samples=False)
        _wait_for_provider(desk)
        first = _upload(desk, rows)
        calls = _index_calls(desk)
        again = _upload(desk, rows)
        changed = _upload(desk, _changed(rows))
        read = account(url)["texts"]
        desk.close()
        booked = _booked(settings)[:calls]
    _print_first(settings, first, booked)
    print(f"the same file again: {again.texts} texts sent (goal 0), {again.total:.2f} s")
    print(f"{CHANGED} rows changed: {changed.texts} texts sent (goal {CHANGED}), {changed.total:.2f} s")
    print(f"the provider has read {read} texts in all, examples and calibration included")


def _rows() -> list[Row]:
    """A header and `ROWS` complaints in no order, of which `DOUBLES` are there already."""
    header, *rows = csv.reader(io.StringIO(many_rows(ROWS - DOUBLES).decode()))
    dice = random.Random(1)
    rows += dice.sample(rows, DOUBLES)
    dice.shuffle(rows)
    return [header, *rows]


def _changed(rows: list[Row]) -> list[Row]:
    """The same complaints with another remedy: of their two views, the one of the whole case is new."""
    header, *others = rows
    distinct = list({tuple(row): row for row in others}.values())[:CHANGED]
    return [
        header,
        *(([*row[:2], f"{row[2]} Ulangi bila perlu.", *row[3:]] if row in distinct else row) for row in others),
    ]


def _wait_for_provider(desk: BlockingEngine) -> None:
    """An empty base is served by the bundled model until the provider's has read the examples."""
    desk.wait_until_prepared()
    while (status := desk.status()).serving_model != status.wanted_model:
        time.sleep(0.05)


def _upload(desk: BlockingEngine, rows: list[Row]) -> Upload:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    before, started = desk.embedded_texts(), time.perf_counter()
    desk.import_files([("aduan.csv", io.BytesIO(buffer.getvalue().encode()))])
    stored = time.perf_counter() - started
    desk.wait_until_indexed()
    return Upload(desk.embedded_texts() - before, stored, time.perf_counter() - started)


def _index_calls(desk: BlockingEngine) -> int:
    return sum(total.calls for total in desk.costs(1).totals if total.operation == OPERATION)


def _print_first(settings: Settings, upload: Upload, calls: list[CallRecord]) -> None:
    size, lanes = settings.embedding_batch_size, settings.embedding_concurrency
    floor = _floor([call.texts for call in calls], lanes)
    ends = max(call.at + timedelta(milliseconds=call.latency_ms) for call in calls)
    span = (ends - calls[0].at).total_seconds()
    goal = math.ceil(upload.texts / size)
    print(
        f"{ROWS} rows, {DOUBLES} doubles: {upload.texts} texts sent in {len(calls)} calls (goal {goal}, {size} a call)"
    )
    print(
        f"  first call to end of last: {span:.2f} s, floor with {lanes} at once {floor:.2f} s, ratio {span / floor:.2f}"
    )
    print(
        f"  (goal <= 1.25); stored after {upload.stored:.2f} s, found by meaning, calibrated, after {upload.total:.2f} s"
    )


def _booked(settings: Settings) -> list[CallRecord]:
    database = Database(settings.sql_url)
    calls = [call for call in CostTracker(database, usd_idr=Decimal(1)).calls(1) if call.operation == OPERATION]
    database.close()
    return sorted(calls, key=lambda call: call.at)


def _floor(texts: list[int], lanes: int) -> float:
    """Seconds: each call goes to the lane that is free first."""
    free = [0.0] * lanes
    for count in texts:
        heapq.heapreplace(free, free[0] + (CALL_MS + TEXT_MS * count) / 1000)
    return max(free)
