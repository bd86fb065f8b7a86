"""The knowledge base as a file in the import format, from which the same base can be made anew."""

import io
from collections.abc import Iterable, Iterator, Mapping

from sipd_core.documents import Case
from sipd_core.tables import Column, write_csv
from sipd_core.texts import text

HEADER = (
    Column.MENU, Column.ISSUE, Column.EXPECTED, Column.NOTE_DEV, Column.NOTE_QA, Column.STATUS,
    Column.REMEDY, Column.ENABLED, Column.REPORTS,
)  # fmt: skip


def rows_as_csv(cases: Iterable[Case], reports: Mapping[str, int]) -> bytes:
    """CSV with a byte order mark, so that Excel reads it as UTF-8; cells that look like formulas are made harmless.

    `reports`: how often each case was reported, where that is more than once.
    """
    buffer = io.BytesIO()
    write_csv(buffer, HEADER, _rows(cases, reports))
    return buffer.getvalue()


def _rows(cases: Iterable[Case], reports: Mapping[str, int]) -> Iterator[tuple[object, ...]]:
    words = {True: text("imports.export.yes"), False: text("imports.export.no")}
    for case in cases:
        said = (case.menu, case.issue, case.expected, case.note_dev, case.note_qa, case.status, case.remedy)
        yield (*said, words[case.enabled], reports.get(case.id, 1))
