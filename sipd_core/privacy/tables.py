"""Credentials in a pasted table: a heading with `USER` and `PASSWORD`, and rows beneath it."""

import re
from collections.abc import Iterator, Sequence

from sipd_core.privacy.kinds import Find, Kind, is_paint

_USER_HEADING = re.compile(r"(?:user(?:\s?name|\s?id|\s?login)?|nama pengguna|id pengguna|akun|login)", re.IGNORECASE)
_SECRET_HEADING = re.compile(
    r"(?:pass?word|pass|pwd?|kata sandi|sandi|kata kunci|pin)(?:\s?(?:lama|baru|awal|sipd))?", re.IGNORECASE
)
_ANY_SECRET = re.compile(r"pas|pw|sandi|kunci|pin", re.IGNORECASE)
_SEPARATORS = tuple(re.compile(pattern) for pattern in (r"\t", r"\|", r";", r",", r" {2,}"))
_EMPTY_CELL = re.compile(r"[-:\s.]*")


def find_cells(view: str) -> Iterator[Find]:
    """Cells beneath a heading that names user names or passwords, until a row has another number of cells."""
    columns: dict[int, Kind] = {}
    separator, width, offset = _SEPARATORS[0], 0, 0
    for line in view.split("\n"):
        heading = _heading(line)
        if heading is not None:
            separator, columns = heading
            width = len(_cells(line, separator))
        elif columns:
            cells = _cells(line, separator)
            columns = columns if len(cells) == width else {}
            yield from _finds(cells, columns, line, offset)
        offset += len(line) + 1


def _heading(line: str) -> tuple[re.Pattern[str], dict[int, Kind]] | None:
    if len(line) > 300 or not _ANY_SECRET.search(line):
        return None
    for separator in _SEPARATORS:
        cells = [line[start:end].strip(" *\"'\r") for start, end in _cells(line, separator)]
        columns = {index: Kind.PASSWORD for index, cell in enumerate(cells) if _SECRET_HEADING.fullmatch(cell)}
        if columns and len(cells) > 1:
            users = {index: Kind.USERNAME for index, cell in enumerate(cells) if _USER_HEADING.fullmatch(cell)}
            return separator, users | columns
    return None


def _cells(line: str, separator: re.Pattern[str]) -> list[tuple[int, int]]:
    starts = [0, *(hit.end() for hit in separator.finditer(line))]
    ends = [*(hit.start() for hit in separator.finditer(line)), len(line)]
    return list(zip(starts, ends, strict=True))


def _finds(cells: Sequence[tuple[int, int]], columns: dict[int, Kind], line: str, offset: int) -> Iterator[Find]:
    for index, kind in columns.items():
        start, end = cells[index]
        body = line[start:end].strip(" *\"'\r")
        if body and not _EMPTY_CELL.fullmatch(body) and not any(map(is_paint, body)):
            start += line[start:end].index(body)
            yield Find(offset + start, offset + start + len(body), kind)
