"""An uploaded complaint log as rows: finding the columns (`survey`), then reading them.

One reason to change: which rows are taken, and what the admin is told about the others. Duplicates are left to the
knowledge base: it alone knows what it holds, within one file and across uploads.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from sipd_core.documents import Rejection, Row
from sipd_core.errors import TableError
from sipd_core.locale_id import number
from sipd_core.tables.exports import unguarded
from sipd_core.tables.headers import ABOUT_THE_REPORT, LONGEST, Column
from sipd_core.tables.layout import COUNTING, moved, repeats
from sipd_core.tables.model import (
    Heading,
    Limits,
    Record,
    Refused,
    Sheet,
    Source,
    Table,
)
from sipd_core.tables.opening import open_source
from sipd_core.tables.private import private_columns
from sipd_core.tables.shapes import NO_MEMORY, Layout, Memory
from sipd_core.tables.survey import Choices, Survey, letter, survey, where
from sipd_core.texts import text

_NAMED_BLANKS: Final = 50
"""Blank rows that are named one by one when a file holds nothing else."""
_NO_VALUE: Final = frozenset({"nan", "null", "none", "<na>", "nat"})
"""What programs write for "no value"; a person never typed it."""
_WATCHED: Final = 256
"""Records between two looks of whoever watches the reading."""
_REPORT_CHARACTERS: Final = 200
"""Characters kept of a date or a region."""

Watch = Callable[[float], None]
"""Hears how much of the file is read, 0..1; what it raises ends the reading."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a file: how its sheets were understood, and its rows unless nothing of it is a complaint log."""

    survey: Survey
    table: Table | None


def detect(name: str, content: bytes | BinaryIO, limits: Limits | None = None, *, memory: Memory = NO_MEMORY) -> Survey:
    """Where the columns are in each sheet that is a complaint log.

    Raises TableError when the file is no table, too large, or no sheet has an ISSUE column.
    """
    with open_source(name, _stream(content), limits or Limits()) as source:
        found = survey(source, memory)
    if found.problem:
        raise found.problem
    return found


def read_table(
    name: str, content: bytes | BinaryIO, limits: Limits | None = None, layouts: Sequence[Layout] | None = None
) -> Table:
    """The rows of an uploaded file, read with `layouts` (as `detect` gave them or corrected), else with those detected.

    `content` may be an open binary file (seekable), so that a big upload stays on disk; it is left open.
    Raises TableError with Indonesian `user_text`.
    """
    bounds = limits or Limits()
    with open_source(name, _stream(content), bounds) as source:
        if layouts is not None:
            return _read(source, layouts, source.notices, bounds, None)
        found = survey(source)
        if found.problem:
            raise found.problem
        return _read(source, found.layouts, found.notices, bounds, None)


def read_file(
    name: str,
    content: bytes | BinaryIO,
    limits: Limits,
    *,
    memory: Memory = NO_MEMORY,
    choices: Choices | None = None,
    watch: Watch | None = None,
) -> Reading:
    """As `read_table`, with what people said of this file or of earlier ones; a file without a log has no table.

    Raises TableError for one that is no table at all or too large.
    """
    with open_source(name, _stream(content), limits) as source:
        found = survey(source, memory, choices)
        if found.problem:
            return Reading(found, None)
        return Reading(found, _read(source, found.layouts, found.notices, limits, watch))


