"""An uploaded complaint log as rows: finding the columns (`detect`), then reading them (`read_table`).

One reason to change: which rows are taken, and what the admin is told about the others. Duplicates are left to the
knowledge base: it alone knows what it holds, within one file and across uploads.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from sipd_core.documents import Rejection, Row
from sipd_core.errors import TableError
from sipd_core.tables.exports import unguarded
from sipd_core.tables.headers import LONGEST, Column
from sipd_core.tables.layout import Finding, Layout, find_layout, moved, repeats
from sipd_core.tables.model import Limits, Record, Sheet, Source, Table
from sipd_core.tables.opening import open_source
from sipd_core.texts import text

_NAMED_BLANKS: Final = 50
"""Blank rows that are named one by one when a file holds nothing else."""
_NO_VALUE: Final = frozenset({"nan", "null", "none", "<na>", "nat"})
"""What programs write for "no value"; a person never typed it."""
_COUNTING = re.compile(r"\s*(\d+[.)]?|true|false|=.*)?\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in a file before any row is read."""

    layouts: tuple[Layout, ...]
    notices: tuple[str, ...]


def detect(name: str, content: bytes | BinaryIO, limits: Limits | None = None) -> Detection:
    """Where the columns are in each sheet that is a complaint log.

    Raises TableError when the file is no table, too large, or no sheet has an ISSUE column.
    """
    with open_source(name, _stream(content), limits or Limits()) as source:
        return _detect(source)


def read_table(
    name: str, content: bytes | BinaryIO, limits: Limits | None = None, layouts: Sequence[Layout] | None = None
) -> Table:
    """The rows of an uploaded file, read with `layouts` (as `detect` gave them or corrected), else with those detected.

    `content` may be an open binary file (seekable), so that a big upload stays on disk; it is left open.
    Raises TableError with Indonesian `user_text`.
    """
    bounds = limits or Limits()
    with open_source(name, _stream(content), bounds) as source:
        found = Detection(tuple(layouts), source.notices) if layouts is not None else _detect(source)
        return _read(source, found, bounds)


