"""Texts that stand in the database are changed where they stand: sealed, or sealed under another key. Bounded memory."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Connection,
    MetaData,
    RowMapping,
    Table,
    bindparam,
    column,
    select,
    table,
    text,
    tuple_,
)

from sipd_core.data_keys import DataKey
from sipd_core.store.cipher import PREFIX, Cipher, is_sealed, key_id_of, sealed_columns

TOGETHER = 100
"""Rows in memory at once; a turn is a few kilobytes."""
_BEGINNING = re.compile(PREFIX + r"([0-9a-f]{8}):")


@dataclass(frozen=True, slots=True)
class Place:
    """Where texts stand."""

    table: str
    keys: tuple[str, ...]
    """The primary key."""
    columns: tuple[str, ...]


def places(metadata: MetaData) -> tuple[Place, ...]:
    """Every place of sealed texts."""
    found = [(one, sealed_columns(one)) for one in metadata.sorted_tables]
    return tuple(Place(one.name, _keys(one), columns) for one, columns in found if columns)


def change_texts(
    connection: Connection, place: Place, change: Callable[[str], str], on_rows: Callable[[int], None] = lambda _: None
) -> None:
    """Put `change` of each text into its place, in this transaction; `on_rows` hears how many rows are done each time."""
    for part in _parts(connection, place):
        store_texts(connection, place, part, change)
        on_rows(len(part))


def pages_of(connection: Connection, place: Place) -> Iterator[RowMapping]:
    """The rows of a place one after the other, in the order of their keys."""
    for part in _parts(connection, place):
        yield from part


def part_of(
    connection: Connection, place: Place, after: Sequence[Any] | None, limit: int = TOGETHER
) -> Sequence[RowMapping]:
    """The next rows after the one with the key `after` (None: from the start), keys and texts as they are stored."""
    keys: list[ColumnClause[Any]] = [column(name) for name in place.keys]
    query = select(*keys, *(column(name) for name in place.columns)).select_from(table(place.table)).order_by(*keys)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    return connection.execute(query.limit(limit)).mappings().all()


def store_texts(connection: Connection, place: Place, rows: Sequence[RowMapping], change: Callable[[str], str]) -> None:
    """Store the changed texts of rows; one that was changed or deleted since it was read is left alone."""
    same = " AND ".join(f'"{name}" = :key_{name}' for name in place.keys)
    for name in place.columns:
        changed = [
            {f"key_{key}": row[key] for key in place.keys} | {"old": row[name], "new": change(row[name])}
            for row in rows
            if row[name]
        ]
        if changed:
            statement = f'UPDATE "{place.table}" SET "{name}" = :new WHERE {same} AND "{name}" = :old'
            connection.execute(text(statement).bindparams(bindparam("new"), bindparam("old")), changed)


def used_keys(connection: Connection, found: Sequence[Place]) -> frozenset[str]:
    """Ids of the keys that texts are sealed with. A text that is not sealed (an earlier console beside this one wrote it)
    has none."""
    beginnings: set[str] = set()
    length = len(PREFIX) + 9
    for place in found:
        for name in place.columns:
            statement = f'SELECT DISTINCT substr("{name}", 1, {length}) FROM "{place.table}" WHERE "{name}" <> \'\''
            beginnings.update(connection.execute(text(statement)).scalars())
    return frozenset(match[1] for match in map(_BEGINNING.fullmatch, beginnings) if match)


def is_other(stored: str | None, key: DataKey) -> bool:
    """Whether a text is not sealed under `key`; also one that an earlier console wrote, which is not sealed at all."""
    return bool(stored) and not (is_sealed(stored or "") and key_id_of(stored or "") == key.id)


def under(cipher: Cipher, key: DataKey, stored: str) -> str:
    """A stored text as it stands under `key`, which `cipher` seals with; raises DataKeyError when it cannot be opened."""
    if not is_other(stored, key):
        return stored
    return cipher.seal(cipher.open(stored) if is_sealed(stored) else stored)


def _parts(connection: Connection, place: Place) -> Iterator[Sequence[RowMapping]]:
    after: Sequence[Any] | None = None
    while rows := part_of(connection, place, after):
        yield rows
        after = [rows[-1][name] for name in place.keys]


def _keys(one: Table) -> tuple[str, ...]:
    return tuple(key.name for key in one.primary_key.columns)
