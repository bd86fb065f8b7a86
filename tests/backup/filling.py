"""Databases full of odd values, archives made of them, and archives taken apart and put together wrongly."""

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, UniqueConstraint, insert, select

from sipd_core.backup.archive import MANIFEST
from sipd_core.backup.layout import content_tables, is_local
from sipd_core.backup.snapshot import Origin, Written, write_archive
from sipd_core.backup.staging import NOTED
from sipd_core.store.database import Database
from sipd_core.store.schema import conversation_words, data_keys, metadata

ORIGIN = Origin(datetime(2026, 11, 22, tzinfo=UTC).timestamp(), "manual", "Bu Admin", b"{}", None)
ODD_TEXTS = (
    "",
    "biasa",
    'petik " dan \\',
    "baris\nbaru\r\ttab",
    "émoji 😀 \u2028 akhir",
    "\x01 kendali",
    "=1+1",
    "null",
)


def fill(database: Database, rows: int = 8) -> None:
    """`rows` rows in every table, local ones too, that refer to each other as they must; keys are only real ones."""
    made: dict[str, list[dict[str, Any]]] = {}
    with database.write() as connection:
        for table in metadata.sorted_tables:
            if table is data_keys:
                continue
            made[table.name] = [_row(table, n, made) for n in range(rows)]
            if table is conversation_words:  # a restore makes marks of other keys anew
                made[table.name] = [row | {"key_id": database.cipher.sealing.id} for row in made[table.name]]
            connection.execute(insert(table), made[table.name])


def _row(table: Table, n: int, made: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    row = {column.name: _value(column, n) for column in table.columns}
    for key in table.foreign_keys:
        row[key.parent.name] = made[key.column.table.name][n][key.column.name]
    return row


def _uniques(table: Table) -> list[UniqueConstraint]:
    return [one for one in table.constraints if isinstance(one, UniqueConstraint)]


def _value(column: Any, n: int) -> Any:
    kind = column.type.python_type
    together = [*column.table.indexes, *_uniques(column.table)]
    unique = column.primary_key or column.unique or any(column.name in one.columns for one in together)
    if column.nullable and n % 3 == 2:
        return None
    if kind is bool:
        return n % 2 == 0
    if kind is int:
        return n + 1 if unique else (2**53 + n if type(column.type).__name__ == "BigInteger" else 2**31 - 1 - n)
    if kind is float:
        return 1795323600.123456 + n / 7
    if kind is bytes:
        return bytes(range(n, 250)) + b"\x00\xff"
    text = f"{column.name}{n}" if unique else ODD_TEXTS[n % len(ODD_TEXTS)]
    return text[: column.type.length] if column.type.length else text


def content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that archives hold; what a restore itself notes is left out."""
    with database.read() as connection:
        told = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in content_tables(metadata)
        }
    told["knowledge_state"] = [row for row in told["knowledge_state"] if row[0] not in NOTED]
    return told


def local_rows(database: Database) -> list[tuple[Any, ...]]:
    """The rows that no restore may touch."""
    with database.read() as connection:
        tables = [table for table in metadata.sorted_tables if is_local(table)]
        return [tuple(row) for table in tables for row in connection.execute(select(table))]


def archived(database: Database, target: Path, origin: Origin = ORIGIN) -> Written:
    """An archive of a database as it is."""
    with database.snapshot() as connection:
        return write_archive(connection, target, origin, lambda _: None)


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """An archive whose members and manifest `change` has changed, with hashes and sizes that fit again."""
    import hashlib

    with zipfile.ZipFile(source) as old:
        members = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(members.pop(MANIFEST))
    change(members, manifest)
    for name, raw in members.items():
        known = manifest["members"].setdefault(name, {"rows": raw.count(b"\n") if name.startswith("tables/") else None})
        known |= {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name, raw in members.items():
            new.writestr(name, raw)
        new.writestr(MANIFEST, json.dumps(manifest))
    return target
