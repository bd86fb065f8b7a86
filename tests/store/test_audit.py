"""The audit: whatever is done to its rows afterwards is noticed, however many write at once, and whenever one is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from sipd_core.audit_words import entries_csv
from sipd_core.deeds import Deed, DeedKind, DeedOutcome, Source, acting_as
from sipd_core.errors import AuditError, SipdError
from sipd_core.store.audit import AuditFilter, AuditLog, Flaw, noted_head
from sipd_core.store.chain import Chain, Head
from sipd_core.store.database import Database
from sipd_core.store.schema import audit_entries, audit_head, knowledge_state

ROOT = Path(__file__).resolve().parents[2]
KEY = "kunci-audit-untuk-uji"
ADMIN = Source("konsol", "10.1.2.3", "Bu Admin")


def reopened(database: Database, key: str) -> Database:
    return Database(url_of(database), audit_key=key)


def url_of(database: Database) -> str:
    return database._engine.url.render_as_string(hide_password=False)


def filled(database: Database, entries: int = 5) -> AuditLog:
    log = AuditLog(database)
    for n in range(entries):
        with acting_as(ADMIN):
            log.record(Deed(DeedKind.PRICE, f"model {n}", details={"usd": f"0.{n}", "n": n}))
    return log


def tampered(database: Database, work: Callable[[Connection], object]) -> None:
    with database.write() as connection:
        work(connection)


def test_an_entry_says_who_what_when_from_where_and_with_what_outcome(database: Database) -> None:
    log, before = AuditLog(database), datetime.now(UTC)
    with acting_as(ADMIN):
        log.record(Deed(DeedKind.EXPORT, "kasus.csv", outcome=DeedOutcome.REFUSED, details={"baris": 3, "ids": ["b", "a"]}))
    log.record(Deed(DeedKind.BACKUP, "b1", actor="jadwal"))
    newest, first = log.page().entries
    assert (first.seq, first.kind, first.actor, first.object) == (1, "export", "Bu Admin", "kasus.csv")
    assert (first.place, first.address, first.outcome) == ("konsol", "10.1.2.3", DeedOutcome.REFUSED)
    assert first.details == {"baris": 3, "ids": ["b", "a"]} and before <= first.at <= datetime.now(UTC)
    assert (newest.seq, newest.actor, newest.address) == (2, "jadwal", "")
    assert log.verify().is_whole and log.verify().entries == 2


def test_no_secret_gets_into_the_details(database: Database) -> None:
    log = AuditLog(database)
    said = {"catatan": "password: Rahasia#2026", "list": ["NIP 198503152010011005"], "deep": {"a": "sandi Kucing!77x"}}
    log.record(Deed(DeedKind.EDIT, details=said))
    with database.read() as connection:
        row = repr(tuple(connection.execute(select(audit_entries)).one()))
    assert "Rahasia" not in row and "198503152010011005" not in row and "Kucing" not in row


def test_any_text_is_stored_and_verified(database: Database) -> None:
    log = AuditLog(database)
    log.record(Deed(DeedKind.EDIT, "\0 \ud800 'x\" 😀", details={"k\0": "\ud800", "lang": "x " * 5_000}))
    assert log.verify().is_whole
    assert len(log.page().entries[0].details["lang"]) <= 400


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1.0),
        ("kind", "rate"),
        ("actor", "Pak Lain"),
        ("object", "model 9"),
        ("place", "cli"),
        ("address", "10.9.9.9"),
        ("outcome", "failed"),
        ("details", '{"n": 99}'),
        ("hash", "a" * 64),
        ("seq", 99),
    ],
)
def test_a_change_of_any_column_of_any_row_is_noticed_at_that_row(
    database: Database, key: str, column: str, value: object
) -> None:
    keyed = reopened(database, key)
    log = filled(keyed, 3)
    for seq in (1, 2, 3):
        with keyed.read() as connection:
            kept = dict(connection.execute(select(audit_entries).where(audit_entries.c.seq == seq)).mappings().one())
        at = audit_entries.c.seq == seq
        tampered(keyed, lambda connection, at=at: connection.execute(update(audit_entries).where(at).values({column: value})))
        found = log.verify()
        assert (found.is_whole, found.broken_at, found.entries) == (False, seq, seq - 1), found
        now = audit_entries.c.seq == (value if column == "seq" else seq)
        tampered(keyed, lambda connection, now=now, kept=kept: connection.execute(update(audit_entries).where(now).values(kept)))
        assert log.verify().is_whole
    keyed.close()


def test_deleting_inserting_and_swapping_rows_is_noticed(database: Database) -> None:
    log = filled(database)
    with database.read() as connection:
        rows = [dict(row) for row in connection.execute(select(audit_entries).order_by(audit_entries.c.seq)).mappings()]

    def put(kept: list[dict[str, Any]]) -> None:
        with database.write() as connection:
            connection.execute(delete(audit_entries))
            connection.execute(insert(audit_entries), kept)

    put(rows[:2] + rows[3:])
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.MISSING, 3)
    put(rows[:2] + [row | {"seq": row["seq"] - 1} for row in rows[3:]])
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.CHANGED, 3)
    put(rows[:2] + [rows[1] | {"seq": 3}] + [row | {"seq": row["seq"] + 1} for row in rows[2:]])
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.CHANGED, 3)
    put([rows[0], rows[2] | {"seq": 2}, rows[1] | {"seq": 3}, *rows[3:]])
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.CHANGED, 2)
    put(rows[1:])
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.MISSING, 1)
    put(rows)
    assert log.verify().is_whole


@pytest.mark.parametrize("gone", [1, 2])
def test_cutting_off_the_end_is_noticed(database: Database, gone: int) -> None:
    log = filled(database)
    tampered(database, lambda connection: connection.execute(delete(audit_entries).where(audit_entries.c.seq > 5 - gone)))
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.CUT, 6 - gone)
    log.record(Deed(DeedKind.RATE))
    assert log.verify().flaw is Flaw.MISSING, "going on writing heals nothing"


def test_an_end_that_is_cut_off_with_its_head_is_noticed_by_a_head_noted_down_before_or_by_the_key(
    database: Database,
) -> None:
    log = filled(database)
    noted = noted_head(str(log.head()))
    with database.read() as connection:
        before = connection.execute(select(audit_entries.c.hash).where(audit_entries.c.seq == 4)).scalar_one()

    def cut(connection: Connection) -> None:
        connection.execute(delete(audit_entries).where(audit_entries.c.seq == 5))
        seal = Chain().seal(Head(4, before), keyed=False)
        connection.execute(update(audit_head).values(entries=4, hash=before, seal=seal))

    tampered(database, cut)
    assert log.verify().is_whole, "without a key whoever may write everything can make everything anew"
    assert (log.verify(noted).flaw, log.verify(noted).broken_at) == (Flaw.KNOWN_HEAD, 5)
    log.record(Deed(DeedKind.RATE))
    assert log.verify().is_whole
    assert (log.verify(noted).flaw, log.verify(noted).broken_at) == (Flaw.KNOWN_HEAD, 5)


def test_with_a_key_nobody_can_make_entries_or_a_head_without_it(database: Database) -> None:
    keyed = reopened(database, KEY)
    log = filled(keyed)
    assert log.verify().keyless == 0 and log.is_keyed
    thief = Chain()
    with keyed.read() as connection:
        rows = [dict(row) for row in connection.execute(select(audit_entries).order_by(audit_entries.c.seq)).mappings()]

    def cut(connection: Connection) -> None:
        connection.execute(delete(audit_entries).where(audit_entries.c.seq == 5))
        head = Head(4, rows[3]["hash"])
        connection.execute(update(audit_head).values(entries=4, hash=head.hash, seal=thief.seal(head, keyed=False)))

    tampered(keyed, cut)
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.HEAD, 4)

    def make_all_anew(connection: Connection) -> None:
        connection.execute(delete(audit_entries))
        connection.execute(delete(audit_head))
        thief.extend(connection, [thief.pending(Deed(DeedKind.PRICE, "model 0"), ADMIN)])

    tampered(keyed, make_all_anew)
    found = log.verify()
    assert found.keyless == 1, "what no key protects is counted and shown"
    keyed.close()


def test_a_key_that_comes_later_is_entered_and_one_that_goes_is_noticed(database: Database) -> None:
    filled(database, 2)
    keyed = reopened(database, KEY)
    log = AuditLog(keyed)
    log.begin_key()
    log.begin_key()
    assert [entry.kind for entry in log.page().entries] == ["audit_key", "price", "price"]
    assert (log.verify().is_whole, log.verify().keyless) == (True, 2)
    without = AuditLog(database)
    assert (without.verify().flaw, without.verify().broken_at) == (Flaw.OTHER_KEY, 3)
    without.record(Deed(DeedKind.RATE))
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.KEYLESS, 4)
    keyed.close()


def test_a_head_that_is_gone_or_changed_is_noticed_and_going_on_heals_nothing(database: Database) -> None:
    log = filled(database, 3)
    tampered(database, lambda connection: connection.execute(update(audit_head).values(seal="b" * 64)))
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.HEAD, 3)
    tampered(database, lambda connection: connection.execute(delete(audit_head)))
    assert log.verify().flaw is Flaw.HEAD
    log.record(Deed(DeedKind.RATE))
    assert (log.verify().flaw, log.verify().broken_at) == (Flaw.CHANGED, 4)


def test_a_deed_is_entered_with_its_transaction_or_not_at_all(database: Database) -> None:
    log = AuditLog(database)
    with pytest.raises(SipdError), database.write() as connection:
        database.note(connection, Deed(DeedKind.PRICE))
        raise SipdError
    assert log.page().total == 0 and log.head().count == 0
    with database.write() as connection:
        database.note(connection, Deed(DeedKind.PRICE))
        database.note(connection, Deed(DeedKind.RATE))
    assert [entry.kind for entry in log.page().entries] == ["rate", "price"] and log.verify().is_whole


@pytest.mark.parametrize("values", [{"outcome": "entah"}, {"details": "{"}, {"details": "[1]"}, {"kind": "entah"}])
def test_what_somebody_made_of_an_entry_is_shown_and_not_stumbled_over(database: Database, values: dict[str, str]) -> None:
    log = filled(database, 2)
    tampered(database, lambda connection: connection.execute(update(audit_entries).values(values)))
    assert log.page().total == len(log.page().entries) == 2 and entries_csv(log.entries())
    assert log.verify().broken_at == 1


def test_entries_are_filtered_and_paged(database: Database) -> None:
    log = filled(database, 7)
    log.record(Deed(DeedKind.RATE, "kurs 50%", actor="Pak Manajer", outcome=DeedOutcome.FAILED, details={"why": "kosong"}))
    entries = log.page().entries
    assert [entry.seq for entry in log.page(offset=6, limit=5).entries] == [2, 1] and log.page(limit=1).total == 8
    assert log.actors() == ("Bu Admin", "Pak Manajer")

    def found(**wanted: Any) -> list[int]:
        return [entry.seq for entry in log.page(AuditFilter(**wanted)).entries]

    assert found(kinds=("rate",)) == found(actor="Pak Manajer") == found(outcome="failed") == found(words="50%") == [8]
    assert found(words="KOSONG kurs") == [8] and found(words="10.1.2 model") == [7, 6, 5, 4, 3, 2, 1]
    assert found(first=entries[1].at) == [8, 7] and found(before=entries[-1].at) == []
    assert [entry.seq for entry in log.entries(AuditFilter(kinds=("price",)))] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("said", ["", "5", "x:" + "a" * 64, "5:" + "a" * 63, "5:" + "g" * 64])
def test_what_is_no_head_is_refused_in_words(said: str) -> None:
    with pytest.raises(AuditError) as caught:
        noted_head(said)
    assert "64" in caught.value.user_text


PROCESSES, THREADS, DEEDS = 3, 4, 25
WRITER = """
import sys, threading
from sqlalchemy import insert
from sipd_core.deeds import Deed, DeedKind, Source, act_as
from sipd_core.store.audit import AuditLog
from sipd_core.store.database import Database
from sipd_core.store.schema import knowledge_state

