"""Where the columns of one sheet are: the header row, found by what its cells say, and the column it leaves unnamed.

One reason to change: how complaint logs are laid out. A `Layout` is plain data, so that a person can correct it before
the rows are read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

from sipd_core.tables.headers import Column, classify, is_unlabelled, normalise
from sipd_core.tables.model import Record, Sheet

PREVIEW: Final = 200
"""Filled rows that are looked at to find the header and to judge the columns."""
_SCAN: Final = 5_000
_SUBHEADER_LENGTH: Final = 40
_INFERRED_LENGTH: Final = 15
_INFERRED_FILL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one sheet; positions are 0-based."""

    sheet: str | None
    header_row: int
    """Last row of the header, 1-based as in the file."""
    headers: tuple[str, ...]
    """Headers as written; two rows of headers are joined."""
    columns: Mapping[Column, int]
    width: int
    """Cells of an ordinary row: more than headers when every row ends with a delimiter too many."""
    inferred: frozenset[Column] = frozenset()
    """Columns that no header names and that were recognised by their texts."""
    unread: tuple[str, ...] = ()
    """Headers that name a column already taken by another."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What looking at a sheet gave: a layout, or the reason why it is no complaint log."""

    sheet: str | None
    layout: Layout | None = None
    headers: tuple[str, ...] = ()
    """The best header row seen, also when no layout came of it."""
    recognised: int = 0
    faults: tuple[Record, ...] = ()
    empty: bool = False


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


def find_layout(sheet: Sheet) -> Finding:
    """Looks for the header of `sheet` and names its columns."""
    return find_in(sheet.name, preview(sheet))


def find_in(name: str | None, records: Sequence[Record]) -> Finding:
    """As `find_layout`, on records already taken from the beginning of a sheet."""
    faults = tuple(record for record in records if record.fault)
    sound = [record for record in records if not record.fault]
    header = _best_header(sound)
    if header is None:
        return Finding(name, faults=faults, empty=not records)
    data = sound[header.index + 1 :]
    columns = {column: _preferred(places, data) for column, places in header.named.items()}
    inferred: frozenset[Column] = frozenset()
    if Column.ISSUE not in columns and (place := _unlabelled_issue(header.cells, columns, data)) is not None:
        columns[Column.ISSUE] = place
        inferred = frozenset({Column.ISSUE})
    layout = None
    if Column.ISSUE in columns:
        row = sound[header.index].row
        width = _width(header.cells, data)
        layout = Layout(name, row, header.cells, columns, width, inferred, _unread(header, columns))
    return Finding(name, layout, header.cells, len(header.named), faults)


def named_columns(cells: Sequence[str]) -> dict[Column, list[tuple[int, float]]]:
    """For each column the places that name it, with how plainly they do."""
    named: dict[Column, list[tuple[int, float]]] = {}
    for place, cell in enumerate(cells):
        if found := classify(cell):
            named.setdefault(found[0], []).append((place, found[1]))
    return named


def _best_header(records: Sequence[Record]) -> _Header | None:
    """The row, or else the pair of rows, that names the most columns; the first of equals."""
    rows = [_Header(index, record.cells, named_columns(record.cells)) for index, record in enumerate(records)]
    joined = [_joined(upper.cells, lower.cells) for upper, lower in pairwise(records)]
    pairs = [_Header(index, cells, named_columns(cells)) for index, cells in enumerate(joined, start=1)]
    best = max([*rows, *pairs], key=lambda header: len(header.named), default=None)
    return best if best and best.named and _is_header(best, records) else None


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
    if len(header.named) > 1:
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


def _unlabelled_issue(headers: Sequence[str], columns: Mapping[Column, int], data: Sequence[Record]) -> int | None:
    """The unnamed column that must hold the complaints: sentences, beside MENU and before the answers.

    Only a column without any name qualifies: one with an unknown name may be anything, credentials included.
    """
    if len(columns) < 2:
        return None
    after = columns.get(Column.MENU, -1)
    answers = [place for column, place in columns.items() if column is not Column.MENU and place > after]
    before = min(answers, default=len(headers))
    candidates = [
        place
        for place in range(after + 1, before)
        if is_unlabelled(headers[place] if place < len(headers) else "") and _reads_like_complaints(place, data)
    ]
    return max(candidates, key=lambda place: median(map(len, _texts(place, data))), default=None)


def _reads_like_complaints(place: int, data: Sequence[Record]) -> bool:
    texts = _texts(place, data)
    worded = [text for text in texts if len(text.split()) >= 2]
    enough = len(texts) >= max(1, _INFERRED_FILL * len(data)) and len(worded) * 2 > len(texts)
    return enough and median(map(len, texts)) >= _INFERRED_LENGTH


def _texts(place: int, data: Sequence[Record]) -> list[str]:
    return [text for record in data if place < len(record.cells) and (text := record.cells[place].strip())]


def repeats(layout: Layout, cells: Sequence[str]) -> bool:
    """Whether a row of data is the header written once more."""
    return all(
        place < len(cells) and normalise(cells[place]) == normalise(layout.headers[place])
        for place in layout.columns.values()
    )


def moved(layout: Layout, cells: Sequence[str]) -> dict[Column, int] | None:
    """The columns of a second table stacked below the first, when `cells` are its header; else None."""
    named = named_columns(cells)
    if Column.ISSUE not in named or len(named) < max(2, min(3, len(layout.columns))):
        return None
    return {column: max(places, key=lambda item: (item[1], -item[0]))[0] for column, places in named.items()}
