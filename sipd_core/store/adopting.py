"""Texts that were sealed elsewhere come under the key that seals here, with the marks by which they are found.

One reason to change: what hangs on the key of a text. The database is one that nobody else uses.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, column, func, literal, select, table

from sipd_core.data_keys import DataKey
from sipd_core.store.cipher import PREFIX, Cipher, cipher_of
from sipd_core.store.resealing import Place, is_other, part_of, store_texts, under
from sipd_core.store.schema import conversation_words
from sipd_core.store.search_words import Part, rebuild

OnDone = Callable[[int, int], None]
"""Told of rows and marked conversations that are done, of all."""


def is_foreign(connection: Connection, places: Sequence[Place]) -> bool:
    """Whether any text is not sealed under the key that seals, or is found by marks of another."""
    key = cipher_of(connection.dialect).sealing
    begins = f"{PREFIX}{key.id}:"
    columns = [(place, name) for place in places for name in place.columns]
    return _marked(connection, key) > 0 or any(_stands_otherwise(connection, *one, begins) for one in columns)


def adopt(connection: Connection, places: Sequence[Place], on_done: OnDone) -> None:
    """Seal every text of the places under the sealing key, in this transaction.

    Raises DataKeyError when one cannot be opened.
    """
    cipher = cipher_of(connection.dialect)
    key = cipher.sealing
    total = sum(_count(connection, place) for place in places) + _marked(connection, key)
    done = 0
    for place in places:
        for rows in _resealed(connection, place, cipher, key):
            done += rows
            on_done(done, total)
    marked = select(conversation_words.c.conversation_id, conversation_words.c.part).where(_other(key))
    for row in connection.execute(marked).all():
        rebuild(connection, row.conversation_id, Part(row.part))
        done += 1
        on_done(done, total)


def _resealed(connection: Connection, place: Place, cipher: Cipher, key: DataKey) -> Iterator[int]:
    """Yields how many rows were looked at, one part after the other."""
    after: Sequence[Any] | None = None
    while rows := part_of(connection, place, after):
        old = [row for row in rows if any(is_other(row[name], key) for name in place.columns)]
        if old:
            store_texts(connection, place, old, lambda stored: under(cipher, key, stored))
        yield len(rows)
        after = [rows[-1][name] for name in place.keys]


def _stands_otherwise(connection: Connection, place: Place, name: str, begins: str) -> bool:
    other = column(name) != "", func.substr(column(name), 1, len(begins)) != begins
    return connection.execute(select(literal(1)).select_from(table(place.table)).where(*other).limit(1)).first() is not None


def _other(key: DataKey) -> ColumnElement[bool]:
    return conversation_words.c.key_id != key.id


def _marked(connection: Connection, key: DataKey) -> int:
    query = select(func.count()).select_from(conversation_words).where(_other(key))
    return connection.execute(query).scalar_one()


def _count(connection: Connection, place: Place) -> int:
    return connection.execute(select(func.count()).select_from(table(place.table))).scalar_one()
