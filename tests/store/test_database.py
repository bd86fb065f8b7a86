"""The database: durable writes, migrations once, errors in words."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sipd_core.errors import StoreError, StoreFullError, StoreLockedError
from sipd_core.store.database import MIGRATIONS, Database, _migrations
from sipd_core.store.schema import knowledge_state


def rows(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.name: row.value for row in connection.execute(select(knowledge_state))}


def test_every_migration_is_applied_once(database: Database, tmp_path: Path) -> None:
    database._migrate()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(_migrations)).scalar_one() == len(MIGRATIONS)


def test_upsert_replaces_by_primary_key(database: Database) -> None:
    for value in ("1", "2"):
        with database.write() as connection:
            database.upsert(connection, knowledge_state, [{"name": "version", "value": value}])
    assert rows(database) == {"version": "2"}


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        database.upsert(connection, knowledge_state, [{"name": "half", "value": "done"}])
        raise RuntimeError("the work broke")
    assert rows(database) == {}


def test_a_lock_held_for_too_long_is_said_in_words(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}", busy_seconds=0.05)
    blocker = sqlite3.connect(tmp_path / "sipd.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLockedError) as caught, database.write():
        pass
    assert "terkunci" in caught.value.user_text
    blocker.execute("ROLLBACK")
    with database.write() as connection:
        database.upsert(connection, knowledge_state, [{"name": "a", "value": "b"}])
    assert rows(database) == {"a": "b"}


def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    with database.write() as connection:
        database.upsert(connection, knowledge_state, [{"name": "before", "value": "kept"}])
    with pytest.raises(StoreFullError) as caught, database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        database.upsert(connection, knowledge_state, [{"name": "big", "value": "x" * 1_000_000}])
    assert "penuh" in caught.value.user_text
    assert rows(database) == {"before": "kept"}


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError) as caught:
        Database(f"sqlite:///{tmp_path / 'file' / 'data' / 'sipd.db'}")
    assert str(tmp_path) in caught.value.user_text


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "sipd.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError) as caught:
        Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    assert "tidak dapat dipakai" in caught.value.user_text


def test_an_acknowledged_write_survives_a_killed_process(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from sipd_core.store.database import Database\n"
        "from sipd_core.store.schema import knowledge_state\n"
        "database = Database(sys.argv[1])\n"
        "with database.write() as connection:\n"
        "    database.upsert(connection, knowledge_state, [{'name': 'a', 'value': 'kept'}])\n"
        "connection_scope = database.write()\n"
        "connection = connection_scope.__enter__()\n"
        "database.upsert(connection, knowledge_state, [{'name': 'b', 'value': 'never acknowledged'}])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, url], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == -9
    assert rows(Database(url)) == {"a": "kept"}
