"""The words of reading a table: limits, records, sheets, and the result.

One reason to change: what travels between the file readers and the rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sipd_core.documents import Rejection, Row
from sipd_core.tables.private import Private


@dataclass(frozen=True, slots=True)
class Limits:
    """What an upload may cost; a file beyond `max_bytes` or `max_rows` is refused, a cell beyond `max_cell` its row."""

    max_bytes: int = 50 * 2**20
    max_rows: int = 100_000
    """Data rows of the whole file; padding does not count."""
    max_cell: int = 20_000
    """Characters of one cell."""


class Fault(NamedTuple):
    """Lines that cannot be told apart into cells because a quotation mark has no partner."""

    first: int
    last: int
    column: int
    """1-based column in which the quotation mark was opened."""


class Record(NamedTuple):
    """One record of a sheet as text cells, `row` 1-based as in the file."""

    row: int
    cells: tuple[str, ...]
    fault: Fault | None = None
    stray_quote: bool = False
    """A quotation mark stands where it neither opens nor closes a cell."""
    swallowed: int = 0
    """Most delimiters in one inner line of a cell with line breaks."""

    @property
    def blank(self) -> bool:
        """Whether every cell is empty or whitespace."""
        return self.fault is None and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet that can be read any number of times from its beginning."""

    name: str | None
    """None for a text file."""
    records: Callable[[], Iterator[Record]]
    delimited: bool
    """True when a cell too many means that a delimiter inside a text shifted the row."""
    expected: int = 0
    """About how many records it has, for a progress bar; 0 when the file does not say."""


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: its sheets and what was noticed while opening it."""

    file: str
    sheets: tuple[Sheet, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """The headers above some of the rows."""

    sheet: str | None
    headers: tuple[str, ...]
    private: Mapping[int, Private]
    """Places of the columns that hold credentials or people and are not read."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken, as it stands in the file: it may hold anything."""

    rejection: Rejection
    cells: tuple[str, ...] = field(default=(), repr=False)
    heading: int = 0
    in_place: bool = True
    """False when its cells cannot be told to stand below their headers."""


@dataclass(frozen=True, slots=True)
class Table:
    """A complaint log as read: rows to take, rows not taken, and what the reader decided by itself.

    Duplicates are all in `rows`: only the knowledge base knows which complaints it already holds.
    """

    file: str
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]
    notices: tuple[str, ...]
    headings: tuple[Heading, ...] = ()

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The rows not taken, each with its reason."""
        return tuple(row.rejection for row in self.refused)

    @property
    def data_rows(self) -> int:
        """Rows that hold anything: those taken and those not."""
        return len(self.rows) + len(self.refused)
