"""From an uploaded file to searchable cases: read, mask, store in one transaction, then index in the background."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO

from sipd_core.documents import (
    Case,
    ImportReport,
    ImportStatus,
    Rejection,
    Row,
    case_id,
)
from sipd_core.errors import TableError
from sipd_core.knowledge.remedy import remedy_of
from sipd_core.privacy import mask
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.tables import Limits, Table, read_table, safe_name
from sipd_core.texts import text

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Batch:
    """The cases of one file in order, and what happened to its other rows."""

    cases: dict[str, Case] = field(default_factory=dict)
    repeats: list[tuple[str, str | None, int]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    masked: int = 0


class Importer:
    """Accepts files. A row is durable and found by its words when `accept` returns; its vector follows."""

    def __init__(
        self, store: CaseStore, *, limits: Limits | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._clock = clock

    def accept(self, name: str, file: BinaryIO, *, sample: bool = False, actor: str = "") -> ImportReport:
        """Store one file; a file that cannot be read is a FAILED report, and nothing of it is stored."""
        report = replace(self._new_report(name), actor=actor)
        try:
            table = read_table(name, file, self._limits)
        except TableError as error:
            failed = replace(report, status=ImportStatus.FAILED, error=error.user_text)
            self._store.add_failed_import(failed)
            return failed
        batch = collect(table, sample=sample)
        return self._store.add_import(report, list(batch.cases.values()), batch.repeats, finish=_finisher(table, batch))

    def preview(self, name: str, file: BinaryIO) -> ImportReport:
        """What `accept` would report, with nothing stored."""
        report = self._new_report(name)
        try:
            table = read_table(name, file, self._limits)
        except TableError as error:
            return replace(report, status=ImportStatus.FAILED, error=error.user_text)
        batch = collect(table, sample=False)
        return _finisher(table, batch)(report, self._store.compare(list(batch.cases.values())))

    def _new_report(self, name: str) -> ImportReport:
        at = datetime.fromtimestamp(self._clock(), tz=UTC)
        return ImportReport(uuid.uuid4().hex, safe_name(name), at, ImportStatus.INDEXING)


def collect(table: Table, *, sample: bool) -> _Batch:
    """Mask every row and tell repeats of a complaint apart from cases.

    The first row of a complaint stands for it, unless only a later one brings a remedy.
    """
    batch = _Batch(rejections=list(table.rejections))
    for row in table.rows:
        case, masked = _case(row, sample=sample)
        batch.masked += masked
        first = batch.cases.get(case.id)
        if first is None:
            batch.cases[case.id] = case
            continue
        if case.remedy and not first.remedy:
            batch.cases[case.id] = case
            first, case = case, first
        batch.repeats.append((case.id, case.sheet, case.row))
        differs = bool(case.remedy) and case.remedy != first.remedy
        key = "imports.duplicate_other_remedy" if differs else "imports.duplicate"
        batch.rejections.append(Rejection(case.row, text(key, row=first.row, sheet=_place(first)), case.sheet))
    batch.rejections.sort(key=lambda rejection: (rejection.sheet or "", rejection.row))
    return batch


def _finisher(table: Table, batch: _Batch) -> Callable[[ImportReport, Stored], ImportReport]:
    def finish(report: ImportReport, stored: Stored) -> ImportReport:
        accepted = len(stored.new) + len(stored.changed)
        return replace(
            report,
            status=ImportStatus.INDEXING if accepted else ImportStatus.DONE,
            accepted=accepted,
            changed=len(stored.changed),
            unchanged=len(stored.unchanged),
            kept=len(stored.kept),
            rejected=len(batch.rejections),
            duplicates=len(batch.repeats),
            masked=batch.masked,
            reasons=tuple(batch.rejections),
            notices=table.notices,
        )

    return finish


def _case(row: Row, *, sample: bool) -> tuple[Case, int]:
    """The masked case of a row, and how many pieces were masked."""
    cells = {
        name: mask(getattr(row, name).strip())
        for name in ("menu", "issue", "expected", "note_dev", "note_qa", "status")
    }
    texts = {name: masked.text for name, masked in cells.items()}
    case = Case(
        id=case_id(texts["menu"], texts["issue"]),
        menu=texts["menu"],
        issue=texts["issue"],
        expected=texts["expected"],
        note_dev=texts["note_dev"],
        note_qa=texts["note_qa"],
        status=texts["status"],
        file=row.file,
        sheet=row.sheet,
        row=row.row,
        remedy=remedy_of(texts["expected"], texts["note_dev"], texts["note_qa"], texts["status"]),
        sample=sample,
    )
    return case, sum(sum(masked.counts.values()) for masked in cells.values())


def _place(case: Case) -> str:
    return f" ({case.sheet})" if case.sheet else ""
