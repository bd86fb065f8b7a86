"""Things that people enter and correct: nothing is ever changed, a correction is a new entry and so is an undo.

One reason to change: how such a record is kept. Its tables begin with the columns seq, at, actor, note and undoes.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Row, Table, func, insert, select

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import SpendingError
from sipd_core.privacy import mask
from sipd_core.store.database import Database
from sipd_core.store.times import moment

V = TypeVar("V")

FOLLOW_SECONDS = 2.0
"""How long another process's entry may go unnoticed here."""
NOTE_LENGTH = 500
_DEEDS = {
    "price_entries": DeedKind.PRICE,
    "rate_entries": DeedKind.RATE,
    "invoice_entries": DeedKind.INVOICE,
    "repricings": DeedKind.REPRICING,
    "alert_rules": DeedKind.ALERT_RULE,
}
"""What an entry in each table is called in the audit."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """One thing entered, or one undo."""

    seq: int
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    note: str
    value: V | None
    """None: an undo."""
    undoes: int | None
    undone_by: int | None
    """The entry that took this one back; it counts as long as that is None."""


class EntryLog(Generic[V]):
    """One append-only table; safe from any thread."""

    def __init__(
        self,
        database: Database,
        table: Table,
        *,
        write: Callable[[V], Mapping[str, Any]],
        read: Callable[[Row[Any]], V],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`write` gives the table's own columns of a value, `read` makes the value of a row again."""
        self._database = database
        self._table = table
        self._write = write
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[V, ...] = ()
        self._kept_until = -1.0
        self._written = 0

    def add(self, value: V, *, actor: str, note: str = "") -> Entry[V]:
        """Enter a value, durable on return and in force at once."""
        return self.write(lambda connection: self.append(connection, value, actor=actor, note=note))

    def undo(self, seq: int, *, actor: str) -> Entry[V]:
        """Take an entry back, or an undo; raises SpendingError when it is gone or does not count any more."""
        return self.write(lambda connection: self.take_back(connection, seq, actor=actor))

    def entries(self) -> tuple[Entry[V], ...]:
        """Everything ever entered, newest first."""
        with self._database.read() as connection:
            return self._all(connection)

    def live(self) -> tuple[V, ...]:
        """The values that count, oldest first: the same object as long as nothing changes, read anew every moment."""
        if time.monotonic() < self._kept_until:
            return self._kept
        written = self._written
        found = tuple(entry.value for entry in reversed(self.entries()) if entry.value and entry.undone_by is None)
        with self._lock:
            if found != self._kept:
                self._kept = found
            if written == self._written:  # otherwise somebody entered something while this was being read
                self._kept_until = time.monotonic() + FOLLOW_SECONDS
            return self._kept

    def write(self, work: Callable[[Connection], Entry[V]]) -> Entry[V]:
        """Do `work` in a transaction in which nobody else adds an entry; what it made counts on return."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql(f"LOCK TABLE {self._table.name} IN EXCLUSIVE MODE")
            made = work(connection)
        with self._lock:
            self._written += 1
            self._kept_until = -1.0
        return made

    def append(self, connection: Connection, value: V, *, actor: str, note: str) -> Entry[V]:
        """Within `write`: enter a value."""
        masked = mask(note.strip()).text[:NOTE_LENGTH]
        made = Entry(self.next_seq(connection), moment(self._clock()), actor, masked, value, None, None)
        self._insert(connection, made, self._write(value))
        return made

    def take_back(self, connection: Connection, seq: int, *, actor: str) -> Entry[V]:
        """Within `write`: undo an entry that counts; returns the undo."""
        found = next((entry for entry in self._all(connection) if entry.seq == seq), None)
        if found is None or found.undone_by is not None:
            raise SpendingError(f"entry {seq} of {self._table.name} does not count")
        made: Entry[V] = Entry(self.next_seq(connection), moment(self._clock()), actor, "", None, seq, None)
        self._insert(connection, made, {})
        return made

    def next_seq(self, connection: Connection) -> int:
        """Within `write`: the number of the entry that is added next."""
        return (connection.execute(select(func.max(self._table.c.seq))).scalar_one() or 0) + 1

    def _insert(self, connection: Connection, made: Entry[V], values: Mapping[str, Any]) -> None:
        row = {"seq": made.seq, "at": made.at.timestamp(), "actor": made.actor, "note": made.note}
        connection.execute(insert(self._table), row | {"undoes": made.undoes} | dict(values))
        details = {"note": made.note, **values} if made.undoes is None else {"undoes": made.undoes}
        deed = Deed(_DEEDS[self._table.name], str(made.seq), made.actor, details=details)
        self._database.note(connection, deed)

    def _all(self, connection: Connection) -> tuple[Entry[V], ...]:
        """Newest first: whether an undo counts is known before what it undoes is met."""
        undone: dict[int, int] = {}
        found = []
        for row in connection.execute(select(self._table).order_by(self._table.c.seq.desc())):
            if row.undoes is not None and row.seq not in undone:
                undone[row.undoes] = row.seq
            value = self._read(row) if row.undoes is None else None
            by = undone.get(row.seq)
            found.append(Entry(row.seq, moment(row.at), row.actor, row.note, value, row.undoes, by))
        return tuple(found)
