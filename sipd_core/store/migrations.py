"""How a database of an earlier release becomes today's. One reason to change: the tables of schema did.

Each step runs once, in a transaction of its own; a fresh database is made whole from schema and has all behind it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy import text as sql

from sipd_core.store.sealing import m020_sealed


def m001_create_tables(connection: Connection) -> None:
    """The first release; a fresh database starts with today's tables instead, so nothing is left to do here."""


def m002_books_and_models(connection: Connection) -> None:
    """Books of hosted calls (tokens by kind, finer money, outcome), and views of more than one embedding model."""
    for change in _M002:
        connection.exec_driver_sql(change)


_M002 = (
    "ALTER TABLE usage RENAME COLUMN tokens TO prompt_tokens",
    "ALTER TABLE usage ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE usage ADD COLUMN completion_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE usage ADD COLUMN estimated BOOLEAN NOT NULL DEFAULT false",
    "ALTER TABLE usage ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE usage ADD COLUMN outcome VARCHAR(16) NOT NULL DEFAULT 'ok'",
    "ALTER TABLE usage ADD COLUMN request_id VARCHAR(120)",
    "ALTER TABLE usage ADD COLUMN cost_pico_usd BIGINT",
    "UPDATE usage SET cost_pico_usd = cost_micro_usd * 1000000",
    "ALTER TABLE usage DROP COLUMN cost_micro_usd",
    "DROP INDEX ix_usage_day",
    "CREATE INDEX ix_usage_day_cost ON usage (day, cost_pico_usd)",
    "CREATE TABLE indexed_views (case_id VARCHAR(20) NOT NULL REFERENCES cases (id) ON DELETE CASCADE,"
    " model VARCHAR(160) NOT NULL, position INTEGER NOT NULL, key VARCHAR(64) NOT NULL,"
    " PRIMARY KEY (case_id, model, position))",
    "INSERT INTO indexed_views SELECT v.case_id, 'multilingual-e5-small-q4/384', v.position, v.key FROM views v"
    " JOIN cases c ON c.id = v.case_id WHERE c.indexed",
    "DROP TABLE views",
    "DROP INDEX ix_cases_indexed",
    "ALTER TABLE cases DROP COLUMN indexed",
)
"""The first release knew one model alone."""


def m003_changes(connection: Connection) -> None:
    """Every row gets a history: what is there becomes the work of the import that brought it."""
    for change in _M003:
        connection.exec_driver_sql(change)
    imports = connection.execute(sql("SELECT id, at FROM imports WHERE status <> 'failed' ORDER BY at, id")).all()
    for seq, row in enumerate(imports, start=1):
        connection.execute(_M003_CHANGE, {"id": row.id, "seq": seq, "at": row.at})
    cases = connection.execute(sql("SELECT * FROM cases")).mappings().all()
    for case in cases:
        content = {name: case[name] for name in _M003_CONTENT} | {
            name: bool(case[name]) for name in ("sample", "enabled")
        }
        state = {"change_id": case["import_id"], "case_id": case["id"], "content": json.dumps(content)}
        connection.execute(_M003_VERSION, state)


