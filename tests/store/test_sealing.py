"""A stolen database says nothing of a conversation, whatever made it: texts are sealed, also those of earlier releases."""

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Text, inspect, literal, select, update

from sipd_core.chat.turn import Escalation, EscalationReason, Feedback
from sipd_core.data_keys import DataKey
from sipd_core.errors import DataKeyError
from sipd_core.store import schema, upgrading
from sipd_core.store.cipher import Cipher, Sealed, as_stored, sealed_columns
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import _WIPED, Database, _migrations
from sipd_core.store.gold import GoldStore
from sipd_core.store.key_file import KEY_FILE
from sipd_core.store.rotation import Rotation
from sipd_core.store.schema import conversation_words, conversations, data_keys, exchanges
from sipd_core.store.sealing import m020_sealed
from sipd_core.store.tickets import TicketStore
from sipd_core.tickets import TicketFilter
from tests.builders import make_turn

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("bendahara Sukamaju", "kwitansi hilang", "mohon ditelepon besok", "jawabannya keliru", "sudah ditelepon bendahara")
ANSWER = "Buka menu Pengesahan lalu unggah kwitansi hilang."

PLAIN = {
    "knowledge_state": "figures of the base",
    "imports": "files of the knowledge base",
    "cases": "the knowledge base itself: published rows",
    "changes": "who changed rows, with a note of the admin",
    "case_versions": "published rows as they were",
    "menu_names": "names of menus",
    "origins": "where and when a row was reported: masked cells of files",
    "rejected_headings": "headers of uploaded files",
    "rejected_rows": "masked rows of uploaded files, as the base's",
    "column_mappings": "headers of uploaded files",
    "escalations": "ids and codes of reasons beside the texts",
    "tickets": "ids, codes, a menu of the base, who takes care of it",
    "ticket_events": "codes and names of colleagues beside the note",
    "traces": "figures and codes",
    "usage": "figures, models, names of errors",
    "backups": "files and figures",
    "gold_sets": "names of sets",
    "gold_questions": "ids of cases and a style beside the question",
    "gold_runs": "figures",
    "gold_answers": "figures and published rows beside the question",
    "retrieval_changes": "figures",
    "price_entries": "figures and notes about money",
    "rate_entries": "figures and notes about money",
    "invoice_entries": "figures and notes about money",
    "repricings": "figures and notes about money",
    "api_keys": "names and hashes of keys of programs",
    "data_keys": "ids of keys and a word they sealed",
    "assumption_changes": "figures and notes about money",
    "alert_rules": "figures",
    "alert_states": "figures and codes",
    "alert_events": "figures and notes about alerts",
    "alert_sightings": "figures",
    "alert_outbox": "codes beside the message",
    "gaps": "a menu of the base beside the draft and the note",
    "gap_events": "ids of turns beside the note and what an undo brings back",
    "audit_entries": "who did what, never what a conversation says",
}
"""Why the text columns of a table that are not sealed may be plain. A new table says it here."""


def talk(database: Database, session: str = "s1") -> None:
    """A conversation with everything that people can write about one."""
    conversations, desk = ConversationStore(database), TicketStore(database)
    given = Escalation((EscalationReason.MONEY_AT_RISK,), "Ada uang yang berisiko di kwitansi hilang.")
    turn = make_turn(session, f"{session}t1", response=ANSWER, should_escalate=True, escalation=given)
    conversations.add("bendahara Sukamaju kehilangan kwitansi", turn, '{"problem": "kwitansi hilang"}')
    conversations.set_feedback(f"{session}t1", Feedback(False, "jawabannya keliru"))
    by_hand = Escalation((EscalationReason.BY_OPERATOR,), "Diminta operator")
    conversations.escalate(session, f"{session}t1", by_hand, "mohon ditelepon besok")
    ticket = desk.page(TicketFilter(), 0, 10).tickets[0]
    desk.note(ticket.id, "sudah ditelepon bendahara", actor="Operator")
    gold = GoldStore(database)
    gold.add_question(gold.create("uji", actor="x").id, "di mana kwitansi hilang dicari", [], turn_id=f"{session}t1")


def stolen(database: Database, folder: Path) -> bytes:
    """All that somebody gets who takes the files, or everything that PostgreSQL gives out."""
    if database.is_sqlite:
        return b"".join(file.read_bytes() for file in folder.iterdir() if file.name.startswith("sipd.db"))
    with database.read() as connection:
        tables = inspect(connection).get_table_names()
        return b"\n".join(
            "\n".join(map(str, connection.exec_driver_sql(f'SELECT t::text FROM "{name}" t').scalars())).encode()
            for name in tables
        )


def test_every_text_column_is_sealed_or_says_why_it_is_not() -> None:
    for table in schema.metadata.sorted_tables:
        plain = [c.name for c in table.columns if isinstance(c.type, Text) and not isinstance(c.type, Sealed)]
        assert not plain or table.name in PLAIN, f"{table.name}: seal {plain}, or say here why they are plain"


