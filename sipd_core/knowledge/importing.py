"""From a file to searchable cases: read, mask, compare with the base, store in one transaction.

One reason to change: the steps of an import. The dry run and the import are the same steps; only the last one differs.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO

from sipd_core.documents import ImportReport, ImportStatus
from sipd_core.errors import BaseChangedError, TableError
from sipd_core.knowledge.batches import Batch, Watch, collect
from sipd_core.privacy import mask
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.mappings import MappingStore
from sipd_core.tables import (
    NO_MEMORY,
    Choices,
    Limits,
    Survey,
    check_size,
    read_file,
    safe_name,
)

_READING_SHARE = 0.4
"""Part of the whole work that reading is; the rest is masking."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is read and masked, ready to be compared and stored."""

    file: str
    survey: Survey
    batch: Batch | None
    """None when no sheet is a complaint log."""
    error: str | None = None
    """Why there is no batch, in Indonesian."""


class Importer:
    """Accepts files. A row is durable and found by its words when `store` returns; its vector follows."""

    def __init__(
        self,
        store: CaseStore,
        mappings: MappingStore | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`mappings`: what people said of the columns of earlier files; without it every file is read as it is found."""
        self._store = store
        self._mappings = mappings
        self._limits = limits or Limits()
        self._clock = clock

    def file_name(self, name: str) -> str:
        """What a file is called from now on: no path, nothing personal."""
        return mask(safe_name(name)).text

    def check_size(self, size: int) -> None:
        """Raises TableError for a file of so many bytes that is too large or empty."""
        check_size(size, self._limits)

    def prepare(
        self,
        name: str,
        file: BinaryIO,
        *,
        sample: bool = False,
        choices: Choices | None = None,
        watch: Watch | None = None,
    ) -> Prepared:
        """Read and mask a file; raises TableError for one that is no table, and whatever `watch` raises."""
        memory = self._mappings.memory() if self._mappings and not sample else NO_MEMORY
        reading = read_file(
            name, file, self._limits, memory=memory, choices=choices, watch=_part(watch, 0.0, _READING_SHARE)
        )
        if reading.table is None:
            assert reading.survey.problem is not None
            error = mask(reading.survey.problem.user_text).text
            return Prepared(self.file_name(name), reading.survey, None, error)
        batch = collect(reading.table, sample=sample, watch=_part(watch, _READING_SHARE, 1.0))
        return Prepared(self.file_name(name), reading.survey, batch)

    def report(self, prepared: Prepared, stored: Stored) -> ImportReport:
        """What an import of a prepared file brings that meets the base as `stored` says."""
        return _finished(self._new_report(prepared.file), prepared, stored)

    def store(
        self, prepared: Prepared, *, actor: str, expected: Stored | None = None, sample: bool = False
    ) -> ImportReport:
        """Store a prepared file in one transaction.

        With `expected`, raises BaseChangedError and stores nothing when the rows would now meet the base otherwise.
        """
        assert prepared.batch is not None

        def finish(report: ImportReport, stored: Stored) -> ImportReport:
            if expected is not None and stored != expected:
                raise BaseChangedError
            return _finished(report, prepared, stored)

        report = replace(self._new_report(prepared.file), actor=actor)
        batch = prepared.batch
        return self._store.add_import(report, batch.cases, batch.origins, rejected=batch.rejected, finish=finish)

    def accept(self, name: str, file: BinaryIO, *, sample: bool = False, actor: str = "") -> ImportReport:
        """Store one file; a file that cannot be read is a FAILED report, and nothing of it is stored."""
        prepared = self._prepared_or_failed(name, file, sample=sample)
        if isinstance(prepared, ImportReport):
            failed = replace(prepared, actor=actor)
            self._store.add_failed_import(failed)
            return failed
        return self.store(prepared, actor=actor, sample=sample)

    def preview(self, name: str, file: BinaryIO) -> ImportReport:
        """What `accept` would report, with nothing stored."""
        prepared = self._prepared_or_failed(name, file, sample=False)
        if isinstance(prepared, ImportReport):
            return prepared
        assert prepared.batch is not None
        return self.report(prepared, self._store.compare(prepared.batch.cases))

    def _prepared_or_failed(self, name: str, file: BinaryIO, *, sample: bool) -> Prepared | ImportReport:
        try:
            prepared = self.prepare(name, file, sample=sample)
        except TableError as error:
            return self._failed(self.file_name(name), error.user_text)
        return prepared if prepared.batch else self._failed(prepared.file, prepared.error or "")

    def _failed(self, file: str, why: str) -> ImportReport:
        return replace(self._new_report(file), status=ImportStatus.FAILED, error=why)

    def _new_report(self, file: str) -> ImportReport:
        at = datetime.fromtimestamp(self._clock(), tz=UTC)
        return ImportReport(uuid.uuid4().hex, file, at, ImportStatus.INDEXING)


def _finished(report: ImportReport, prepared: Prepared, stored: Stored) -> ImportReport:
    batch = prepared.batch
    assert batch is not None
    accepted = len(stored.new) + len(stored.changed)
    return replace(
        report,
        status=ImportStatus.INDEXING if accepted else ImportStatus.DONE,
        accepted=accepted,
        changed=len(stored.changed),
        unchanged=len(stored.unchanged),
        kept=len(stored.kept),
        rejected=len(batch.rejected.rows),
        duplicates=batch.duplicates,
        masked=sum(batch.masked.values()),
        masked_kinds=batch.masked,
        reasons=batch.reasons,
        notices=batch.notices,
    )


def _part(watch: Watch | None, start: float, end: float) -> Watch | None:
    """Tells of a part of the work as what it is of the whole."""
    return (lambda share: watch(start + share * (end - start))) if watch else None
