"""What is in an uploaded file before any row is read: its sheets, their columns, and why one is no complaint log.

One reason to change: what the admin is told about the shape of a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sipd_core.errors import TableError
from sipd_core.tables.headers import Column
from sipd_core.tables.layout import find_layout, named_columns
from sipd_core.tables.model import Source
from sipd_core.tables.shapes import NO_MEMORY, Choice, Finding, Layout, Memory
from sipd_core.texts import text

Choices = Mapping[str | None, Choice]
"""What a person said, by the name of the sheet (None for a text file)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Every visible sheet as it was found."""

    findings: tuple[Finding, ...]
    notices: tuple[str, ...]

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Those that are complaint logs."""
        return tuple(finding.layout for finding in self.findings if finding.layout)

    @property
    def problem(self) -> TableError | None:
        """Why nothing of the file can be read; None when something can."""
        return None if self.layouts else _no_log(self.findings)


def survey(source: Source, memory: Memory = NO_MEMORY, choices: Choices | None = None) -> Survey:
    """Looks at each sheet; nothing is raised for a file without a log, so that a person can say where its columns are."""
    said = choices or {}
    chosen = {sheet.name: find_layout(sheet, memory, said[sheet.name]) for sheet in source.sheets if sheet.name in said}
    memory = _with(memory, chosen.values())
    found = [chosen.get(sheet.name) or find_layout(sheet, memory) for sheet in source.sheets]
    logs = [finding for finding in found if finding.layout]
    counts = [finding for finding in logs if _counts(finding)]
    if len(counts) < len(logs):
        found = [replace(finding, layout=None) if finding in counts else finding for finding in found]
    findings = tuple(found)
    notices = [*source.notices]
    for finding in findings:
        notices.extend(_layout_notices(finding))
    return Survey(findings, tuple(notices))


def _with(memory: Memory, chosen: Iterable[Finding]) -> Memory:
    """What is said of one sheet holds for the others with the same headers."""
    layouts = {found.fingerprint: found.layout for found in chosen if found.fingerprint and found.layout}
    columns = {key: layout.columns for key, layout in layouts.items() if layout.chosen}
    return Memory({**memory.columns, **columns}, memory.skipped) if columns else memory


def _no_log(findings: Sequence[Finding]) -> TableError:
    """Why no sheet can be read, by the sheet that comes nearest to a log."""
    nearest = max(findings, key=lambda finding: finding.recognised, default=None)
    if nearest is None:
        return TableError("no visible sheet", text_key="tables.no_visible_sheet")
    if all(finding.skipped for finding in findings):
        return TableError("every sheet is left out", text_key="tables.all_skipped")
    if nearest.recognised:
        return TableError("no ISSUE", text_key="tables.no_issue", headers=_listed(nearest.headers))
    fault = next((record.fault for record in nearest.faults if record.fault), None)
    if fault:
        return TableError("open quotation", text_key="tables.open_quote_header", line=fault.first)
    if all(finding.empty for finding in findings):
        return TableError("blank sheets", text_key="tables.empty_file")
    return TableError("no header", text_key="tables.no_header")


def _listed(headers: Sequence[str]) -> str:
    shown = [" ".join(header.split())[:30] for header in headers if header.strip()]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _counts(finding: Finding) -> bool:
    """Whether a sheet sums complaints up (`DAERAH`, `ADUAN`: 12) instead of telling them; what a person chose is read."""
    layout = finding.layout
    if layout is None or layout.chosen or (place := layout.columns[Column.ISSUE]) >= len(finding.samples):
        return False
    samples = finding.samples[place]
    return bool(samples) and not any(any(map(str.isalpha, sample)) for sample in samples)


def _layout_notices(finding: Finding) -> Iterator[str]:
    layout, place = finding.layout, where(finding.sheet)
    if finding.remembered:
        yield text("tables.remembered_skip" if finding.skipped else "tables.remembered", where=place)
    elif finding.skipped:
        yield text("tables.sheet_skipped", sheet=finding.sheet or "")
    if layout is None:
        if not finding.skipped:
            missing = finding.recognised and Column.ISSUE not in named_columns(finding.headers)
            key = "sheet_without_issue" if missing else "sheet_ignored"
            yield text(f"tables.{key}", sheet=finding.sheet, headers=_listed(finding.headers))
        return
    if layout.header_row > 1:
        yield text("tables.header_row", row=layout.header_row, where=place)
    for column in sorted(layout.inferred):
        found = letter(layout.columns[column])
        yield text("tables.column_inferred", column=column.value, letter=found, where=place)
    for header in layout.unread:
        yield text("tables.column_unread", header=" ".join(header.split()), where=place)


def where(sheet: str | None) -> str:
    return text("tables.in_sheet", sheet=sheet) if sheet else ""


def letter(place: int) -> str:
    """Column letter of a 0-based position: 0 → A, 26 → AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
