"""Where the columns of one sheet are: the header row, found by what its cells say, and the column it leaves unnamed.

One reason to change: how complaint logs are laid out.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final

from sipd_core.tables.headers import (
    ABOUT_THE_REPORT,
    LONGEST,
    Column,
    classify,
    is_unlabelled,
    normalise,
)
from sipd_core.tables.model import Record, Sheet
from sipd_core.tables.shapes import (
    AS_FOUND,
    NO_MEMORY,
    Choice,
    Finding,
    Layout,
    Memory,
    fingerprint,
    sheet_key,
)

PREVIEW: Final = 200
"""Filled rows that are looked at to find the header and to judge the columns."""
_SCAN: Final = 5_000
COUNTING: Final = re.compile(r"\s*(\d+[.)]?|true|false|=.*)?\s*", re.IGNORECASE | re.DOTALL)
"""What a row may hold that is no more than prepared: its number, a tick, a formula."""
_SUBHEADER_LENGTH: Final = 40
_INFERRED_LENGTH: Final = 15
_INFERRED_FILL: Final = 0.5
_GUESSED_ROWS: Final = 10
SAMPLES: Final = 3
"""Cells of a column that are shown to whoever maps it."""


@dataclass(frozen=True, slots=True)
class _Header:
    index: int
    """Position of its last row in the preview."""
    cells: tuple[str, ...]
    named: Mapping[Column, list[tuple[int, float]]] = field(default_factory=dict)


def preview(sheet: Sheet) -> list[Record]:
    """The first filled records of `sheet`, faults included."""
    taken: list[Record] = []
    for seen, record in enumerate(sheet.records()):
        if not record.blank:
            taken.append(record)
        if len(taken) >= PREVIEW or seen >= _SCAN:
            break
    return taken


def find_layout(sheet: Sheet, memory: Memory = NO_MEMORY, choice: Choice = AS_FOUND) -> Finding:
    """Looks for the header of `sheet` and names its columns; what a person chose comes before what is remembered."""
    return find_in(sheet.name, preview(sheet), memory, choice)


def find_in(
    name: str | None, records: Sequence[Record], memory: Memory = NO_MEMORY, choice: Choice = AS_FOUND
) -> Finding:
    """As `find_layout`, on records already taken from the beginning of a sheet."""
    sound = [record for record in records if not record.fault]
    header = _header(sound, memory, choice)
    found = _found(name, records, sound, header)
    if header is None:
        return found
    known = memory.columns.get(found.fingerprint) if choice.columns is None else None
    skipped_before = (found.fingerprint, sheet_key(name)) in memory.skipped
    skipped = skipped_before if choice.skip is None else choice.skip
    layout = None if skipped else _layout(name, header, sound, choice.columns or known)
    remembered = known is not None or (choice.skip is None and skipped_before)
    return replace(found, layout=layout, skipped=skipped, remembered=remembered)


def _found(name: str | None, records: Sequence[Record], sound: Sequence[Record], header: "_Header | None") -> Finding:
    """What can be said of a sheet whatever becomes of it."""
    faults = tuple(record for record in records if record.fault)
    last = records[-1].row if records else 0
    header = header or _guessed_header(sound)
    if header is None:
        return Finding(name, faults=faults, empty=not records, samples=_samples(sound), last_row=last)
    row = sound[header.index].row if header.index >= 0 else 0
    samples = _samples(sound[header.index + 1 :])
    recognised = len(header.named.keys() - ABOUT_THE_REPORT)
    return Finding(name, None, header.cells, row, recognised, faults, samples=samples, last_row=last)


def _layout(
    name: str | None, header: "_Header", sound: Sequence[Record], chosen: Mapping[Column, int] | None
) -> Layout | None:
    """The columns, as a person said or as the headers and the texts below them do; None without complaints."""
    data = sound[header.index + 1 :]
    row, width = sound[header.index].row if header.index >= 0 else 0, _width(header.cells, data)
    if chosen is not None:
        named = dict(chosen)
        return Layout(name, row, header.cells, named, width, chosen=True) if Column.ISSUE in named else None
    columns = {column: _preferred(places, data) for column, places in header.named.items()}
    inferred: frozenset[Column] = frozenset()
    if (place := _issue_elsewhere(header.cells, columns, data)) is not None:
        columns[Column.ISSUE] = place
        inferred = frozenset({Column.ISSUE})
    if Column.ISSUE not in columns:
        return None
    return Layout(name, row, header.cells, columns, width, inferred, _unread(header, columns))


def _header(sound: Sequence[Record], memory: Memory, choice: Choice) -> "_Header | None":
    """The header in the row that a person named, else the one that is remembered or found."""
    row = choice.header_row
    found = _remembered_header(sound, memory) or _best_header(sound)
    if found is None and choice.columns:
        found = _guessed_header(sound) or _no_header(sound)  # what a person maps is what was shown
    if row == 0:
        return _no_header(sound)
    if row is None or (found and found.index >= 0 and sound[found.index].row == row):
        return found
    for index, record in enumerate(sound):
        if record.row == row:
            return _Header(index, record.cells, named_columns(record.cells))
    return found


def _no_header(sound: Sequence[Record]) -> "_Header":
    """Every row is data."""
    return _Header(-1, ("",) * max((len(record.cells) for record in sound), default=0))


def _guessed_header(sound: Sequence[Record]) -> "_Header | None":
    """The first wide row of short words, where no row has headers we know: it is shown, and read only if a person says so."""
    filled = [sum(bool(cell.strip()) for cell in record.cells) for record in sound[:_GUESSED_ROWS]]
    wide = max(filled, default=0)
    for index, record in enumerate(sound[:_GUESSED_ROWS]):
        cells = [cell for cell in record.cells if cell.strip()]
        worded = all(len(cell) <= LONGEST and any(map(str.isalpha, cell)) for cell in cells)
        if len(cells) > 1 and len(cells) * 3 >= wide * 2 and worded:
            return _Header(index, record.cells)
    return None


def _remembered_header(sound: Sequence[Record], memory: Memory) -> "_Header | None":
    """The first row, or pair of rows, whose headers a person mapped before."""
    if not memory.columns:
        return None
    return next((header for header in _candidates(sound) if fingerprint(header.cells) in memory.columns), None)


def _samples(data: Sequence[Record]) -> tuple[tuple[str, ...], ...]:
    width = max((len(record.cells) for record in data), default=0)
    return tuple(tuple(dict.fromkeys(_texts(place, data)))[:SAMPLES] for place in range(width))


def named_columns(cells: Sequence[str]) -> dict[Column, list[tuple[int, float]]]:
    """For each column the places that name it, with how plainly they do."""
    named: dict[Column, list[tuple[int, float]]] = {}
    for place, cell in enumerate(cells):
        if found := classify(cell):
            named.setdefault(found[0], []).append((place, found[1]))
    return named


def _best_header(records: Sequence[Record]) -> _Header | None:
    """The row, or else the pair of rows, that names the most columns; the first of equals."""
    best = max(_candidates(records), key=lambda header: len(header.named), default=None)
    return best if best and best.named and _is_header(best, records) else None


def _candidates(records: Sequence[Record]) -> list[_Header]:
    """Every row as a header, then every pair of rows as one."""
    rows = [_Header(index, record.cells, named_columns(record.cells)) for index, record in enumerate(records)]
    joined = [_joined(upper.cells, lower.cells) for upper, lower in pairwise(records)]
    return rows + [_Header(index, cells, named_columns(cells)) for index, cells in enumerate(joined, start=1)]


def _joined(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    """Two header rows as one: a group title reaches over the blank cells to its right."""
    if any(len(cell) > _SUBHEADER_LENGTH for cell in lower):
        return ()
    width = max(len(upper), len(lower))
    above, below = [*upper, *[""] * (width - len(upper))], [*lower, *[""] * (width - len(lower))]
    cells, group = [], ""
    for top, bottom in zip(above, below, strict=True):
        group = top if top.strip() else group
        named = bottom if classify(bottom) else f"{group} {bottom}".strip()
        cells.append(named if bottom.strip() else top)
    return tuple(cells)


def _is_header(header: _Header, records: Sequence[Record]) -> bool:
    """One named column is a header only when it is ISSUE and not an entry in a list that explains the columns."""
    if len(header.named.keys() - ABOUT_THE_REPORT) > 1:
        return True
    if Column.ISSUE not in header.named:
        return False
    place = header.named[Column.ISSUE][0][0]
    stacked = {found[0] for record in records if place < len(record.cells) and (found := classify(record.cells[place]))}
    return len(stacked) == 1


def _preferred(places: Sequence[tuple[int, float]], data: Sequence[Record]) -> int:
    """Of several columns with one meaning: one that holds anything, the plainest name, the fullest, the leftmost."""

    def rank(candidate: tuple[int, float]) -> tuple[bool, float, int, int]:
        place, strength = candidate
        filled = len(_texts(place, data))
        return filled > 0, strength, filled, -place

    return max(places, key=rank)[0]


def _width(headers: Sequence[str], data: Sequence[Record]) -> int:
    length, rows = Counter(len(record.cells) for record in data).most_common(1)[0] if data else (0, 0)
    return length if length > len(headers) and rows * 2 > len(data) and rows > 1 else len(headers)


def _unread(header: _Header, columns: Mapping[Column, int]) -> tuple[str, ...]:
    taken = set(columns.values())
    return tuple(header.cells[place] for places in header.named.values() for place, _ in places if place not in taken)


def _issue_elsewhere(headers: Sequence[str], columns: Mapping[Column, int], data: Sequence[Record]) -> int | None:
    """Where the complaints stand when no header says so: in a column without a name, or beside a merged ISSUE."""
    place = columns.get(Column.ISSUE)
    if place is None:
        return _unlabelled_issue(headers, columns, data)
    beside = place + 1
    merged = not _texts(place, data) and is_unlabelled(headers[beside] if beside < len(headers) else "")
    return beside if merged and _reads_like_complaints(beside, data) else None


def _unlabelled_issue(headers: Sequence[str], columns: Mapping[Column, int], data: Sequence[Record]) -> int | None:
    """The unnamed column that must hold the complaints: sentences, beside MENU and before the answers.

    Only a column without any name qualifies: one with an unknown name may be anything, credentials included.
    """
    if len(columns.keys() - ABOUT_THE_REPORT) < 2:
        return None
    after = columns.get(Column.MENU, -1)
    beside = ABOUT_THE_REPORT | {Column.MENU}
    answers = [place for column, place in columns.items() if column not in beside and place > after]
    before = min(answers, default=len(headers))
    candidates = [
        place
        for place in range(after + 1, before)
        if is_unlabelled(headers[place] if place < len(headers) else "") and _reads_like_complaints(place, data)
    ]
    return max(candidates, key=lambda place: median(map(len, _texts(place, data))), default=None)


def is_prepared(cells: Sequence[str]) -> bool:
    """Whether a row was only prepared for later: at most a number, tick or formula in its cells."""
    return all(COUNTING.fullmatch(cell) is not None for cell in cells)


def _reads_like_complaints(place: int, data: Sequence[Record]) -> bool:
    data = [record for record in data if not is_prepared(record.cells)]
    texts = _texts(place, data)
    worded = [text for text in texts if len(text.split()) >= 2]
    enough = len(texts) >= max(1, _INFERRED_FILL * len(data)) and len(worded) * 2 > len(texts)
    return enough and median(map(len, texts)) >= _INFERRED_LENGTH


def _texts(place: int, data: Sequence[Record]) -> list[str]:
    return [text for record in data if place < len(record.cells) and (text := record.cells[place].strip())]


def repeats(layout: Layout, cells: Sequence[str]) -> bool:
    """Whether a row of data is the header written once more."""
    return layout.header_row > 0 and all(
        place < len(cells) and normalise(cells[place]) == normalise(layout.headers[place])
        for place in layout.columns.values()
    )


def moved(layout: Layout, cells: Sequence[str]) -> dict[Column, int] | None:
    """The columns of a second table stacked below the first, when `cells` are its header; else None."""
    named = named_columns(cells)
    if Column.ISSUE not in named or len(named) < max(2, min(3, len(layout.columns))):
        return None
    return {column: max(places, key=lambda item: (item[1], -item[0]))[0] for column, places in named.items()}
