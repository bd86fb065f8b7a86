"""Rows that were not taken as a file for whoever mends them: the original columns, then where they stood and why not.

One reason to change: how such a file looks. The columns keep their headers, so that the mended file can be uploaded.
"""

import io
from collections.abc import Iterator, Sequence

from sipd_core.documents import RejectedRow, RejectedRows
from sipd_core.tables import ExportedSheet, letter, write_csv, write_workbook
from sipd_core.texts import text

_ABOUT = ("sheet", "row", "reason")
"""What is said of each row, behind its own columns."""


def rejected_csv(rejected: RejectedRows) -> bytes:
    """One table; where the sheets of a file differ in their columns, it has all of them."""
    tables = _tables(rejected)
    columns: dict[str, str] = {}
    for headers, _ in tables:
        for header in headers[: -len(_ABOUT)]:
            columns.setdefault(header.casefold(), header)
    about = _about_names()
    order = [*columns, *(name.casefold() for name in about)]
    rows = [
        [cells.get(key, "") for key in order]
        for headers, rows in tables
        for cells in (dict(zip(map(str.casefold, headers), row, strict=True)) for row in rows)
    ]
    target = io.BytesIO()
    write_csv(target, [*columns.values(), *about], rows)
    return target.getvalue()


def rejected_xlsx(rejected: RejectedRows) -> bytes:
    """One sheet for each sheet of the file, with its own columns."""
    names = [_sheet_name(rejected, heading) for heading in _used(rejected)]
    sheets = [ExportedSheet(name, *table) for name, table in zip(names, _tables(rejected), strict=True)]
    target = io.BytesIO()
    write_workbook(target, sheets or [ExportedSheet(text("imports.rejected.sheet_name"), (), ())])
    return target.getvalue()


def _used(rejected: RejectedRows) -> list[int]:
    return list(dict.fromkeys(row.heading for row in rejected.rows))


def _sheet_name(rejected: RejectedRows, heading: int) -> str:
    first = next(row for row in rejected.rows if row.heading == heading)
    return first.sheet or text("imports.rejected.sheet_name")


def _tables(rejected: RejectedRows) -> list[tuple[list[str], list[Sequence[object]]]]:
    """(headers, rows) of each part of the file that has headers of its own."""
    return [_table(rejected, heading) for heading in _used(rejected)]


def _table(rejected: RejectedRows, heading: int) -> tuple[list[str], list[Sequence[object]]]:
    rows = [row for row in rejected.rows if row.heading == heading]
    headers = rejected.headings[heading] if heading < len(rejected.headings) else ()
    width = max([len(headers), *(len(row.cells) for row in rows)])
    own = list(_unique(headers, width))
    return [*own, *_about_names()], [[*_cells(row, width), row.sheet or "", row.row, row.reason] for row in rows]


def _about_names() -> list[str]:
    return [text(f"imports.rejected.{name}") for name in _ABOUT]


def _cells(row: RejectedRow, width: int) -> Iterator[str]:
    yield from row.cells
    yield from [""] * (width - len(row.cells))


def _unique(headers: Sequence[str], width: int) -> Iterator[str]:
    """The headers as they are; a blank one, or one that stands twice, is told apart by the letter of its column."""
    seen: set[str] = set()
    for place in range(width):
        header = " ".join(headers[place].split()) if place < len(headers) else ""
        if not header:
            header = text("imports.rejected.no_header", letter=letter(place))
        elif header.casefold() in seen:
            header = f"{header} ({letter(place)})"
        seen.add(header.casefold())
        yield header