_M003 = (
    "ALTER TABLE cases ADD COLUMN version INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX ix_cases_version ON cases (version)",
    "CREATE TABLE removals (case_id VARCHAR(20) NOT NULL PRIMARY KEY, version INTEGER NOT NULL)",
    "CREATE INDEX ix_removals_version ON removals (version)",
    "CREATE TABLE changes (id VARCHAR(32) NOT NULL PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, at FLOAT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, kind VARCHAR(16) NOT NULL, note TEXT NOT NULL, undone_at FLOAT,"
    " undone_by VARCHAR(200) NOT NULL DEFAULT '')",
    "CREATE TABLE case_versions (change_id VARCHAR(32) NOT NULL REFERENCES changes (id) ON DELETE CASCADE,"
    " case_id VARCHAR(20) NOT NULL, content TEXT, said TEXT, PRIMARY KEY (change_id, case_id))",
    "CREATE INDEX ix_case_versions_case ON case_versions (case_id)",
    "CREATE TABLE redirects (change_id VARCHAR(32) NOT NULL REFERENCES changes (id) ON DELETE CASCADE,"
    " key VARCHAR(20) NOT NULL, case_id VARCHAR(20) NOT NULL, PRIMARY KEY (change_id, key))",
    "CREATE TABLE menu_names (change_id VARCHAR(32) NOT NULL REFERENCES changes (id) ON DELETE CASCADE,"
    " spelling VARCHAR(500) NOT NULL, name TEXT NOT NULL, PRIMARY KEY (change_id, spelling))",
    "ALTER TABLE origins RENAME TO origins_before",
    "CREATE TABLE origins (import_id VARCHAR(32) NOT NULL REFERENCES imports (id) ON DELETE CASCADE,"
    " case_id VARCHAR(20) NOT NULL, sheet VARCHAR(255) NOT NULL, row INTEGER NOT NULL, file VARCHAR(255) NOT NULL,"
    " reports INTEGER, PRIMARY KEY (import_id, case_id, sheet, row))",
    "INSERT INTO origins (import_id, case_id, sheet, row, file) SELECT c.import_id, o.case_id, o.sheet, o.row, o.file FROM origins_before o"
    " JOIN cases c ON c.id = o.case_id",
    "DROP TABLE origins_before",
    "CREATE INDEX ix_origins_case ON origins (case_id)",
)
_M003_CONTENT = (
    "id", "menu", "issue", "expected", "note_dev", "note_qa", "status", "file", "sheet", "row", "remedy",
)  # fmt: skip
_M003_CHANGE = sql(
    "INSERT INTO changes (id, seq, at, actor, kind, note) SELECT id, :seq, :at, '', 'import', file FROM imports"
    " WHERE id = :id"
)
_M003_VERSION = sql("INSERT INTO case_versions (change_id, case_id, content) VALUES (:change_id, :case_id, :content)")


def m004_backups(connection: Connection) -> None:
    """The record of backups."""
    for change in _M004:
        connection.exec_driver_sql(change)


_M004 = (
    "CREATE TABLE backups (id VARCHAR(32) NOT NULL PRIMARY KEY, file TEXT NOT NULL, place TEXT NOT NULL,"
    " kind VARCHAR(16) NOT NULL, actor VARCHAR(200) NOT NULL, at FLOAT NOT NULL, status VARCHAR(16) NOT NULL,"
    " bytes BIGINT, counts TEXT NOT NULL, seconds FLOAT, problem TEXT NOT NULL, slot VARCHAR(20) UNIQUE,"
    " tested_at FLOAT, test TEXT, restored_at FLOAT, restored_by VARCHAR(200) NOT NULL)",
    "CREATE INDEX ix_backups_at ON backups (at)",
)


def m005_laboratory(connection: Connection) -> None:
    """Gold sets, runs over them, and what searches go by since when."""
    for change in _M005:
        connection.exec_driver_sql(change)


_M005 = (
    "CREATE TABLE gold_sets (id VARCHAR(32) NOT NULL PRIMARY KEY, name TEXT NOT NULL, at FLOAT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, removed_at FLOAT)",
    "CREATE TABLE gold_questions (id VARCHAR(32) NOT NULL PRIMARY KEY,"
    " set_id VARCHAR(32) NOT NULL REFERENCES gold_sets (id) ON DELETE CASCADE, position INTEGER NOT NULL,"
    " query TEXT NOT NULL, style VARCHAR(60) NOT NULL, cases TEXT NOT NULL, turn_id VARCHAR(32), removal VARCHAR(32))",
    "CREATE INDEX ix_gold_questions_set ON gold_questions (set_id, position)",
    "CREATE TABLE gold_runs (id VARCHAR(32) NOT NULL PRIMARY KEY,"
    " set_id VARCHAR(32) NOT NULL REFERENCES gold_sets (id) ON DELETE CASCADE, at FLOAT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, runner VARCHAR(32) NOT NULL, seen_at FLOAT NOT NULL, status VARCHAR(16) NOT NULL,"
    " stop BOOLEAN NOT NULL, retrieval TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL,"
    " skipped INTEGER NOT NULL, version INTEGER, version_after INTEGER, cases INTEGER, model VARCHAR(160) NOT NULL,"
    " finished_at FLOAT, error TEXT, figures TEXT)",
    "CREATE INDEX ix_gold_runs_set ON gold_runs (set_id, at)",
    "CREATE TABLE gold_answers (run_id VARCHAR(32) NOT NULL REFERENCES gold_runs (id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, question_id VARCHAR(32) NOT NULL, query TEXT NOT NULL, style VARCHAR(60) NOT NULL,"
    " wanted TEXT NOT NULL, rank INTEGER, ndcg FLOAT NOT NULL, relevance FLOAT NOT NULL, verdict VARCHAR(16) NOT NULL,"
    " milliseconds FLOAT NOT NULL, best_id VARCHAR(20), best TEXT NOT NULL, PRIMARY KEY (run_id, position))",
    "CREATE TABLE retrieval_changes (seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, actor VARCHAR(200) NOT NULL,"
    " note TEXT NOT NULL, retrieval TEXT, run_id VARCHAR(32), before INTEGER, back BOOLEAN NOT NULL)",
)

