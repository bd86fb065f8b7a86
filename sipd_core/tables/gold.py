"""Gold questions as files: `query`, `gold`, `style` in CSV or on the first sheet of a workbook.

One reason to change: how a gold set is written in a file. What a reference in `gold` stands for, the store knows.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from sipd_core.documents import Rejection
from sipd_core.errors import TableError
from sipd_core.tables import delimited
from sipd_core.tables.exports import unguarded, write_csv
from sipd_core.tables.model import Limits, Record
from sipd_core.tables.opening import open_source
from sipd_core.texts import text

MOST_QUESTIONS: Final = 5_000
LONGEST_QUESTION: Final = 10_000
"""Characters: the longest message that is answered by default."""
LONGEST_STYLE: Final = 60
LIMITS: Final = Limits(max_bytes=10 * 2**20)
HEADER: Final = ("query", "gold", "style")
_NAMES: Final[Mapping[str, str]] = {
    "query": "query", "pertanyaan": "query", "question": "query", "gold": "gold", "kasus": "gold",
    "style": "style", "gaya": "style", "kind": "style", "jenis": "style",
}  # fmt: skip
_JOIN: Final = "|"


@dataclass(frozen=True, slots=True)
class GoldRow:
    """One question as the file has it; without references it is out of scope."""

    row: int
    """1-based record of the file, as a spreadsheet counts it."""
    query: str
    references: tuple[str, ...] = ()
    style: str = ""


@dataclass(frozen=True, slots=True)
class GoldTable:
    """A gold file as read."""

    rows: tuple[GoldRow, ...]
    rejections: tuple[Rejection, ...]


def read_gold(name: str, stream: BinaryIO) -> GoldTable:
    """The questions of a file; raises TableError for one that is no table or has no column of questions."""
    with open_source(name, stream, LIMITS) as source:
        if not source.sheets:
            raise TableError("no sheet", text_key="tables.no_visible_sheet")
        sheet = source.sheets[0]
        records = sheet.records() if sheet.name is not None else _records(stream)
        return _table(record for record in records if record.fault or not record.blank)


def split_references(cell: str) -> tuple[str, ...]:
    """`a|b` -> ("a", "b"), each once."""
    return tuple(dict.fromkeys(filter(None, (part.strip() for part in cell.split(_JOIN)))))


def gold_csv(rows: Iterable[tuple[str, Sequence[str], str]]) -> bytes:
    """Questions, references and styles as a file that `read_gold` reads back."""
    out = io.BytesIO()
    write_csv(out, HEADER, ((query, _JOIN.join(references), style) for query, references, style in rows))
    return out.getvalue()


def _records(stream: BinaryIO) -> Iterator[Record]:
    """The delimiter is the one that parts most known names: questions are full of commas."""
    lines = list(delimited.lines(stream, delimited.detect_encoding(stream)))
    first = next((line for line in lines if line.strip()), "")
    known = {delimiter: len(_columns(_cells(first, delimiter))) for delimiter in delimited.DELIMITERS}
    best = max(known, key=lambda delimiter: known[delimiter])
    return delimited.parse(lines, best if known[best] > 1 else delimited.ONE_COLUMN)


def _cells(line: str, delimiter: str) -> Sequence[str]:
    return next(iter(delimited.parse([line], delimiter))).cells


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """Column -> its place, the first of its name."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = _NAMES.get(re.sub(r"[\W_]+", " ", cell.replace("\ufeff", "")).strip().casefold())
        if name:
            found.setdefault(name, place)
    return found


def _table(records: Iterator[Record]) -> GoldTable:
    header = next(records, None)
    columns = _columns(header.cells) if header else {}
    if "query" not in columns:
        shown = ", ".join(filter(None, (" ".join(cell.split())[:30] for cell in header.cells))) if header else ""
        raise TableError("no query column", text_key="tables.gold_no_query", headers=shown or "—")
    rows: list[GoldRow] = []
    rejections: list[Rejection] = []
    for at, record in enumerate(records, start=2):
        outcome = _row(at, record, columns)
        if isinstance(outcome, GoldRow):
            rows.append(outcome)
        else:
            rejections.append(outcome)
        if len(rows) > MOST_QUESTIONS:
            raise TableError(
                "too many questions", text_key="tables.gold_too_many", limit=f"{MOST_QUESTIONS:,}".replace(",", ".")
            )
    return GoldTable(tuple(rows), tuple(rejections))


def _row(at: int, record: Record, columns: Mapping[str, int]) -> GoldRow | Rejection:
    if record.fault:
        letter = chr(ord("A") + record.fault.column - 1)
        return Rejection(at, text("tables.open_quote", first=record.fault.first, last=record.fault.last, letter=letter))
    cells = {name: unguarded(record.cells[place]) for name, place in columns.items() if place < len(record.cells)}
    query = cells.get("query", "").strip()
    if not query:
        return Rejection(at, text("tables.gold_no_question"))
    if len(query) > LONGEST_QUESTION:
        return Rejection(at, text("tables.gold_too_long", length=len(query), limit=LONGEST_QUESTION))
    style = " ".join(cells.get("style", "").split())[:LONGEST_STYLE]
    return GoldRow(at, query, split_references(cells.get("gold", "")), style)