url, key, process, threads, deeds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
database = Database(url, audit_key=key)
log = AuditLog(database)
speaking = threading.Lock()

def write(thread):
    act_as(Source("cli", "", f"{process}/{thread}"))
    for n in range(deeds):
        name = f"{process}/{thread}/{n}"
        if n % 2:
            log.record(Deed(DeedKind.PRICE, name))
            continue
        with database.write() as connection:
            database.note(connection, Deed(DeedKind.RATE, name))
            connection.execute(insert(knowledge_state), {"name": name, "value": ""})
        with speaking:
            print(name, flush=True)

writers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
print("ready", flush=True)
sys.stdin.readline()
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
"""


def writer(database: Database, process: int, deeds: int) -> "subprocess.Popen[bytes]":
    started = subprocess.Popen(
        [sys.executable, "-c", WRITER, url_of(database), KEY, str(process), str(THREADS), str(deeds)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # lines are read one by one, then all the rest: nothing may be held between
    )
    assert started.stdout is not None and started.stdout.readline() == b"ready\n"
    return started


def go(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


def test_many_writers_in_several_processes_keep_one_chain(database: Database) -> None:
    writers = [writer(database, process, DEEDS) for process in range(PROCESSES)]
    for process in writers:
        go(process)
    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0] * PROCESSES
    keyed = reopened(database, KEY)
    log = AuditLog(keyed)
    found = log.verify()
    assert found.is_whole and found.entries == PROCESSES * THREADS * DEEDS and found.keyless == 0
    objects = {entry.object: entry.actor for entry in log.entries()}
    assert len(objects) == found.entries, "each deed once"
    assert all(name.startswith(f"{actor}/") for name, actor in objects.items()), "whoever shares a commit acts for himself"
    keyed.close()


def test_a_killed_writer_leaves_a_whole_chain_and_each_deed_with_its_entry(database: Database) -> None:
    process = writer(database, 0, 100_000)
    go(process)
    assert process.stdout is not None
    acknowledged = {process.stdout.readline().decode().strip() for _ in range(30)}
    process.send_signal(signal.SIGKILL)
    acknowledged |= set(process.communicate()[0].decode().split("\n")[:-1])
    keyed = reopened(database, KEY)
    log = AuditLog(keyed)
    assert log.verify().is_whole
    with keyed.read() as connection:
        done = set(connection.execute(select(knowledge_state.c.name).where(knowledge_state.c.name.contains("/"))).scalars())
        heads = connection.execute(select(func.count()).select_from(audit_head)).scalar_one()
    entered = {entry.object for entry in log.entries(AuditFilter(kinds=("rate",)))}
    assert acknowledged <= entered == done and heads == 1
    log.record(Deed(DeedKind.RATE))
    assert log.verify().is_whole, "the next writer goes on where the killed one ended"
    keyed.close()
