"""CSV, semicolon, tab and pipe files as records: encoding, quotation, and nothing lost in silence.

One reason to change: how text tables are written. The reader is our own because the standard one lets an unclosed
quotation mark swallow the rest of a file as one cell, which must be reported with its line instead.
"""

import io
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Final

from sipd_core.tables.model import Fault, Record

DELIMITERS: Final = (",", ";", "\t", "|")
ONE_COLUMN: Final = "\x1f"
"""Stands for "no delimiter": a control character that no text file uses."""

_CHUNK = 2**20
_INVALID = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")
_LINE_END = "\r\n"
# What Windows-1252 leaves undefined (5 of 128 bytes) becomes the replacement character.
_AS_CP1252: Final = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of a file become characters."""

    codec: str
    label: str
    """Name a person knows."""
    mended: int = 0
    """Bytes inside a UTF-8 file that are not UTF-8 and are read as Windows-1252."""
    nul: int = 0
    """NUL characters, which are left out."""
    length: int = 0
    """Characters in the file."""
    lines: int = 0
    """Line ends in the file."""


def detect_encoding(stream: BinaryIO) -> Encoding:
    """The encoding by byte order mark, by the pattern of zero bytes, else UTF-8 when it holds, else Windows-1252."""
    stream.seek(0)
    head = stream.read(4096)
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return _measured(stream, codec)
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # Latin text in UTF-16 has a zero in every second byte; a stray NUL or a binary file has not.
    if min(even, odd) * 10 < max(even, odd) and max(even, odd) * 4 > len(head) / 2:
        return _measured(stream, "utf-16-le" if odd > even else "utf-16-be")
    return _measured(stream, "utf-8")


def _measured(stream: BinaryIO, codec: str) -> Encoding:
    valid = invalid = nul = length = feeds = returns = 0
    for chunk in _chunks(stream, codec):
        invalid += len(_INVALID.findall(chunk))
        valid += len(_BEYOND_ASCII.findall(chunk))
        nul += chunk.count("\0")
        length += len(chunk)
        feeds += chunk.count("\n")
        returns += chunk.count("\r")
    ends = feeds or returns
    if codec.startswith("utf-8") and invalid and not valid:
        return Encoding(codec, "Windows-1252", 0, nul, length, ends)
    label = codec.removesuffix("-sig").upper()
    return Encoding(codec, label, invalid if codec.startswith("utf-8") else 0, nul, length, ends)


def _chunks(stream: BinaryIO, codec: str) -> Iterator[str]:
    reader = _text(stream, codec)
    try:
        while chunk := reader.read(_CHUNK):
            yield chunk
    finally:
        reader.detach()


def _text(stream: BinaryIO, codec: str) -> io.TextIOWrapper:
    stream.seek(0)
    errors = "surrogateescape" if codec.startswith("utf-8") else "replace"
    return io.TextIOWrapper(stream, encoding=codec, errors=errors, newline="")


def lines(stream: BinaryIO, encoding: Encoding) -> Generator[str, None, None]:
    r"""Physical lines with their ends (`\n`, `\r\n` or `\r`), from the beginning of the stream."""
    reader = _text(stream, encoding.codec)
    try:
        for line in reader:
            clean = line.translate(_AS_CP1252) if _INVALID.search(line) else line
            yield clean.replace("\0", "") if encoding.nul else clean
    finally:
        reader.detach()


def head(stream: BinaryIO, encoding: Encoding, max_lines: int, max_chars: int) -> tuple[list[str], bool]:
    """The first lines, and whether they are the whole file."""
    taken: list[str] = []
    source = lines(stream, encoding)
    for line in islice(source, max_lines):
        taken.append(line)
        max_chars -= len(line)
        if max_chars < 0:
            break
    complete = next(source, None) is None
    source.close()
    return taken, complete


def unwrapped(source: Iterable[str]) -> Iterator[str]:
    """Lines that were quoted whole (a comma file opened and saved as one column), with that quotation taken off."""
    for record in parse(source, ONE_COLUMN):
        if record.fault is None:
            yield f"{record.cells[0]}\n"


def parse(source: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Records of `source`; one whose quotation has no partner comes as a `Fault`, and reading goes on after it."""
    reader = _Reader(delimiter)
    for number, line in enumerate(source, start=1):
        yield from reader.feed(number, line)
    yield from reader.finish()


