"""What an admin sees of a file before it is imported: its sheets, its first rows as they will be stored, what it costs.

One reason to change: what an admin must know to say yes. Plain values; everything in them is masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sipd_core.documents import Case, ImportReport
from sipd_core.privacy import mask
from sipd_core.store.changes import Stored
from sipd_core.store.meeting import Meeting
from sipd_core.tables import (
    Column,
    Finding,
    Private,
    letter,
    named_columns,
    private_columns,
    private_kind,
)
from sipd_core.texts import text

ROWS_SHOWN = 12
SAMPLE_CHARACTERS = 70
SHEETS_SHOWN = 60


class DraftState(StrEnum):
    """How far an uploaded file is."""

    WAITING = "waiting"
    """Other files are read first."""
    READING = "reading"
    UNCLEAR = "unclear"
    """A table, but nobody said yet where its complaints stand."""
    REFUSED = "refused"
    READY = "ready"
    STORING = "storing"


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column of a sheet."""

    place: int
    """0-based."""
    letter: str
    header: str
    samples: tuple[str, ...]
    """Some of its cells, masked; nothing of a private column."""
    private: Private | None
    """Why it should not be mapped."""


@dataclass(frozen=True, slots=True)
class SheetView:
    """One sheet as it was understood."""

    index: int
    """Its place in the file."""
    sheet: str | None
    header_row: int
    """1-based; 0: no header."""
    last_row: int
    """The last row that was looked at: a header cannot be said to be further down."""
    columns: tuple[ColumnView, ...]
    read_as: Mapping[Column, int]
    """Which column stands for what; empty when the sheet is not read."""
    guessed: Mapping[Column, int]
    """What the headers alone say of a sheet that is not read, ISSUE left out: where whoever maps it begins."""
    problem: str | None
    """Why it is not read, in Indonesian."""
    doubtful: bool
    """It is not read although it looks like a complaint log: somebody should say where its complaints stand."""
    skipped: bool
    remembered: bool
    """What was said of an earlier file decided."""
    chosen: bool
    """A person said where the columns are."""


@dataclass(frozen=True, slots=True)
class RowView:
    """One of the first rows as it will be stored."""

    case: Case
    meeting: Meeting


@dataclass(frozen=True, slots=True)
class Estimate:
    """What making a file's rows findable by meaning will take."""

    texts: int
    """Texts the model has to read; those whose vectors are there already do not count."""
    model: str
    seconds: float | None
    """None while no rate was ever measured."""
    free: bool
    """The model is the bundled one."""
    cost_usd: Decimal | None
    """None when the price is unknown."""
    cost_idr: Decimal | None
    """The same in rupiah, for display."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An uploaded file that is not imported yet. It lives in memory and is gone after a restart."""

    id: str
    file: str
    size: int
    """Bytes."""
    state: DraftState
    share: float
    """How much of it is read, 0..1."""
    error: str | None = None
    """Why it cannot be imported as it is, in Indonesian."""
    sheets: tuple[SheetView, ...] = ()
    report: ImportReport | None = None
    """What the import would report: the dry run."""
    rows: tuple[RowView, ...] = ()
    estimate: Estimate | None = None
    """None while no model is ready."""
    recomputed: bool = False
    """The base changed since the admin saw the dry run, and the figures with it."""


def sheet_views(findings: Sequence[Finding]) -> tuple[SheetView, ...]:
    """Every sheet that holds anything, at most SHEETS_SHOWN: the doubtful first, then those that are read."""
    filled = [(index, finding) for index, finding in enumerate(findings) if not finding.empty]
    filled.sort(key=lambda item: (item[1].layout is not None or not item[1].recognised, item[1].layout is None))
    return tuple(_sheet_view(index, finding) for index, finding in filled[:SHEETS_SHOWN])


def first_rows(cases: Sequence[Case], stored: Stored) -> tuple[RowView, ...]:
    """The first rows that would be stored, each with what would become of it; without any the first that are there."""
    told = [RowView(case, _meeting(case.id, stored)) for case in cases]
    fresh = [row for row in told if row.meeting in (Meeting.NEW, Meeting.CHANGED)]
    return tuple((fresh or told)[:ROWS_SHOWN])


def _meeting(id_: str, stored: Stored) -> Meeting:
    if id_ in stored.new:
        return Meeting.NEW
    if id_ in stored.changed:
        return Meeting.CHANGED
    return Meeting.KEPT if id_ in stored.kept else Meeting.UNCHANGED


def _sheet_view(index: int, finding: Finding) -> SheetView:
    layout = finding.layout
    return SheetView(
        index,
        mask(finding.sheet).text if finding.sheet else None,
        finding.header_row,
        finding.last_row,
        _columns(finding),
        dict(layout.columns) if layout else {},
        {} if layout else _guessed(finding),
        None if layout else _problem(finding),
        layout is None and finding.recognised > 0 and not finding.skipped,
        finding.skipped,
        finding.remembered,
        layout.chosen if layout else False,
    )


def _problem(finding: Finding) -> str:
    if finding.skipped:
        return text("imports.sheet.skipped")
    return text("imports.sheet.no_issue" if finding.recognised else "imports.sheet.no_log")


def _guessed(finding: Finding) -> dict[Column, int]:
    private = _private(finding)
    named = {column: places[0][0] for column, places in named_columns(finding.headers).items()}
    return {column: place for column, place in named.items() if column is not Column.ISSUE and place not in private}


def _columns(finding: Finding) -> tuple[ColumnView, ...]:
    private = _private(finding)
    width = max(len(finding.headers), len(finding.samples))
    return tuple(_column(finding, place, private.get(place)) for place in range(width))


def _line(cell: str) -> str:
    """A cell as one short line, cut before a word."""
    line = " ".join(cell.split())
    return line if len(line) <= SAMPLE_CHARACTERS else f"{line[:SAMPLE_CHARACTERS].rsplit(' ', 1)[0]} …"


def _private(finding: Finding) -> dict[int, Private]:
    """By the headers; where there are none, by any of the first cells that reads like such a header."""
    if any(header.strip() for header in finding.headers):
        return private_columns(finding.headers)
    told = {
        place: [kind for cell in cells if (kind := private_kind(cell))] for place, cells in enumerate(finding.samples)
    }
    return {place: kinds[0] for place, kinds in told.items() if kinds}


def _column(finding: Finding, place: int, private: Private | None) -> ColumnView:
    header = finding.headers[place] if place < len(finding.headers) else ""
    samples = finding.samples[place] if place < len(finding.samples) else ()
    masked = [mask(sample[: 4 * SAMPLE_CHARACTERS]) for sample in samples]
    shown = () if private else tuple(_line(one.text) for one in masked)
    return ColumnView(place, letter(place), " ".join(mask(header).text.split()), shown, private)