def m006_uploads(connection: Connection) -> None:
    """When and where a complaint was reported, the rows that were not taken, what people said of columns."""
    for change in _M006:
        connection.exec_driver_sql(change)


_M006 = (
    "ALTER TABLE origins ADD COLUMN date TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE origins ADD COLUMN region TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE rejected_headings (import_id VARCHAR(32) NOT NULL REFERENCES imports (id) ON DELETE CASCADE,"
    " place INTEGER NOT NULL, headers TEXT NOT NULL, PRIMARY KEY (import_id, place))",
    "CREATE TABLE rejected_rows (import_id VARCHAR(32) NOT NULL REFERENCES imports (id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, heading INTEGER NOT NULL, sheet TEXT, row INTEGER NOT NULL, reason TEXT NOT NULL,"
    " cells TEXT NOT NULL, PRIMARY KEY (import_id, position))",
    "CREATE TABLE column_mappings (fingerprint VARCHAR(32) NOT NULL, sheet VARCHAR(32) NOT NULL, columns TEXT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (fingerprint, sheet))",
)


def m007_outcomes(connection: Connection) -> None:
    """One narrow row per exchange, for outcomes; what earlier messages said is known from the policy's memory alone."""
    for change in _M007:
        connection.exec_driver_sql(change)
    last = ""
    while exchanges := connection.execute(_M007_EXCHANGES, {"last": last}).mappings().all():
        connection.execute(_M007_MARK, [_m007_mark(dict(exchange)) for exchange in exchanges])
        last = exchanges[-1]["turn_id"]


def _m007_mark(exchange: dict[str, Any]) -> dict[str, Any]:
    turn = json.loads(exchange.pop("turn"))
    policy = json.loads(exchange.pop("state") or "{}").get("policy", {})
    found = turn.get("searched", True) and turn["verdict"] != "not_found" and turn["sources"]
    return exchange | {
        "waited_ms": turn.get("timings_ms", {}).get("total"),
        "asked": turn.get("searched", True),
        "offered": bool(found and turn["sources"][0]["case"]["remedy"]),
        "said": "unsolved" if policy.get("failed_attempts") else "",
    }


_M007 = (
    "CREATE INDEX ix_conversations_created_at ON conversations (created_at)",
    "CREATE TABLE exchange_marks (turn_id VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES exchanges (turn_id)"
    " ON DELETE CASCADE, conversation_id VARCHAR(32) NOT NULL, position INTEGER NOT NULL, at FLOAT NOT NULL,"
    " waited_ms FLOAT, asked BOOLEAN NOT NULL, offered BOOLEAN NOT NULL, said VARCHAR(16) NOT NULL)",
    "CREATE INDEX ix_exchange_marks_conversation ON exchange_marks (conversation_id, position)",
)
_M007_EXCHANGES = sql(
    "SELECT turn_id, conversation_id, position, at, turn, state FROM exchanges WHERE turn_id > :last"
    " ORDER BY turn_id LIMIT 500"
)
_M007_MARK = sql(
    "INSERT INTO exchange_marks VALUES (:turn_id, :conversation_id, :position, :at, :waited_ms, :asked, :offered, :said)"
)


def m008_spending(connection: Connection) -> None:
    """Prices, rates and invoices that people enter, and calls that get their price later."""
    for change in _M008:
        connection.exec_driver_sql(change)


_M008_ENTRY = (
    "seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, actor VARCHAR(200) NOT NULL, note TEXT NOT NULL,"
    " undoes INTEGER"
)
_M008 = (
    f"CREATE TABLE price_entries ({_M008_ENTRY}, model VARCHAR(120), valid_from VARCHAR(10), prompt_pico BIGINT,"
    " cached_pico BIGINT, completion_pico BIGINT)",
    f"CREATE TABLE rate_entries ({_M008_ENTRY}, valid_from VARCHAR(10), micro_idr BIGINT)",
    f"CREATE TABLE invoice_entries ({_M008_ENTRY}, month VARCHAR(7), pico_usd BIGINT)",
    f"CREATE TABLE repricings ({_M008_ENTRY}, lines TEXT)",
    "ALTER TABLE usage ADD COLUMN priced_by INTEGER",
)


