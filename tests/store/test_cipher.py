"""Sealed texts: what the database holds says nothing, what is read is what was written, and no key is lost or guessed."""

import os
import re
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from sipd_core.data_keys import DataKey, parse_keys
from sipd_core.errors import DataKeyError, KeyRetiredError, SettingsError
from sipd_core.settings import load_settings
from sipd_core.store.cipher import Cipher, Sealed, hold
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.key_check import enter
from sipd_core.store.key_file import KEY_FILE, KeyFile
from sipd_core.store.schema import data_keys
from tests.builders import make_turn

TEXTS = ("", "a", "SP2D belum cair", "aduan dengan baris\nbaru, emoji 🙏 dan nol \0", "panjang " * 5_000, "\ud800 separuh")
notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", Sealed))


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_is_sealed_opens_to_the_same_text(text: str) -> None:
    cipher = Cipher([DataKey.new()])
    stored = cipher.seal(text)
    assert cipher.open(stored) == text
    assert stored.isascii() and (len(text) < 2 or text not in stored)


def test_sealing_twice_gives_two_texts_and_any_key_of_the_ring_opens() -> None:
    old, new = DataKey.new(), DataKey.new()
    first, both = Cipher([old]), Cipher([new, old])
    assert first.seal("sama") != first.seal("sama")
    assert both.open(first.seal("lama")) == "lama"
    assert both.seal("baru").startswith(f"s1:{new.id}:")


def test_a_changed_text_and_a_foreign_key_are_refused() -> None:
    cipher = Cipher([DataKey.new()])
    stored = cipher.seal("SP2D belum cair")
    middle = len(stored) // 2
    changed = stored[:middle] + ("A" if stored[middle] != "A" else "B") + stored[middle + 1 :]
    for wrong in (changed, "s1:00000000:AAAA", "SP2D belum cair", "s1:tanpa"):
        with pytest.raises(DataKeyError):
            cipher.open(wrong)
    with pytest.raises(DataKeyError):
        Cipher([DataKey.new()]).open(stored)
    with pytest.raises(DataKeyError):
        Cipher().seal("tanpa kunci")


def test_a_sealed_column_cannot_be_compared() -> None:
    with pytest.raises(TypeError):
        notes.c.text == "x"  # noqa: B015
    with pytest.raises(TypeError):
        notes.c.text.icontains("x")
    assert notes.c.text.is_(None) is not None


def test_a_sealed_column_seals_and_opens_by_itself(database: Database) -> None:
    with database.write() as connection:
        notes.create(connection)
        connection.execute(insert(notes), [{"id": 1, "text": "rahasia warga"}, {"id": 2, "text": None}])
        connection.execute(update(notes).where(notes.c.id == 1).values(text="rahasia lain"))
        raw = connection.exec_driver_sql("SELECT text FROM notes WHERE id = 1").scalar_one()
        assert raw.startswith("s1:") and "rahasia" not in raw
        assert list(connection.execute(select(notes.c.text).order_by(notes.c.id)).scalars()) == ["rahasia lain", None]
        notes.drop(connection)


# --- the file of keys ---------------------------------------------------------------------------------------------------


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "data" / KEY_FILE)
    assert file.read() == ()
    (key,) = file.make()
    assert file.make() == (key,) == KeyFile(file.path).read()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    newer = DataKey.new()
    file.put_first(newer)
    assert file.read() == (newer, key)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert os.listdir(file.path.parent) == [KEY_FILE]


def test_processes_that_make_the_key_at_once_agree_on_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sipd_core.store.key_file import KeyFile; sys.stdin.readline();"
        "print(KeyFile(Path(sys.argv[1])).make()[0].id)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / KEY_FILE)]
    started = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=_ROOT) for _ in range(4)]
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    ids = {one.communicate(timeout=60)[0].strip() for one in started}
    assert len(ids) == 1 and re.fullmatch("[0-9a-f]{8}", ids.pop())


_ROOT = Path(__file__).resolve().parents[2]


