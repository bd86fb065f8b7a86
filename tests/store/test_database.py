"""The database: durable writes, migrations once, errors in words."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, inspect, select

from sipd_core.cache import VectorOrigin
from sipd_core.chat.turn import AnsweredBy, Verdict
from sipd_core.errors import SipdError, StoreDamagedError, StoreError, StoreFullError, StoreLockedError
from sipd_core.periods import Period
from sipd_core.store.cases import CaseStore
from sipd_core.store.cipher import as_stored
from sipd_core.store.conversations import TURN
from sipd_core.store.database import Database, _migrations
from sipd_core.store.ledger import CostTracker
from sipd_core.store.migrations import MIGRATIONS
from sipd_core.store.schema import (
    cases,
    conversations,
    exchange_marks,
    exchanges,
    indexed_views,
    knowledge_state,
    metadata,
)
from sipd_core.store.traces import Mode, TraceStore
from sipd_core.usage import CallRecord, Usage
from tests.builders import make_case, make_report, make_turn

CHANGED = (
    "usage", "indexed_views", "cases", "removals", "traces", "changes", "case_versions", "redirects", "menu_names", "origins",
    "gold_sets", "gold_questions", "gold_runs", "gold_answers", "retrieval_changes", "conversations", "exchange_marks",
    "price_entries", "rate_entries", "invoice_entries", "repricings",
    "api_keys", "rate_limits",
    "assumption_changes",
    "alert_rules", "alert_states", "alert_events", "alert_sightings", "alert_lease", "alert_outbox",
    "tickets", "ticket_events",
    "answer_versions", "approved_answers", "approved_cases", "approved_uses",
    "data_keys", "conversation_words",
    "people", "sign_in_sessions", "sign_in_links", "sign_in_failures",
    "gaps", "gap_questions", "gap_events", "gap_proofs",
)  # fmt: skip
FIRST_RELEASE = (
    "CREATE TABLE imports (id VARCHAR(32) NOT NULL, file VARCHAR(255) NOT NULL, at FLOAT NOT NULL,"
    " status VARCHAR(16) NOT NULL, sample BOOLEAN NOT NULL, report TEXT NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE cases (id VARCHAR(20) NOT NULL, menu TEXT NOT NULL, issue TEXT NOT NULL, expected TEXT NOT NULL,"
    " note_dev TEXT NOT NULL, note_qa TEXT NOT NULL, status TEXT NOT NULL, remedy TEXT NOT NULL,"
    " file VARCHAR(255) NOT NULL, sheet VARCHAR(255), row INTEGER NOT NULL, sample BOOLEAN NOT NULL,"
    " enabled BOOLEAN NOT NULL, import_id VARCHAR(32) NOT NULL, changed_at FLOAT NOT NULL, indexed BOOLEAN NOT NULL,"
    " PRIMARY KEY (id), FOREIGN KEY(import_id) REFERENCES imports (id))",
    "CREATE INDEX ix_cases_indexed ON cases (indexed)",
    "CREATE TABLE views (case_id VARCHAR(20) NOT NULL, position INTEGER NOT NULL, key VARCHAR(64) NOT NULL,"
    " PRIMARY KEY (case_id, position), FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE)",
    "CREATE TABLE knowledge_state (name VARCHAR(40) NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name))",
    "CREATE TABLE origins (case_id VARCHAR(20) NOT NULL, file VARCHAR(255) NOT NULL, sheet VARCHAR(255) NOT NULL,"
    " row INTEGER NOT NULL, PRIMARY KEY (case_id, file, sheet, row),"
    " FOREIGN KEY(case_id) REFERENCES cases (id) ON DELETE CASCADE)",
    "CREATE TABLE usage (id {id} NOT NULL, at FLOAT NOT NULL, day VARCHAR(10) NOT NULL, operation VARCHAR(40) NOT NULL,"
    " model VARCHAR(120) NOT NULL, tokens INTEGER NOT NULL, texts INTEGER NOT NULL, latency_ms FLOAT NOT NULL,"
    " cost_micro_usd BIGINT, conversation_id VARCHAR(32), PRIMARY KEY (id))",
    "CREATE TABLE traces (turn_id VARCHAR(32) NOT NULL, conversation_id VARCHAR(32) NOT NULL, at FLOAT NOT NULL,"
    " outcome VARCHAR(60) NOT NULL, verdict VARCHAR(16), relevance FLOAT, cached BOOLEAN NOT NULL,"
    " timings TEXT NOT NULL, PRIMARY KEY (turn_id))",
    "CREATE INDEX ix_traces_at ON traces (at)",
    "CREATE INDEX ix_usage_at ON usage (at)",
    "CREATE INDEX ix_usage_day ON usage (day)",
    "CREATE TABLE conversations (id VARCHAR(32) NOT NULL, title TEXT NOT NULL, created_at FLOAT NOT NULL,"
    " updated_at FLOAT NOT NULL, turns INTEGER NOT NULL, last_verdict VARCHAR(16), escalated BOOLEAN NOT NULL,"
    " PRIMARY KEY (id))",
    "CREATE INDEX ix_conversations_updated_at ON conversations (updated_at)",
    "CREATE TABLE exchanges (turn_id VARCHAR(32) NOT NULL, conversation_id VARCHAR(32) NOT NULL,"
    " position INTEGER NOT NULL, at FLOAT NOT NULL, message TEXT NOT NULL, answer TEXT NOT NULL, turn TEXT NOT NULL,"
    " state TEXT NOT NULL, PRIMARY KEY (turn_id),"
    " FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE)",
    "CREATE TABLE escalations (id VARCHAR(32) NOT NULL, conversation_id VARCHAR(32) NOT NULL,"
    " turn_id VARCHAR(32) NOT NULL, at FLOAT NOT NULL, reasons TEXT NOT NULL, explanation TEXT NOT NULL,"
    " note TEXT NOT NULL, PRIMARY KEY (id),"
    " FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,"
    " FOREIGN KEY(turn_id) REFERENCES exchanges (turn_id) ON DELETE CASCADE)",
    "CREATE TABLE feedback (turn_id VARCHAR(32) NOT NULL, at FLOAT NOT NULL, helpful BOOLEAN NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY (turn_id),"
    " FOREIGN KEY(turn_id) REFERENCES exchanges (turn_id) ON DELETE CASCADE)",
    "INSERT INTO imports VALUES ('i', 'log.csv', 1.0, 'done', false, '{{}}')",
    "INSERT INTO cases VALUES ('done', 'm', 'a', '', '', '', '', '', 'log.csv', NULL, 2, false, true, 'i', 1.0, true)",
    "INSERT INTO cases VALUES ('new', 'm', 'b', '', '', '', '', '', 'log.csv', NULL, 3, false, true, 'i', 1.0, false)",
    "INSERT INTO origins VALUES ('done', 'log.csv', '', 2), ('done', 'log.csv', '', 9), ('new', 'log.csv', '', 3)",
    "INSERT INTO views VALUES ('done', 0, 'k0'), ('done', 1, 'k1'), ('new', 0, 'k2')",
    "INSERT INTO usage (at, day, operation, model, tokens, texts, latency_ms, cost_micro_usd, conversation_id) VALUES"
    " (1795323600.25, '2026-11-22', 'chat', 'm', 750, 1, 80.5, 105, 'c1'),"
    " (1795323601.0, '2026-11-22', 'chat', 'unknown', 9, 1, 1.0, NULL, NULL)",
)
"""The tables that later releases changed or read, as the first one made them, with two cases and two calls."""
TRACES_OF_THE_FIRST_RELEASE = (
    "INSERT INTO traces VALUES"
    " ('t1', 'c', 1795280400.5, 'ok', 'found', 0.9, true, '{\"embed\": 0.1, \"search\": 3.0, \"total\": 800.0}'),"
    " ('t2', 'c', 1795280401.0, 'ok', NULL, NULL, false, '{\"embed\": 0.0, \"search\": 0.0, \"total\": 2.5}'),"
    " ('t3', 'c', 1795280402.0, 'StoreError', NULL, NULL, false, '{\"total\": 9.0}')"
)


def rows(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.name: row.value for row in connection.execute(select(knowledge_state))}


def test_a_new_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    try:
        with database.write() as connection:
            connection.execute(insert(knowledge_state), {"name": "uji", "value": "1"})
        modes = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.glob("sipd.db*")}
    finally:
        database.close()
    assert {"sipd.db", "sipd.db-wal"} <= set(modes) and set(modes.values()) == {0}


def test_every_migration_is_applied_once(database: Database, tmp_path: Path) -> None:
    database._migrate()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(_migrations)).scalar_one() == len(MIGRATIONS) + 1


def shape(database: Database) -> dict[str, Any]:
    """What the database itself says of the tables that were changed; the order of columns does not matter."""
    with database.read() as connection:
        seen = inspect(connection)
        return {
            table: (
                {column["name"]: (str(column["type"]), column["nullable"]) for column in seen.get_columns(table)},
                seen.get_pk_constraint(table)["constrained_columns"],
                {index["name"]: index["column_names"] for index in seen.get_indexes(table)},
                [key["referred_table"] for key in seen.get_foreign_keys(table)],
            )
            for table in CHANGED
        }


def back_to_the_first_release(database: Database) -> None:
    with database.write() as connection:
        metadata.drop_all(connection)
        for statement in FIRST_RELEASE:
            serial = "INTEGER" if database.is_sqlite else "SERIAL"
            connection.exec_driver_sql(statement.format(id=serial))
        connection.execute(delete(_migrations).where(_migrations.c.name != MIGRATIONS[0].__name__))


def test_a_database_of_the_first_release_becomes_what_a_fresh_one_is(database: Database) -> None:
    fresh = shape(database)
    back_to_the_first_release(database)
    database._migrate()
    assert shape(database) == fresh


def test_the_books_of_the_first_release_are_kept_to_the_last_cent(database: Database) -> None:
    back_to_the_first_release(database)
    database._migrate()
    at = datetime.fromtimestamp(1795323600.25, UTC)
    books = CostTracker(database, usd_idr=Decimal(1), clock=at.timestamp)
    known, unknown = books.calls(1)
    assert known == CallRecord(at, "chat", "m", Usage(750), 1, 80.5, Decimal("0.000105"), "c1")
    assert (unknown.cost_usd, unknown.usage) == (None, Usage(9))
    assert books.get_daily_cost(date(2026, 11, 22)) == Decimal("0.000105")
    books.settle(books.open(known), known)
    assert books.get_daily_cost(date(2026, 11, 22)) == Decimal("0.00021")


def test_traces_of_the_first_release_say_what_is_known_of_them_and_no_more(database: Database) -> None:
    back_to_the_first_release(database)
    turns = (
        make_turn("c", "t1", answered_by=AnsweredBy.HOSTED, model="m", cost_usd=0.000105, should_escalate=True),
        make_turn("c", "t2", degraded="Mode lokal"),
    )
    head = {"id": "c", "title": "judul", "created_at": 1.0, "updated_at": 1.0, "turns": 2, "escalated": True}
    said = {"conversation_id": "c", "at": 1.0, "message": "m", "answer": "a", "state": "{}"}
    with database.write() as connection:
        connection.execute(insert(as_stored(conversations)), head)
        for n, turn in enumerate(turns):
            row = {"turn_id": turn.turn_id, "position": n, "turn": TURN.dump_json(turn).decode()}
            connection.execute(insert(as_stored(exchanges)), row | said)
        connection.exec_driver_sql(TRACES_OF_THE_FIRST_RELEASE)
    database._migrate()
    hosted, small_talk, failed = TraceStore(database).each(Period(date(2026, 11, 22), date(2026, 11, 22)))
    assert (hosted.mode, hosted.model, hosted.cost_usd) == (Mode.HOSTED, "m", Decimal("0.000105"))
    assert (hosted.usage, hosted.escalated, hosted.embedding_cache) == (None, True, VectorOrigin.MEMORY)
    assert (small_talk.mode, small_talk.degraded, small_talk.embedding_cache) == (Mode.DEGRADED, "SipdError", None)
    assert (failed.outcome, failed.mode, failed.usage) == ("StoreError", Mode.LOCAL, Usage(0))
    columns = "day", "embed_ms", "search_ms", "total_ms", "cost_pico_usd"
    read = TraceStore(database).rows(Period(date(2026, 11, 22), date(2026, 11, 22)), *columns)
    assert [tuple(row) for row in read] == [
        ("2026-11-22", 0.1, 3.0, 800.0, 105_000_000),
        ("2026-11-22", None, None, 2.5, 0),
        ("2026-11-22", None, None, 9.0, 0),
    ]


def test_what_the_first_release_had_indexed_stays_indexed_and_no_more(database: Database) -> None:
    back_to_the_first_release(database)
    database._migrate()
    with database.read() as connection:
        views = {tuple(row) for row in connection.execute(select(indexed_views))}
    model = "multilingual-e5-small-q4/384"
    assert views == {("done", model, 0, "k0"), ("done", model, 1, "k1")}
    with database.write() as connection:
        connection.execute(delete(cases))
        assert connection.execute(select(func.count()).select_from(indexed_views)).scalar_one() == 0


def test_views_of_rows_that_were_off_when_they_were_read_are_forgotten(database: Database) -> None:
    store = CaseStore(database)
    on, off = make_case("satu"), replace(make_case("dua"), enabled=False)
    store.add_import(make_report("b"), [on, off], finish=lambda report, _: report)
    with database.write() as connection:
        views = [{"case_id": case.id, "model": "m/1", "position": 0, "key": "k"} for case in (on, off)]
        connection.execute(insert(indexed_views), views)
        connection.execute(delete(_migrations).where(_migrations.c.name == "m017_views_of_enabled"))
    database._migrate()
    assert store.views("m/1") == [(on.id, 0)]


def test_rows_of_the_first_release_have_a_history_and_can_be_undone(database: Database) -> None:
    back_to_the_first_release(database)
    database._migrate()
    store = CaseStore(database)
    assert store.reports() == {"done": 2}
    assert [change.note for change in store.changes(5)] == ["log.csv"]
    assert [version.case for version in store.history("new")] == [store.get("new")]
    store.undo("i", actor="uji")
    assert store.all() == []
    store.redo("i", actor="uji")
    assert [case.id for case in store.all()] == ["done", "new"]


def test_what_was_said_in_the_first_release_has_an_outcome(database: Database) -> None:
    back_to_the_first_release(database)
    turns = [make_turn(turn_id=f"t{n:03}") for n in range(501)]
    turns[2] = replace(turns[2], verdict=Verdict.NOT_FOUND)
    turns[3] = replace(turns[3], searched=False, sources=(), timings_ms={})
    state = json.dumps({"policy": {"turns": 2, "failed_attempts": 1, "open_reasons": [], "topics": []}})
    with database.write() as connection:
        connection.execute(insert(as_stored(conversations)), {
            "id": "s1", "title": "x", "created_at": 1.0, "updated_at": 1.0, "turns": 501, "escalated": False
        })  # fmt: skip
        for n, turn in enumerate(turns, start=1):
            row = {"turn_id": turn.turn_id, "conversation_id": "s1", "position": n, "at": 10.0 * n, "message": "m"}
            said = {"answer": "a", "turn": TURN.dump_json(turn).decode(), "state": state if n == 2 else ""}
            connection.execute(insert(as_stored(exchanges)), row | said)
    database._migrate()
    with database.read() as connection:
        marks = connection.execute(select(exchange_marks).order_by(exchange_marks.c.position)).all()
    assert len(marks) == 501
    assert [tuple(row)[2:] for row in marks[:4]] == [
        (1, 10.0, 12.5, True, True, "", None),
        (2, 20.0, 12.5, True, True, "unsolved", None),
        (3, 30.0, 12.5, True, False, "", None),
        (4, 40.0, None, False, False, "", None),
    ]


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
    with pytest.raises(StoreDamagedError) as caught:
        Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    assert f"{tmp_path / 'sipd.db'} rusak" in caught.value.user_text
    assert (tmp_path / "sipd.db").read_bytes() == b"this is not a database" * 100


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


def test_what_is_written_together_is_all_there_and_each_hears_of_its_own(database: Database) -> None:
    """Twenty at once share commits; one that is refused, or breaks, harms no neighbour and is told so itself."""
    gate = threading.Barrier(20)
    heard: dict[int, object] = {}

    def writer(number: int) -> None:
        def work(connection: Connection) -> int:
            if number == 7:
                raise SipdError("refused")
            connection.execute(insert(knowledge_state), {"name": f"n{number}", "value": "x"})
            if number in (11, 12):
                raise ZeroDivisionError
            return number

        gate.wait()
        try:
            heard[number] = database.together(work)
        except Exception as error:
            heard[number] = type(error)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    special = {7: SipdError, 11: ZeroDivisionError, 12: ZeroDivisionError}
    assert heard == {number: special.get(number, number) for number in range(20)}
    with database.read() as connection:
        names = set(connection.execute(select(knowledge_state.c.name)).scalars())
    assert names >= {f"n{number}" for number in range(20) if number not in special}
    assert not names & {f"n{number}" for number in special}
