"""The audit: what was done, by whom, when, from where and with what outcome. Entries are added and never changed.

One reason to change: what may be asked of the audit. How entries hang together is the business of chain.py.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import AuditError
from sipd_core.store.chain import START, Head, head_key, read_head
from sipd_core.store.database import Database
from sipd_core.store.schema import audit_entries
from sipd_core.store.times import moment

ROWS = 1_000
"""Entries read at a time."""
STEP = 2_000
"""Entries that a patrol looks at before it lets others go on."""
_HEAD = re.compile(r"(\d{1,12}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it stands."""

    seq: int
    at: datetime
    """Timezone-aware, UTC."""
    kind: str
    """Of a DeedKind; a later release may have written others."""
    actor: str
    object: str
    place: str
    address: str
    outcome: str
    """Of a DeedOutcome, unless somebody changed it."""
    details: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; what is empty does not restrict."""

    kinds: tuple[str, ...] = ()
    actor: str = ""
    outcome: str = ""
    first: datetime | None = None
    before: datetime | None = None
    """Entries before this moment."""
    words: str = ""
    """Each one stands in the object, the details or the address."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries, newest first, and how many there are in all."""

    entries: tuple[AuditEntry, ...]
    total: int


class Flaw(StrEnum):
    """Why an entry is the first broken one; the value names its entry in `texts/audit.toml`."""

    CHANGED = "changed"
    """The entry, or its place in the chain, is not what it was when it was written."""
    MISSING = "missing"
    """Entries are not there that were."""
    CUT = "cut"
    """The head knows of more entries than there are: the end is gone."""
    HEAD = "head"
    """The head is gone or was changed."""
    KEYLESS = "keyless"
    """An entry without key after entries with one."""
    OTHER_KEY = "other_key"
    """An entry made with another AUDIT_KEY, or with one while none is set."""
    KNOWN_HEAD = "known_head"
    """The chain does not hold the head that was noted down earlier."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at the whole chain gave."""

    entries: int
    """Those that were found good, the first flaw aside."""
    head: Head
    keyless: int
    """Entries at the start that no key protects."""
    broken_at: int | None = None
    """Number of the first entry that is not as it was; None: the chain is whole."""
    flaw: Flaw | None = None

    @property
    def is_whole(self) -> bool:
        return self.flaw is None


class AuditLog:
    """Adds, reads and verifies entries; safe from any thread, and beside other processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chain = database.chain

    @property
    def is_keyed(self) -> bool:
        """Whether AUDIT_KEY is set."""
        return bool(self._chain.key_id)

    def record(self, deed: Deed) -> None:
        """Enter a deed that has no transaction of its own; durable on return."""
        self._database.together(lambda connection: self._database.note(connection, deed))

    def begin_key(self) -> None:
        """Enter that entries are signed from here on, when the newest one is not yet."""
        if not self._chain.key_id:
            return
        with self._database.write() as connection:
            if head_key(connection) != self._chain.key_id:
                self._database.note(connection, Deed(DeedKind.AUDIT_KEY, self._chain.key_id))

    def head(self) -> Head:
        """Where the chain ends, to be noted down elsewhere."""
        with self._database.read() as connection:
            return read_head(connection) or Head(0, START)

    def page(self, wanted: AuditFilter = AuditFilter(), *, offset: int = 0, limit: int = 50) -> AuditPage:
        """Entries, newest first."""
        there = _where(wanted)
        query = select(audit_entries).where(*there).order_by(audit_entries.c.seq.desc()).offset(offset).limit(limit)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(audit_entries).where(*there)).scalar_one()
            return AuditPage(tuple(map(_entry, connection.execute(query))), total)

    def entries(self, wanted: AuditFilter = AuditFilter()) -> Iterator[AuditEntry]:
        """Every entry, oldest first, as of one moment."""
        query = select(audit_entries).where(*_where(wanted)).order_by(audit_entries.c.seq)
        with self._database.snapshot() as connection:
            for row in connection.execute(query, execution_options={"yield_per": ROWS}):
                yield _entry(row)

    def actors(self) -> tuple[str, ...]:
        """Everybody who is named, in alphabetical order."""
        query = select(audit_entries.c.actor).distinct().order_by(audit_entries.c.actor)
        with self._database.read() as connection:
            return tuple(name for name in connection.execute(query).scalars() if name)

    def patrol(self) -> "Patrol":
        """As `verify`, some entries at a time."""
        return Patrol(self._database)

    def entry(self, seq: int) -> AuditEntry | None:
        """The entry of this number, None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(audit_entries).where(audit_entries.c.seq == seq)).first()
        return _entry(row) if row else None

    def verify(self, known: Head | None = None) -> Verification:
        """Look at every entry, and whether `known`, a head noted down earlier, is part of the chain."""
        with self._database.snapshot() as connection:
            head = read_head(connection)
            walk = _Walk(self._database, head or Head(0, START), known)
            rows = connection.execute(
                select(audit_entries).order_by(audit_entries.c.seq), execution_options={"yield_per": ROWS}
            )
            for row in rows:
                if (flaw := walk.flaw(row)) is not None:
                    return walk.broken(flaw)
            return walk.end(sealed_by=head_key(connection), is_there=head is not None)


