"""SIGKILL at random moments of imports, edits, undo, backups and restores: what was acknowledged is there, whole, once.

Twenty moments by default; KILLS and KILL_SEED in the environment ask for others.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("KILL_SEED", "20261125"))
LONGEST_WORK = 3.0
"""Seconds of work before a kill, at most; a restore takes about one."""


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
        self._book = book
        self.problem: BaseException | None = None
        backups = json.dumps(sorted(book.archives))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._errors = (folder.parent / "victim.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "victim.py"), str(folder), str(seed), backups],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self._errors.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                return  # cut by the kill
            said = json.loads(line)
            try:
                if "ready" in said:
                    self._book.check(said["ready"])
                    self._book.changes, self._book.under_way = said["ready"], {}
                else:
                    self._book.note(said)
            except BaseException as error:
                self.problem = error
            if "ready" in said:
                self.ready.set()


def _wait_for(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.05)


@pytest.mark.timeout(3_000)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(tmp_path: Path) -> None:
    dice, book, folder = random.Random(SEED), Book(), tmp_path / "data"
    print(f"KILLS={KILLS} KILL_SEED={SEED}")
    for kill in range(KILLS + 1):
        victim = Victim(folder, dice.randrange(10**9), book)
        while not victim.ready.wait(0.2):
            assert victim.process.poll() is None, (kill, (tmp_path / "victim.log").read_text()[-3_000:])
        if not book.archives:
            _wait_for(lambda: bool(book.archives) or victim.process.poll() is not None)
        time.sleep(dice.uniform(0, LONGEST_WORK))
        died = victim.process.poll()
        victim.kill()
        assert victim.problem is None, (kill, victim.problem)
        assert died is None, (kill, (tmp_path / "victim.log").read_text()[-3_000:])
    print(f"{book.acknowledged} steps acknowledged, {len(book.archives)} backups")
    assert book.acknowledged > KILLS
