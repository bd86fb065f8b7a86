"""The file beside the data that holds the data keys where DATA_KEY gives none: one a line, the first seals.

It lies outside the database, which says nothing without it; archives bring what they need of it. Only its owner can read it.
"""

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sipd_core.data_keys import DataKey
from sipd_core.errors import DataKeyError, StoreError

KEY_FILE = "kunci-data"
"""Name of the file in the data folder."""


class KeyFile:
    """Reads, makes and extends the file; it is whole at every moment, whoever looks and whatever is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[DataKey, ...]:
        """The keys, the first one first; none when there is no file. Raises DataKeyError for anything else."""
        try:
            lines = self.path.read_text(encoding="ascii").split()
            return tuple(DataKey.parse(line) for line in lines)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            raise DataKeyError(type(error).__name__, text_key="data_key.file_unreadable", path=str(self.path)) from None

    def make(self) -> tuple[DataKey, ...]:
        """The keys, after making one if there was none; of several that make one at once all get the same."""
        if not (known := self.read()):
            self._write([DataKey.new()], first=True)
            known = self.read()
        return known

    def put_first(self, key: DataKey) -> None:
        """From now on this key is the first; those that were there stay, because old archives need them."""
        self._write([key, *(known for known in self.read() if known.id != key.id)], first=False)

    def _write(self, keys: Sequence[DataKey], *, first: bool) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _durable("".join(f"{key.write()}\n" for key in keys), self.path.parent) as unfinished:
                if first:
                    with contextlib.suppress(FileExistsError):  # somebody else made one in the meantime
                        os.link(unfinished, self.path)
                else:
                    os.replace(unfinished, self.path)
            _settle(self.path.parent)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreError(str(error), reason=reason, path=str(self.path.parent)) from error


@contextlib.contextmanager
def _durable(content: str, folder: Path):  # type: ignore[no-untyped-def]
    """A finished file of its owner alone under a name of its own, gone after the block."""
    handle, name = tempfile.mkstemp(prefix=f".{KEY_FILE}-", dir=folder)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _settle(folder: Path) -> None:
    """Make the folder's entry durable, where folders can be."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