def _stream(content: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content


@dataclass(slots=True)
class _Harvest:
    """What has been read so far, over all sheets."""

    limits: Limits
    watch: Watch | None = None
    expected: int = 0
    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    blank: list[Refused] = field(default_factory=list)
    blank_count: int = 0
    repeated: list[str] = field(default_factory=list)
    seen: int = 0

    def look(self) -> None:
        """Let whoever watches know how far the reading is."""
        self.seen += 1
        if self.watch and self.seen % _WATCHED == 0:
            self.watch(min(self.seen / max(self.expected, self.seen), 1.0))

    def below(self, layout: Layout) -> int:
        """The number of the heading that rows of `layout` stand under."""
        private = {place: kind for place, kind in private_columns(layout.headers).items()}
        for place in layout.columns.values():
            private.pop(place, None)
        self.headings.append(Heading(layout.sheet, layout.headers, private))
        return len(self.headings) - 1

    def add(self, outcome: Row | Refused) -> None:
        if isinstance(outcome, Row):
            self.rows.append(outcome)
        else:
            self.refused.append(outcome)
        if len(self.rows) + len(self.refused) > self.limits.max_rows:
            limit = f"{self.limits.max_rows:,}".replace(",", ".")
            raise TableError("too many rows", text_key="tables.too_many_rows", limit=limit)

    def add_blank(self, row: int, sheet: str | None) -> None:
        self.blank_count += 1
        if len(self.blank) < _NAMED_BLANKS:
            self.blank.append(Refused(Rejection(row, text("tables.blank_row"), sheet)))


def _read(
    source: Source, layouts: Sequence[Layout], notices: Sequence[str], limits: Limits, watch: Watch | None
) -> Table:
    chosen = {layout.sheet: layout for layout in layouts}
    sheets = [sheet for sheet in source.sheets if sheet.name in chosen]
    harvest = _Harvest(limits, watch, sum(sheet.expected for sheet in sheets))
    for sheet in sheets:
        _read_sheet(source.file, sheet, chosen[sheet.name], harvest)
    if not harvest.rows and not harvest.refused:
        harvest.refused = harvest.blank
    told = (*notices, *_harvest_notices(harvest))
    return Table(source.file, tuple(harvest.rows), tuple(harvest.refused), told, tuple(harvest.headings))


def _harvest_notices(harvest: _Harvest) -> Iterator[str]:
    yield from harvest.repeated
    if not harvest.rows and harvest.refused == harvest.blank:
        yield text("tables.no_data_rows")
    elif harvest.blank_count:
        yield text("tables.blank_rows_skipped", count=number(harvest.blank_count))


def _read_sheet(file: str, sheet: Sheet, layout: Layout, harvest: _Harvest) -> None:
    heading = harvest.below(layout)
    for record in sheet.records():
        harvest.look()
        if record.row <= layout.header_row:
            continue
        if record.blank:
            harvest.add_blank(record.row, sheet.name)
        elif record.fault is None and _is_padding(record, layout):
            harvest.blank_count += 1
        elif next_layout := _header_again(record, layout):
            heading = heading if next_layout is layout else harvest.below(next_layout)
            layout = next_layout
            harvest.repeated.append(text("tables.header_repeated", row=record.row, where=where(sheet.name)))
        else:
            harvest.add(_outcome(file, sheet, layout, record, heading, harvest.limits))


def _is_padding(record: Record, layout: Layout) -> bool:
    """A row prepared for later: nothing in the columns of a case, at most a number, tick or formula elsewhere."""
    places = {place for column, place in layout.columns.items() if column not in ABOUT_THE_REPORT}
    return all(
        not cell.strip() if place in places else COUNTING.fullmatch(cell) is not None
        for place, cell in enumerate(record.cells)
    )


def _header_again(record: Record, layout: Layout) -> Layout | None:
    """The layout from here on when `record` is a header inside the data: repeated, or of another table below."""
    place = layout.columns[Column.ISSUE]
    if place < len(record.cells) and len(record.cells[place]) > LONGEST:
        return None
    if repeats(layout, record.cells):
        return layout
    columns = moved(layout, record.cells)
    return replace(layout, headers=record.cells, columns=columns, width=len(record.cells)) if columns else None


def _outcome(file: str, sheet: Sheet, layout: Layout, record: Record, heading: int, limits: Limits) -> Row | Refused:
    texts = {column: _text(record, place) for column, place in layout.columns.items()}
    shape = _shape_reason(record, layout, sheet)
    if reason := shape or _content_reason(texts, limits):
        return Refused(Rejection(record.row, reason, sheet.name), record.cells, heading, in_place=shape is None)
    return Row(
        file=file,
        sheet=sheet.name,
        row=record.row,
        menu=texts.get(Column.MENU, ""),
        issue=texts[Column.ISSUE],
        expected=texts.get(Column.EXPECTED, ""),
        note_dev=texts.get(Column.NOTE_DEV, ""),
        note_qa=texts.get(Column.NOTE_QA, ""),
        status=texts.get(Column.STATUS, ""),
        date=_said(texts.get(Column.DATE, "")),
        region=_said(texts.get(Column.REGION, "")),
        remedy=texts.get(Column.REMEDY),
        enabled=texts.get(Column.ENABLED, ""),
        reports=texts.get(Column.REPORTS, ""),
        cells=record.cells,
        heading=heading,
    )


def _text(record: Record, place: int) -> str:
    cell = record.cells[place] if place < len(record.cells) else ""
    return "" if cell.strip().casefold() in _NO_VALUE or not cell.strip() else unguarded(cell)


def _said(cell: str) -> str:
    """When or where a complaint was reported; a formula is not evaluated and says neither."""
    return "" if cell.startswith("=") else cell[:_REPORT_CHARACTERS]


def _shape_reason(record: Record, layout: Layout, sheet: Sheet) -> str | None:
    """Why the cells of a record cannot be trusted to stand in their columns."""
    if record.fault:
        column = letter(record.fault.column - 1)
        return text("tables.open_quote", first=record.fault.first, last=record.fault.last, letter=column)
    width = len(layout.headers)
    if not sheet.delimited or len(record.cells) == width:
        return None
    if record.stray_quote or (width > 1 and record.swallowed >= width - 1):
        return text("tables.stray_quote")
    if _is_shifted(record.cells, width, layout.width):
        return text("tables.too_many_cells", cells=len(record.cells), headers=width)
    return None


def _is_shifted(cells: Sequence[str], headers: int, usual: int) -> bool:
    """Whether a delimiter inside a text moved the cells behind it: unusually many, or filled beyond the last header.

    Where all rows are long, a space at the beginning of a cell still shows a comma that belongs to a sentence.
    """
    if len(cells) <= headers:
        return False
    sentence = any(cell[:1] == " " and cell[1:2].isalnum() for cell in cells[1:])
    return len(cells) > usual or sentence or any(cell.strip() for cell in cells[headers:])


def _content_reason(texts: dict[Column, str], limits: Limits) -> str | None:
    for column, cell in texts.items():
        if len(cell) > limits.max_cell and column not in ABOUT_THE_REPORT:
            length, limit = number(len(cell)), number(limits.max_cell)
            return text("tables.cell_too_long", column=column.value, length=length, limit=limit)
    if not any(sign.isalnum() for sign in texts[Column.ISSUE]):
        return text("tables.issue_blank")
    return None