def _stream(content: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content


def _detect(source: Source) -> Detection:
    findings = [find_layout(sheet) for sheet in source.sheets]
    layouts = tuple(finding.layout for finding in findings if finding.layout)
    if not layouts:
        raise _no_log(findings)
    notices = [*source.notices]
    for finding in findings:
        notices.extend(_layout_notices(finding))
    return Detection(layouts, tuple(notices))


def _no_log(findings: Sequence[Finding]) -> TableError:
    """Why no sheet can be read, by the sheet that comes nearest to a log."""
    nearest = max(findings, key=lambda finding: finding.recognised, default=None)
    if nearest is None:
        return TableError("no visible sheet", text_key="tables.no_visible_sheet")
    if nearest.recognised:
        return TableError("no ISSUE", text_key="tables.no_issue", headers=_listed(nearest.headers))
    fault = next((record.fault for record in nearest.faults if record.fault), None)
    if fault:
        return TableError("open quotation", text_key="tables.open_quote_header", line=fault.first)
    if all(finding.empty for finding in findings):
        return TableError("blank sheets", text_key="tables.empty_file")
    return TableError("no header", text_key="tables.no_header")


def _listed(headers: Sequence[str]) -> str:
    shown = [" ".join(header.split())[:30] for header in headers if header.strip()]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _layout_notices(finding: Finding) -> Iterator[str]:
    layout = finding.layout
    if layout is None:
        key = "sheet_without_issue" if finding.recognised else "sheet_ignored"
        yield text(f"tables.{key}", sheet=finding.sheet, headers=_listed(finding.headers))
        return
    where = _where(layout.sheet)
    if layout.header_row > 1:
        yield text("tables.header_row", row=layout.header_row, where=where)
    for column in sorted(layout.inferred):
        letter = _letter(layout.columns[column])
        yield text("tables.column_inferred", column=column.value, letter=letter, where=where)
    for header in layout.unread:
        yield text("tables.column_unread", header=" ".join(header.split()), where=where)


def _where(sheet: str | None) -> str:
    return text("tables.in_sheet", sheet=sheet) if sheet else ""


def _letter(place: int) -> str:
    """Column letter of a 0-based position: 0 → A, 26 → AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(slots=True)
class _Harvest:
    """What has been read so far, over all sheets."""

    limits: Limits
    rows: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    blank: list[Rejection] = field(default_factory=list)
    blank_count: int = 0
    repeated: list[str] = field(default_factory=list)

    def add(self, outcome: Row | Rejection) -> None:
        if isinstance(outcome, Row):
            self.rows.append(outcome)
        else:
            self.rejections.append(outcome)
        if len(self.rows) + len(self.rejections) > self.limits.max_rows:
            limit = f"{self.limits.max_rows:,}".replace(",", ".")
            raise TableError("too many rows", text_key="tables.too_many_rows", limit=limit)

    def add_blank(self, row: int, sheet: str | None) -> None:
        self.blank_count += 1
        if len(self.blank) < _NAMED_BLANKS:
            self.blank.append(Rejection(row, text("tables.blank_row"), sheet))


def _read(source: Source, found: Detection, limits: Limits) -> Table:
    harvest = _Harvest(limits)
    layouts = {layout.sheet: layout for layout in found.layouts}
    for sheet in source.sheets:
        if layout := layouts.get(sheet.name):
            _read_sheet(source.file, sheet, layout, harvest)
    if not harvest.rows and not harvest.rejections:
        harvest.rejections = harvest.blank
    notices = (*found.notices, *_harvest_notices(harvest))
    data_rows = len(harvest.rows) + len(harvest.rejections)
    return Table(source.file, tuple(harvest.rows), tuple(harvest.rejections), notices, data_rows)


def _harvest_notices(harvest: _Harvest) -> Iterator[str]:
    yield from harvest.repeated
    if not harvest.rows and harvest.rejections == harvest.blank:
        yield text("tables.no_data_rows")
    elif harvest.blank_count:
        yield text("tables.blank_rows_skipped", count=harvest.blank_count)


def _read_sheet(file: str, sheet: Sheet, layout: Layout, harvest: _Harvest) -> None:
    for record in sheet.records():
        if record.row <= layout.header_row:
            continue
        if record.blank:
            harvest.add_blank(record.row, sheet.name)
        elif record.fault is None and _is_padding(record, layout):
            harvest.blank_count += 1
        elif next_layout := _header_again(record, layout):
            layout = next_layout
            where = _where(sheet.name)
            harvest.repeated.append(text("tables.header_repeated", row=record.row, where=where))
        else:
            harvest.add(_outcome(file, sheet, layout, record, harvest.limits))


def _is_padding(record: Record, layout: Layout) -> bool:
    """A row prepared for later: nothing in the columns that are read, at most a number, tick or formula elsewhere."""
    places = set(layout.columns.values())
    return all(
        not cell.strip() if place in places else _COUNTING.fullmatch(cell) is not None
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


def _outcome(file: str, sheet: Sheet, layout: Layout, record: Record, limits: Limits) -> Row | Rejection:
    texts = {column: _text(record, place, sheet.delimited) for column, place in layout.columns.items()}
    reason = _shape_reason(record, layout, sheet) or _content_reason(texts, limits)
    if reason:
        return Rejection(record.row, reason, sheet.name)
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
    )


def _text(record: Record, place: int, is_delimited: bool) -> str:
    cell = record.cells[place] if place < len(record.cells) else ""
    if cell.strip().casefold() in _NO_VALUE or not cell.strip():
        return ""
    return unguarded(cell) if is_delimited else cell


def _shape_reason(record: Record, layout: Layout, sheet: Sheet) -> str | None:
    """Why the cells of a record cannot be trusted to stand in their columns."""
    if record.fault:
        letter = _letter(record.fault.column - 1)
        return text("tables.open_quote", first=record.fault.first, last=record.fault.last, letter=letter)
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
        if len(cell) > limits.max_cell:
            length, limit = (f"{number:,}".replace(",", ".") for number in (len(cell), limits.max_cell))
            return text("tables.cell_too_long", column=column.value, length=length, limit=limit)
    if not any(sign.isalnum() for sign in texts[Column.ISSUE]):
        return text("tables.issue_blank")
    return None