def m009_keys(connection: Connection) -> None:
    """Keys and rate limits of the HTTP interface."""
    for change in _M009:
        connection.exec_driver_sql(change)


_M009 = (
    "CREATE TABLE api_keys (id VARCHAR(12) NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, digest VARCHAR(64) NOT NULL,"
    " scopes TEXT NOT NULL, created_at FLOAT NOT NULL, expires_at FLOAT, revoked_at FLOAT, used_at FLOAT)",
    "CREATE TABLE rate_limits (subject VARCHAR(80) NOT NULL PRIMARY KEY, spent_until FLOAT NOT NULL)",
)


def m010_assumptions(connection: Connection) -> None:
    """What managers suppose of the work by hand."""
    connection.exec_driver_sql(
        "CREATE TABLE assumption_changes (seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL,"
        " actor VARCHAR(200) NOT NULL, note TEXT NOT NULL, content TEXT NOT NULL, back BOOLEAN NOT NULL)"
    )


def m011_traces(connection: Connection) -> None:
    """All that a manager sees of a turn, in columns of its own; why calls failed and were tried again."""
    for change in _M011:
        connection.exec_driver_sql(change)
    last = ""
    while known := connection.execute(_M011_KNOWN, {"last": last}).mappings().all():
        connection.execute(_M011_FILL, [_m011_filled(trace) for trace in known])
        last = known[-1]["turn_id"]
    connection.exec_driver_sql("ALTER TABLE traces DROP COLUMN cached")


_M011 = (
    "ALTER TABLE traces ADD COLUMN day VARCHAR(10) NOT NULL DEFAULT ''",
    "ALTER TABLE traces ADD COLUMN mode VARCHAR(16) NOT NULL DEFAULT 'local'",
    "ALTER TABLE traces ADD COLUMN degraded VARCHAR(60)",
    *(f"ALTER TABLE traces ADD COLUMN {stage}_ms FLOAT" for stage in ("mask", "embed", "search", "first_token", "total")),
    *(f"ALTER TABLE traces ADD COLUMN {kind}_tokens INTEGER" for kind in ("prompt", "cached", "completion")),
    "ALTER TABLE traces ADD COLUMN cost_pico_usd BIGINT",
    "ALTER TABLE traces ADD COLUMN estimated BOOLEAN NOT NULL DEFAULT false",
    "ALTER TABLE traces ADD COLUMN embedding_cache VARCHAR(16)",
    "ALTER TABLE traces ADD COLUMN answer_cached BOOLEAN NOT NULL DEFAULT false",
    "ALTER TABLE traces ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE traces ADD COLUMN escalated BOOLEAN NOT NULL DEFAULT false",
    "ALTER TABLE traces ADD COLUMN model VARCHAR(120) NOT NULL DEFAULT ''",
    "ALTER TABLE usage ADD COLUMN error VARCHAR(60)",
    "ALTER TABLE usage ADD COLUMN retried_for TEXT NOT NULL DEFAULT ''",
)
_M011_KNOWN = sql(
    "SELECT t.turn_id, t.at, t.outcome, t.verdict, t.cached, t.timings, e.turn FROM traces t"
    " LEFT JOIN exchanges e ON e.turn_id = t.turn_id WHERE t.turn_id > :last ORDER BY t.turn_id LIMIT 500"
)
_M011_FILL = sql(
    "UPDATE traces SET day = :day, mode = :mode, degraded = :degraded, mask_ms = :mask, embed_ms = :embed,"
    " search_ms = :search, first_token_ms = :first_token, total_ms = :total, cost_pico_usd = :cost,"
    " prompt_tokens = :tokens, cached_tokens = :tokens, completion_tokens = :tokens,"
    " embedding_cache = :embedding, answer_cached = :answer, escalated = :escalated, model = :model"
    " WHERE turn_id = :turn_id"
)


