"""Whether a Chroma directory may be opened by this process: a damaged one can end it with a segmentation fault.

What a clean stop leaves is sealed with the hashes of its files, so any later change shows without opening it. What a
killed process leaves is tried out in a child process. Whatever is doubtful is set aside: SQL holds every vector.
"""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

log = logging.getLogger(__name__)

PROBE_SECONDS = 60
"""A healthy directory of 100,000 vectors opens well within this."""
MOST_OPENINGS = 2
"""Processes that may end while they open a directory which passed its probe; the next one sets it aside."""
SPARE_BYTES = 64 * 2**20
"""Room that must be left besides what the new index will take, else the damaged one is not kept."""
_MARKER, _SEAL = "open", "sealed.json"


class Condition(StrEnum):
    """What is known of a directory before it is opened."""

    NEW = "new"
    SEALED = "sealed"
    """As a clean stop left it, to the last byte."""
    UNSEALED = "unsealed"
    """Its last user was killed, or was of an earlier release."""
    CHANGED = "changed"
    """Its last user closed it, and since then somebody changed it."""


class Directory:
    """The files of one Chroma directory, seen from outside; whoever uses it holds its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, name: str) -> bool:
        """Set a directory aside that cannot be used, and mark it as being opened. True when all of it can be relied on.

        `name` is the beginning of the collections' names. Raises OSError.
        """
        condition = self.condition()
        openings = self._openings()
        if condition is Condition.CHANGED or openings >= MOST_OPENINGS:
            log.warning("the vector index was changed or could not be opened (%s, %d times)", condition, openings)
            self.set_aside()
        elif condition is Condition.UNSEALED and not opens(self.folder, name):
            self.set_aside()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _MARKER).write_text(f"opening {self._openings() + 1}", encoding="ascii")
        (self.folder / _SEAL).unlink(missing_ok=True)
        return condition in (Condition.NEW, Condition.SEALED)

    def condition(self) -> Condition:
        """What is known before anything is opened."""
        if not self.folder.is_dir() or not any(self.folder.iterdir()):
            return Condition.NEW
        if (self.folder / _MARKER).exists() or not (self.folder / _SEAL).exists():
            return Condition.UNSEALED
        try:
            sealed = json.loads((self.folder / _SEAL).read_bytes())
        except ValueError:
            return Condition.CHANGED
        return Condition.SEALED if sealed == self._hashes() else Condition.CHANGED

    def opened(self) -> None:
        """It was opened and found itself: what ends this process from now on is not the opening."""
        (self.folder / _MARKER).write_text("open", encoding="ascii")

    def seal(self) -> None:
        """Its user has closed it. A disk without room keeps the marker: the next opening then looks closer."""
        try:
            unfinished = self.folder / f"{_SEAL}.new"
            unfinished.write_text(json.dumps(self._hashes()), encoding="utf-8")
            os.replace(unfinished, self.folder / _SEAL)
            (self.folder / _MARKER).unlink(missing_ok=True)
        except OSError as error:
            log.warning("the vector index could not be sealed: %s", error)

    def set_aside(self) -> None:
        """Keep a damaged directory for whoever wants to look, the newest one only, and only where there is room for it."""
        aside = self.folder.with_name(f"{self.folder.name}-rusak")
        shutil.rmtree(aside, ignore_errors=True)
        self.folder.rename(aside)
        size = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file())
        if shutil.disk_usage(aside).free < size + SPARE_BYTES:
            shutil.rmtree(aside, ignore_errors=True)
            log.warning("the damaged vector index was removed, the disk is nearly full; it is rebuilt from SQL")
        else:
            log.warning("the damaged vector index was set aside as %s; it is rebuilt from SQL", aside.name)

    def _openings(self) -> int:
        """How many processes in a row ended while they opened it."""
        try:
            state, _, count = (self.folder / _MARKER).read_text(encoding="ascii", errors="replace").partition(" ")
        except FileNotFoundError:
            return 0
        return int(count) if state == "opening" and count.isdecimal() else 0

    def _hashes(self) -> dict[str, str]:
        return {str(path.relative_to(self.folder)): _hash(path) for path in self._files()}

    def _files(self) -> Iterator[Path]:
        ours = {self.folder / name for name in (_MARKER, _SEAL, f"{_SEAL}.new")}
        return (path for path in sorted(self.folder.rglob("*")) if path.is_file() and path not in ours)


def opens(folder: Path, name: str) -> bool:
    """Whether a directory left behind by a killed process can be used, tried out in a child process."""
    command = [sys.executable, "-m", "sipd_core.knowledge.index", str(folder), name]
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        log.warning("the vector index did not open within %s s", PROBE_SECONDS)
        return False
    if done.returncode != 0:
        told = done.stderr[-300:].decode(errors="replace")
        log.warning("the vector index cannot be opened (exit %s): %s", done.returncode, told)
    return done.returncode == 0


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
