"""Five thousand failing questions: grouped at once, one more put into its gap, and the work list read."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from sipd_core.learning.grouping import Asked, Groups, asked, grouped
from sipd_core.learning.model import Failure, GapFilter
from sipd_core.store.database import Database
from sipd_core.store.gap_intake import Candidate
from sipd_core.store.gap_work import Failed, GapWork
from sipd_core.store.gaps import GapStore
from sipd_core.store.schema import conversations, exchanges
from tests.benchmarks.complaints import complaints
from tests.benchmarks.report import print_latencies

QUESTIONS, DIMENSION, MORE = 5_000, 384, 50
SPREAD = 1.0
"""Of the vectors of one matter: their cosines are about .5, as measured on questions."""


def run() -> None:
    texts, questions = _questions()
    groups: list[list[Asked]] = []
    _timed(f"group {QUESTIONS:,} failing questions at once (goal: seconds)", lambda: groups.extend(grouped(questions)))
    print(f"{len(groups):,} gaps")
    known = Groups(dict(enumerate(groups)))
    print_latencies("one more question finds its gap", [_home(known, question) for question in questions[:MORE]])
    with tempfile.TemporaryDirectory(prefix="sipd-gaps-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'sipd.db'}")
        _fill(database, texts, [[int(one.id) for one in group] for group in groups])
        store = GapStore(database)
        print_latencies("the work list, first page", [_took(lambda: store.page(GapFilter(), 0, 25)) for _ in range(20)])
        searched = GapFilter("sp2d")
        print_latencies("the work list, searched", [_took(lambda: store.page(searched, 0, 25)) for _ in range(20)])
        print_latencies("its figures", [_took(store.figures) for _ in range(20)])
        database.close()


def _questions() -> tuple[list[str], list[Asked]]:
    """Complaints told again by other offices, with vectors that lie near each other for one matter."""
    noise = np.random.default_rng(7)
    told = list(complaints(QUESTIONS))
    centres = noise.normal(size=(max(one.origin for one in told) + 1, DIMENSION))
    mean = np.zeros(DIMENSION, np.float32)
    vectors = [centres[one.origin] + noise.normal(scale=SPREAD, size=DIMENSION) for one in told]
    texts = [one.case.issue for one in told]
    made = [asked(str(at), texts[at], vectors[at].astype(np.float32), mean) for at in range(QUESTIONS)]
    return texts, made


def _fill(database: Database, texts: list[str], groups: list[list[int]]) -> None:
    now = time.time()
    heads = [
        {"id": f"c{at}", "title": "uji", "created_at": now, "updated_at": now, "turns": 1, "escalated": False}
        for at in range(len(texts))
    ]
    said = [
        {"turn_id": str(at), "conversation_id": f"c{at}", "position": 1, "at": now, "message": text, "answer": "uji"}
        | {"turn": "{}", "state": ""}
        for at, text in enumerate(texts)
    ]
    with database.write() as connection:
        connection.execute(insert(conversations), heads)
        connection.execute(insert(exchanges), said)
    work = GapWork(database)
    failed = [Failed(Candidate(str(at), f"c{at}", now, now, Failure.NOT_FOUND), text) for at, text in enumerate(texts)]
    _timed(f"take {len(failed):,} questions in", lambda: work.add(failed))
    places = [(None, [str(at) for at in group]) for group in groups]
    _timed(f"write {len(places):,} gaps down", lambda: work.place(places, []))


def _home(known: Groups, question: Asked) -> float:
    return _took(lambda: known.home(question))


def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def _timed(what: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    print(f"{what}: {time.perf_counter() - wall:.2f} s, processor {time.process_time() - cpu:.2f} s")
