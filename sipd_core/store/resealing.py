"""Texts that stand in the database are changed where they stand: sealed, or sealed under another key. Bounded memory."""

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

from sipd_core.store.cipher import PREFIX, sealed_columns

TOGETHER = 100
"""Rows in memory at once; a turn is a few kilobytes."""


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


def change_texts(connection: Connection, place: Place, change: Callable[[str], str]) -> None:
    """Put `change` of each text into its place, in this transaction."""
    for part in _parts(connection, place):
        store_texts(connection, place, part, change)


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
    """Ids of the keys that texts are sealed with; whatever is no sealed text shows as something that is no id."""
    ids: set[str] = set()
    start, length = len(PREFIX), 8
    for place in found:
        for name in place.columns:
            statement = f'SELECT DISTINCT substr("{name}", {start + 1}, {length}) FROM "{place.table}" WHERE "{name}" <> \'\''
            ids.update(connection.execute(text(statement)).scalars())
    return frozenset(ids)


def _parts(connection: Connection, place: Place) -> Iterator[Sequence[RowMapping]]:
    after: Sequence[Any] | None = None
    while rows := part_of(connection, place, after):
        yield rows
        after = [rows[-1][name] for name in place.keys]


def _keys(one: Table) -> tuple[str, ...]:
    return tuple(key.name for key in one.primary_key.columns)
