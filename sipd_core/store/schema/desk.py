"""What the desk remembers: conversations, answers that people approved, tickets."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from sipd_core.store.cipher import Sealed
from sipd_core.store.schema.base import metadata

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
    Column("asker", String(40)),
    Index("ix_exchange_marks_conversation", "conversation_id", "position"),
)
"""What outcomes are read from, one narrow row per exchange, so that a season is read without its texts. `waited_ms` is NULL
when it was not measured; `asked`: the message was a question; `offered`: the answer gave a remedy; `said`, of the
problem at hand: `solved`, `unsolved` or nothing; `asker`: the account or the program's key that typed it, by its id alone, NULL
where nobody can tell."""

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
    Column("at", Float, nullable=False, index=True),
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
