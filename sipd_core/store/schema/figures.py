"""What figures are made of: traces, the books, prices, assumptions, alerts."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from sipd_core.store.cipher import Sealed
from sipd_core.store.schema.base import metadata

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
    Index(  # all that the sums of a period are made of, in the order in which they are summed up
        "ix_usage_totals", "day", "operation", "model", "outcome", "prompt_tokens", "cached_tokens", "completion_tokens",
        "cost_pico_usd", "estimated", "retries", "texts",
    ),  # fmt: skip
)
"""The books: one row per model call; `day` is Jakarta's day, `cost_pico_usd` is NULL when the price is unknown. A call that
is under way has the outcome `open` and the most it can cost. `error` is the class of what ended a call that failed,
`retried_for` the classes of what its earlier attempts met, in order, with blanks between. `priced_by`: the
repricing that gave it its price later."""


def _entered() -> tuple[Column[Any], ...]:
    """Which entry of its kind this is, when and by whom it was made, and why."""
    return (
        Column("seq", Integer, primary_key=True, autoincrement=False),
        Column("at", Float, nullable=False),
        Column("actor", String(200), nullable=False),
        Column("note", Text, nullable=False),
    )


price_entries = Table(
    "price_entries",
    metadata,
    *_entered(),
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
    *_entered(),
    Column("undoes", Integer),
    Column("valid_from", String(10)),
    Column("micro_idr", BigInteger),
)
"""What a dollar is worth from a day on, in millionths of a rupiah."""

invoice_entries = Table(
    "invoice_entries",
    metadata,
    *_entered(),
    Column("undoes", Integer),
    Column("month", String(7)),
    Column("pico_usd", BigInteger),
)
"""What the provider billed for a month (`2026-11`)."""

repricings = Table(
    "repricings",
    metadata,
    *_entered(),
    Column("undoes", Integer),
    Column("lines", Text),
)
"""Calls of unknown price that got one later; `lines` says as JSON which, and by which prices. Their rows in `usage` name it."""

assumption_changes = Table(
    "assumption_changes",
    metadata,
    *_entered(),
    Column("content", Text, nullable=False),
    Column("back", Boolean, nullable=False),
)
"""What managers suppose of the work by hand, the newest row: values as JSON. `back` marks a row that was made by going
back to an earlier one."""

alert_rules = Table(
    "alert_rules",
    metadata,
    *_entered(),
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
