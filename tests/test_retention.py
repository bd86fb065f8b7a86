"""How long things are kept: by the settings, by hand, and what backups still hold."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sipd_core.backup.shelf import Entry
from sipd_core.blocking import BlockingEngine
from sipd_core.data_keys import DataKey
from sipd_core.deeds import Source, acting_as
from sipd_core.errors import NotFoundError, TooOftenError
from sipd_core.retention import Archived, Retention, Terms
from sipd_core.settings import Settings
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus
from sipd_core.store.cipher import Cipher
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.schema import exchange_marks
from tests.builders import make_turn

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


def entry(kind: BackupKind, days_ago: int, *, there: bool = True) -> Entry:
    record = BackupRecord("b", "a.zip", "", kind, "", NOW - timedelta(days=days_ago), BackupStatus.DONE)
    return Entry(record, Path("a.zip") if there else None)


def room(database: Database, terms: Terms, archives: tuple[Entry, ...] = ()) -> Retention:
    return Retention(
        database, terms, archives=lambda: archives, keep=7, on_duty=True, forget=lambda _: None, clock=NOW.timestamp
    )


def test_the_dialog_can_say_when_the_last_archive_goes(database: Database) -> None:
    archives = (
        entry(BackupKind.SCHEDULED, 1),
        entry(BackupKind.SCHEDULED, 3),
        entry(BackupKind.MANUAL, 2),
        entry(BackupKind.MANUAL, 2, there=False),
        entry(BackupKind.MANUAL, 90),
    )
    told = room(database, Terms(), archives).archived(NOW - timedelta(days=10))
    assert told == Archived((NOW + timedelta(days=6)).date(), 1)
    assert room(database, Terms(), archives).archived(NOW) == Archived(None, 0)


def test_a_round_deletes_what_the_settings_say_and_nothing_without_them(database: Database) -> None:
    at = [NOW.timestamp() - 40 * 86_400]
    store = ConversationStore(database, clock=lambda: at[0])
    store.add("lama", make_turn("lama", "t1"), "")
    at[0] = NOW.timestamp()
    store.add("baru", make_turn("baru", "t2"), "")
    assert room(database, Terms()).sweep() == (0, 0)
    assert room(database, Terms(41)).sweep() == (0, 0)
    assert room(database, Terms(39, 30)).sweep() == (1, 0)
    with pytest.raises(NotFoundError):
        store.get("lama", 1)
    assert store.get("baru", 1).title == "baru"


def test_the_engine_holds_people_back_and_deletes_for_good(settings: Settings) -> None:
    wanted = settings.model_copy(update={"messages_per_minute": 2, "uploads_per_hour": 1})
    engine = BlockingEngine(wanted, load_samples=False)
    try:
        with acting_as(Source("konsol", "10.0.0.1", "Ayu", "a1")):
            first = engine.ask("sp2d belum cair", "s1")
            engine.ask("login gagal", "s2")
            with pytest.raises(TooOftenError):
                engine.ask("masih gagal", "s2")
            engine.uploads.open("a.csv", b"MENU,ISSUE\nLogin,tidak bisa login sama sekali\n")
            with pytest.raises(TooOftenError):
                engine.uploads.open("b.csv", b"MENU,ISSUE\nLogin,tidak bisa login sama sekali\n")
        assert len(engine.conversation("s2").exchanges) == 1
        with engine._engine._database.read() as connection:
            assert set(connection.execute(select(exchange_marks.c.asker)).scalars()) == {"konsol/a1"}
        engine.retention.erase("s1", "Bu Admin")
        assert [one.id for one in engine.conversations()] == ["s2"]
        with pytest.raises(NotFoundError):
            engine.ask("lanjut", "s1")
        assert first.session_id == "s1"
    finally:
        engine.close()


def test_the_command_rotates_the_key_and_says_so(tmp_path: Path) -> None:
    data, old, new = tmp_path / "data", DataKey.new(), DataKey.new()

    def command(name: str, keys: str) -> tuple[int, dict[str, object], str]:
        environment = os.environ | {"SIPD_DATA_DIR": str(data), "DATA_KEY": keys}
        run = [sys.executable, "-m", "sipd_core", name, "--json"]
        done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    assert command("rotate-key", old.write())[1]["key"] == old.id
    status, told, _ = command("rotate-key", f"{new.write()},{old.write()}")
    assert (status, told["key"], told["retired"]) == (0, new.id, [old.id])
    database = Database(f"sqlite:///{data / 'sipd.db'}", cipher=Cipher([new]))
    ConversationStore(database).add("login gagal", make_turn("s1", "t1"), "{}")
    database.close()
    status, _, said = command("audit", old.write())
    assert status == 1 and new.id in said and "DATA_KEY" in said and len(said.strip().splitlines()) == 1
    assert new.write() not in said and old.write() not in said
    status, told, _ = command("audit", new.write())
    assert [one["kind"] for one in told["entries"]].count("data_key") == 4  # type: ignore[attr-defined]
