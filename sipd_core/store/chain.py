"""How entries of the audit hang together: each one's hash covers its content and the hash before it.

One reason to change: what makes tampering visible. Without a key it is SHA-256, with AUDIT_KEY the HMAC of it, which nobody
can make anew who can only write to the database.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, func, insert, select, update

from sipd_core.deeds import Deed, Source
from sipd_core.privacy import mask
from sipd_core.store.schema import audit_entries, audit_head

CHAIN_LOCK: Final = 5719
"""PostgreSQL's advisory lock under which entries are added one after the other; SQLite has one writer anyway."""
START: Final = "0" * 64
"""What the first entry hangs on."""
LOST: Final = "f" * 64
"""What an entry hangs on that finds entries but no head: such a chain stays broken there."""
LONGEST: Final = 400
"""Characters of one text of an entry."""
MOST: Final = 30
"""Items of one list of the details."""
_HEAD = 1
_COVERED = ("seq", "at", "kind", "actor", "object", "place", "address", "outcome", "details", "key_id")


@dataclass(frozen=True, slots=True)
class Pending:
    """A deed on its way to the chain, with who did it."""

    deed: Deed
    source: Source
    at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends."""

    count: int
    hash: str
    """Of the last entry."""
    seal: str = ""
    """Of count and hash, by the key; it is not part of what is exported."""

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


class Chain:
    """Adds entries and computes hashes; a key makes both secret."""

    def __init__(self, key: str = "", *, clock: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self.key_id = hmac.new(self._key, b"key", hashlib.sha256).hexdigest()[:12] if key else ""
        """By which entries name the key; empty without one."""
        self._clock = clock

    def pending(self, deed: Deed, source: Source) -> Pending:
        """A deed of now."""
        return Pending(deed, source, round(self._clock(), 6))

    def extend(self, connection: Connection, deeds: Sequence[Pending]) -> None:
        """Add entries at the end of a transaction: nobody else adds any until its commit.

        It comes last, so that whoever holds the chain waits for nothing more.
        """
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CHAIN_LOCK})")
        known = read_head(connection)
        head = known or _without_head(connection)
        rows = []
        for pending in deeds:
            row = _row(head.count + 1, pending, self.key_id)
            row["hash"] = self.hash(head.hash, row)
            head = Head(row["seq"], row["hash"])
            rows.append(row)
        connection.execute(insert(audit_entries), rows)
        seal = self.seal(head, keyed=bool(self._key))
        values = {"entries": head.count, "hash": head.hash, "key_id": self.key_id, "seal": seal}
        statement = insert(audit_head).values(id=_HEAD) if known is None else update(audit_head)
        connection.execute(statement.values(values))

    def hash(self, before: str, row: Mapping[str, Any] | RowMapping) -> str:
        """Of an entry that hangs on `before`, by the key that it names: ours or none."""
        content = json.dumps([before, *(row[name] for name in _COVERED)], ensure_ascii=False, separators=(",", ":"))
        return self._digest(content, keyed=bool(row["key_id"]))

    def seal(self, head: Head, *, keyed: bool) -> str:
        """What nobody can set under another head without the key."""
        return self._digest(f"head {head.count} {head.hash}", keyed=keyed)

    def _digest(self, content: str, *, keyed: bool) -> str:
        told = content.encode()
        return hmac.new(self._key, told, hashlib.sha256).hexdigest() if keyed else hashlib.sha256(told).hexdigest()


def read_head(connection: Connection) -> Head | None:
    """The head as it stands, None when there is none."""
    row = connection.execute(select(audit_head)).first()
    return Head(row.entries, row.hash, row.seal) if row else None


def head_key(connection: Connection) -> str:
    """Name of the key the newest entry was made with; empty for none."""
    return connection.execute(select(audit_head.c.key_id)).scalar_one_or_none() or ""


def _without_head(connection: Connection) -> Head:
    last: Row[Any] | None = connection.execute(select(func.max(audit_entries.c.seq))).first()
    return Head(last[0], LOST) if last and last[0] else Head(0, START)


def _row(seq: int, pending: Pending, key_id: str) -> dict[str, Any]:
    deed, source = pending.deed, pending.source
    details = json.dumps(_safe(deed.details), ensure_ascii=False, sort_keys=True)
    return {
        "seq": seq,
        "at": pending.at,
        "kind": str(deed.kind),
        "actor": _clean(deed.actor or source.actor)[:200],
        "object": _clean(deed.target)[:LONGEST],
        "place": source.where,
        "address": _clean(source.address)[:64],
        "outcome": str(deed.outcome),
        "details": details,
        "key_id": key_id,
    }


def _safe(value: object) -> object:
    """Details as JSON can hold them: texts masked and cut, long lists too."""
    if isinstance(value, Mapping):
        return {_clean(str(name)): _safe(one) for name, one in list(value.items())[:MOST]}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else list(value)
        return [_safe(one) for one in items[:MOST]]
    if value is None or isinstance(value, (bool, int)):
        return value
    return _clean(mask(str(value)).text)[:LONGEST]


def _clean(text: str) -> str:
    """What both databases store and give back as it is."""
    return text.replace("\0", "").encode(errors="replace").decode()
