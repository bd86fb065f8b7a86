"""The knowledge base as a file in the import format."""

import io
from collections.abc import Iterable

from sipd_core.documents import Case
from sipd_core.tables import write_csv

HEADER = ("MENU", "ISSUE", "EXPECTED", "NOTE BY DEV", "NOTE BY QA", "STATUS")


def rows_as_csv(cases: Iterable[Case]) -> bytes:
    """CSV with a byte order mark, so that Excel reads it as UTF-8; cells that look like formulas are made harmless."""
    buffer = io.BytesIO()
    rows = ((case.menu, case.issue, case.expected, case.note_dev, case.note_qa, case.status) for case in cases)
    write_csv(buffer, HEADER, rows)
    return buffer.getvalue()
