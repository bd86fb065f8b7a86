"""Rows of `cases` as values and back. One reason to change: the columns of a case."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Row,
    delete,
    literal,
    select,
    update,
)

from sipd_core.documents import Case, ImportStatus
from sipd_core.store.database import Database
from sipd_core.store.history import in_parts
from sipd_core.store.schema import (
    cases,
    imports,
    indexed_views,
    knowledge_state,
    removals,
)

_VERSION = select(knowledge_state.c.value).where(knowledge_state.c.name == "version")
CASE_COLUMNS = tuple(cases.c[field.name] for field in fields(Case))


def case_of(row: Row[Any]) -> Case:
    """A case out of its row, selected by CASE_COLUMNS."""
    values: tuple[Any, ...] = tuple(row)
    return Case(*values)  # by place: by name it takes twice as long, which a start with many rows would notice


def cases_by_id(connection: Connection, ids: Sequence[str], *, lock: bool = False) -> dict[str, Case]:
    """The cases that are there; with `lock` nobody else changes them before the end of the transaction."""
    known: dict[str, Case] = {}
    for some in in_parts(ids):
        query = select(*CASE_COLUMNS).where(cases.c.id.in_(some)).order_by(cases.c.id)
        known.update((row.id, case_of(row)) for row in connection.execute(query.with_for_update() if lock else query))
    return known


def put_states(
    database: Database,
    connection: Connection,
    states: Mapping[str, Case | None],
    brought_by: Mapping[str, str],
    at: float,
) -> None:
    """Let rows be what `states` says (None: gone) under a new version of the base; their views are forgotten.

    `brought_by` names for each row that stays the import its content came with. Sorted by id, as everywhere: two
    writers on PostgreSQL then never wait for each other at once.
    """
    if not states:
        return
    version = raised_version(connection)
    here = {id_: case for id_, case in sorted(states.items()) if case is not None}
    gone = sorted(states.keys() - here.keys())
    rows = [
        asdict(case) | {"id": id_, "import_id": brought_by[id_], "changed_at": at, "version": version}
        for id_, case in here.items()
    ]
    database.upsert(connection, cases, rows)
    forget_views(connection, list(here))
    for some in in_parts(gone):
        connection.execute(delete(cases).where(cases.c.id.in_(some)))
    for some in in_parts(list(here)):
        connection.execute(delete(removals).where(removals.c.case_id.in_(some)))
    database.upsert(connection, removals, [{"case_id": id_, "version": version} for id_ in gone])


def hold_version(database: Database, connection: Connection) -> None:
    """Let this transaction alone raise the version: who writes rows on PostgreSQL takes turns, as SQLite's writers do."""
    if connection.execute(_VERSION).first() is None:
        database.upsert(connection, knowledge_state, [{"name": "version", "value": "0"}])
    if not database.is_sqlite:
        connection.execute(_VERSION.with_for_update())


def raised_version(connection: Connection) -> int:
    """The base's next version; `hold_version` was called before."""
    version = int(connection.execute(_VERSION).scalar_one()) + 1
    named = update(knowledge_state).where(knowledge_state.c.name == "version")
    connection.execute(named.values(value=str(version)))
    return version


def has_views(*of: ColumnElement[bool]) -> Exists:
    """Whether a case has views, of any model unless `of` names one."""
    return select(literal(1)).where(indexed_views.c.case_id == cases.c.id, *of).exists()


def forget_views(connection: Connection, ids: Sequence[str], *of: ColumnElement[bool]) -> None:
    """Let cases wait for their vectors again."""
    for some in in_parts(ids):
        connection.execute(delete(indexed_views).where(indexed_views.c.case_id.in_(some), *of))


def settle_imports(connection: Connection) -> None:
    """An import of which no row waits any more is done."""
    waits = select(literal(1)).where(cases.c.import_id == imports.c.id, cases.c.enabled, ~has_views()).exists()
    finished = update(imports).where(imports.c.status == ImportStatus.INDEXING, ~waits)
    connection.execute(finished.values(status=ImportStatus.DONE))