@dataclass(slots=True)
class _Reader:
    """Builds records from physical lines; holds the state of the cell that is open between two lines."""

    delimiter: str
    cells: list[str] = field(default_factory=list)
    quoted: list[str] | None = None
    """Pieces of the quoted cell that is open, None outside."""
    start: int = 0
    opened: int = 0
    last: int = 0
    stray: bool = False
    spans: bool = False
    closing: re.Pattern[str] = field(init=False)
    spaced: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self.spaced = re.compile(rf' +(?="(?:[^"\r\n]|"")*" *(?:[{re.escape(self.delimiter)}\r\n]|\Z))')
        self.closing = re.compile(f'" *(?=[{re.escape(self.delimiter)}\r\n]|\\Z)')

    def feed(self, number: int, line: str) -> Iterator[Record]:
        self.last = number
        if self.quoted is None and '"' not in line:
            yield Record(number, tuple(line.rstrip(_LINE_END).split(self.delimiter)))
            return
        if self.quoted is not None and self._opens_again(line):
            yield self._fault(number - 1)
        if self.quoted is None:
            self.start, self.cells, self.stray, self.spans = number, [], False, False
        yield from self._cells(number, line)

    def finish(self) -> Iterator[Record]:
        """The record that is still open at the end of the file, as a fault."""
        if self.quoted is not None:
            yield self._fault(self.last)

    def _opens_again(self, line: str) -> bool:
        """Whether a quotation mark *opens* a cell of this line although one is open since an earlier line.

        `...,"teks` inside a cell that spans lines means that the earlier mark has no partner: the cell
        before it ended unseen, and this line is the first that can be read again.
        """
        position = 0
        while (position := line.find('"', position)) >= 0:
            if line.startswith('""', position):
                position += 2
            elif self.closing.match(line, position):
                return False
            elif position == 0 or line[position - 1] == self.delimiter:
                return True
            else:
                position += 1
        return False

    def _cells(self, number: int, line: str) -> Iterator[Record]:
        position = 0
        while True:
            if self.quoted is None and (spaces := self.spaced.match(line, position)):
                position = spaces.end()  # `, "a, b"`: the space belongs to the file, not to the cell
            if self.quoted is None and line.startswith('"', position) and not self._is_literal(line, position):
                self.quoted, self.opened = [], number
                position += 1
            if self.quoted is None:
                position, cell = self._plain(line, position)
                self.stray = self.stray or cell.count('"') % 2 == 1
            else:
                position, closed = self._quoted(line, position)
                if not closed:
                    self.spans = True
                    return
                cell, self.quoted = "".join(self.quoted), None
            self.cells.append(cell)
            if position >= len(line) or line[position] != self.delimiter:
                yield self._record()
                return
            position += 1

    def _is_literal(self, line: str, position: int) -> bool:
        """Whether the mark at `position` begins a quoted *word* (`"error" saat simpan`), not a quoted cell.

        So it is when words follow its partner and no mark on the line closes a cell before the next cell is opened.
        """
        position, strays = position + 1, 0
        while (mark := line.find('"', position)) >= 0:
            if line.startswith('""', mark):
                position = mark + 2
                continue
            if self.closing.match(line, mark):
                return False
            if strays % 2 and line[mark - 1] == self.delimiter:
                return True
            strays += 1
            position = mark + 1
        return strays % 2 == 1

    def _plain(self, line: str, position: int) -> tuple[int, str]:
        end = line.find(self.delimiter, position)
        end = len(line.rstrip(_LINE_END)) if end < 0 else end
        return end, line[position:end]

    def _quoted(self, line: str, position: int) -> tuple[int, bool]:
        """Reads on inside a quoted cell: the position after it and True, or the end of the line and False."""
        assert self.quoted is not None
        while (mark := line.find('"', position)) >= 0:
            self.quoted.append(line[position:mark])
            if line.startswith('""', mark):
                self.quoted.append('"')
                position = mark + 2
            elif close := self.closing.match(line, mark):
                return close.end(), True
            else:
                self.stray = True
                self.quoted.append('"')
                position = mark + 1
        self.quoted.append(line[position:])
        return len(line), False

    def _record(self) -> Record:
        packed = 0
        if self.spans:
            packed = max(part.count(self.delimiter) for cell in self.cells for part in cell.splitlines() or [""])
        return Record(self.start, tuple(self.cells), None, self.stray, packed)

    def _fault(self, last: int) -> Record:
        fault = Fault(self.opened, last, len(self.cells) + 1)
        self.quoted = None
        return Record(self.opened, (), fault)
