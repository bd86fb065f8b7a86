"""Rows for measuring: the sample rows, told again with other numbers until there are enough of them."""

import csv
import io
from pathlib import Path

from sipd_core.settings import SHIPPED_DATA
from sipd_core.tables import read_table

SAMPLES = SHIPPED_DATA / "contoh"


def many_rows(count: int) -> bytes:
    """A CSV of `count` different complaints."""
    rows = sample_rows()
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["MENU", "ISSUE", "EXPECTED", "NOTE BY DEV", "NOTE BY QA"])
    for at in range(count):
        menu, issue, *others = rows[at % len(rows)]
        again = at // len(rows)
        writer.writerow([menu, f"{issue} (dokumen ke-{again})" if again else issue, *others])
    return buffer.getvalue().encode()


def sample_rows() -> list[tuple[str, ...]]:
    """(menu, issue, expected, note by dev, note by qa) of every shipped sample row."""
    return [row for path in sorted(SAMPLES.iterdir()) for row in _read(path)]


def questions() -> list[str]:
    """The questions of the product's gold set."""
    with (SHIPPED_DATA / "gold" / "questions.csv").open(encoding="utf-8", newline="") as file:
        return [row["query"] for row in csv.DictReader(file)]


def _read(path: Path) -> list[tuple[str, ...]]:
    with path.open("rb") as file:
        table = read_table(path.name, file)
    return [(row.menu, row.issue, row.expected, row.note_dev, row.note_qa) for row in table.rows]
