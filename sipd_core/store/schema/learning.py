"""What the learning loop remembers: gaps, their questions, trail and proofs."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, String, Table, Text

from sipd_core.store.cipher import Sealed
from sipd_core.store.schema.base import metadata

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
