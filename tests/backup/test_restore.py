"""What goes into an archive comes out again, between any two databases; and what is wrong changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Float, MetaData, Table, delete, insert, inspect, select

from sipd_core.backup import staging
from sipd_core.backup.layout import shapes_as_json, tables_from_json
from sipd_core.backup.replacing import finish, rebuild_file, replace_content
from sipd_core.backup.snapshot import write_archive
from sipd_core.backup.staging import PREFIX, counts, staged, sweep
from sipd_core.errors import BackupError, SipdError, StoreError, StoreFullError
from sipd_core.store.database import Database
from sipd_core.store.migrations import MIGRATIONS
from sipd_core.store.schema import knowledge_state, metadata, usage
from tests.backup.filling import ORIGIN, archived, content, fill, local_rows, rewritten
from tests.conftest import TEST_CIPHER
from tests.store.test_database import back_to_the_first_release

ROOT = Path(__file__).resolve().parents[2]


def restore(path: Path, live: Database, folder: Path, **beside: Any) -> None:
    with staged(path, folder, lambda _: None, live.cipher) as unpacked:
        nothing = {"before": lambda _: None, "after": lambda _: None}
        replace_content(unpacked, live, lambda _: None, **(nothing | beside))


@pytest.fixture
def other(tmp_path: Path, database: Database) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'lain.db'}", cipher=database.cipher)
    yield made
    made.close()


def test_every_value_of_every_table_comes_back(database: Database, other: Database, tmp_path: Path) -> None:
    """To another database and home again: SQLite, PostgreSQL, SQLite."""
    fill(database)
    before, here = content(database), local_rows(database)
    restore(archived(database, tmp_path / "a.zip").path, other, tmp_path)
    assert content(other) == before
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if not table.info.get("local"):
                connection.execute(delete(table))
    restore(archived(other, tmp_path / "b.zip").path, database, tmp_path)
    assert content(database) == before
    assert local_rows(database) == here


def test_what_was_there_is_gone_and_new_rows_get_new_numbers(database: Database, tmp_path: Path) -> None:
    fill(database, 3)
    path = archived(database, tmp_path / "a.zip").path
    with database.write() as connection:
        connection.execute(insert(knowledge_state), {"name": "nanti", "value": "x"})
    restore(path, database, tmp_path)
    assert "nanti" not in {row[0] for row in content(database)["knowledge_state"]}
    call = dict.fromkeys(("at", "texts", "latency_ms", "prompt_tokens"), 1) | dict.fromkeys(
        ("day", "operation", "model"), "x"
    )
    with database.write() as connection:
        assert connection.execute(insert(usage).returning(usage.c.id), call).scalar_one() == 4


def test_other_processes_can_tell_that_the_base_was_replaced(database: Database, tmp_path: Path) -> None:
    facts = [{"name": "version", "value": "7"}, {"name": "epoch", "value": "lama"}]
    with database.write() as connection:
        connection.execute(insert(knowledge_state), facts)
    path = archived(database, tmp_path / "a.zip").path
    with database.write() as connection:
        database.upsert(connection, knowledge_state, [{"name": "version", "value": "12"}])
    restore(path, database, tmp_path)
    with database.read() as connection:
        told = {row.name: row.value for row in connection.execute(select(knowledge_state))}
    assert told["version"] == "13"
    assert told["epoch"] not in ("lama", "")


def test_an_archive_is_of_one_moment_though_others_write(database: Database, tmp_path: Path) -> None:
    fill(database, 5)
    wanted = content(database)
    with database.snapshot() as connection:
        connection.execute(select(knowledge_state)).all()
        with database.write() as beside:
            beside.execute(insert(knowledge_state), {"name": "nanti", "value": "x"})
            beside.execute(delete(usage))
        write_archive(connection, tmp_path / "a.zip", ORIGIN, lambda _: None)
    restore(tmp_path / "a.zip", database, tmp_path)
    assert content(database) == wanted


def test_a_restore_that_fails_changes_nothing(database: Database, tmp_path: Path) -> None:
    fill(database, 3)
    path = archived(database, tmp_path / "a.zip").path
    with database.write() as connection:
        connection.execute(delete(usage))
    before = content(database)

    def broken(_connection: Connection) -> None:
        raise SipdError("the last step fails")

    with pytest.raises(SipdError):
        restore(path, database, tmp_path, after=broken)
    assert content(database) == before
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_texts_that_postgres_cannot_hold_still_come_over(tmp_path: Path, postgres_url: str) -> None:
    source = Database(f"sqlite:///{tmp_path / 'a.db'}", cipher=TEST_CIPHER)
    with source.write() as connection:
        connection.execute(insert(knowledge_state), {"name": "nol", "value": "a\0b"})
    path = archived(source, tmp_path / "a.zip").path
    source.close()
    target = Database(postgres_url.replace("postgresql://", "postgresql+psycopg://", 1), cipher=source.cipher)
    restore(path, target, tmp_path)
    assert ("nol", "ab") in content(target)["knowledge_state"]
    target.close()


# --- what is wrong ----------------------------------------------------------------------------------------------------


def spoilt(tmp_path: Path, table: str, lines: list[Any]) -> Path:
    """A whole archive in which one table holds these rows."""
    source = Database(f"sqlite:///{tmp_path / 'sumber.db'}")
    path = archived(source, tmp_path / "utuh.zip").path
    source.close()

    def change(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        rows = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        members[f"tables/{table}.jsonl"] = b"".join(row + b"\n" for row in rows)
        _manifest["members"][f"tables/{table}.jsonl"]["rows"] = len(rows)

    return rewritten(path, tmp_path / "rusak.zip", change)


USAGE = [1, 1.5, "2026-11-22", "chat", "m", 1, 0, 0, False, 1, 1.0, 0, "ok", None, None, None]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("knowledge_state", ["a"]),
        ("knowledge_state", ["a", "b", "c"]),
        ("knowledge_state", {"name": "a", "value": "b"}),
        ("knowledge_state", "ab"),
        ("knowledge_state", ["a", None]),
        ("knowledge_state", ["a", 1]),
        ("knowledge_state", [["a"], "b"]),
        ("knowledge_state", b"[" * 200_000),
        ("knowledge_state", b'["a", "\\ud800"]'),
        ("knowledge_state", b'["a", "\xff"]'),
        ("knowledge_state", b""),
        ("usage", [2**64, *USAGE[1:]]),
        ("usage", [True, *USAGE[1:]]),
        ("usage", [1, "kemarin", *USAGE[2:]]),
        ("usage", b"[" + b"9" * 5_000 + b"]"),
        ("usage", [*USAGE[:8], 1, *USAGE[9:]]),
        ("embeddings", ["k", "m", "bukan base64!", 1]),
        ("indexed_views", ["tidak ada", "m/1", 0, "k"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rows_of_the_wrong_kind_are_refused(tmp_path: Path, other: Database, table: str, line: Any) -> None:
    fill(other, 2)
    before = content(other)
    with pytest.raises(BackupError) as caught:
        restore(spoilt(tmp_path, table, [line]), other, tmp_path)
    assert "rusak" in caught.value.user_text
    assert content(other) == before
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_the_same_key_twice_is_refused(tmp_path: Path, other: Database) -> None:
    with pytest.raises(BackupError):
        restore(spoilt(tmp_path, "knowledge_state", [["a", "1"], ["a", "2"]]), other, tmp_path)


def changed_schema(path: Path, target: Path, change: Any) -> Path:
    def apply(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        shapes = json.loads(members["schema.json"])
        shapes.sort(key=lambda shape: shape["name"] != "knowledge_state")
        change(shapes)
        members["schema.json"] = json.dumps(shapes).encode()

    return rewritten(path, target, apply)


@pytest.mark.parametrize(
    "change",
    [
        lambda shapes: shapes.clear(),
        lambda shapes: shapes.append(shapes[0]),
        lambda shapes: shapes[0].update(name='x"; DROP TABLE usage; --'),
        lambda shapes: shapes[0].update(name="sqlite_master"),
        lambda shapes: shapes[0].update(name="migrations"),
        lambda shapes: shapes[0]["columns"].pop(),
        lambda shapes: shapes[0]["columns"].append(shapes[0]["columns"][0]),
        lambda shapes: shapes[0]["columns"][0].update(kind="blob"),
        lambda shapes: shapes[0]["columns"][0].update(length="dua puluh"),
        lambda shapes: shapes[0].update(
            references=[{"columns": ["name"], "table": "x", "others": ["y"], "cascade": True}]
        ),
        lambda shapes: shapes[0].update(indexes=[{"name": "i", "columns": ["tidak_ada"], "unique": False}]),
        lambda shapes: shapes[0].update(local=True),
    ],
)
def test_a_description_of_other_tables_is_refused(tmp_path: Path, other: Database, change: Any) -> None:
    path = archived(other, tmp_path / "utuh.zip").path
    fill(other, 2)
    before = content(other)
    with pytest.raises(BackupError):
        restore(changed_schema(path, tmp_path / "lain.zip", change), other, tmp_path)
    assert content(other) == before


def test_a_default_of_the_archive_is_never_run_as_sql(tmp_path: Path, other: Database) -> None:
    """It would be a way to run anything inside the database that unpacks it."""
    path = archived(other, tmp_path / "utuh.zip").path

    def change(shapes: Any) -> None:
        shapes[0]["columns"][0]["default"] = "x'); ATTACH DATABASE 'jahat.db' AS jahat; --"

    restore(changed_schema(path, tmp_path / "lain.zip", change), other, tmp_path)
    assert not list(tmp_path.rglob("jahat.db"))


def test_an_archive_needs_room_before_it_is_unpacked(
    tmp_path: Path, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archived(other, tmp_path / "a.zip").path
    monkeypatch.setattr(staging, "SPARE_BYTES", 2**60)
    with pytest.raises(StoreFullError):
        restore(path, other, tmp_path)


def test_leftovers_of_a_killed_restore_are_swept(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}abc").mkdir()
    (tmp_path / f"{PREFIX}abc" / "sipd.db").write_bytes(b"x")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


UNCHANGED = ("knowledge_state", "embeddings", "conversations", "exchanges", "feedback", "escalations", "traces")
"""Tables that are still what the first release made them."""

# --- other releases ---------------------------------------------------------------------------------------------------


def test_an_archive_of_the_first_release_is_migrated(tmp_path: Path, other: Database) -> None:
    old = Database(f"sqlite:///{tmp_path / 'lama.db'}")
    back_to_the_first_release(old)
    with old.write() as connection:
        metadata.create_all(connection, tables=[metadata.tables[name] for name in UNCHANGED])
    seen = MetaData()
    with old.read() as connection:
        seen.reflect(connection, only=lambda name, _: name != "migrations")
        _read_floats_as_floats(seen)
        only = (MIGRATIONS[0].__name__,)
        path = write_archive(
            connection, tmp_path / "a.zip", ORIGIN, lambda _: None, metadata=seen, migrations=only
        ).path
    old._migrate()
    restore(path, other, tmp_path)
    assert content(other) == content(old)
    old.close()


def _read_floats_as_floats(seen: MetaData) -> None:
    for table in seen.tables.values():
        assert isinstance(table, Table)
        for column in table.columns:
            assert isinstance(column, Column)
            if str(column.type) == "FLOAT":
                column.type = Float()


def test_migrations_that_are_not_ours_are_told_apart(tmp_path: Path, other: Database) -> None:
    path = archived(other, tmp_path / "a.zip").path

    def of(names: list[str]) -> str:
        target = rewritten(path, tmp_path / "b.zip", lambda _, manifest: manifest.update(migrations=names))
        with pytest.raises(BackupError) as caught:
            restore(target, other, tmp_path)
        return caught.value.user_text

    ours = [step.__name__ for step in MIGRATIONS]
    assert "versi yang lebih baru" in of([*ours, "m999_later"])
    assert "bukan cadangan" in of(ours[1:])
    assert "bukan cadangan" in of([])


def test_every_table_can_be_described_and_made_again() -> None:
    raw = shapes_as_json(metadata)
    assert shapes_as_json(tables_from_json(raw)) == raw


# --- files beside the database ----------------------------------------------------------------------------------------


def test_the_price_table_comes_back_even_if_the_restore_is_killed_before_it_does(
    tmp_path: Path, other: Database
) -> None:
    path = archived(other, tmp_path / "a.zip", replace(ORIGIN, prices=b"model,x\n")).path
    (tmp_path / "prices.csv").write_bytes(b"nanti")
    restore(path, other, tmp_path)
    assert (tmp_path / "prices.csv").read_bytes() == b"nanti"
    for _ in range(2):
        finish(other, tmp_path)
        assert (tmp_path / "prices.csv").read_bytes() == b"model,x\n"
    restore(archived(other, tmp_path / "b.zip").path, other, tmp_path)
    finish(other, tmp_path)
    assert not (tmp_path / "prices.csv").exists()


def test_a_damaged_file_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "sipd.db"
    database = Database(f"sqlite:///{file}")
    fill(database, 3)
    wanted, path = content(database), archived(database, tmp_path / "a.zip").path
    database.close()
    file.write_bytes(b"garbage" * 1_000)
    file.with_name("sipd.db-wal").write_bytes(b"a log that must not be replayed")
    with staged(path, tmp_path, lambda _: None) as unpacked:
        kept = rebuild_file(unpacked, file, lambda _: None, now=_now())
    assert kept.read_bytes() == b"garbage" * 1_000
    assert kept.with_name(f"{kept.name}-wal").read_bytes().startswith(b"a log")
    again = Database(f"sqlite:///{file}")
    assert content(again) == wanted
    again.close()


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_in_the_transaction_leaves_the_old_base(tmp_path: Path, moment: str) -> None:
    file = tmp_path / "sipd.db"
    database = Database(f"sqlite:///{file}")
    fill(database, 3)
    path = archived(database, tmp_path / "a.zip").path
    with database.write() as connection:
        connection.execute(delete(usage))
    before = content(database)
    database.close()
    script = (
        "import os, signal, sys, pathlib\n"
        "from sipd_core.backup.replacing import replace_content\n"
        "from sipd_core.backup.staging import staged\n"
        "from sipd_core.store.database import Database\n"
        "archive, file, moment = sys.argv[1:]\n"
        "kill = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "steps = {'before': lambda _: None, 'after': lambda _: None} | {moment: kill}\n"
        "with staged(pathlib.Path(archive), pathlib.Path(file).parent, lambda _: None) as unpacked:\n"
        "    replace_content(unpacked, Database(f'sqlite:///{file}'), lambda _: None, **steps)\n"
    )
    command = [sys.executable, "-c", script, str(path), str(file), moment]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -9
    again = Database(f"sqlite:///{file}")
    assert content(again) == before
    assert inspect(again._engine).has_table("usage")
    again.close()


def test_a_database_that_is_damaged_deep_inside_is_said_as_such(tmp_path: Path) -> None:
    """It opens; what is wrong shows when a page of it is read."""
    file = tmp_path / "sipd.db"
    database = Database(f"sqlite:///{file}")
    fill(database, 400)
    database.close()
    raw = bytearray(file.read_bytes())
    raw[20_480:] = os.urandom(len(raw) - 20_480)
    file.write_bytes(raw)
    with pytest.raises(StoreError) as caught:
        broken = Database(f"sqlite:///{file}")
        counts(broken)
        content(broken)
    assert f"{file} rusak" in caught.value.user_text
    assert file.read_bytes() == raw
