"""SIGKILL at random moments of imports, edits, undo, backups and restores: what was acknowledged is there, whole, once.

Twenty moments by default; KILLS and KILL_SEED in the environment ask for others.
"""

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import victim

ROOT = Path(__file__).resolve().parents[1]
KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("KILL_SEED", "20261125"))
LANES = 2
"""Folders that are worked on at the same time, one for each processor of a small machine."""
FORKS = multiprocessing.get_context("forkserver")
"""Every victim is a process of its own; what all of them import is imported once."""
MOST_STEPS, LONGEST_WORK = 4, 1.5
"""A kill comes after this many steps and this many seconds more, at most; a restore takes about one where nobody else
works. Steps are counted, for in seconds alone a busy machine comes to none."""


@dataclass
class Book:
    """What was acknowledged so far, and what was under way when the process was killed."""

    changes: dict[str, bool] = field(default_factory=dict)
    """Change -> whether it is undone."""
    archives: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Backup -> the changes at that moment."""
    under_way: dict[str, Any] = field(default_factory=dict)
    acknowledged: int = 0

    def note(self, said: dict[str, Any]) -> None:
        if "begin" in said:
            self.under_way = said
            return
        self.under_way = {}
        self.acknowledged += 1
        if "backup" in said and said["done"] == "backup":
            self.archives[said["backup"]] = dict(self.changes)
        elif said["done"] == "restore":
            self.changes = dict(self.archives[said["backup"]])
            assert said["state"] == self.changes
        else:
            self.changes[said["change"]] = bool(said.get("undone", False))

    def check(self, found: dict[str, bool]) -> None:
        """`found` is what was acknowledged; the one step that was under way may be there whole or not at all."""
        begun = self.under_way.get("begin")
        if begun == "restore" and found == self.archives[self.under_way["backup"]]:
            return
        wanted = dict(self.changes)
        if begun == "turn" and self.under_way["change"] in found:
            wanted[self.under_way["change"]] = found[self.under_way["change"]]
        extra = found.keys() - wanted.keys()
        assert len(extra) <= (begun not in (None, "turn", "backup", "restore")), (extra, self.under_way)
        assert {id_: found.get(id_) for id_ in wanted} == wanted, self.under_way


class Victim:
    """One run of tests/victim.py; what it says is read as it comes."""

    def __init__(self, folder: Path, seed: int, book: Book) -> None:
        self.ready = threading.Event()
        self.book = book
        self.problem: BaseException | None = None
        self.log = folder.parent / f"{folder.name}.log"
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._ear, mouth = FORKS.Pipe(duplex=False)
        arguments = (mouth, self.log, folder, seed, sorted(book.archives))
        self.process = FORKS.Process(target=victim.run, args=arguments)
        self.process.start()
        mouth.close()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def died(self) -> bool:
        """Whether it ended without having been killed."""
        return not self.process.is_alive()

    @property
    def last_words(self) -> str:
        """All that it wrote, its traceback too."""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self._reader.join()
        self._ear.close()

    def _read(self) -> None:
        while True:
            try:
                said = self._ear.recv()
            except (EOFError, OSError):
                return  # killed, in the middle of a word perhaps
            try:
                if "ready" in said:
                    self.book.check(said["ready"])
                    self.book.changes, self.book.under_way = said["ready"], {}
                else:
                    self.book.note(said)
            except BaseException as error:
                self.problem = error
            if "ready" in said:
                self.ready.set()


def _is_through(one: Victim, steps: int) -> bool:
    return one.book.acknowledged >= steps or one.died or one.problem is not None


def _wait_for(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.05)


def _kill_often(folder: Path, seed: int, kills: int) -> Book:
    """One life after another on the same folder, each ended by a kill; the last one only looks."""
    dice, book = random.Random(seed), Book()
    for kill in range(kills + 1):
        one = Victim(folder, dice.randrange(10**9), book)
        try:
            _wait_for(lambda: one.ready.is_set() or one.died)
            if not book.archives:
                _wait_for(lambda: bool(book.archives) or one.died)
            enough = book.acknowledged + dice.randint(0, MOST_STEPS)
            _wait_for(partial(_is_through, one, enough))
            time.sleep(dice.uniform(0, LONGEST_WORK))
            died = one.died
        finally:
            one.kill()
        if one.problem is not None:
            raise AssertionError(f"seed {seed}, kill {kill}: not what was acknowledged") from one.problem
        if died:  # not by `assert`, of which pytest shows the first characters alone
            pytest.fail(f"seed {seed}, kill {kill}: it ended by itself\n{one.last_words}", pytrace=False)
    return book


@pytest.mark.timeout(3_000)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    FORKS.set_forkserver_preload(["tests.victim"])
    print(f"KILLS={KILLS} KILL_SEED={SEED}")
    with ThreadPoolExecutor(LANES) as lanes:
        lives = [
            lanes.submit(_kill_often, tmp_path / f"data{lane}", SEED + lane, -(-KILLS // LANES))
            for lane in range(LANES)
        ]
        books = [life.result() for life in lives]
    acknowledged, archives = sum(book.acknowledged for book in books), sum(len(book.archives) for book in books)
    print(f"{acknowledged} steps acknowledged, {archives} backups")
    assert acknowledged > KILLS
