"""From an uploaded file to sheets: what kind of file it is by its content, whatever its name says.

One reason to change: which kinds of file are accepted.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from sipd_core.errors import TableError
from sipd_core.locale_id import number
from sipd_core.tables import delimited
from sipd_core.tables.layout import PREVIEW, find_in
from sipd_core.tables.model import Limits, Record, Sheet, Source
from sipd_core.tables.shapes import Finding
from sipd_core.texts import text

_PREVIEW_LINES: Final = 2_000
_PREVIEW_CHARS: Final = 2**20
_NAME_LENGTH: Final = 120
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_OTHER_KINDS: Final = (
    (b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "GZIP"), (b"7z\xbc\xaf", "7Z"), (b"Rar!", "RAR"), (b"SQLite format 3", "SQLite"),
    (b"PK\x05\x06", "ZIP"),
)  # fmt: skip
_MARKUP = re.compile(rb"\s*<(!doctype|html|head|body|meta|table|\?xml|!--)", re.IGNORECASE)
_JSON = re.compile(r'\s*\[?\s*\{\s*"[^"]*"\s*:')
_CONTROL_SHARE: Final = 0.02
_FEW_CONTROLS: Final = 8
"""So many control characters prove nothing: a terminal's output pasted into a cell has some."""


def safe_name(name: str) -> str:
    """The base name of an uploaded file: no directories of either kind, no control or direction marks, 120 signs."""
    base = re.split(r"[/\\]", name)[-1]
    plain = "".join(sign for sign in base if unicodedata.category(sign) not in _UNSEEN).strip(" .")
    if len(plain) > _NAME_LENGTH:
        suffix = PurePosixPath(plain).suffix[:10]
        plain = plain[: _NAME_LENGTH - len(suffix)] + suffix
    return plain or text("tables.unnamed_file")


@contextmanager
def open_source(name: str, stream: BinaryIO, limits: Limits) -> Iterator[Source]:
    """The sheets of an uploaded file; raises TableError for one that is no table or too large."""
    file = safe_name(name)
    check_size(stream.seek(0, 2), limits)
    kind = _kind(stream)
    if kind == "workbook":
        # Imported here because openpyxl costs a quarter of a second that a start without an upload does not need.
        from sipd_core.tables import workbook

        workbook.check_archive(stream, limits)
        with workbook.open_sheets(stream) as (sheets, hidden):
            notices = [text("tables.hidden_sheet", sheet=sheet) for sheet in hidden]
            yield Source(file, tuple(sheets), tuple(notices))
    else:
        yield _text_source(file, stream)


def check_size(size: int, limits: Limits) -> None:
    """Raises TableError for a file of `size` bytes that is too large or holds nothing."""
    if size > limits.max_bytes:
        raise TableError(
            f"{size} bytes", text_key="tables.too_large", size=_megabytes(size), limit=_megabytes(limits.max_bytes)
        )
    if size == 0:
        raise TableError("0 bytes", text_key="tables.empty_file")


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f}".replace(".", ",").removesuffix(",0")


def _kind(stream: BinaryIO) -> str:
    """`workbook` or `text`; raises TableError with what to do about anything else."""
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith(_ZIP):
        return "workbook"
    if head.startswith(_OLE):
        locked = _ENCRYPTED in head + stream.read()
        raise TableError("OLE file", text_key="tables.protected_workbook" if locked else "tables.old_workbook")
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic):
            raise TableError(f"{kind} content", text_key="tables.other_kind", kind=kind)
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise TableError("markup", text_key="tables.other_kind", kind="HTML/XML")
    return "text"


def _text_source(file: str, stream: BinaryIO) -> Source:
    encoding = delimited.detect_encoding(stream)
    start, complete = delimited.head(stream, encoding, _PREVIEW_LINES, _PREVIEW_CHARS)
    sample = "".join(start)
    if complete and not sample.strip("\ufeff \t\r\n\0"):
        raise TableError("only white space", text_key="tables.empty_file")
    if _JSON.match(sample):
        raise TableError("JSON", text_key="tables.other_kind", kind="JSON")
    if _is_binary(sample, encoding):
        raise TableError("control characters", text_key="tables.other_kind", kind=text("tables.binary"))
    delimiter, wrapped = _choose_delimiter(start)

    def records() -> Iterator[Record]:
        lines = delimited.lines(stream, encoding)
        return delimited.parse(delimited.unwrapped(lines) if wrapped else lines, delimiter)

    return Source(
        file, (Sheet(None, records, delimited=True, expected=encoding.lines),), _text_notices(encoding, delimiter)
    )


def _is_binary(sample: str, encoding: delimited.Encoding) -> bool:
    control = sum(unicodedata.category(sign) == "Cc" and sign not in "\t\r\n" for sign in sample[:65536])
    many = control > max(_FEW_CONTROLS, _CONTROL_SHARE * min(len(sample), 65536))
    return many or encoding.nul > max(_FEW_CONTROLS, _CONTROL_SHARE * encoding.length)


def _choose_delimiter(start: Sequence[str]) -> tuple[str, bool]:
    """The delimiter under which most column names are recognised, and whether every line is quoted whole."""
    whole = list(delimited.unwrapped(start)) if start and start[0].startswith('"') else []
    best, chosen = (0, False), (delimited.ONE_COLUMN, False)
    for lines, wrapped in ((start, False), (whole, True)):
        for delimiter in delimited.DELIMITERS:
            found = _recognised(lines, delimiter)
            rank = (found.recognised, not wrapped)
            if found.recognised and len(found.headers) > 1 and rank > best:
                best, chosen = rank, (delimiter, wrapped)
    return chosen if best[0] or _recognised(start, delimited.ONE_COLUMN).recognised else (_commonest(start), False)


def _recognised(lines: Sequence[str], delimiter: str) -> Finding:
    filled = (record for record in delimited.parse(lines, delimiter) if not record.blank)
    return find_in(None, list(islice(filled, PREVIEW)))


def _commonest(start: Sequence[str]) -> str:
    """For a file without any known header: the delimiter that occurs most, so that the message can show its columns."""
    return max(delimited.DELIMITERS, key=lambda delimiter: sum(line.count(delimiter) for line in start))


def _text_notices(encoding: delimited.Encoding, delimiter: str) -> tuple[str, ...]:
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", delimited.ONE_COLUMN: "one_column"}
    notices = [text(f"tables.read_{names[delimiter]}", encoding=encoding.label)]
    if encoding.mended:
        notices.append(text("tables.mended_bytes", count=number(encoding.mended)))
    if encoding.nul:
        notices.append(text("tables.nul_removed", count=number(encoding.nul)))
    return tuple(notices)
