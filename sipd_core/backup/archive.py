"""The file a backup is: a ZIP of a few known members, whose manifest, written last, says what each must hold.

Nothing is ever extracted by a name that an archive brings: members are known by theirs, and read as streams.
"""

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError

from sipd_core.errors import BackupError

PRODUCT: Literal["sipd-helpdesk-console"] = "sipd-helpdesk-console"
FORMAT = 2
"""Raised when an older console could not read what is written."""
MANIFEST = "manifest.json"
SCHEMA = "schema.json"
SETTINGS = "settings.json"
QUESTIONS = "questions.json"
PRICES = "prices.csv"
KEYS = "keys.txt"
"""Keys that texts of the archive are sealed with, one a line as in a key file; never one of DATA_KEY."""
MEMBER = (
    r"^(manifest\.json|schema\.json|settings\.json|questions\.json|prices\.csv|keys\.txt"
    r"|tables/[a-z][a-z0-9_]{0,62}\.jsonl)$"
)

LINE_BYTES = 64 * 2**20
"""Longest line of a table: a row is read whole, everything else in streams."""
SMALL_BYTES = 16 * 2**20
"""Largest member that is read at once."""
MOST_MEMBERS = 1_000
DIRECTORY_BYTES = 2**20
"""Largest directory of a ZIP that is read: the library reads it whole before it can be asked anything."""
_CHUNK = 2**20
_END, _END64_LOCATOR, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Short = Annotated[str, Field(max_length=300)]


@dataclass(frozen=True, slots=True)
class Member:
    """What one member must hold, unpacked; `rows` of a table."""

    sha256: Hash
    bytes: Count
    rows: Count | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive is and holds."""

    product: Literal["sipd-helpdesk-console"]
    format: Annotated[int, Field(ge=1)]
    made_at: Annotated[float, Field(ge=0, lt=1e11)]
    """UTC, Unix seconds."""
    kind: Short
    actor: Short
    database: Literal["sqlite", "postgresql"]
    migrations: tuple[Short, ...]
    """Changes of the schema that the rows have behind them."""
    base_version: Count
    serving_model: Short | None
    """`name/dimension` of the embedding model that served."""
    models: tuple[Short, ...]
    """Embedding models that vectors are of."""
    members: Mapping[Annotated[str, Field(pattern=MEMBER)], Member]
    keys: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")], ...] = ()
    """Ids of the keys that texts in it are sealed with. Those of the key file are in `KEYS`, those of DATA_KEY in no archive."""

    @property
    def rows(self) -> dict[str, int]:
        """Table -> number of its rows."""
        tables = {name: member.rows or 0 for name, member in self.members.items() if name.startswith("tables/")}
        return {name.removeprefix("tables/").removesuffix(".jsonl"): count for name, count in tables.items()}

    @property
    def unpacked_bytes(self) -> int:
        """Bytes of all members, unpacked."""
        return sum(member.bytes for member in self.members.values())


_MANIFEST = TypeAdapter(Manifest)


def table_member(table: str) -> str:
    """Name of the member that holds a table's rows."""
    return f"tables/{table}.jsonl"


