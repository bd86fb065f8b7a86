"""Tables that leave the console as CSV, safe to open in a spreadsheet.

One reason to change: how exported files are written. A spreadsheet runs a cell that begins with one of six characters
as a formula (CWE-1236), so such texts get an apostrophe, and `read_table` takes it off again.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = b"\xef\xbb\xbf"


def safe_cell(text: str) -> str:
    """`text`, with an apostrophe before it when a spreadsheet would run it."""
    return f"'{text}" if text.startswith(_RUNS) else text


def unguarded(text: str) -> str:
    """`text` without the apostrophe that `safe_cell` put before it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_RUNS) else text


def write_csv(target: Path | BinaryIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a comma-separated file in UTF-8 with byte order mark, every text guarded; numbers stay numbers.

    A path is written anew; an open binary file is written from where it stands and left open.
    """
    if isinstance(target, Path):
        with target.open("wb") as file:
            _write(file, header, rows)
    else:
        _write(target, header, rows)


def _write(file: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    file.write(_BOM)
    writer = csv.writer(_Utf8(file), lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in header])
    writer.writerows([_exported(value) for value in row] for row in rows)


def _exported(value: object) -> object:
    return safe_cell(value) if isinstance(value, str) else value


class _Utf8:
    """Encodes what `csv.writer` writes without taking ownership of the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode("utf-8", "replace"))
