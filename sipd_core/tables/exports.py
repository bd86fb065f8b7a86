"""Tables that leave the console as CSV or XLSX, safe to open in a spreadsheet.

One reason to change: how exported files are written. A spreadsheet runs a cell that begins with one of six characters
as a formula (CWE-1236), so such texts get an apostrophe, and `read_table` takes it off again.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = b"\xef\xbb\xbf"
CELL_LIMIT: Final = 32_767
"""Characters that Excel takes in one cell."""
_TITLE_LENGTH: Final = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class ExportedSheet:
    """One sheet of a workbook that leaves the console."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[object]]


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


def write_workbook(target: BinaryIO, sheets: Iterable[ExportedSheet]) -> None:
    """Writes an XLSX; every cell of text is stored as text and guarded, what XML cannot hold is left out of it."""
    # Imported here because openpyxl costs a quarter of a second that a start does not need.
    from openpyxl import Workbook  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    taken: set[str] = set()
    for sheet in sheets:
        page = book.create_sheet(_sheet_title(sheet.name, taken))
        page.freeze_panes = "A2"
        for row in [sheet.header, *sheet.rows]:
            page.append([workbook_cell(value) for value in row])
    book.save(target)


def _sheet_title(name: str, taken: set[str]) -> str:
    """A title that Excel accepts and that no other sheet has."""
    plain = _NOT_IN_TITLES.sub(" ", name).strip(" '")[:_TITLE_LENGTH] or "Sheet"
    title, number = plain, 2
    while title.casefold() in taken:
        title, number = f"{plain[: _TITLE_LENGTH - 4]} {number}", number + 1
    taken.add(title.casefold())
    return title


def workbook_cell(value: object) -> object:
    """What stands for `value` in a cell of an XLSX: text guarded and cut to what Excel takes, anything else as it is.

    None for empty text: a cell that is not there costs nothing, and every third one of a long sheet is empty.
    """
    if not isinstance(value, str):
        return value
    if not value:
        return None
    text = safe_cell(_NOT_IN_XML.sub("", value))
    return text if len(text) <= CELL_LIMIT else f"{text[: CELL_LIMIT - 1]}…"


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
