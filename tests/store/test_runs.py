"""Runs over gold sets: whole and in order, one process's at a time, and one that lost its process is told as such."""

import pytest

from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scoring import Answered, figures
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldStore
from sipd_core.store.runs import (
    SILENT_SECONDS,
    Run,
    RunAnswer,
    RunStart,
    RunStatus,
    RunStore,
)

RETRIEVAL = RetrievalSettings(threshold=0.3)
START = RunStart(RETRIEVAL, total=3, skipped=1, version=7, cases=12, model="kata/64")


class Desk:
    def __init__(self, database: Database) -> None:
        self.now = 1_000.0
        self.runs = RunStore(database, clock=lambda: self.now)
        self.set_id = GoldStore(database).create("Uji", actor="Sari").id

    def start(self, runner: str = "satu") -> Run:
        self.now += 1
        return self.runs.start(self.set_id, RETRIEVAL, actor="Sari", runner=runner)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def answer(name: str, rank: int | None = 1) -> RunAnswer:
    told = Answered("kasual", rank, 0.5, 0.75, True, 3.5)
    return RunAnswer(name, f"pertanyaan {name}", ("k1", "k2"), told, Verdict.PARTIAL, "k9", "Menu — aduan")


def test_a_run_from_its_beginning_to_its_end(desk: Desk) -> None:
    run = desk.start()
    assert (run.status, run.retrieval, run.figures) == (RunStatus.QUEUED, RETRIEVAL, None)
    assert desk.runs.begin(run.id, START)
    assert desk.runs.record(run.id, 2, [answer("a"), answer("b", None)]) is False
    assert desk.runs.get(run.id).done == 2
    assert desk.runs.record(run.id, 3, [answer("c")]) is False
    found = figures([answer("a").answered])
    desk.runs.finish(run.id, found, 8)
    ended = desk.runs.get(run.id)
    assert (ended.status, ended.total, ended.done, ended.skipped) == (RunStatus.DONE, 3, 3, 1)
    assert (ended.version, ended.moved, ended.model, ended.cases) == (7, True, "kata/64", 12)
    assert ended.figures == found and ended.finished_at is not None
    assert desk.runs.answers(run.id) == (answer("a"), answer("b", None), answer("c"))


def test_a_process_takes_its_own_runs_oldest_first(desk: Desk) -> None:
    other, first, second = desk.start("dua"), desk.start(), desk.start()
    assert desk.runs.next("satu") == first
    desk.runs.begin(first.id, START)
    assert desk.runs.next("satu") == second
    assert desk.runs.next("dua") == other
    assert [run.id for run in desk.runs.list(desk.set_id)] == [second.id, first.id, other.id]


def test_a_run_is_stopped_from_anywhere(desk: Desk) -> None:
    run = desk.start()
    desk.runs.begin(run.id, START)
    desk.runs.stop(run.id)
    assert desk.runs.record(run.id, 1, [answer("a")]) is True
    desk.runs.cancelled(run.id)
    assert desk.runs.get(run.id).status is RunStatus.CANCELLED
    assert len(desk.runs.answers(run.id)) == 1


def test_a_run_that_waits_is_stopped_at_once_and_never_begins(desk: Desk) -> None:
    run = desk.start()
    desk.runs.stop(run.id)
    assert desk.runs.get(run.id).status is RunStatus.CANCELLED
    assert desk.runs.next("satu") is None
    assert not desk.runs.begin(run.id, START)


def test_a_run_without_a_sign_of_life_is_interrupted(desk: Desk) -> None:
    run, waiting, other = desk.start(), desk.start(), desk.start("dua")
    desk.runs.begin(run.id, START)
    desk.now += SILENT_SECONDS - 5
    desk.runs.touch("satu")
    desk.now += 10
    assert desk.runs.get(run.id).status is RunStatus.RUNNING
    assert desk.runs.get(waiting.id).status is RunStatus.QUEUED
    assert desk.runs.get(other.id).status is RunStatus.INTERRUPTED
    desk.now += SILENT_SECONDS
    assert desk.runs.get(run.id).status is RunStatus.INTERRUPTED
    desk.runs.stop(run.id)
    assert desk.runs.get(run.id).status is RunStatus.CANCELLED


def test_a_failed_run_says_why(desk: Desk) -> None:
    run = desk.start()
    desk.runs.fail(run.id, "Model tidak dapat dipakai.")
    found = desk.runs.get(run.id)
    assert (found.status, found.error, found.is_open) == (RunStatus.FAILED, "Model tidak dapat dipakai.", False)


def test_an_unknown_run_is_an_error(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.runs.get("tidak ada")