class ArchiveWriter:
    """Writes one archive member by member; the manifest ends it. A context manager; `file` stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=5)
        self._members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(*(() if error is None else (OSError, ValueError))):  # given up: what its end says does not matter
            self._zip.close()

    def write(self, name: str, content: bytes) -> None:
        """One small member."""
        self._put(name, [content])

    def write_rows(self, table: str, lines: Iterable[bytes]) -> int:
        """One table, a line a row; returns how many. Raises BackupError for a row too long to be read again."""
        name, count = table_member(table), 0

        def counted() -> Iterator[bytes]:
            nonlocal count
            for line in lines:
                if len(line) > LINE_BYTES:
                    raise BackupError(
                        f"a row of {len(line)} bytes in {table}", text_key="backup.error.row", table=table
                    )
                count += 1
                yield line

        self._put(name, counted())
        self._members[name] = replace(self._members[name], rows=count)
        return count

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest with what was written; returns it."""
        whole = replace(manifest, members=dict(self._members))
        self._zip.writestr(MANIFEST, _MANIFEST.dump_json(whole, indent=1))
        return whole

    def _put(self, name: str, parts: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as out:
            for part in parts:
                out.write(part)
                digest.update(part)
                size += len(part)
        self._members[name] = Member(digest.hexdigest(), size)


class ArchiveReader:
    """Reads one archive and believes nothing: whatever does not hold what the manifest says is a BackupError."""

    def __init__(self, path: Path) -> None:
        """Raises BackupError for what is no archive of this console, is damaged, or of a newer console."""
        self._path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BackupError(str(error), text_key="backup.error.unreadable", reason=error.strerror or "") from error
        try:
            self._zip = _opened(self._file)
            self.manifest = self._read_manifest()
            self._check_members()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self.manifest.members

    def read(self, name: str) -> bytes:
        """A small member whole, its hash checked."""
        if not self.has(name) or self.manifest.members[name].bytes > SMALL_BYTES:
            raise _damaged(f"{name} is missing or too large")
        return b"".join(self._stream(name))

    def lines(self, table: str) -> Iterator[bytes]:
        """The rows of a table; the last one comes only once all of them hold what the manifest says."""
        name, kept, count = table_member(table), b"", 0
        held: bytes | None = None
        for chunk in self._stream(name):
            *whole, kept = (kept + chunk).split(b"\n") if b"\n" in chunk else [kept + chunk]
            if len(kept) > LINE_BYTES:
                raise _damaged(f"{name}: a line without end")
            for line in whole:
                if held is not None:
                    yield held
                held, count = line, count + 1
        if kept or count != self.manifest.members[name].rows:
            raise _damaged(f"{name}: {count} rows")
        if held is not None:
            yield held

    def verify(self, on_bytes: Callable[[int], None] = lambda _: None) -> None:
        """Read everything once; `on_bytes` hears how much was read since its last call."""
        for name in self.manifest.members:
            for chunk in self._stream(name):
                on_bytes(len(chunk))

    def _stream(self, name: str) -> Iterator[bytes]:
        """A member in pieces; after the last one its length and hash are those of the manifest, or it raises."""
        wanted = self.manifest.members[name]
        digest, left = hashlib.sha256(), wanted.bytes
        with _translated(), self._zip.open(name) as member:
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
        if left or digest.hexdigest() != wanted.sha256:
            raise _damaged(f"{name} is not what the manifest says")

    def _read_manifest(self) -> Manifest:
        with _translated():
            infos = self._zip.infolist()
            if [info.filename for info in infos].count(MANIFEST) != 1 or len(infos) > MOST_MEMBERS:
                raise BackupError("no manifest", text_key="backup.error.foreign")
            if self._zip.getinfo(MANIFEST).file_size > SMALL_BYTES:
                raise _damaged("a manifest of absurd size")
            raw = self._zip.read(MANIFEST)
        return _manifest(raw)

    def _check_members(self) -> None:
        infos = [info for info in self._zip.infolist() if info.filename != MANIFEST]
        names = [info.filename for info in infos]
        if sorted(names) != sorted(self.manifest.members) or SCHEMA not in names:
            raise _damaged("other members than the manifest says")
        for info in infos:
            plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not info.flag_bits & 1
            if not plain or info.file_size != self.manifest.members[info.filename].bytes:
                raise _damaged(f"{info.filename} is packed as ours never are")


def settle(path: Path) -> None:
    """Make the names in a folder durable, where the operating system can (Windows does it by itself)."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _manifest(raw: bytes) -> Manifest:
    """The manifest; that it is of a newer console is told before its other fields are looked at."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged("the manifest is no JSON") from error
    if not isinstance(told, dict) or told.get("product") != PRODUCT:
        raise BackupError("another product's manifest", text_key="backup.error.foreign")
    if isinstance(told.get("format"), int) and told["format"] > FORMAT:
        raise BackupError(f"format {told['format']}", text_key="backup.error.newer")
    try:
        return _MANIFEST.validate_json(raw, strict=True)
    except ValidationError as error:
        raise _damaged(f"the manifest: {error.error_count()} faults") from error


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    if _directory_size(file) > DIRECTORY_BYTES:
        raise _damaged("a directory of absurd size")
    with _translated(text_key="backup.error.foreign"):
        return zipfile.ZipFile(file)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the directory as the end of the file tells it; 0 when there is no end, which the library then says."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - 2**16 - 100, 0))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return 0
    (told,) = struct.unpack_from("<L", tail, at + 12)
    locator = at - 20
    if locator < 0 or tail[locator : locator + 4] != _END64_LOCATOR:
        return int(told)
    (place,) = struct.unpack_from("<Q", tail, locator + 8)
    file.seek(min(place, size))
    record = file.read(56)
    return int(struct.unpack_from("<Q", record, 40)[0]) if record[:4] == _END64 and len(record) == 56 else int(told)


@contextmanager
def _translated(text_key: str = "backup.error.damaged") -> Iterator[None]:
    """The library raises a dozen kinds of errors for a damaged file."""
    try:
        yield
    except _FAULTS as error:
        raise BackupError(repr(error), text_key=text_key) from error


_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


def _damaged(detail: str) -> BackupError:
    return BackupError(detail)
