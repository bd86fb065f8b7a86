"""What the knowledge base remembers: rows, their changes and imports, vectors."""

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

from sipd_core.store.schema.base import metadata

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