def test_the_files_show_nothing_of_a_conversation(database: Database, tmp_path: Path) -> None:
    talk(database)
    raw = stolen(database, tmp_path)
    assert b"money_at_risk" in raw, "the search itself finds what is there"
    for secret in (*SECRETS, "kwitansi", "Sukamaju", "ditelepon"):
        assert secret.encode() not in raw, secret
    assert database.cipher.sealing.write().encode() not in raw
    assert database.cipher.sealing.secret not in raw


def test_a_copy_without_the_key_opens_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    talk(database)
    database.close()
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(DataKeyError):
        Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    assert not (tmp_path / KEY_FILE).exists(), "no new key may hide that the old one is missing"


def another(database: Database, *keys: DataKey) -> Database:
    """The same database as another process opens it."""
    return Database(database._engine.url.render_as_string(hide_password=False), cipher=Cipher(keys))


def test_a_key_that_was_only_tried_out_locks_nobody_out(database: Database) -> None:
    talk(database)
    ours, tried = database.cipher.sealing, DataKey.new()
    another(database, tried, ours).close()
    back = another(database, ours)
    assert ConversationStore(back).list("kwitansi", 10) and back.cipher.sealing == ours
    with back.read() as connection:
        assert list(connection.execute(select(data_keys.c.id)).scalars()) == [ours.id]
    back.close()


def test_a_key_that_sealed_a_single_text_is_needed(database: Database) -> None:
    ours, newer = database.cipher.sealing, DataKey.new()
    talk(database)
    both = another(database, newer, ours)
    with both.write() as connection:
        connection.execute(update(conversations).values(title=literal("kwitansi", Sealed)))
    both.close()
    with pytest.raises(DataKeyError, match=newer.id):
        another(database, ours)


# --- searching --------------------------------------------------------------------------------------------------------


def test_sealed_conversations_and_tickets_are_found_by_their_words(database: Database) -> None:
    talk(database)
    conversations, desk = ConversationStore(database), TicketStore(database)
    for words in ("Kwitansi", "suka", "bend kwit", "PENGESAHAN", "(kwitansi)", "  "):
        assert [one.id for one in conversations.list(words, 10)] == ["s1"], words
    for words in ("witansi", "kwitansi xyz", "sukamajumundur", "besok"):
        assert conversations.list(words, 10) == (), words
    for words in ("besok", "ditelep bend", "kwitansi besok"):
        assert desk.page(TicketFilter(search=words), 0, 10).total == 1, words
    assert desk.page(TicketFilter(search="lusa"), 0, 10).total == 0


def test_codes_and_numbers_are_found_as_they_stand_and_in_parts(database: Database) -> None:
    store = ConversationStore(database)
    store.add("akun 5.1.02.01.01.0024 dan 35.74/04.0/000123/LS", make_turn("a", "t1"), "")
    for words in ("5.1.02", "5.1.02.01.01.0024", "000123", "35.74/04.0/000123/LS", "ls"):
        assert [one.id for one in store.list(words, 10)] == ["a"], words
    assert store.list("5.1.03", 10) == ()


# --- from the release before --------------------------------------------------------------------------------------------


def back_before_sealing(database: Database) -> None:
    """The same rows as the release before stored them, with plain leftovers in the pages it freed."""
    with database.write() as connection:
        for table in schema.metadata.sorted_tables:
            for name in sealed_columns(table):
                raw, key = as_stored(table), list(table.primary_key.columns)
                for row in connection.execute(select(*key, table.c[name])).all():
                    at = [raw.c[one.name] == row._mapping[one.name] for one in key]
                    connection.execute(raw.update().where(*at).values({name: row._mapping[name]}))
        conversation_words.drop(connection)
        connection.execute(_migrations.delete().where(_migrations.c.name.in_([m020_sealed.__name__, _WIPED])))
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE leftover (x TEXT)")
        connection.exec_driver_sql(f"INSERT INTO leftover VALUES ('{'bendahara Sukamaju ' * 500}')")
    if database.is_sqlite:
        with database._engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA secure_delete=OFF")
            connection.connection.cursor().execute("DROP TABLE leftover")
    else:
        with database.write() as connection:
            connection.exec_driver_sql("DROP TABLE leftover")


def test_a_database_of_the_release_before_is_sealed_in_place(database: Database, tmp_path: Path) -> None:
    talk(database)
    before = ConversationStore(database).get("s1", 10), TicketStore(database).events(1)
    back_before_sealing(database)
    assert b"bendahara Sukamaju" in stolen(database, tmp_path)
    database._migrate()
    raw = stolen(database, tmp_path)
    assert not [secret for secret in SECRETS if secret.encode() in raw]
    assert (ConversationStore(database).get("s1", 10), TicketStore(database).events(1)) == before
    assert [one.id for one in ConversationStore(database).list("kwitansi suka", 10)] == ["s1"]
    assert TicketStore(database).page(TicketFilter(search="besok"), 0, 10).total == 1
    GoldStore(database).page(GoldStore(database).sets()[0].id, "KWITANSI").questions[0]