def test_a_key_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("bukan kunci\n")
    with pytest.raises(DataKeyError) as caught:
        KeyFile(tmp_path / KEY_FILE).make()
    assert KEY_FILE in caught.value.user_text and "bukan kunci" not in caught.value.user_text


# --- the check at the start -----------------------------------------------------------------------------------------------


def say_something(database: Database) -> None:
    """A text is sealed, and the database closed."""
    ConversationStore(database).add("login gagal", make_turn(uuid.uuid4().hex, uuid.uuid4().hex), "{}")
    database.close()


def test_a_database_is_refused_without_the_key_its_texts_are_sealed_with(tmp_path: Path) -> None:
    url, key, other = f"sqlite:///{tmp_path / 'sipd.db'}", DataKey.new(), DataKey.new()
    say_something(Database(url, cipher=Cipher([key])))
    for wrong in (Cipher([other]), Cipher.beside(tmp_path)):
        with pytest.raises(DataKeyError) as caught:
            Database(url, cipher=wrong)
        assert key.id in caught.value.user_text
        assert other.write() not in str(caught.value) + caught.value.user_text
    assert not (tmp_path / KEY_FILE).exists()
    say_something(Database(url, cipher=Cipher([other, key])))
    with pytest.raises(DataKeyError):
        Database(url, cipher=Cipher([key]))


def test_without_data_key_the_key_is_made_beside_the_data_and_data_key_joins_it(tmp_path: Path) -> None:
    url, key = f"sqlite:///{tmp_path / 'sipd.db'}", DataKey.new()
    made = Database(url)
    assert [known.id for known in KeyFile(tmp_path / KEY_FILE).read()] == [made.cipher.sealing.id]
    made.close()
    joined = Database(url, cipher=Cipher.beside(tmp_path, [key]))
    assert joined.cipher.sealing == key
    joined.close()


def test_whoever_seals_under_a_retired_key_is_sent_back_and_follows(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    with database.write() as connection:
        notes.create(connection)
    file, new, old = KeyFile(tmp_path / KEY_FILE), DataKey.new(), database.cipher.sealing
    file.put_first(new)  # as another process does it
    with database.write() as connection:
        enter(connection, new)
        connection.execute(update(data_keys).where(data_keys.c.id == old.id).values(retired_at=1.0))
    with pytest.raises(KeyRetiredError), database.write() as connection:
        connection.execute(insert(notes), {"id": 1, "text": "di bawah kunci lama"})
    database.cipher._sealing = old.id
    database.together(lambda connection: connection.execute(insert(notes), {"id": 2, "text": "lewat sendiri"}))
    with database.read() as connection:
        assert [row.text for row in connection.execute(select(notes))] == ["lewat sendiri"]
        assert connection.exec_driver_sql("SELECT text FROM notes").scalar_one().startswith(f"s1:{new.id}:")
    database.close()


# --- the setting ------------------------------------------------------------------------------------------------------------


def test_data_key_takes_several_keys_and_a_wrong_value_is_named_but_not_shown() -> None:
    old, new = DataKey.new(), DataKey.new()
    standard = new.write().replace("-", "+").replace("_", "/").rstrip("=")
    assert load_settings(_env_file=None, data_key=f"{standard}, {old.write()}").data_keys == (new, old)
    assert load_settings(_env_file=None).data_keys == () == parse_keys(" ")
    for wrong in ("rahasia-saya", new.write()[:-8], f"{new.write()},x", ","):
        with pytest.raises(SettingsError) as caught:
            load_settings(_env_file=None, data_key=wrong)
        assert "DATA_KEY" in caught.value.user_text and wrong not in caught.value.user_text.replace(", ", "")
    assert new.write() not in repr(new)


def test_a_database_without_a_cipher_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}", cipher=Cipher())
    hold(database._engine.dialect, Cipher())
    with database.write() as connection:
        notes.create(connection)
    with pytest.raises(DataKeyError), database._engine.begin() as raw:
        database.cipher.seal("x")
        raw.execute(insert(notes), {"id": 1, "text": "x"})
    database.close()