def _m011_filled(trace: RowMapping) -> dict[str, Any]:
    """What a trace of before says in the new columns; tokens of a hosted answer were not kept, so they stay unknown."""
    turn, timings = json.loads(trace["turn"] or "{}"), json.loads(trace["timings"])
    by, cost = turn.get("answered_by", "local"), turn.get("cost_usd", 0.0)
    asked = trace["verdict"] is not None and by != "cache"
    if not asked:
        timings = {stage: took for stage, took in timings.items() if stage not in ("embed", "search")}
    stages = {stage: timings.get(stage) for stage in ("mask", "embed", "search", "first_token", "total")}
    return stages | {
        "turn_id": trace["turn_id"],
        "day": f"{datetime.fromtimestamp(trace['at'], UTC) + timedelta(hours=7):%Y-%m-%d}",
        "mode": "degraded" if turn.get("degraded") else by,
        "degraded": "SipdError" if turn.get("degraded") else None,
        "cost": None if cost is None else round(cost * 10**12),
        "tokens": None if turn.get("model") and by == "hosted" else 0,
        "embedding": ("memory" if trace["cached"] else "miss") if asked else None,
        "answer": by == "cache",
        "escalated": bool(turn.get("should_escalate")),
        "model": turn.get("model", ""),
    }


def m012_alerts(connection: Connection) -> None:
    """Rules, states and log of alerts, and what is to be sent of them."""
    for change in _M012:
        connection.exec_driver_sql(change)


_M012 = (
    f"CREATE TABLE alert_rules ({_M008_ENTRY}, kind VARCHAR(20), enabled BOOLEAN, threshold FLOAT,"
    " window_minutes INTEGER, min_turns INTEGER)",
    "CREATE TABLE alert_states (kind VARCHAR(20) NOT NULL PRIMARY KEY, state VARCHAR(16) NOT NULL, since FLOAT NOT NULL,"
    " looked_at FLOAT NOT NULL, value FLOAT, turns INTEGER, detail TEXT NOT NULL, incident BOOLEAN NOT NULL,"
    " calm INTEGER NOT NULL, acknowledged_by VARCHAR(200) NOT NULL, acknowledged_at FLOAT)",
    "CREATE TABLE alert_events (seq INTEGER NOT NULL PRIMARY KEY, id VARCHAR(32) NOT NULL UNIQUE, at FLOAT NOT NULL,"
    " kind VARCHAR(20) NOT NULL, event VARCHAR(16) NOT NULL, value FLOAT, threshold FLOAT NOT NULL, detail TEXT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, note TEXT NOT NULL)",
    "CREATE INDEX ix_alert_events_at ON alert_events (at)",
    "CREATE TABLE alert_sightings (process VARCHAR(120) NOT NULL PRIMARY KEY, seen_at FLOAT NOT NULL,"
    " trouble TEXT NOT NULL, trouble_since FLOAT, free_bytes BIGINT, saved_at FLOAT)",
    "CREATE TABLE alert_lease (name VARCHAR(20) NOT NULL PRIMARY KEY, holder VARCHAR(120) NOT NULL, until FLOAT NOT NULL)",
    "CREATE TABLE alert_outbox (id VARCHAR(32) NOT NULL PRIMARY KEY, made_at FLOAT NOT NULL, event VARCHAR(16) NOT NULL,"
    " kind VARCHAR(20), body TEXT NOT NULL, attempts INTEGER NOT NULL, due_at FLOAT, delivered_at FLOAT,"
    " problem TEXT NOT NULL)",
    "CREATE INDEX ix_alert_outbox_made_at ON alert_outbox (made_at)",
    "CREATE INDEX ix_alert_outbox_due ON alert_outbox (due_at)",
)

def m013_audit(connection: Connection) -> None:
    """Entries of the audit and their head."""
    for change in _M013:
        connection.exec_driver_sql(change)


_M013 = (
    "CREATE TABLE audit_entries (seq BIGINT NOT NULL PRIMARY KEY, at FLOAT NOT NULL, kind VARCHAR(40) NOT NULL,"
    " actor VARCHAR(200) NOT NULL, object TEXT NOT NULL, place VARCHAR(20) NOT NULL, address VARCHAR(64) NOT NULL,"
    " outcome VARCHAR(16) NOT NULL, details TEXT NOT NULL, key_id VARCHAR(12) NOT NULL, hash VARCHAR(64) NOT NULL)",
    "CREATE INDEX ix_audit_entries_at ON audit_entries (at)",
    "CREATE TABLE audit_head (id INTEGER NOT NULL PRIMARY KEY, entries BIGINT NOT NULL, hash VARCHAR(64) NOT NULL,"
    " key_id VARCHAR(12) NOT NULL, seal VARCHAR(64) NOT NULL)",
)


