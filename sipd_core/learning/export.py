"""The work list as a file. One reason to change: what leaves the console of a gap."""

import io
from collections.abc import Iterable
from datetime import datetime

from sipd_core.learning.model import Failure, Gap
from sipd_core.locale_id import JAKARTA
from sipd_core.tables.exports import write_csv
from sipd_core.texts import text

EXPORTED = (
    "number", "state", "title", "menu", "conversations", "askers", "questions", "answered", "first", "last", "why",
    "published", "closed", "row",
)  # fmt: skip


def gaps_csv(gaps: Iterable[Gap]) -> bytes:
    """Gaps as CSV, safe to open in a spreadsheet; times are Jakarta's."""
    file = io.BytesIO()
    write_csv(file, [text(f"learning.export.{name}") for name in EXPORTED], map(_cells, gaps))
    return file.getvalue()


def _cells(gap: Gap) -> list[object]:
    times = [_local(at) for at in (gap.first_at, gap.last_at)]
    why = ", ".join(text(f"learning.failure.{one}") for one in Failure if one in gap.failures)
    ended = [_local(gap.published_at), _local(gap.closed_at), gap.case_id]
    counts: list[object] = [gap.conversations, gap.askers or "", gap.questions, gap.answered]
    return [gap.id, text(f"learning.state.{gap.state}"), gap.title, gap.menu, *counts, *times, why, *ended]


def _local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(JAKARTA):%Y-%m-%d %H:%M:%S}"
