"""One process on a large base (large_base.py): its start, searches, a changed row and memory. Run by itself: see `run`."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, CaseFilter, ChangeKind
from tests.benchmarks.large_base import settings_of
from tests.benchmarks.report import print_latencies
from tests.benchmarks.rows import questions

WARM_UP = 5
CHANGES = 12
ACTOR = "pengukuran"


def run(folder: Path) -> None:
    engine = BlockingEngine(settings_of(folder), load_samples=False)
    try:
        _print_start(engine)
        _print_searches(engine)
        _print_changes(engine)
        _print_page(engine)
    finally:
        engine.close()
    print(f"memory: {psutil.Process().memory_info().rss / 2**20:.0f} MB, at most {_most():.0f} MB")


def _print_start(engine: BlockingEngine) -> None:
    """From the birth of the process, libraries included."""
    engine.wait_until_prepared()
    prepared = _age()
    while (hit := engine.search("sp2d belum cair padahal spm sudah final").hits[0]).vector == 0:
        time.sleep(0.05)  # at the first start the relevance of vectors is measured first
    assert hit.lexical > 0
    print(f"start: prepared after {prepared:.2f} s, found by words and vectors after {_age():.2f} s (goal 10)")
    print(f"  processor {time.process_time():.2f} s, memory {psutil.Process().memory_info().rss / 2**20:.0f} MB")


def _print_searches(engine: BlockingEngine) -> None:
    asked = questions()
    for round_ in ("new questions", "the same questions again (embedding and views remembered)"):
        whole, search, embed, cpu = [], [], [], time.process_time()
        for question in asked:
            started = time.perf_counter()
            result = engine.search(question)
            whole.append((time.perf_counter() - started) * 1000)
            search.append(result.timings_ms["search"])
            embed.append(result.timings_ms["embed"])
            assert result.degraded is None
        print_latencies(f"search, {round_}", whole[WARM_UP:], "p95 <= 30")
        print_latencies("  words and the question's vector, side by side", embed[WARM_UP:])
        print_latencies("  nearest views, order and judgement", search[WARM_UP:])
        print(f"  processor {(time.process_time() - cpu) * 1000 / len(asked):.1f} ms a search")


def _print_changes(engine: BlockingEngine) -> None:
    """A row is edited, disabled, deleted, and all of it undone; each time until a search sees it."""
    rows = engine.cases(CaseFilter(search="sp2d"), 0, CHANGES).cases
    seen: dict[str, list[float]] = {"edited": [], "found by meaning": [], "disabled": [], "deleted": [], "undone": []}
    for at, case in enumerate(rows):
        word = f"zebrawarn{chr(97 + at)}"
        edited = replace(case, issue=f"{case.issue} {word}")
        started = time.perf_counter()
        change = engine.change_cases(ChangeKind.EDIT, {case.id: edited}, actor=ACTOR)
        _until_found(engine, word, case)
        seen["edited"].append((time.perf_counter() - started) * 1000)
        engine.wait_until_indexed()
        seen["found by meaning"].append((time.perf_counter() - started) * 1000)
        kind, gone = (ChangeKind.DISABLE, replace(edited, enabled=False)) if at % 2 else (ChangeKind.DELETE, None)
        started = time.perf_counter()
        other = engine.change_cases(kind, {case.id: gone}, actor=ACTOR)
        assert case.id not in {hit.case.id for hit in engine.search(word).hits}
        seen["disabled" if at % 2 else "deleted"].append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        engine.undo_change(other.id, actor=ACTOR)
        _until_found(engine, word, case)
        seen["undone"].append((time.perf_counter() - started) * 1000)
        engine.undo_change(change.id, actor=ACTOR)
    engine.wait_until_indexed()
    for what, times in seen.items():
        print_latencies(f"a row {what}, until a search sees it", times)


def _until_found(engine: BlockingEngine, word: str, case: Case) -> None:
    hit = engine.search(word).hits[0]
    assert hit.case.id == case.id and word in hit.matched


def _print_page(engine: BlockingEngine) -> None:
    times = []
    for at in range(10):
        started = time.perf_counter()
        engine.status(), engine.indexing(), engine.cases(CaseFilter(), at * 25, 25)
        times.append((time.perf_counter() - started) * 1000)
    print_latencies("what a page asks at a rerun (status, progress, 25 rows)", times)


def _age() -> float:
    return time.time() - psutil.Process().create_time()


def _most() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run(Path(sys.argv[1]))