def m014_tickets(connection: Connection) -> None:
    """The escalation desk: every conversation that was escalated becomes a ticket, with each escalation as an event."""
    for change in _M014:
        connection.exec_driver_sql(change)
    handed = connection.execute(_M014_HANDED).mappings().all()
    for id_, conversation in enumerate(dict.fromkeys(row["conversation_id"] for row in handed), start=1):
        rows = [row for row in handed if row["conversation_id"] == conversation]
        reasons = list(dict.fromkeys(reason for row in rows for reason in json.loads(row["reasons"])))
        menu = _m014_menu(connection, conversation)
        ticket = {"id": id_, "conversation": conversation, "at": rows[0]["at"], "last": rows[-1]["at"], "menu": menu}
        known = {"reasons": json.dumps(reasons), "priority": _m014_priority(reasons)}
        connection.execute(_M014_TICKET, ticket | known)
        events = [
            {"id": id_, "seq": seq, "at": row["at"], "escalation": row["id"]} for seq, row in enumerate(rows, start=1)
        ]
        connection.execute(_M014_EVENT, [event | _m014_kind(event["seq"]) for event in events])


def _m014_menu(connection: Connection, conversation: str) -> str:
    """The menu of the last answer that had a fitting case."""
    for (stored,) in connection.execute(_M014_TURNS, {"conversation": conversation}):
        turn = json.loads(stored)
        if turn["sources"] and turn["verdict"] != "not_found":
            return str(turn["sources"][0]["case"]["menu"])
    return ""


def _m014_priority(reasons: list[str]) -> str:
    if {"security", "data_at_risk", "money_at_risk"} & set(reasons):
        return "urgent"
    return "high" if {"very_negative", "repeated_complaint", "still_unsolved"} & set(reasons) else "normal"


def _m014_kind(seq: int) -> dict[str, str]:
    return {"kind": "opened", "after": "new"} if seq == 1 else {"kind": "escalated", "after": ""}


_M014 = (
    "CREATE TABLE tickets (id INTEGER NOT NULL PRIMARY KEY, conversation_id VARCHAR(32) NOT NULL"
    " REFERENCES conversations (id) ON DELETE CASCADE, open_for VARCHAR(32) UNIQUE, created_at FLOAT NOT NULL,"
    " updated_at FLOAT NOT NULL, status VARCHAR(16) NOT NULL, priority VARCHAR(16) NOT NULL,"
    " assignee VARCHAR(200) NOT NULL, menu TEXT NOT NULL, reasons TEXT NOT NULL)",
    "CREATE INDEX ix_tickets_conversation_id ON tickets (conversation_id)",
    "CREATE INDEX ix_tickets_status ON tickets (status, created_at)",
    "CREATE TABLE ticket_events (ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL, at FLOAT NOT NULL, actor VARCHAR(200) NOT NULL, kind VARCHAR(16) NOT NULL,"
    " before TEXT NOT NULL, after TEXT NOT NULL, note TEXT NOT NULL, escalation_id VARCHAR(32), undoes INTEGER,"
    " PRIMARY KEY (ticket_id, seq))",
)
_M014_HANDED = sql(
    "SELECT id, conversation_id, at, reasons FROM escalations ORDER BY"
    " MIN(at) OVER (PARTITION BY conversation_id), conversation_id, at, id"
)
_M014_TURNS = sql("SELECT turn FROM exchanges WHERE conversation_id = :conversation ORDER BY position DESC LIMIT 20")
_M014_TICKET = sql(
    "INSERT INTO tickets VALUES (:id, :conversation, :conversation, :at, :last, 'new', :priority, '', :menu, :reasons)"
)
_M014_EVENT = sql(
    "INSERT INTO ticket_events VALUES (:id, :seq, :at, '', :kind, '', :after, '', :escalation, NULL)"
)
"""Who escalated by hand was not kept."""


def m015_data_keys(connection: Connection) -> None:
    """Which keys texts are sealed with."""
    connection.exec_driver_sql(
        "CREATE TABLE data_keys (id VARCHAR(8) NOT NULL PRIMARY KEY, proof TEXT NOT NULL, at FLOAT NOT NULL,"
        " retired_at FLOAT)"
    )