class Patrol:
    """A look at the whole chain that takes its time; entries may be added meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._walk = _Walk(database, Head(0, START), None)

    def step(self) -> Verification | None:
        """Look at some more entries; what the whole look gave once it has come to the end or to a flaw, None before."""
        query = select(audit_entries).where(audit_entries.c.seq > self._walk.at).order_by(audit_entries.c.seq)
        with self._database.snapshot() as connection:
            head = read_head(connection)
            self._walk.head = head or Head(0, START)
            rows = connection.execute(query.limit(STEP)).all()
            sealed_by = head_key(connection)
        for row in rows:
            if (flaw := self._walk.flaw(row)) is not None:
                return self._walk.broken(flaw)
        return None if len(rows) == STEP else self._walk.end(sealed_by=sealed_by, is_there=head is not None)


class _Walk:
    """One way along the chain, from its start."""

    def __init__(self, database: Database, head: Head, known: Head | None) -> None:
        self._chain = database.chain
        self.head, self._known = head, known
        self.at, self._hash = 0, START
        self._keyless = 0
        self._is_keyed = False

    def flaw(self, row: Row[Any]) -> Flaw | None:
        """What is wrong with the next entry; None when it is as it was written."""
        if row.seq != self.at + 1:
            return Flaw.MISSING
        if row.key_id not in ("", self._chain.key_id):
            return Flaw.OTHER_KEY
        if self._is_keyed and not row.key_id:
            return Flaw.KEYLESS
        if self._chain.hash(self._hash, row._mapping) != row.hash:
            return Flaw.CHANGED
        if self._known and row.seq == self._known.count and row.hash != self._known.hash:
            return Flaw.KNOWN_HEAD
        self.at, self._hash = row.seq, row.hash
        self._is_keyed = bool(row.key_id)
        self._keyless += not row.key_id
        return None

    def broken(self, flaw: Flaw) -> Verification:
        """The chain is good up to here."""
        return Verification(self.at, self.head, self._keyless, self.at + 1, flaw)

    def end(self, *, sealed_by: str, is_there: bool) -> Verification:
        """All entries are good; what is left is whether they are all."""
        if self.at < self.head.count:
            return self.broken(Flaw.CUT)
        if self._known and self._known.count > self.at:
            return self.broken(Flaw.KNOWN_HEAD)
        whole = Verification(self.at, self.head, self._keyless)
        is_ours = sealed_by == (self._chain.key_id if self._is_keyed else "")
        sealed = self.head.seal == self._chain.seal(self.head, keyed=bool(sealed_by)) and is_ours
        if (self.head.count, self.head.hash) != (self.at, self._hash) or (self.at > 0 and not sealed):
            return Verification(self.at, self.head, self._keyless, max(self.at, 1), Flaw.HEAD)
        return whole


def noted_head(said: str) -> Head:
    """A head as people noted it down (`count:hash`); raises AuditError."""
    match = _HEAD.fullmatch(said.strip().lower())
    if match is None:
        raise AuditError("not a head", text_key="audit.error.head")
    return Head(int(match[1]), match[2])


def _where(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    columns = audit_entries.c
    there: list[ColumnElement[bool]] = []
    if wanted.kinds:
        there.append(columns.kind.in_(wanted.kinds))
    if wanted.actor:
        there.append(columns.actor == wanted.actor)
    if wanted.outcome:
        there.append(columns.outcome == wanted.outcome)
    if wanted.first:
        there.append(columns.at >= wanted.first.timestamp())
    if wanted.before:
        there.append(columns.at < wanted.before.timestamp())
    for word in wanted.words.split():
        inside = columns.object, columns.details, columns.address, columns.actor
        there.append(or_(*(column.icontains(word, autoescape=True) for column in inside)))
    return there


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        row.seq,
        moment(row.at),
        row.kind,
        row.actor,
        row.object,
        row.place,
        row.address,
        row.outcome,
        _details(row.details),
        row.hash,
    )


def _details(stored: str) -> Mapping[str, Any]:
    """As they were written; what somebody made of them that is no such thing any more is shown as it stands."""
    try:
        told = json.loads(stored)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"details": stored}
