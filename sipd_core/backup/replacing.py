"""From a staged archive to the live database, in one transaction: before its commit all is old, after it all is new.

What is not in SQL follows from it: the price table by `finish`, which the next start does if this process is killed; the
index by the new epoch, which tells every process that what it holds in memory or in Chroma is of another base.
"""

import errno
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select

from sipd_core.backup import archive
from sipd_core.backup.environment import OWN_PRICES
from sipd_core.backup.layout import content_tables
from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.snapshot import ROWS, appearing
from sipd_core.backup.staging import PRICES_STATE, Staged, counts
from sipd_core.backup.unsealing import CONTENT
from sipd_core.locale_id import JAKARTA
from sipd_core.store import schema
from sipd_core.store.backups import base_version
from sipd_core.store.database import Database
from sipd_core.store.key_check import admit_content
from sipd_core.store.resealing import used_keys
from sipd_core.store.schema import EPOCH_STATE, VERSION_STATE, knowledge_state

log = logging.getLogger(__name__)

InTransaction = Callable[[Connection], None]


def replace_content(
    staged: Staged, live: Database, on_step: OnStep, *, before: InTransaction, after: InTransaction
) -> None:
    """Replace every row of `live` that archives hold; `before` and `after` are part of the transaction.

    Nobody can write between `before`, which sees what is about to go, and the commit.
    """
    tables = content_tables(schema.metadata)
    total = sum(counts(staged.database).values())
    with staged.database.read() as source, live.write() as target:
        _keep_others_out(target, tables, live)
        before(target)
        version = base_version(target)
        for table in reversed(tables):
            target.execute(delete(table))
        done = 0
        for table in tables:
            for part in _parts(source, table, strip_nul=not live.is_sqlite):
                target.execute(insert(table), part)
                done += len(part)
                on_step(Step(StepName.REPLACING, done, total))
            _continue_numbers(target, table, live)
        facts = {
            EPOCH_STATE: uuid.uuid4().hex,
            VERSION_STATE: str(max(version, base_version(target)) + 1),
            PRICES_STATE: (staged.prices or b"").decode(errors="replace"),
        }
        live.upsert(target, knowledge_state, [{"name": name, "value": value} for name, value in facts.items()])
        admit_content(target, live.cipher, used_keys(target, CONTENT))
        after(target)


def finish(database: Database, data: Path) -> None:
    """Put the restored price table into its place, unless that is done: after a restore and at every start."""
    with database.read() as connection:
        query = select(knowledge_state.c.value).where(knowledge_state.c.name == PRICES_STATE)
        content = connection.execute(query).scalar_one_or_none()
    if content is None:
        return
    if content:
        with appearing(data / OWN_PRICES) as (file, _):
            file.write(content.encode())
    else:
        (data / OWN_PRICES).unlink(missing_ok=True)
        archive.settle(data)
    with database.write() as connection:
        connection.execute(delete(knowledge_state).where(knowledge_state.c.name == PRICES_STATE))


def rebuild_file(staged: Staged, file: Path, on_step: OnStep, *, now: datetime) -> Path:
    """Put a new database in the place of a damaged SQLite file, which is kept beside it; returns where.

    The new one is whole before it takes the place, in one step; the damaged one has its second name by then.
    """
    fresh = file.with_name(f"{file.name}-baru")
    for name in _with_logs(fresh):
        name.unlink(missing_ok=True)
    database = Database(f"sqlite:///{fresh}", cipher=staged.database.cipher)
    try:
        replace_content(staged, database, on_step, before=_nothing, after=_nothing)
    finally:
        database.close()
    kept = file.with_name(f"{file.name}.rusak-{now.astimezone(JAKARTA):%Y%m%d-%H%M%S}")
    for old, aside in zip(_with_logs(file), _with_logs(kept), strict=True):
        if old.exists():
            _second_name(old, aside)
    for log_file in _with_logs(file)[1:]:
        log_file.unlink(missing_ok=True)  # the log of another file must not be replayed into the new one
    os.replace(fresh, file)
    archive.settle(file.parent)
    log.warning("the damaged database was kept as %s", kept)
    return kept


def _nothing(_connection: Connection) -> None:
    """Nothing is to be done beside the rows."""


def _with_logs(file: Path) -> list[Path]:
    return [file.with_name(file.name + end) for end in ("", "-wal", "-shm")]


def _second_name(file: Path, aside: Path) -> None:
    try:
        os.link(file, aside)
    except OSError as error:
        if error.errno == errno.EEXIST:
            return
        shutil.copy2(file, aside)  # a file system without links


def _keep_others_out(connection: Connection, tables: Sequence[Table], database: Database) -> None:
    """SQLite has one writer anyway; PostgreSQL lets others write beside this transaction unless it is told not to."""
    if not database.is_sqlite:
        names = ", ".join(f'"{table.name}"' for table in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def _parts(source: Connection, table: Table, *, strip_nul: bool) -> Iterator[list[dict[str, Any]]]:
    """Rows in the order of their keys; PostgreSQL's texts cannot hold the character zero, SQLite's can."""
    query = select(table).order_by(*table.primary_key.columns)
    with source.execute(query, execution_options={"yield_per": ROWS}) as rows:
        for part in rows.mappings().partitions():
            yield [_without_nul(row) if strip_nul else dict(row) for row in part]


def _without_nul(row: Any) -> dict[str, Any]:
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in row.items()}


def _continue_numbers(connection: Connection, table: Table, database: Database) -> None:
    """Let PostgreSQL number new rows after the restored ones; SQLite looks at the rows themselves."""
    column = table.autoincrement_column
    if database.is_sqlite or column is None:
        return
    highest = select(func.coalesce(func.max(column), 0) + 1)
    sequence = func.pg_get_serial_sequence(f'"{table.name}"', column.name)
    connection.execute(select(func.setval(sequence, highest.scalar_subquery(), False)))