def m016_people(connection: Connection) -> None:
    """Who may use the console, who is signed in, links to choose a password, and failed attempts."""
    for change in _M016:
        connection.exec_driver_sql(change)


_M016 = (
    "CREATE TABLE people (id VARCHAR(12) NOT NULL PRIMARY KEY, login VARCHAR(64) UNIQUE, issuer VARCHAR(400),"
    " subject VARCHAR(255), name VARCHAR(120) NOT NULL UNIQUE, roles VARCHAR(60) NOT NULL, password VARCHAR(200),"
    " made_at FLOAT NOT NULL, disabled_at FLOAT, seen_at FLOAT, UNIQUE (issuer, subject))",
    "CREATE TABLE sign_in_sessions (digest VARCHAR(64) NOT NULL PRIMARY KEY, id VARCHAR(12) NOT NULL UNIQUE,"
    " person_id VARCHAR(12) NOT NULL REFERENCES people (id) ON DELETE CASCADE, proof VARCHAR(64) UNIQUE,"
    " began_at FLOAT NOT NULL, seen_at FLOAT NOT NULL, ends_at FLOAT NOT NULL, ended_at FLOAT,"
    " address VARCHAR(64) NOT NULL, browser VARCHAR(80) NOT NULL)",
    "CREATE INDEX ix_sign_in_sessions_person_id ON sign_in_sessions (person_id)",
    "CREATE INDEX ix_sign_in_sessions_ends_at ON sign_in_sessions (ends_at)",
    "CREATE TABLE sign_in_links (digest VARCHAR(64) NOT NULL PRIMARY KEY,"
    " person_id VARCHAR(12) REFERENCES people (id) ON DELETE CASCADE, made_at FLOAT NOT NULL,"
    " ends_at FLOAT NOT NULL, used_at FLOAT)",
    "CREATE INDEX ix_sign_in_links_person_id ON sign_in_links (person_id)",
    "CREATE INDEX ix_sign_in_links_ends_at ON sign_in_links (ends_at)",
    "CREATE TABLE sign_in_failures (subject VARCHAR(64) NOT NULL PRIMARY KEY, failures INTEGER NOT NULL,"
    " last_at FLOAT NOT NULL)",
)


def m017_views_of_enabled(connection: Connection) -> None:
    """Rows that were switched off while a model read them kept views, which every start put back into the index."""
    connection.exec_driver_sql(
        "DELETE FROM indexed_views WHERE case_id IN (SELECT id FROM cases WHERE NOT enabled)"
    )


def m018_gaps(connection: Connection) -> None:
    """The learning loop; the questions that failed before are collected by the console as it runs."""
    for change in _M018:
        connection.exec_driver_sql(change)


_M018 = (
    "CREATE TABLE gaps (id INTEGER NOT NULL PRIMARY KEY, state VARCHAR(16) NOT NULL, created_at FLOAT NOT NULL,"
    " updated_at FLOAT NOT NULL, touched BOOLEAN NOT NULL, lead VARCHAR(32) NOT NULL, menu TEXT NOT NULL,"
    " neighbour VARCHAR(20) NOT NULL, draft TEXT, case_id VARCHAR(20) NOT NULL, change_id VARCHAR(32) NOT NULL,"
    " published_at FLOAT, closed_at FLOAT, reopening VARCHAR(20) NOT NULL, merged_into INTEGER, note TEXT,"
    " asked_at FLOAT, asked_version INTEGER)",
    "CREATE TABLE gap_questions (turn_id VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES exchanges (turn_id)"
    " ON DELETE CASCADE, conversation_id VARCHAR(32) NOT NULL, at FLOAT NOT NULL, failed_at FLOAT NOT NULL,"
    " failures VARCHAR(60) NOT NULL, text TEXT NOT NULL, fate VARCHAR(16) NOT NULL, gap_id INTEGER,"
    " pinned BOOLEAN NOT NULL, answered BOOLEAN NOT NULL, verdict VARCHAR(16), relevance FLOAT,"
    " from_row BOOLEAN NOT NULL, asked_at FLOAT)",
    "CREATE INDEX ix_gap_questions_fate ON gap_questions (fate)",
    "CREATE INDEX ix_gap_questions_gap_id ON gap_questions (gap_id)",
    "CREATE TABLE gap_events (gap_id INTEGER NOT NULL REFERENCES gaps (id), seq INTEGER NOT NULL, at FLOAT NOT NULL,"
    " actor VARCHAR(200) NOT NULL, kind VARCHAR(16) NOT NULL, note TEXT, questions INTEGER NOT NULL,"
    " answered INTEGER NOT NULL, other INTEGER, change_id VARCHAR(32) NOT NULL, reopening VARCHAR(20) NOT NULL,"
    " turn_ids TEXT NOT NULL, before TEXT NOT NULL, undoes INTEGER, PRIMARY KEY (gap_id, seq))",
    "CREATE TABLE gap_proofs (gap_id INTEGER NOT NULL REFERENCES gaps (id), seq INTEGER NOT NULL,"
    " turn_id VARCHAR(32) NOT NULL, verdict VARCHAR(16) NOT NULL, relevance FLOAT NOT NULL, from_row BOOLEAN NOT NULL,"
    " PRIMARY KEY (gap_id, seq, turn_id))",
)