def test_sealing_that_is_killed_begins_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    database = Database(url)
    talk(database)
    back_before_sealing(database)
    database.close()
    code = (
        "import os, signal, sys\nfrom sipd_core.store import sealing\nfrom sipd_core.store.database import Database\n"
        "sealing.rebuild = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\nDatabase(sys.argv[1])"
    )
    assert subprocess.run([sys.executable, "-c", code, url], cwd=ROOT).returncode == -signal.SIGKILL
    again = Database(url)
    assert ConversationStore(again).get("s1", 10).exchanges[0].turn.response == ANSWER
    assert [one.id for one in ConversationStore(again).list("sukamaju", 10)] == ["s1"]
    again.close()


def test_sealing_says_how_far_it_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    talk(database)
    ConversationStore(database).add("yang lain", make_turn("lain", "lt1"), "")
    back_before_sealing(database)
    monkeypatch.setattr(upgrading, "EVERY_SECONDS", 0.0)
    seen: list[upgrading.Upgrade | None] = []
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(upgrading.under_way())
            lines.append(record.getMessage())

    ear = Ear()
    upgrading.log.addHandler(ear)
    try:
        database._migrate()
    finally:
        upgrading.log.removeHandler(ear)
    done = [one.done for one in seen if one]
    assert len(done) > 5 and done == sorted(done) and (seen[0], seen[-1]) == (
        upgrading.Upgrade(0, done[-1]),
        upgrading.Upgrade(done[-1], done[-1]),
    )
    assert lines[-1].startswith(f"sealing stored texts: {done[-1]} of {done[-1]}") and upgrading.under_way() is None
    assert not [secret for secret in SECRETS if secret in "".join(lines)]


# --- another key --------------------------------------------------------------------------------------------------------


def keys_in_use(database: Database) -> set[str]:
    with database.read() as connection:
        texts = connection.execute(select(as_stored(exchanges).c.turn)).scalars()
        marks = connection.execute(select(conversation_words.c.key_id)).scalars()
        return {stored[3:11] for stored in texts} | set(marks)


def test_rotation_puts_everything_under_the_new_key_and_the_old_one_can_go(tmp_path: Path, database: Database) -> None:
    talk(database)
    old, new = database.cipher.keys[0], DataKey.new()
    database.cipher._given = (new, old)
    database.cipher.reload()
    steps: list[tuple[int, int]] = []
    rotated = Rotation(database).run(lambda done, total: steps.append((done, total)), actor="Bu Admin")
    assert (rotated.key, rotated.retired) == (new.id, (old.id,)) and rotated.texts >= 8
    assert steps[-1][0] == steps[-1][1] > 0
    assert keys_in_use(database) == {new.id}
    with database.read() as connection:
        assert list(connection.execute(select(data_keys.c.id)).scalars()) == [new.id]
    database.cipher._given, database.cipher.file = (new,), None
    database.cipher.reload()
    database._migrate()
    assert ConversationStore(database).get("s1", 10).exchanges[0].message.startswith("bendahara")
    assert [one.id for one in ConversationStore(database).list("kwitansi", 10)] == ["s1"]
    assert Rotation(database).run(lambda *_: None).texts == 0


def test_rotation_beside_a_console_that_writes_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    console = Database(url)
    store = ConversationStore(console)
    for n in range(30):
        store.add(f"aduan {n}", make_turn(f"s{n}", f"t{n}"), "")
    code = (
        "import sys\nfrom sipd_core.store.database import Database\nfrom sipd_core.store.rotation import Rotation\n"
        "print(Rotation(Database(sys.argv[1])).run(lambda *_: None).key)"
    )
    rotating = subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdout=-1, text=True)
    written = 30
    while rotating.poll() is None:
        store.add(f"aduan {written}", make_turn(f"s{written}", f"t{written}"), "")
        written += 1
        time.sleep(0.02)
    assert rotating.stdout is not None
    new = rotating.stdout.read().strip()
    store.add("aduan sesudahnya", make_turn("akhir", "takhir"), "")
    assert keys_in_use(console) == {new}
    assert all(store.get(f"s{n}", 1).exchanges[0].message == f"aduan {n}" for n in range(written))
    assert len(store.list("aduan", 1_000_000)) == written + 1
    console.close()


def test_rotation_that_is_killed_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    database = Database(url)
    for n in range(5):
        talk(database, f"s{n}")
    old = database.cipher.sealing.id
    database.close()
    code = (
        "import os, signal, sys\nfrom sipd_core.store import rotation\nfrom sipd_core.store.database import Database\n"
        "rotation.rebuild = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "rotation.Rotation(Database(sys.argv[1])).run(lambda *_: None)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], cwd=ROOT).returncode == -signal.SIGKILL
    again = Database(url)
    between = keys_in_use(again)
    assert len(between) == 2 and old in between
    assert len(ConversationStore(again).list("kwitansi", 10)) == 5, "found under both keys"
    rotated = Rotation(again).run(lambda *_: None)
    assert keys_in_use(again) == {rotated.key} and rotated.key != old
    assert len((tmp_path / KEY_FILE).read_text().split()) == 2, "the second call goes on with the first one's key"
    again.close()
