"""Tables of the one SQL database. One reason to change: what is remembered.

Times are UTC, stored as Unix seconds (float): both dialects compare and index them alike. Money is whole pico-dollars.
Columns of the type `Sealed` hold what people wrote in a conversation or about one: the database has them encrypted.
tests/store/test_sealing.py says of every other text column why it is plain.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from sipd_core.store.cipher import Sealed

metadata = MetaData()

knowledge_state = Table(
    "knowledge_state",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Small facts of the base: `version` (bumped with every change), `calibration`, `samples` (loaded | removed)."""

VERSION_STATE = "version"
SERVING_STATE = "serving_model"
"""The embedding model that serves, as `name/dimension`."""
EPOCH_STATE = "epoch"
"""Which restore the base comes from: what was in memory, or in an index, before it is of another base."""

imports = Table(
    "imports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("file", String(255), nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("sample", Boolean, nullable=False, default=False),
    Column("report", Text, nullable=False),
)
"""One uploaded file; `report` holds counts, reasons and notices as JSON."""

cases = Table(
    "cases",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("menu", Text, nullable=False),
    Column("issue", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("note_dev", Text, nullable=False),
    Column("note_qa", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("file", String(255), nullable=False),
    Column("sheet", String(255)),
    Column("row", Integer, nullable=False),
    Column("sample", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("import_id", ForeignKey("imports.id"), nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("version", Integer, nullable=False, server_default="0", index=True),
)
"""Masked rows as they are now: of each the newest state in `case_versions` that is not undone. `version` is the base's
version at the row's last change. A row is indexed for a model once `indexed_views` holds its views for that model."""

removals = Table(
    "removals",
    metadata,
    Column("case_id", String(20), primary_key=True),
    Column("version", Integer, nullable=False, index=True),
)
"""Rows that left `cases`, and the base's version at which they did: other processes take it over from here."""

changes = Table(
    "changes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seq", Integer, nullable=False, unique=True),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("undone_at", Float),
    Column("undone_by", String(200), nullable=False, server_default=""),
)
"""Everything that changed rows, in the order of `seq`; an import's change has the id of its import."""

case_versions = Table(
    "case_versions",
    metadata,
    Column("change_id", ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True),
    Column("case_id", String(20), primary_key=True),
    Column("content", Text),
    Column("said", Text),
    Index("ix_case_versions_case", "case_id"),
)
"""What each change made of a row: the case as JSON, NULL when it took the row away; `said`: what
the file itself said where a person's edit was kept beside it. Nothing is ever edited here; a row is
what the newest change says that is not undone."""

redirects = Table(
    "redirects",
    metadata,
    Column("change_id", ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(20), primary_key=True),
    Column("case_id", String(20), nullable=False),
)
"""Content ids that stand for a case of another id, since an edit, a merge or a new menu name. They count while their
change is not undone: a file that says the same again finds the case it belongs to."""

menu_names = Table(
    "menu_names",
    metadata,
    Column("change_id", ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True),
    Column("spelling", String(500), primary_key=True),
    Column("name", Text, nullable=False),
)
"""Spellings of a menu and the name they are filed under, as long as their change is not undone."""

origins = Table(
    "origins",
    metadata,
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("case_id", String(20), primary_key=True),
    Column("sheet", String(255), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("file", String(255), nullable=False),
    Column("date", Text, nullable=False, server_default=""),
    Column("region", Text, nullable=False, server_default=""),
    Column("reports", Integer),
    Index("ix_origins_case", "case_id"),
)
"""Every row of every import that reports a case, and when and where, as the file says it: how often the same complaint
came in. `sheet` is '' for a CSV. The same row of the same file counts once, however often it was imported; `case_id` is
the content id as the file has it. `reports` is of a row of an export: how often the case was reported in all by then."""

rejected_headings = Table(
    "rejected_headings",
    metadata,
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("headers", Text, nullable=False),
)
"""The headers above rows that an import did not take, as JSON."""

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("heading", Integer, nullable=False),
    Column("sheet", Text),
    Column("row", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cells", Text, nullable=False),
)
"""Rows that an import did not take, with the reason: the cells as JSON, masked, those of private columns blanked."""

column_mappings = Table(
    "column_mappings",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("sheet", String(32), primary_key=True),
    Column("columns", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", Float, nullable=False),
)
"""What people said of the columns of files, by the fingerprint of the header cells: field -> place as JSON, with `sheet`
empty; or, with the key of a sheet's name, that this sheet is left out."""

embeddings = Table(
    "embeddings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("model", String(120), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("tokens", Integer, nullable=False),
)
"""The durable embedding cache: key = SHA-256 of model, dimension, role and text; float16 when compression is on."""

indexed_views = Table(
    "indexed_views",
    metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("model", String(160), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("key", String(64), nullable=False),
)
"""Which vectors stand for a case, by embedding model (`name/dimension`): they are in SQL and in that model's index.
Rows that change lose all their views; two models may have theirs while one takes over from the other."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", Sealed, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
    Column("updated_at", Float, nullable=False, index=True),
    Column("turns", Integer, nullable=False),
    Column("last_verdict", String(16)),
    Column("escalated", Boolean, nullable=False),
    Column("erased_at", Float),
)
"""Heads of the conversations: all that the list in the sidebar needs, so that no turn is read for it.
`last_verdict` is empty while nothing has been searched for. Of a deleted conversation (`erased_at`) no text is left anywhere:
its rows stay empty, so that the figures of past months do too."""

exchanges = Table(
    "exchanges",
    metadata,
    Column("turn_id", String(32), primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("message", Sealed, nullable=False),
    Column("answer", Sealed, nullable=False),
    Column("turn", Sealed, nullable=False),
    Column("state", Sealed, nullable=False),
    Index("ix_exchanges_conversation", "conversation_id", "position", unique=True),
)
"""One masked message with its answer: `answer` is the text, `turn` the whole answer as JSON, `state` the escalation
policy's memory after this turn."""

exchange_marks = Table(
    "exchange_marks",
    metadata,
    Column("turn_id", ForeignKey("exchanges.turn_id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("waited_ms", Float),
    Column("asked", Boolean, nullable=False),
    Column("offered", Boolean, nullable=False),
    Column("said", String(16), nullable=False),
    Index("ix_exchange_marks_conversation", "conversation_id", "position"),
)
"""What outcomes are read from, one narrow row per exchange, so that a season is read without its texts. `waited_ms` is NULL
when it was not measured; `asked`: the message was a question; `offered`: the answer gave a remedy; `said`, of the
problem at hand: `solved`, `unsolved` or nothing."""

conversation_words = Table(
    "conversation_words",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("part", String(5), primary_key=True),
    Column("key_id", String(8), nullable=False),
    Column("marks", LargeBinary, nullable=False),
)
"""By which words a conversation is found: marks of four bytes each, in order, made with a key derived from the data key
`key_id`. The part `said` has those of its messages and answers, `noted` those of notes about it."""

feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", ForeignKey("exchanges.turn_id", ondelete="CASCADE"), primary_key=True),
    Column("at", Float, nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("reason", Sealed, nullable=False),
)

answer_versions = Table(
    "answer_versions",
    metadata,
    Column("turn_id", ForeignKey("exchanges.turn_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("turn", Sealed, nullable=False),
    Column("chosen", Boolean, nullable=False),
)
"""Answers as they were written anew, beside the first one in `exchanges`: edited, regenerated or continued (`kind`), each
as the whole turn in JSON. `chosen`: the one that counts; none: the first."""

approved_answers = Table(
    "approved_answers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("actor", String(200), nullable=False),
    Column("question", Sealed, nullable=False),
    Column("answer", Sealed, nullable=False),
    Column("turn_id", String(32), nullable=False),
    Column("confirmed_at", Float, nullable=False),
    Column("confirmed_by", String(200), nullable=False),
    Column("withdrawn_at", Float),
    Column("withdrawn_by", String(200), nullable=False),
)
"""Answers that a person approved for a question, to be served first when it is asked again. They are knowledge: they
stay when the conversation that `turn_id` was part of has been kept long enough, and go when a person deletes it."""

approved_cases = Table(
    "approved_cases",
    metadata,
    Column("approved_id", ForeignKey("approved_answers.id", ondelete="CASCADE"), primary_key=True),
    Column("case_id", String(20), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", String(32), nullable=False),
)
"""The cases an approved answer rests on, each as it was then: once one is otherwise, the answer is not served."""

approved_uses = Table(
    "approved_uses",
    metadata,
    Column("turn_id", String(32), primary_key=True),
    Column("approved_id", ForeignKey("approved_answers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Float, nullable=False),
)
"""Turns in which an approved answer was served."""

escalations = Table(
    "escalations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("turn_id", ForeignKey("exchanges.turn_id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("explanation", Sealed, nullable=False),
    Column("note", Sealed, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("open_for", String(32), unique=True),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("assignee", String(200), nullable=False),
    Column("menu", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Index("ix_tickets_status", "status", "created_at"),
)
"""Escalated conversations as they stand after the last of their events; texts stay in the conversation. `open_for` is the
conversation while the ticket is open, NULL when it is done: so a conversation has one open ticket at most."""

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("note", Sealed, nullable=False),
    Column("escalation_id", String(32)),
    Column("undoes", Integer),
)
"""What happened to tickets: rows are only ever added. `actor` is empty where the policy acted; `before` and `after` are a
status, a priority or a name, by kind; `undoes` is the event of the same ticket that no longer counts."""

gaps = Table(
    "gaps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("touched", Boolean, nullable=False),
    Column("lead", String(32), nullable=False),
    Column("menu", Text, nullable=False),
    Column("neighbour", String(20), nullable=False),
    Column("draft", Sealed),
    Column("case_id", String(20), nullable=False),
    Column("change_id", String(32), nullable=False),
    Column("published_at", Float),
    Column("closed_at", Float),
    Column("reopening", String(20), nullable=False),
    Column("merged_into", Integer),
    Column("note", Sealed),
    Column("asked_at", Float),
    Column("asked_version", Integer),
)
"""Matters that the base does not answer, as they stand after the last of their events. `touched`: a person has acted, so no
regrouping takes questions away; `lead` is the turn of the most typical question; `draft` is a row as JSON; `case_id` and
`change_id` are of the published row; `asked_version` is the base's version at which its questions were last asked again."""

gap_questions = Table(
    "gap_questions",
    metadata,
    Column("turn_id", ForeignKey("exchanges.turn_id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("failed_at", Float, nullable=False),
    Column("failures", String(60), nullable=False),
    Column("text", Sealed, nullable=False),
    Column("fate", String(16), nullable=False, index=True),
    Column("gap_id", Integer, index=True),
    Column("pinned", Boolean, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("verdict", String(16)),
    Column("relevance", Float),
    Column("from_row", Boolean, nullable=False),
    Column("asked_at", Float),
)
"""Questions that were not answered, masked. They go with their conversation. `fate` is waiting, grouped, outside (no matter of
this help desk) or aside (a person said so); `verdict`, `relevance`, `from_row` and `asked_at` are of the last time it was
asked again; `answered`: then by the gap's row."""

gap_events = Table(
    "gap_events",
    metadata,
    Column("gap_id", ForeignKey("gaps.id"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", Sealed),
    Column("questions", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("other", Integer),
    Column("change_id", String(32), nullable=False),
    Column("reopening", String(20), nullable=False),
    Column("turn_ids", Text, nullable=False),
    Column("before", Sealed, nullable=False),
    Column("undoes", Integer),
)
"""The trail of gaps: rows are only ever added, and none goes with a conversation, so no text of one is in them. `before` is
what an undo brings back, as JSON."""

gap_proofs = Table(
    "gap_proofs",
    metadata,
    Column("gap_id", ForeignKey("gaps.id"), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("turn_id", String(32), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("relevance", Float, nullable=False),
    Column("from_row", Boolean, nullable=False),
)
"""What came of each question at each time a gap's questions were asked again; `seq` is the event's."""

traces = Table(
    "traces",
    metadata,
    Column("turn_id", String(32), primary_key=True),
    Column("conversation_id", String(32), nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("mode", String(16), nullable=False, server_default="local"),
    Column("degraded", String(60)),
    Column("outcome", String(60), nullable=False),
    Column("verdict", String(16)),
    Column("relevance", Float),
    Column("mask_ms", Float),
    Column("embed_ms", Float),
    Column("search_ms", Float),
    Column("first_token_ms", Float),
    Column("total_ms", Float),
    Column("timings", Text, nullable=False),
    Column("prompt_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cost_pico_usd", BigInteger),
    Column("estimated", Boolean, nullable=False, server_default=false()),
    Column("embedding_cache", String(16)),
    Column("answer_cached", Boolean, nullable=False, server_default=false()),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("escalated", Boolean, nullable=False, server_default=false()),
    Column("model", String(120), nullable=False, server_default=""),
)
"""One row per turn, also of those that failed or were stopped. `day` is Jakarta's day; `mode` is local, hosted, cache or
degraded, `degraded` the class of the error behind the last; `outcome` is ok, stopped or the class of an error. Times are
NULL where that stage was not measured, tokens where nobody counted them, `cost_pico_usd` where a price is unknown. Tokens,
cost and retries are of the calls that wrote the answer. `embedding_cache` says where the question's vector came from
(memory, durable or miss), NULL where none was asked for."""

usage = Table(
    "usage",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("operation", String(40), nullable=False),
    Column("model", String(120), nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False, server_default="0"),
    Column("completion_tokens", Integer, nullable=False, server_default="0"),
    Column("estimated", Boolean, nullable=False, server_default=false()),
    Column("texts", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("outcome", String(16), nullable=False, server_default="ok"),
    Column("cost_pico_usd", BigInteger),
    Column("conversation_id", String(32)),
    Column("request_id", String(120)),
    Column("priced_by", Integer),
    Column("error", String(60)),
    Column("retried_for", Text, nullable=False, server_default=""),
    Index("ix_usage_day_cost", "day", "cost_pico_usd"),
)
"""The books: one row per model call; `day` is Jakarta's day, `cost_pico_usd` is NULL when the price is unknown. A call that
is under way has the outcome `open` and the most it can cost. `error` is the class of what ended a call that failed,
`retried_for` the classes of what its earlier attempts met, in order, with blanks between. `priced_by`: the
repricing that gave it its price later."""

backups = Table(
    "backups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("file", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("bytes", BigInteger),
    Column("counts", Text, nullable=False),
    Column("seconds", Float),
    Column("problem", Text, nullable=False),
    Column("slot", String(20), unique=True),
    Column("tested_at", Float),
    Column("test", Text),
    Column("restored_at", Float),
    Column("restored_by", String(200), nullable=False),
    info={"local": True},
)
"""Every backup that was made or came here. `local`: these rows are of the installation, so no archive holds them and no
restore replaces them. `slot` is the scheduled moment that one process claimed for all."""

gold_sets = Table(
    "gold_sets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("removed_at", Float),
)
"""Sets of questions whose right cases are known; a removed one can be brought back."""

gold_questions = Table(
    "gold_questions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("set_id", ForeignKey("gold_sets.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("query", Sealed, nullable=False),
    Column("style", String(60), nullable=False),
    Column("cases", Text, nullable=False),
    Column("turn_id", String(32)),
    Column("removal", String(32)),
    Index("ix_gold_questions_set", "set_id", "position"),
)
"""Masked questions; `cases` holds the ids of the right cases as a JSON list, empty when no case answers the question.
`turn_id`: the turn of a real conversation it was taken from. `removal`: the removal it went with, which can be undone."""

gold_runs = Table(
    "gold_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("set_id", ForeignKey("gold_sets.id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("runner", String(32), nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("stop", Boolean, nullable=False),
    Column("retrieval", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("version", Integer),
    Column("version_after", Integer),
    Column("cases", Integer),
    Column("model", String(160), nullable=False),
    Column("finished_at", Float),
    Column("error", Text),
    Column("figures", Text),
    Index("ix_gold_runs_set", "set_id", "at"),
)
"""Runs over a set. `runner` is the process at work and `seen_at` its last sign of life: a run without one is interrupted.
`retrieval` holds the figures of the search as JSON, `version` and `version_after` the base's version before and after."""

gold_answers = Table(
    "gold_answers",
    metadata,
    Column("run_id", ForeignKey("gold_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("question_id", String(32), nullable=False),
    Column("query", Sealed, nullable=False),
    Column("style", String(60), nullable=False),
    Column("wanted", Text, nullable=False),
    Column("rank", Integer),
    Column("ndcg", Float, nullable=False),
    Column("relevance", Float, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("milliseconds", Float, nullable=False),
    Column("best_id", String(20)),
    Column("best", Text, nullable=False),
)
"""How one question was answered in a run; `best` names the first case, which may be gone by the time it is read."""

retrieval_changes = Table(
    "retrieval_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("retrieval", Text),
    Column("run_id", String(32)),
    Column("before", Integer),
    Column("back", Boolean, nullable=False),
)
"""What searches go by, the newest row: figures as JSON, NULL for those of the environment. `before` is the row that going
back leads to (NULL: the environment's), `back` marks a row that was made by going back."""


price_entries = Table(
    "price_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("undoes", Integer),
    Column("model", String(120)),
    Column("valid_from", String(10)),
    Column("prompt_pico", BigInteger),
    Column("cached_pico", BigInteger),
    Column("completion_pico", BigInteger),
)
"""Prices that people entered, in pico-dollars a token. Nothing here is ever changed: a correction is a new entry, and so is
an undo, which names in `undoes` the entry that no longer counts. The three tables after this one are kept alike."""

rate_entries = Table(
    "rate_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("undoes", Integer),
    Column("valid_from", String(10)),
    Column("micro_idr", BigInteger),
)
"""What a dollar is worth from a day on, in millionths of a rupiah."""

invoice_entries = Table(
    "invoice_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("undoes", Integer),
    Column("month", String(7)),
    Column("pico_usd", BigInteger),
)
"""What the provider billed for a month (`2026-11`)."""

repricings = Table(
    "repricings",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("undoes", Integer),
    Column("lines", Text),
)
"""Calls of unknown price that got one later; `lines` says as JSON which, and by which prices. Their rows in `usage` name it."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("used_at", Float),
    info={"local": True},
)
"""Keys of programs that use the HTTP interface: of each only the SHA-256 is known. `local`: no archive holds them, and no
restore brings a revoked one back. `scopes` are separated by blanks."""

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("subject", String(80), primary_key=True),
    Column("spent_until", Float, nullable=False),
    info={"local": True},
)
"""How much each caller has asked of late: the moment until which what he was given is worked off."""

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("proof", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("retired_at", Float),
    info={"local": True},
)
"""Keys that texts here are sealed with: of each its id and a word that it sealed, never the key. A retired one seals nothing
any more; its row goes with the last text it opens."""

assumption_changes = Table(
    "assumption_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("back", Boolean, nullable=False),
)
"""What managers suppose of the work by hand, the newest row: values as JSON. `back` marks a row that was made by going
back to an earlier one."""

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("undoes", Integer),
    Column("kind", String(20)),
    Column("enabled", Boolean),
    Column("threshold", Float),
    Column("window_minutes", Integer),
    Column("min_turns", Integer),
)
"""Rules for alerts that people changed, kept as prices are: the newest that counts is the rule of its kind."""

alert_states = Table(
    "alert_states",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("looked_at", Float, nullable=False),
    Column("value", Float),
    Column("turns", Integer),
    Column("detail", Text, nullable=False),
    Column("incident", Boolean, nullable=False),
    Column("calm", Integer, nullable=False),
    Column("acknowledged_by", String(200), nullable=False),
    Column("acknowledged_at", Float),
    info={"local": True},
)
"""How each rule stands after the last look; `incident`: it gave alarm and was not seen to be good since."""

alert_events = Table(
    "alert_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("at", Float, nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("event", String(16), nullable=False),
    Column("value", Float),
    Column("threshold", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    info={"local": True},
)
"""The log of alerts: rows are only ever added. `value` and `threshold` are in the unit of the kind."""

alert_sightings = Table(
    "alert_sightings",
    metadata,
    Column("process", String(120), primary_key=True),
    Column("seen_at", Float, nullable=False),
    Column("trouble", Text, nullable=False),
    Column("trouble_since", Float),
    Column("free_bytes", BigInteger),
    Column("saved_at", Float),
    info={"local": True},
)
"""What each process saw last of its own surroundings: whether it leaves the provider alone, room on its disks, the newest
backup it can reach."""

alert_lease = Table(
    "alert_lease",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("until", Float, nullable=False),
    info={"local": True},
)
"""Which process looks at the rules for all of them, and until when without a further sign of life."""

alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("made_at", Float, nullable=False, index=True),
    Column("event", String(16), nullable=False),
    Column("kind", String(20)),
    Column("body", Sealed, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float),
    Column("delivered_at", Float),
    Column("problem", Text, nullable=False),
    Index("ix_alert_outbox_due", "due_at"),
    info={"local": True},
)
"""What is to be sent to the webhook, entered with its event in one transaction. `due_at` is when it may be tried next (a
process that tries moves it ahead first, so that no other does), NULL once it was delivered or given up."""

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("object", Text, nullable=False),
    Column("place", String(20), nullable=False),
    Column("address", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("details", Text, nullable=False),
    Column("key_id", String(12), nullable=False),
    Column("hash", String(64), nullable=False),
    info={"local": True},
)
"""The audit: rows are only ever added, numbered without gaps; `details` is JSON without any secret. `hash` covers a row's
other columns and the hash before it, by the key that `key_id` names (empty: none). `local`: no restore takes any back."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key_id", String(12), nullable=False),
    Column("seal", String(64), nullable=False),
    info={"local": True},
)
"""One row: how many entries the audit has and the hash of the last, changed in the transaction that adds entries. `seal` is
of both, by the key: that the end was cut off shows here."""

people = Table(
    "people",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("login", String(64), unique=True),
    Column("issuer", String(400)),
    Column("subject", String(255)),
    Column("name", String(120), nullable=False, unique=True),
    Column("roles", String(60), nullable=False),
    Column("password", String(200)),
    Column("made_at", Float, nullable=False),
    Column("disabled_at", Float),
    Column("seen_at", Float),
    UniqueConstraint("issuer", "subject"),
    info={"local": True},
)
"""Who may use the console: with a `login` and an argon2 hash (NULL until he chose one), or known by a provider's `issuer` and
`subject`. `roles` are separated by blanks. `local`: no archive holds them, and no restore brings anybody back."""

sign_in_sessions = Table(
    "sign_in_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", String(12), nullable=False, unique=True),
    Column("person_id", String(12), ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("proof", String(64), unique=True),
    Column("began_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    Column("ended_at", Float),
    Column("address", String(64), nullable=False),
    Column("browser", String(80), nullable=False),
    info={"local": True},
)
"""Who is signed in where; of a session's token only the SHA-256 is kept. `proof` is that of what a provider said, which opens
one session only."""

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", String(12), ForeignKey("people.id", ondelete="CASCADE"), index=True),
    Column("made_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    Column("used_at", Float),
    info={"local": True},
)
"""Links with which somebody chooses a password, once; without a person: the very first one. Only their SHA-256 is kept."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Float, nullable=False),
    info={"local": True},
)
"""Attempts to sign in that did not succeed, by the SHA-256 of the name or of the address."""
