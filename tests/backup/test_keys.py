"""Keys of archives: one that is made without DATA_KEY restores anywhere; one whose key is gone, without those texts alone."""

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from sipd_core.backup.archive import KEYS, QUESTIONS, ArchiveReader
from sipd_core.backup.progress import StepName
from sipd_core.backup.questions import Answers, Expectation
from sipd_core.backup.replacing import replace_content
from sipd_core.backup.staging import staged
from sipd_core.backup.unsealing import CONTENT, look
from sipd_core.data_keys import DataKey
from sipd_core.errors import BackupError, NotFoundError
from sipd_core.learning.model import Draft
from sipd_core.periods import Period
from sipd_core.store.audit import AuditLog
from sipd_core.store.backups import content_state
from sipd_core.store.cipher import Cipher
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.gaps import GapStore
from sipd_core.store.gold import GoldStore
from sipd_core.store.key_file import KEY_FILE, KeyFile
from sipd_core.store.outcomes import OutcomeStore
from sipd_core.store.resealing import used_keys
from sipd_core.store.rotation import Rotation
from sipd_core.store.schema import approved_answers, conversation_words, data_keys, gap_questions, metadata
from sipd_core.store.tickets import TicketStore
from sipd_core.store.unopenable import Left
from sipd_core.tickets import OPEN, TicketFilter
from sipd_core.usage import jakarta_day
from tests.backup.filling import ORIGIN, archived, content, fill, rewritten
from tests.builders import make_turn
from tests.store.test_approved_answers import Desk
from tests.store.test_gaps import ADMIN, Loop
from tests.store.test_sealing import ANSWER, talk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """An installation on another computer, with the key file beside its data."""
    made = Database(f"sqlite:///{tmp_path / 'asal' / 'sipd.db'}")
    yield made
    made.close()


def restore(path: Path, live: Database, folder: Path, *, without_texts: bool = False) -> Left:
    folder.mkdir(exist_ok=True)
    with staged(path, folder, lambda _: None, live.cipher, without_texts=without_texts) as unpacked:
        replace_content(unpacked, live, lambda _: None, before=lambda _: None, after=lambda _: None)
        return unpacked.unsealed.left


def said(database: Database) -> Any:
    """What people wrote, as pages read it."""
    tickets = TicketStore(database)
    gold = GoldStore(database)
    return ConversationStore(database).get("s1", 10), tickets.events(1), gold.page(gold.sets()[0].id)


def keys_used(database: Database) -> set[str]:
    with database.read() as connection:
        marks = connection.execute(select(conversation_words.c.key_id)).scalars()
        return set(used_keys(connection, CONTENT)) | set(marks)


