"""Another data key: everything that is sealed comes under the newest one, beside running consoles, a few rows at a time.

The old key is retired first, so that nothing is sealed under it any more; then texts and marks are done over; when none is
left its row goes, and the key can be taken out of DATA_KEY. Killed at any moment, the next call goes on: what is done is
seen at the texts themselves.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sipd_core.data_keys import DataKey
from sipd_core.deeds import Deed, DeedKind
from sipd_core.store import schema
from sipd_core.store.cipher import Cipher
from sipd_core.store.database import Database
from sipd_core.store.key_check import KEY_LOCK, enter, needed
from sipd_core.store.resealing import Place, is_other, part_of, places, store_texts, under
from sipd_core.store.schema import conversation_words, data_keys
from sipd_core.store.search_words import Part, rebuild

OnStep = Callable[[int, int], None]
"""Told of rows looked at, of all."""
_WORDS_TOGETHER = 10
"""Parts of conversations whose marks are made in one transaction."""
_PAUSE = 0.1
"""Seconds between two transactions, at least: whoever waits for SQLite's lock only looks now and then whether it is free."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    key: str
    """Id of the key that everything is sealed with now."""
    retired: tuple[str, ...]
    """Ids of the keys that nothing here is sealed with any more."""
    texts: int
    """Texts that were sealed anew."""


class Rotation:
    """One rotation; several at once do no harm."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._places = places(schema.metadata)

    def run(self, on_step: OnStep, *, actor: str = "") -> Rotated:
        """Seal everything under the first key of DATA_KEY, or under a new one of the key file; raises DataKeyError."""
        key, retired = self._begin(actor)
        total, done, changed = self._rows(), 0, 0
        for place in self._places:
            for rows, texts in self._reseal(place, key):
                done, changed = done + rows, changed + texts
                on_step(min(done, total), total)
        self._mark_anew(key)
        gone = self._end(key, actor, changed)
        self._database.wipe()
        return Rotated(key.id, tuple(sorted(set(retired) & gone)), changed)

    def _begin(self, actor: str) -> tuple[DataKey, tuple[str, ...]]:
        cipher = self._database.cipher
        with self._database.read() as connection:
            known = tuple(connection.execute(select(data_keys.c.id)).scalars())
        if len(known) == 1 and known[0] == cipher.keys[0].id:
            _make_newer(cipher)
        key = cipher.keys[0]
        with self._database.write() as connection:
            _alone(connection)
            there = tuple(connection.execute(select(data_keys.c.id)).scalars())
            if key.id not in there:
                enter(connection, key)
            others = data_keys.c.id != key.id, data_keys.c.retired_at.is_(None)
            connection.execute(update(data_keys).where(data_keys.c.id == key.id).values(retired_at=None))
            connection.execute(update(data_keys).where(*others).values(retired_at=self._clock()))
            self._database.note(connection, _deed(actor, "begun", key, retired=[id_ for id_ in there if id_ != key.id]))
        cipher.follow([key.id])
        return key, tuple(id_ for id_ in there if id_ != key.id)

    def _reseal(self, place: Place, key: DataKey) -> Iterator[tuple[int, int]]:
        """Yields (rows looked at, texts sealed anew) of one part after the other."""
        cipher = self._database.cipher
        after: Sequence[Any] | None = None
        while True:
            with self._database.read() as connection:
                rows = part_of(connection, place, after)
            if not rows:
                return
            old = [row for row in rows if any(is_other(row[name], key) for name in place.columns)]
            if old:
                with self._giving_way() as connection:
                    store_texts(connection, place, old, lambda stored: under(cipher, key, stored))
            yield len(rows), sum(is_other(row[name], key) for row in old for name in place.columns)
            after = [rows[-1][name] for name in place.keys]

    @contextmanager
    def _giving_way(self) -> Iterator[Connection]:
        """A transaction, and then as long a rest as it took: consoles are to write between two of them."""
        began = time.monotonic()
        with self._database.write() as connection:
            yield connection
        time.sleep(max(time.monotonic() - began, _PAUSE))

    def _mark_anew(self, key: DataKey) -> None:
        old = select(conversation_words.c.conversation_id, conversation_words.c.part)
        old = old.where(conversation_words.c.key_id != key.id).limit(_WORDS_TOGETHER)
        while True:
            with self._giving_way() as connection:
                rows = connection.execute(old).all()
                for row in rows:
                    rebuild(connection, row.conversation_id, Part(row.part))
            if not rows:
                return

    def _end(self, key: DataKey, actor: str, texts: int) -> frozenset[str]:
        """Forget the keys that open nothing any more, and say which those are."""
        with self._database.write() as connection:
            _alone(connection)
            used = needed(connection) | {key.id}
            unused = frozenset(connection.execute(select(data_keys.c.id).where(data_keys.c.id.not_in(used))).scalars())
            connection.execute(delete(data_keys).where(data_keys.c.id.in_(unused)))
            self._database.note(connection, _deed(actor, "ended", key, retired=sorted(unused), texts=texts))
        return unused

    def _rows(self) -> int:
        with self._database.read() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(schema.metadata.tables[place.table])).scalar_one()
                for place in self._places
            ]
        return sum(counts)


def _make_newer(cipher: Cipher) -> None:
    """Everything is under the first key already: a key file gets a newer one, DATA_KEY has said all it says."""
    if not cipher.is_given and cipher.file is not None:
        cipher.file.put_first(DataKey.new())
        cipher.reload()


def _alone(connection: Connection) -> None:
    """Wait until whoever sealed something has committed it; from here to the commit nobody does."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({KEY_LOCK})")


def _deed(actor: str, what: str, key: DataKey, **details: Any) -> Deed:
    return Deed(DeedKind.DATA_KEY, key.id, actor, details={"what": what, **details})
