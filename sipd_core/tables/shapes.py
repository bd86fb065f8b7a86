"""How a sheet is laid out, in plain values: what was found, what a person said, what is remembered of it.

One reason to change: what can be said about the columns of a sheet. A `Layout` is plain data, so that a person can correct
it before the rows are read, and what was corrected is remembered by the header cells.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sipd_core.tables.headers import Column, normalise
from sipd_core.tables.model import Record


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one sheet; positions are 0-based."""

    sheet: str | None
    header_row: int
    """Last row of the header, 1-based as in the file."""
    headers: tuple[str, ...]
    """Headers as written; two rows of headers are joined."""
    columns: Mapping[Column, int]
    width: int
    """Cells of an ordinary row: more than headers when every row ends with a delimiter too many."""
    inferred: frozenset[Column] = frozenset()
    """Columns that no header names and that were recognised by their texts."""
    unread: tuple[str, ...] = ()
    """Headers that name a column already taken by another."""
    chosen: bool = False
    """A person said where the columns are, for this file or for an earlier one with the same headers."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said of one sheet."""

    skip: bool | None = None
    """Whether the sheet is left out; None: as it was the last time."""
    header_row: int | None = None
    """Row of the header, 1-based as in the file; 0: there is none; None: as found."""
    columns: Mapping[Column, int] | None = None
    """Where the columns are; None: as the headers say."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What people said of earlier files, by the fingerprint of the headers."""

    columns: Mapping[str, Mapping[Column, int]] = field(default_factory=dict)
    skipped: frozenset[tuple[str, str]] = frozenset()
    """(fingerprint, `sheet_key` of the sheet)."""


NO_MEMORY: Final = Memory()
AS_FOUND: Final = Choice()


@dataclass(frozen=True, slots=True)
class Finding:
    """What looking at a sheet gave: a layout, or the reason why it is no complaint log."""

    sheet: str | None
    layout: Layout | None = None
    headers: tuple[str, ...] = ()
    """The best header row seen, also when no layout came of it."""
    header_row: int = 0
    """Its row, 1-based; 0 when none was seen."""
    recognised: int = 0
    faults: tuple[Record, ...] = ()
    empty: bool = False
    skipped: bool = False
    """A person said that the sheet is not to be read."""
    remembered: bool = False
    """What was said of an earlier file decided."""
    samples: tuple[tuple[str, ...], ...] = ()
    """Of each column the first cells that hold anything, as they stand in the file."""
    last_row: int = 0
    """The last row that was looked at."""

    @property
    def fingerprint(self) -> str:
        """By which the shape of this sheet is known again; empty without headers."""
        return fingerprint(self.headers)


def fingerprint(headers: Sequence[str]) -> str:
    """32 hex digits that say which headers stand in which order, whatever their case, spacing and punctuation."""
    said = [normalise(header) for header in headers]
    while said and not said[-1]:
        said.pop()
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:32] if said else ""


def sheet_key(name: str | None) -> str:
    """By which a sheet of this name is known again; the name itself may be a person's."""
    return hashlib.sha256((name or "").casefold().encode(errors="replace")).hexdigest()[:32]
