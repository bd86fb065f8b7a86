"""XLSX workbooks as records of text: what a person reads in the cell, never a formula's value.

One reason to change: the workbook format and the library that reads it.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook  # type: ignore[import-untyped]
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula  # type: ignore[import-untyped]

from sipd_core.errors import TableError
from sipd_core.tables.model import Limits, Record, Sheet

MAX_MEMBERS: Final = 5_000
UNPACKED_FACTOR: Final = 6
"""Unpacked bytes allowed for each byte of `Limits.max_bytes`: 300 MB of XML by default."""
MAX_RATIO: Final = 200
"""Unpacked to packed, where deflate's best is about 1030; counts only from `_RATIO_FROM` unpacked bytes."""
MAX_SCANNED_ROWS: Final = 3_000_000
"""Rows walked over in all sheets together, blank ones included: a few characters of XML can claim a million.

A row wider than `_CELLS_OF_A_ROW` counts as several.
"""
HELD_FACTOR: Final = 2
"""Unpacked bytes of one part that is held in memory whole, for each byte of `Limits.max_bytes`; sheets are streamed."""
_HELD: Final = re.compile(r"xl/(?:sharedStrings|styles|workbook)\.xml$|\.rels$", re.IGNORECASE)
_CELLS_OF_A_ROW: Final = 32
_RATIO_FROM: Final = 50 * 2**20
_DAMAGED: Final = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, NotImplementedError,
    RuntimeError, KeyError, IndexError, ValueError, TypeError, AttributeError,
)  # fmt: skip
_ESCAPED_RETURN = re.compile("_x000[dD]_")


def check_archive(stream: BinaryIO, limits: Limits) -> None:
    """Refuses archives that unpack to more than a complaint log can hold, before anything is unpacked."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            packed = sum(member.compress_size for member in members)
            bomb = unpacked > UNPACKED_FACTOR * limits.max_bytes or (
                unpacked > _RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1)
            )
            held = sum(member.file_size for member in members if _HELD.search(member.filename))
            bomb = bomb or held > HELD_FACTOR * limits.max_bytes
            if len(members) > MAX_MEMBERS or bomb:
                raise TableError(f"{len(members)} members, {unpacked} bytes", text_key="tables.bomb")
            _check_kind(archive)
    except _DAMAGED as damage:
        raise TableError(repr(damage), text_key="tables.damaged_workbook") from damage


def _check_kind(archive: zipfile.ZipFile) -> None:
    """Tells spreadsheets we read from other zip files, and refuses document types inside the XML (entity bombs)."""
    names = set(archive.namelist())
    if "xl/workbook.bin" in names or "content.xml" in names:
        raise TableError("xlsb or OpenDocument", text_key="tables.old_workbook")
    if not any(name.endswith("workbook.xml") for name in names):
        raise TableError("zip without a workbook", text_key="tables.not_a_table")
    for name in names:
        if name.endswith((".xml", ".rels")):
            with archive.open(name) as member:
                if b"<!DOCTYPE" in member.read(2048):
                    raise TableError(f"document type in {name}", text_key="tables.damaged_workbook")


@contextmanager
def open_sheets(stream: BinaryIO) -> Iterator[tuple[list[Sheet], list[str]]]:
    """The visible sheets of a workbook and the names of the hidden ones; closed with the context."""
    stream.seek(0)
    with warnings.catch_warnings():
        # openpyxl warns of styles and validations that it does not read; neither matters here.
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = load_workbook(stream, read_only=True, data_only=False, keep_links=False)
        except _DAMAGED as damage:
            raise TableError(repr(damage), text_key="tables.damaged_workbook") from damage
        try:
            scanned = _Scan()
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
            yield [_sheet(sheet, scanned) for sheet in visible], hidden
        finally:
            book.close()


def _sheet(worksheet: Any, scanned: "_Scan") -> Sheet:
    claimed = worksheet.max_row or 0  # only for the progress bar: what a file claims is not believed
    return Sheet(worksheet.title, scanned.reader(worksheet), delimited=False, expected=claimed)


class _Scan:
    """Counts the rows walked over in one pass of each sheet, so that claimed emptiness cannot hold us up."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}

    def reader(self, worksheet: Any) -> Any:
        def records() -> Iterator[Record]:
            self.rows[worksheet.title] = 0
            # The stored dimension is often wrong, and openpyxl would pad every row to it.
            worksheet.reset_dimensions()
            try:
                for number, values in enumerate(worksheet.iter_rows(), start=1):
                    self._count(worksheet.title, len(values))
                    yield Record(number, tuple(cell_text(cell.value, cell) for cell in values))
            except _DAMAGED as damage:
                raise TableError(repr(damage), text_key="tables.damaged_workbook") from damage

        return records

    def _count(self, title: str, cells: int) -> None:
        self.rows[title] += 1 + cells // _CELLS_OF_A_ROW
        if sum(self.rows.values()) > MAX_SCANNED_ROWS:
            raise TableError("too many rows claimed", text_key="tables.bomb")


def cell_text(value: object, cell: Any = None) -> str:
    """What a person reads in a cell with `value`: dates as dd/mm/yyyy, whole numbers without a decimal part.

    `cell` gives the number format for leading zeros and percentages. Formulas stay the text they are.
    """
    match value:
        case None | DataTableFormula():
            return ""
        case str():
            return _ESCAPED_RETURN.sub("", value)
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number_text(value, getattr(cell, "number_format", None) or "General")
        case datetime():
            return _moment_text(value)
        case date():
            return value.strftime("%d/%m/%Y")
        case time():
            return _clock_text(value)
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
        case ArrayFormula():
            return str(value.text)
    return str(value)


def _number_text(value: float, shown_as: str) -> str:
    if re.fullmatch("0+", shown_as) and value == int(value):
        return f"{int(value):0{len(shown_as)}}"
    percent = shown_as.endswith("%")
    number = round(value * 100, 10) if percent else value
    whole = number == number and abs(number) < 1e21 and number == int(number)
    text = str(int(number)) if whole else repr(number).replace(".", ",")
    return f"{text}%" if percent else text


def _moment_text(value: datetime) -> str:
    # Spreadsheets keep a moment as a fraction of a day, so 08:00 may come as 07:59:59.999997.
    whole = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    day = whole.strftime("%d/%m/%Y")
    return day if whole.time() == time() else f"{day} {_clock_text(whole.time())}"


def _clock_text(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")
