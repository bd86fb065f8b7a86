"""Who may do what, and who did what: accounts, sessions, keys, limits, the audit."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from sipd_core.store.schema.base import metadata

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
