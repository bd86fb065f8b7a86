"""The words of the knowledge base: a row as read, a case as stored, a hit as found.

One reason to change: what a complaint's row means.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RemedyKind(StrEnum):
    """What a case offers. A precedent is shown as a precedent, never dressed up as a solution."""

    REMEDY = "remedy"
    PRECEDENT = "precedent"


@dataclass(frozen=True, slots=True)
class Row:
    """One data row of an uploaded table, cells verbatim, before masking."""

    file: str
    sheet: str | None
    """Sheet name of a workbook, None for a CSV."""
    row: int
    """1-based line of the file or row of the sheet, as a person sees it in a spreadsheet."""
    menu: str
    issue: str
    expected: str = ""
    note_dev: str = ""
    note_qa: str = ""
    status: str = ""
    date: str = ""
    """When it was reported, as the cell says it."""
    region: str = ""
    """Where it was reported."""
    remedy: str | None = None
    """What an export of a base says solves it; None: the file is none and does not say."""
    enabled: str = ""
    """Whether an export says that it is used; blank: it does not say."""
    reports: str = ""
    """How often an export says it was reported; blank: it does not say."""
    cells: tuple[str, ...] = field(default=(), repr=False)
    """The whole row as it stands in the file, so that one that is not taken can be handed back; it may hold anything."""
    heading: int = 0
    """Which of the table's headings stands above it."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is not taken, with the reason in Indonesian."""

    row: int
    reason: str
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is not taken, handed back as it stood in the file, with everything personal masked."""

    row: int
    reason: str
    sheet: str | None
    heading: int
    """Which of the headings stands above it."""
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """The rows of one file that are not taken."""

    headings: tuple[tuple[str, ...], ...] = ()
    rows: tuple[RejectedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """One row of a file that reports a case; `date` and `region` as the file says them, masked."""

    case_id: str
    """Content id, as the file has it."""
    sheet: str | None
    row: int
    date: str = ""
    region: str = ""
    reports: int | None = None
    """How often the case was reported in all, where the row comes out of an export; else the row is one report."""


@dataclass(frozen=True, slots=True)
class ReportedBy:
    """Where a report of a case stands, and when and where it was made as far as the file says so."""

    file: str
    sheet: str | None
    row: int
    date: str
    region: str


@dataclass(frozen=True, slots=True)
class Case:
    """One masked row of the knowledge base; `id` is derived from its content."""

    id: str
    menu: str
    issue: str
    expected: str
    note_dev: str
    note_qa: str
    status: str
    file: str
    sheet: str | None
    row: int
    remedy: str = ""
    """The text that solves the problem, empty when the case is only a precedent."""
    sample: bool = False
    """True for the rows shipped with the product, shown as *contoh*."""
    enabled: bool = True

    @property
    def kind(self) -> RemedyKind:
        """Whether this case solves anything."""
        return RemedyKind.REMEDY if self.remedy else RemedyKind.PRECEDENT


@dataclass(frozen=True, slots=True)
class Hit:
    """One case found for a question. Scores order the cases; only `relevance` (0..1) is calibrated."""

    case: Case
    relevance: float
    vector: float
    """Cosine similarity of the nearest view of the case, -1..1; 0.0 when the vector side is not available."""
    lexical: float
    """Share of the best attainable BM25 score of the question, 0..1."""
    also_reported: int = 0
    """How many further rows report the same complaint."""
    matched: tuple[str, ...] = field(default=())
    """Words of the question that the case shares."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which rows a person wants to see; None: whatever it is."""

    search: str = ""
    """Words that all occur in the texts of the row."""
    menu: str | None = None
    file: str | None = None
    import_id: str | None = None
    """Rows whose present content came with this import."""
    has_remedy: bool | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class CaseDelta:
    """What a reader of an earlier version has to take over."""

    version: int
    """The version it is at afterwards."""
    changed: tuple[Case, ...]
    """Enabled rows that are new or have changed."""
    removed: frozenset[str]
    """Ids of rows that are gone or disabled."""


class ChangeKind(StrEnum):
    """Why rows changed. All but IMPORT are decisions of a person."""

    IMPORT = "import"
    EDIT = "edit"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"
    MERGE = "merge"
    MENUS = "menus"
    LEARN = "learn"
    """A person wrote down what the learning loop showed to be missing; it may bring rows that were not there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of the base, which can be undone and done again."""

    id: str
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    kind: ChangeKind
    note: str
    cases: int
    """Rows it says something about."""
    undone_at: datetime | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class CaseVersion:
    """What a change made of one row; None: it took the row away."""

    change: Change
    case: Case | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of the rows that match a filter."""

    cases: tuple[Case, ...]
    total: int
    """How many cases match in all."""


class ImportStatus(StrEnum):
    """Where one uploaded file stands."""

    INDEXING = "indexing"
    """Rows are stored and found by words; their vectors are still being made."""
    DONE = "done"
    PAUSED = "paused"
    """As INDEXING, but a person wants its vectors later."""
    FAILED = "failed"
    """The file was refused as a whole; nothing of it was stored."""
    UNDONE = "undone"
    """A person took the import back; it can be done again."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one uploaded file brought. accepted + unchanged + rejected = data rows of the file."""

    id: str
    file: str
    at: datetime
    """Timezone-aware, UTC."""
    status: ImportStatus
    accepted: int = 0
    """Rows stored: new ones and changed ones."""
    changed: int = 0
    """Of the accepted, rows whose complaint was known and whose other cells differ."""
    unchanged: int = 0
    kept: int = 0
    """Of the unchanged, rows that a person has edited, merged or deleted since: that decision stands."""
    rejected: int = 0
    """Rows not stored, duplicates inside the file included."""
    duplicates: int = 0
    """Of the rejected, rows that repeat a complaint of the same file."""
    masked: int = 0
    """Pieces of personal data and credentials that were masked."""
    masked_kinds: Mapping[str, int] = field(default_factory=dict)
    """The same by kind (`privacy.Kind` value -> number)."""
    reasons: tuple[Rejection, ...] = ()
    notices: tuple[str, ...] = ()
    """What was detected (delimiter, encoding, header row, ignored sheets), in Indonesian."""
    error: str | None = None
    """Why the file was refused, in Indonesian."""
    actor: str = ""
    """Who imported it; empty for imports of earlier releases."""


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """How far the making of vectors is."""

    total: int
    """Cases of the current run; 0 when there is nothing to do."""
    done: int
    running: bool
    rate: float | None = None
    """Cases a second over this run, None before the first batch."""
    error: str | None = None
    """Why vectors cannot be made now, in Indonesian."""

    @property
    def remaining_seconds(self) -> float | None:
        """Estimated time to the end, None while unknown."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the rows of one import are from being found by meaning. The state is in SQL: it survives a restart."""

    import_id: str
    file: str
    total: int
    """Rows whose present content came with it."""
    done: int
    paused: bool
    rate: float | None = None
    """Cases a second, None while unknown or paused."""
    remaining_seconds: float | None = None
    """To its last row, those of earlier imports included; None while unknown or paused."""


def case_id(menu: str, issue: str) -> str:
    """Content id: 20 hex digits of SHA-256 over the normalised menu and complaint (80 bits: no collision in practice)."""
    key = "\x1f".join(" ".join(part.split()).casefold() for part in (menu, issue))
    return hashlib.sha256(key.encode()).hexdigest()[:20]
