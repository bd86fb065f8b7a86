"""What the laboratory remembers: gold sets, their runs, and what searches go by."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from sipd_core.store.cipher import Sealed
from sipd_core.store.schema.base import metadata

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
