"""What belongs to this installation alone: its backups, and the keys its texts are sealed with."""

from sqlalchemy import BigInteger, Column, Float, String, Table, Text

from sipd_core.store.schema.base import metadata

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