def m019_answers(connection: Connection) -> None:
    """Versions of answers, and answers that people approved."""
    for change in _M019:
        connection.exec_driver_sql(change)


_M019 = (
    "CREATE TABLE answer_versions (turn_id VARCHAR(32) NOT NULL REFERENCES exchanges (turn_id) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL, at FLOAT NOT NULL, actor VARCHAR(200) NOT NULL, kind VARCHAR(16) NOT NULL, turn TEXT NOT NULL,"
    " chosen BOOLEAN NOT NULL, PRIMARY KEY (turn_id, seq))",
    "CREATE TABLE approved_answers (id VARCHAR(32) NOT NULL PRIMARY KEY, at FLOAT NOT NULL, actor VARCHAR(200) NOT NULL,"
    " question TEXT NOT NULL, answer TEXT NOT NULL, turn_id VARCHAR(32) NOT NULL, confirmed_at FLOAT NOT NULL,"
    " confirmed_by VARCHAR(200) NOT NULL, withdrawn_at FLOAT, withdrawn_by VARCHAR(200) NOT NULL)",
    "CREATE INDEX ix_approved_answers_at ON approved_answers (at)",
    "CREATE TABLE approved_cases (approved_id VARCHAR(32) NOT NULL REFERENCES approved_answers (id) ON DELETE CASCADE,"
    " case_id VARCHAR(20) NOT NULL, place INTEGER NOT NULL, state VARCHAR(32) NOT NULL, PRIMARY KEY (approved_id, case_id))",
    "CREATE TABLE approved_uses (turn_id VARCHAR(32) NOT NULL PRIMARY KEY,"
    " approved_id VARCHAR(32) NOT NULL REFERENCES approved_answers (id) ON DELETE CASCADE, at FLOAT NOT NULL)",
    "CREATE INDEX ix_approved_uses_approved_id ON approved_uses (approved_id)",
)


def m021_erased(connection: Connection) -> None:
    """Conversations whose texts were deleted for good."""
    connection.exec_driver_sql("ALTER TABLE conversations ADD COLUMN erased_at FLOAT")


def m022_figures(connection: Connection) -> None:
    """Ways to the figures of a period and to the latest thumbs that do not lead through every row."""
    for change in _M022:
        connection.exec_driver_sql(change)


_M022 = (
    "CREATE INDEX ix_usage_totals ON usage (day, operation, model, outcome, prompt_tokens, cached_tokens,"
    " completion_tokens, cost_pico_usd, estimated, retries, texts)",
    "CREATE INDEX ix_feedback_at ON feedback (at)",
)


def m023_askers(connection: Connection) -> None:
    """Whose message it was; of those before nobody can tell."""
    connection.exec_driver_sql("ALTER TABLE exchange_marks ADD COLUMN asker VARCHAR(40)")


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m001_create_tables,
    m002_books_and_models,
    m003_changes,
    m004_backups,
    m005_laboratory,
    m006_uploads,
    m007_outcomes,
    m008_spending,
    m009_keys,
    m010_assumptions,
    m011_traces,
    m012_alerts,
    m013_audit,
    m014_tickets,
    m015_data_keys,
    m016_people,
    m017_views_of_enabled,
    m018_gaps,
    m019_answers,
    m020_sealed,
    m021_erased,
    m022_figures,
    m023_askers,
)
"""Applied in order, each in its own transaction, each once; a fresh database is made whole and has all of them behind it."""