def unpacked_bytes(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return path.read_bytes() + b"".join(archive.read(name) for name in archive.namelist())


def shapes_of(key: DataKey) -> list[bytes]:
    """Every way in which a key might be written down."""
    encoded = base64.b64encode(key.secret), base64.urlsafe_b64encode(key.secret), key.secret.hex().encode()
    return [key.secret, key.derived("texts"), key.derived("words"), *(one.rstrip(b"=") for one in encoded)]


# --- a key file ---------------------------------------------------------------------------------------------------------


def test_an_archive_without_data_key_restores_where_no_key_was_ever_set(
    source: Database, database: Database, tmp_path: Path
) -> None:
    talk(source)
    told = said(source)
    path = archived(source, tmp_path / "a.zip").path
    source.close()
    (tmp_path / "asal" / KEY_FILE).unlink()
    ConversationStore(database).add("yang sudah ada di sini", make_turn("lain", "lt1"), "")
    with ArchiveReader(path) as reader:
        assert look(reader, Cipher()).brought and look(reader, Cipher()).missing == ()
    assert restore(path, database, tmp_path / "bongkar") == Left()
    assert said(database) == told
    assert keys_used(database) == {database.cipher.sealing.id}, "the archive's key is needed nowhere any more"
    with database.read() as connection:
        assert set(connection.execute(select(data_keys.c.id)).scalars()) == {database.cipher.sealing.id}
    conversations = ConversationStore(database)
    assert [one.id for one in conversations.list("kwitansi suka", 10)] == ["s1"]
    assert TicketStore(database).page(TicketFilter(search="besok"), 0, 5).total == 1
    again = archived(database, tmp_path / "b.zip").path
    assert source.cipher.keys[0].write().encode() not in unpacked_bytes(again)


def test_every_sealed_column_comes_under_the_key_of_here(source: Database, database: Database, tmp_path: Path) -> None:
    fill(source, 5)
    without_marks(source)
    wanted = opened(source)
    path = archived(source, tmp_path / "a.zip").path
    restore(path, database, tmp_path / "bongkar")
    assert opened(database) == wanted
    assert keys_used(database) == {database.cipher.sealing.id}


def without_marks(database: Database) -> None:
    """The filling's marks are of no part of a conversation."""
    with database.write() as connection:
        connection.execute(conversation_words.delete())


def opened(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row with its texts in plain words."""
    told = content(database)
    for place in CONTENT:
        table = metadata.tables[place.table]
        with database.read() as connection:
            told[place.table] = [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
    return told


def test_only_the_owner_reads_a_file_with_keys(source: Database, tmp_path: Path) -> None:
    talk(source)
    path = archived(source, tmp_path / "a.zip").path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_archive_in_which_nothing_is_sealed_brings_no_key(source: Database, tmp_path: Path) -> None:
    with ArchiveReader(archived(source, tmp_path / "a.zip").path) as reader:
        assert not reader.has(KEYS) and reader.manifest.keys == ()


def test_a_text_that_was_changed_is_no_text(source: Database, database: Database, tmp_path: Path) -> None:
    talk(source)
    before = content(database)

    def spoil(members: dict[str, bytes], _manifest: object) -> None:
        rows = [json.loads(line) for line in members["tables/conversations.jsonl"].splitlines()]
        rows[0][1] = rows[0][1][:-8] + "AAAAAAA="
        members["tables/conversations.jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    path = rewritten(archived(source, tmp_path / "a.zip").path, tmp_path / "b.zip", spoil)
    with pytest.raises(BackupError) as caught:
        restore(path, database, tmp_path / "bongkar", without_texts=True)
    assert "rusak" in caught.value.user_text and content(database) == before


@pytest.mark.parametrize("keys", [b"bukan kunci", b"\xff", b"AAAA\n", b"s1:" * 4_000])
def test_keys_that_are_none_are_refused_and_not_repeated(
    source: Database, database: Database, tmp_path: Path, keys: bytes
) -> None:
    talk(source)
    path = archived(source, tmp_path / "a.zip").path
    spoilt = rewritten(path, tmp_path / "b.zip", lambda members, _: members.update({KEYS: keys}))
    with pytest.raises(BackupError) as caught:
        restore(spoilt, database, tmp_path / "bongkar")
    assert keys.decode(errors="replace") not in f"{caught.value} {caught.value.user_text}"


# --- DATA_KEY -----------------------------------------------------------------------------------------------------------


def with_data_key(folder: Path, *keys: DataKey) -> Database:
    return Database(f"sqlite:///{folder / 'sipd.db'}", cipher=Cipher.beside(folder, keys))


def test_a_key_of_the_settings_is_in_no_archive(tmp_path: Path) -> None:
    key = DataKey.new()
    database = with_data_key(tmp_path / "asal", key)
    talk(database)
    with database.read() as connection:
        state = content_state(connection, None)
    expectation = Expectation(None, state, Answers("{}", ()))
    path = archived(database, tmp_path / "a.zip", replace(ORIGIN, expectation=expectation)).path
    raw = unpacked_bytes(path)
    assert key.id.encode() in raw, "the search itself finds what is there"
    assert not [shape for shape in shapes_of(key) if shape in raw]
    with ArchiveReader(path) as reader:
        assert not reader.has(KEYS) and reader.has(QUESTIONS)
    database.close()
    here = with_data_key(tmp_path / "baru", key)
    restore(path, here, tmp_path / "baru")
    assert said(here)[0].exchanges[0].turn.response == ANSWER
    here.close()


def test_of_two_keys_the_one_of_the_file_goes_along_as_long_as_it_is_used(tmp_path: Path) -> None:
    old = with_data_key(tmp_path / "asal")
    talk(old)
    of_file = old.cipher.sealing
    old.close()
    given = DataKey.new()
    database = with_data_key(tmp_path / "asal", given)
    ConversationStore(database).add("setelah DATA_KEY", make_turn("s2", "t2"), "")
    path = archived(database, tmp_path / "a.zip").path
    raw = unpacked_bytes(path)
    assert of_file.write().encode() in raw and not [shape for shape in shapes_of(given) if shape in raw]
    with ArchiveReader(path) as reader:
        assert look(reader, Cipher()).missing == (given.id,)
    Rotation(database).run(lambda *_: None)
    later = unpacked_bytes(archived(database, tmp_path / "b.zip").path)
    assert not [shape for shape in (*shapes_of(of_file), *shapes_of(given)) if shape in later]
    database.close()


def test_a_key_that_stands_in_both_places_stays_out(tmp_path: Path) -> None:
    """Somebody has written the key file's key into DATA_KEY."""
    made = with_data_key(tmp_path / "asal")
    talk(made)
    key = made.cipher.sealing
    made.close()
    database = with_data_key(tmp_path / "asal", key)
    assert KeyFile(tmp_path / "asal" / KEY_FILE).read() == (key,)
    raw = unpacked_bytes(archived(database, tmp_path / "a.zip").path)
    assert not [shape for shape in shapes_of(key) if shape in raw]
    database.close()


# --- a key that is gone -------------------------------------------------------------------------------------------------


def everything(database: Database) -> None:
    """A conversation with all that hangs on it, an approved answer, gaps."""
    talk(database)
    Desk(database).approve()
    loop = Loop(database)
    gap_id = loop.gap("bagaimana mencetak DPA", "cetak DPA di mana")
    loop.store.save_draft(gap_id, Draft("DPA", "mencetak DPA", "langkah rahasia"), actor=ADMIN)
    ignored = loop.gap("resep rendang")
    loop.store.ignore(ignored, "bukan urusan kita", actor=ADMIN)


def outcomes(database: Database) -> list[Any]:
    today = jakarta_day(datetime.now(UTC))
    found = OutcomeStore(database).of(Period(today - timedelta(days=1), today), timedelta(days=1))
    return sorted((one.id, one.outcome, one.reasons, one.unhelpful) for one in found)


def rows_of(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[tuple[Path, DataKey, list[Any]]]:
    """An archive whose DATA_KEY nobody has any more, and the outcomes in it."""
    key = DataKey.new()
    database = with_data_key(tmp_path / "asal", key)
    everything(database)
    figures = outcomes(database)
    path = archived(database, tmp_path / "hilang.zip").path
    database.close()
    yield path, key, figures


def test_an_archive_whose_key_is_gone_is_refused_unless_its_texts_may_go(
    lost: tuple[Path, DataKey, list[Any]], database: Database, tmp_path: Path
) -> None:
    path, key, figures = lost
    before = content(database)
    with pytest.raises(BackupError) as caught:
        restore(path, database, tmp_path / "bongkar")
    assert key.id in caught.value.user_text and "tidak ada yang diubah" in caught.value.user_text
    assert "--without-texts" in caught.value.user_text and "DATA_KEY" in caught.value.user_text
    assert content(database) == before
    left = restore(path, database, tmp_path / "bongkar", without_texts=True)
    with ArchiveReader(path) as reader:
        rows = reader.manifest.rows
    assert left.texts > 20
    assert (left.conversations, left.open_tickets, left.gold_questions, left.approved) == (rows["conversations"], 1, 1, 1)
    assert outcomes(database) == figures
    assert keys_used(database) <= {database.cipher.sealing.id}
    kept = [name for name in rows if name not in ("approved_answers", "approved_cases", "gap_questions", "gold_questions")]
    kept = [name for name in kept if name not in ("conversation_words", "knowledge_state")]
    assert {name: rows_of(database, metadata.tables[name]) for name in kept} == {name: rows[name] for name in kept}
    assert [rows_of(database, one) for one in (approved_answers, gap_questions, conversation_words)] == [0, 0, 0]


def test_what_is_left_can_be_worked_with(lost: tuple[Path, DataKey, list[Any]], database: Database, tmp_path: Path) -> None:
    restore(lost[0], database, tmp_path / "bongkar", without_texts=True)
    conversations, gaps = ConversationStore(database), GapStore(database)
    assert conversations.list("", 10) == () and conversations.list("kwitansi", 10) == ()
    with pytest.raises(NotFoundError):
        conversations.get("s1", 5)
    assert set(OutcomeStore(database).titles(["s1", "s2"]).values()) == {"(percakapan dihapus)"}
    ticket = TicketStore(database).page(TicketFilter(), 0, 5).tickets[0]
    assert ticket.erased_at is not None and ticket.status in OPEN
    for gap_id in (1, 2):
        detail = gaps.detail(gap_id)
        assert (detail.gap.draft, detail.gap.note, detail.questions) == (None, "", ())
    ConversationStore(database).add("kwitansi baru", make_turn("s9", "s9t1"), "")
    assert [one.id for one in ConversationStore(database).list("kwitansi", 10)] == ["s9"]


def test_whatever_can_be_opened_stays(tmp_path: Path, database: Database) -> None:
    """The key file's texts open, those of the lost DATA_KEY do not."""
    old = with_data_key(tmp_path / "asal")
    talk(old)
    told = said(old)
    old.close()
    mixed = with_data_key(tmp_path / "asal", DataKey.new())
    ConversationStore(mixed).add("setelah DATA_KEY", make_turn("s2", "t2"), "")
    path = archived(mixed, tmp_path / "a.zip").path
    mixed.close()
    left = restore(path, database, tmp_path / "bongkar", without_texts=True)
    assert (left.conversations, left.open_tickets) == (1, 0)
    assert said(database) == told
    assert [one.id for one in ConversationStore(database).list("", 10)] == ["s1"]


def test_no_text_of_any_table_is_left_that_cannot_be_opened(database: Database, tmp_path: Path) -> None:
    source = with_data_key(tmp_path / "asal", DataKey.new())
    fill(source, 7)
    without_marks(source)
    path = archived(source, tmp_path / "a.zip").path
    source.close()
    restore(path, database, tmp_path / "bongkar", without_texts=True)
    assert keys_used(database) <= {database.cipher.sealing.id}
    opened(database)


def test_test_questions_alone_never_refuse_an_archive(database: Database, tmp_path: Path) -> None:
    source = with_data_key(tmp_path / "asal", DataKey.new())
    with source.read() as connection:
        state = content_state(connection, None)
    origin = replace(ORIGIN, expectation=Expectation(None, state, Answers("{}", ())))
    path = archived(source, tmp_path / "a.zip", origin).path
    older = rewritten(
        path, tmp_path / "b.zip", lambda _, told: told.update(format=1, keys=[source.cipher.sealing.id])
    )
    for one in (path, older):
        with staged(one, tmp_path, lambda _: None, database.cipher) as unpacked:
            assert unpacked.said is None and unpacked.unasked
        restore(one, database, tmp_path / "bongkar")
    source.close()


def test_an_archive_of_the_release_before_still_asks_for_its_key_file(
    source: Database, database: Database, tmp_path: Path
) -> None:
    """It has no keys in it."""
    talk(source)
    told = said(source)

    def as_before(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        members.pop(KEYS)
        manifest["members"].pop(KEYS)
        manifest["format"] = 1

    path = rewritten(archived(source, tmp_path / "a.zip").path, tmp_path / "b.zip", as_before)
    with pytest.raises(BackupError):
        restore(path, database, tmp_path / "bongkar")
    with_key = Cipher((*database.cipher.keys, *source.cipher.keys))
    folder = tmp_path / "bongkar"
    with staged(path, folder, lambda _: None, with_key) as unpacked:
        replace_content(unpacked, database, lambda _: None, before=lambda _: None, after=lambda _: None)
    assert said(database) == told
    assert keys_used(database) == {database.cipher.sealing.id}


# --- killed -------------------------------------------------------------------------------------------------------------

VICTIM = """
import os, pathlib, signal, sys
from sipd_core.backup import replacing, staging
from sipd_core.backup.progress import StepName
from sipd_core.store.database import Database

archive, folder, moment = sys.argv[1:]
folder = pathlib.Path(folder)

def step(now):
    if now.name == moment and now.done:
        os.kill(os.getpid(), signal.SIGKILL)

database = Database(f"sqlite:///{folder / 'sipd.db'}")
with staging.staged(pathlib.Path(archive), folder, step) as unpacked:
    nothing = lambda _: None
    replacing.replace_content(unpacked, database, step, before=nothing, after=nothing)
    step(type("Done", (), {"name": "committed", "done": 1}))
"""


@pytest.mark.parametrize("moment", [StepName.SEALING, StepName.REPLACING, "committed"])
def test_killed_at_any_moment_the_old_base_or_the_new_one_is_there(source: Database, tmp_path: Path, moment: str) -> None:
    talk(source)
    told = said(source)
    path = archived(source, tmp_path / "a.zip").path
    here = Database(f"sqlite:///{tmp_path / 'baru' / 'sipd.db'}")
    ConversationStore(here).add("yang sudah ada", make_turn(), "")
    here.close()
    command = [sys.executable, "-c", VICTIM, str(path), str(tmp_path / "baru"), moment]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    key = source.cipher.sealing
    leftovers = b"".join(one.read_bytes() for one in (tmp_path / "baru").rglob("*") if one.is_file())
    assert not [shape for shape in shapes_of(key) if shape in leftovers], "the archive's key is nowhere on the disk"
    again = Database(f"sqlite:///{tmp_path / 'baru' / 'sipd.db'}")
    if moment == "committed":
        assert said(again) == told
    else:
        assert ConversationStore(again).get("s1", 1).title == "yang sudah ada"
    restore(path, again, tmp_path / "baru")
    assert said(again) == told
    again.close()


# --- through the command line ---------------------------------------------------------------------------------------------


class Computer:
    """A folder on which commands run in processes of their own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data = folder / "data"
        self._environment = os.environ | {"SIPD_DATA_DIR": str(self.data), "PYTHONPATH": str(ROOT)} | environment
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sipd_core", *arguments, "--json"]
        variables = self._environment | environment
        return subprocess.run(command, cwd=self._folder, env=variables, capture_output=True, text=True, check=False)

    def told(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


LOG = "MENU,ISSUE,EXPECTED\nLogin,akun terkunci karena salah sandi,Admin menekan Buka Blokir di menu Pengguna\n"


def used_computer(folder: Path, **environment: str) -> Computer:
    """One with a row and a conversation."""
    made = Computer(folder, **environment)
    (folder / "aduan.csv").write_text(LOG, encoding="utf-8")
    made.told("index", str(folder / "aduan.csv"))
    made.told("ask", "akun saya terkunci", "--session", "s1")
    return made


def test_a_backup_of_one_computer_is_restored_on_another_with_nothing_else(tmp_path: Path) -> None:
    first, path = used_computer(tmp_path / "satu"), tmp_path / "a.zip"
    made = first.told("backup", str(path))
    assert made["brings_keys"] is True
    key = KeyFile(first.data / KEY_FILE).read()[0]
    first.data.rename(tmp_path / "disk-mati")
    second = Computer(tmp_path / "dua")
    tried = second.told("restore", str(path), "--test")
    assert tried["passed"] is True and tried["questions"] > 0 and tried["left"]["texts"] == 0
    done = second.run("restore", str(path))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["own_keys"] is True
    assert key.write() not in done.stdout + done.stderr
    database = Database(f"sqlite:///{second.data / 'sipd.db'}")
    assert ConversationStore(database).get("s1", 5).title == "akun saya terkunci"
    entry = next(one for one in AuditLog(database).page().entries if one.kind == "restore")
    assert entry.details["archive_keys"] is True and key.write() not in str(entry)
    database.close()
    assert second.told("ask", "akun saya terkunci", "--session", "s1")["verdict"] == "found"


def test_with_data_key_the_archive_wants_it_and_without_it_only_texts_stay_behind(tmp_path: Path) -> None:
    key = DataKey.new()
    first, path = used_computer(tmp_path / "satu", DATA_KEY=key.write()), tmp_path / "a.zip"
    assert first.told("backup", str(path))["brings_keys"] is False
    assert not [shape for shape in shapes_of(key) if shape in unpacked_bytes(path)]
    with_key, without = Computer(tmp_path / "dua", DATA_KEY=key.write()), Computer(tmp_path / "tiga")
    assert with_key.told("restore", str(path))["left"]["texts"] == 0
    database = with_data_key(with_key.data, key)
    assert ConversationStore(database).get("s1", 5).title == "akun saya terkunci"
    database.close()
    refused = without.run("restore", str(path))
    assert refused.returncode != 0 and "--without-texts" in refused.stderr and key.id in refused.stderr
    assert without.run("restore", str(path), "--test").returncode != 0
    tried = without.told("restore", str(path), "--test", "--without-texts")
    assert tried["passed"] is True and tried["unasked"] is True and tried["left"]["conversations"] == 1
    told = without.told("restore", str(path), "--without-texts")
    assert told["left"]["conversations"] == 1 and told["own_keys"] is False
    assert without.told("search", "akun terkunci")["hits"]
    database = Database(f"sqlite:///{without.data / 'sipd.db'}")
    assert ConversationStore(database).list("", 5) == ()
    entry = next(one for one in AuditLog(database).page().entries if one.kind == "restore")
    assert (entry.details["conversations_left"], entry.details["texts_left"] > 3) == (1, True)
    database.close()
