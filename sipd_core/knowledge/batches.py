"""A table as read becomes what is stored: masked cases, the rows that report them, and the rows that are not taken.

One reason to change: what of a file may be kept, and in which form.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sipd_core.documents import (
    Case,
    Origin,
    RejectedRow,
    RejectedRows,
    Rejection,
    Row,
    case_id,
)
from sipd_core.knowledge.remedy import remedy_of
from sipd_core.privacy import Kind, Masked, mask, names_in, secrets_in
from sipd_core.tables import Heading, Private, Table
from sipd_core.texts import text

RETURNED_CHARACTERS = 20_000
"""Characters of a cell that is handed back; longer ones are the reason why the row is not taken."""
_MEMORABLE_CHARACTERS = 2_000
_MEMORY = 8_000_000
"""Characters of texts whose masked form is remembered while a file is read: menus, remedies, whole complaints come again."""
_COUNT = re.compile(r"[0-9]{1,7}", re.ASCII)
_WATCHED = 64
_CELLS = ("menu", "issue", "expected", "note_dev", "note_qa", "status")

Watch = Callable[[float], None]
"""Hears how much is done, 0..1; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one file brings, nothing of it personal any more."""

    cases: tuple[Case, ...]
    """One for each complaint, in the order of the file."""
    origins: tuple[Origin, ...]
    """Every row that reports one of them."""
    rejected: RejectedRows
    duplicates: int
    """Of the rejected, rows that repeat a complaint of the file."""
    masked: Mapping[str, int]
    """Pieces that were masked in the rows taken and their repeats, by kind."""
    notices: tuple[str, ...]

    @property
    def reasons(self) -> tuple[Rejection, ...]:
        """Why rows are not taken, in the order of the file."""
        return tuple(Rejection(row.row, row.reason, row.sheet) for row in self.rejected.rows)


@dataclass(slots=True)
class _Cleaner:
    """Masks the texts of one file."""

    counts: Counter[str] = field(default_factory=Counter)
    _memory: dict[str, Masked] = field(default_factory=dict)
    _remembered: int = 0

    def counted(self, cell: str, known: Mapping[str, Kind]) -> str:
        """The masked text of a cell that is kept."""
        masked = self._masked(cell, known)
        self.counts.update(masked.counts)
        return masked.text

    def text(self, cell: str, known: Mapping[str, Kind] | None = None) -> str:
        """The masked text of anything else."""
        return self._masked(cell, known or {}).text

    def _masked(self, cell: str, known: Mapping[str, Kind]) -> Masked:
        if known and any(word in cell for word in known):
            return mask(cell, known)
        found = self._memory.get(cell)
        if found is None:
            found = mask(cell)
            if len(cell) <= _MEMORABLE_CHARACTERS and self._remembered < _MEMORY:
                self._memory[cell] = found
                self._remembered += len(cell)
        return found


@dataclass(slots=True)
class _Collecting:
    table: Table
    sample: bool
    cleaner: _Cleaner = field(default_factory=_Cleaner)
    cases: dict[str, tuple[Case, Row]] = field(default_factory=dict)
    origins: list[Origin] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    duplicates: int = 0

    def add(self, row: Row) -> None:
        """The first row of a complaint stands for it, unless only a later one brings a remedy."""
        known = _known(row.cells, self.table.headings[row.heading] if self.table.headings else None)
        case = self._case(row, known)
        self.origins.append(self._origin(case.id, row, known))
        if case.id not in self.cases:
            self.cases[case.id] = case, row
            return
        first, first_row = self.cases[case.id]
        if case.remedy and not first.remedy:
            self.cases[case.id] = case, row
            first, case, row = case, first, first_row
        self.duplicates += 1
        differs = bool(case.remedy) and case.remedy != first.remedy
        key = "imports.duplicate_other_remedy" if differs else "imports.duplicate"
        place = f" ({first.sheet})" if first.sheet else ""
        self.reject(Rejection(row.row, text(key, row=first.row, sheet=place), row.sheet), row.cells, row.heading)

    def reject(self, why: Rejection, cells: Sequence[str], heading: int, *, in_place: bool = True) -> None:
        """Keep a row that is not taken, so that it can be handed back."""
        above = self.table.headings[heading] if self.table.headings else None
        returned = self._returned(cells, above, in_place=in_place)
        sheet = self.cleaner.text(why.sheet) if why.sheet else None
        self.rejected.append(RejectedRow(why.row, why.reason, sheet, heading, returned))

    def batch(self) -> Batch:
        """Everything collected."""
        headings = tuple(tuple(map(self.cleaner.text, heading.headers)) for heading in self.table.headings)
        rows = tuple(sorted(self.rejected, key=lambda row: (row.heading, row.row)))
        return Batch(
            tuple(case for case, _ in self.cases.values()),
            tuple(self.origins),
            RejectedRows(headings, rows),
            self.duplicates,
            dict(self.cleaner.counts),
            tuple(map(self.cleaner.text, self.table.notices)),
        )

    def _case(self, row: Row, known: Mapping[str, Kind]) -> Case:
        texts: dict[str, Any] = {name: self.cleaner.counted(getattr(row, name).strip(), known) for name in _CELLS}
        return Case(
            id=case_id(texts["menu"], texts["issue"]),
            **texts,
            file=self.cleaner.text(row.file),
            sheet=self.cleaner.text(row.sheet) if row.sheet else None,
            row=row.row,
            remedy=self._remedy(row, texts, known),
            sample=self.sample,
            enabled=row.enabled.strip().casefold() != text("imports.export.no"),
        )

    def _remedy(self, row: Row, texts: Mapping[str, str], known: Mapping[str, Kind]) -> str:
        """What solves the case: as an export says, else what its texts say."""
        if row.remedy is not None:
            return self.cleaner.counted(row.remedy.strip(), known)
        return remedy_of(texts["expected"], texts["note_dev"], texts["note_qa"], texts["status"])

    def _origin(self, case: str, row: Row, known: Mapping[str, Kind]) -> Origin:
        date, region = (self.cleaner.text(cell.strip(), known) for cell in (row.date, row.region))
        reports = int(row.reports) if _COUNT.fullmatch(row.reports.strip()) else None
        return Origin(case, self.cleaner.text(row.sheet) if row.sheet else None, row.row, date, region, reports)

    def _returned(self, cells: Sequence[str], heading: Heading | None, *, in_place: bool) -> tuple[str, ...]:
        """The cells of a row with private columns blanked; all of them where it is not sure which cell is whose."""
        private = heading.private if heading else {}
        hidden, known = text("imports.hidden_cell"), _known(cells, heading)
        return tuple(
            (hidden if cell.strip() else "")
            if place in private or (private and not in_place)
            else self.cleaner.text(_shortened(cell), known)
            for place, cell in enumerate(cells)
        )


def collect(table: Table, *, sample: bool = False, watch: Watch | None = None) -> Batch:
    """Mask every row, and tell repeats of a complaint apart from cases."""
    collecting = _Collecting(table, sample)
    total = max(table.data_rows, 1)
    for done, row in enumerate(table.rows):
        if watch and done % _WATCHED == 0:
            watch(done / total)
        collecting.add(row)
    for done, refused in enumerate(table.refused, start=len(table.rows)):
        if watch and done % _WATCHED == 0:
            watch(done / total)
        collecting.reject(refused.rejection, refused.cells, refused.heading, in_place=refused.in_place)
    return collecting.batch()


def _known(cells: Sequence[str], heading: Heading | None) -> dict[str, Kind]:
    """What the private columns of a row give away: a password of the USER column is one in the complaint, too."""
    found: dict[str, Kind] = {}
    for place, private in heading.private.items() if heading else ():
        if place < len(cells) and (cell := cells[place]):
            found.update(secrets_in(cell[:1_000]) if private is Private.CREDENTIALS else names_in(cell[:200]))
    return found


def _shortened(cell: str) -> str:
    """A cell of at most RETURNED_CHARACTERS, cut before a word: half a number could not be recognised any more."""
    if len(cell) <= RETURNED_CHARACTERS:
        return cell
    kept = re.sub(r"\S*\Z", "", cell[:RETURNED_CHARACTERS]).rstrip()
    return f"{kept} {text('imports.cut', n=len(cell))}".strip()
