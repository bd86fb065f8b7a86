"""Which keys texts of the database may be sealed with: every key leaves a proof, so a wrong one is refused at once.

A key is active until a rotation retires it; its row goes when no text is sealed with it any more.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, delete, insert, select

from sipd_core.data_keys import DataKey
from sipd_core.errors import DataKeyError
from sipd_core.store.cipher import Cipher
from sipd_core.store.resealing import places, used_keys
from sipd_core.store.schema import conversation_words, data_keys, metadata

log = logging.getLogger(__name__)

_Known = Row[tuple[str, str, float, float | None]]

KEY_LOCK = 5720
"""PostgreSQL's advisory lock: whoever sealed something shares it until his commit, a rotation holds it alone."""
CHECKED = "SIPD"
"""What a proof says."""


def admit(connection: Connection, cipher: Cipher) -> None:
    """Hold the keys at hand against the database's, and make or enter one where that is all right.

    Raises DataKeyError, having changed nothing, when a key is missing that texts are sealed with. A cipher that has
    neither keys nor a place for them opens nothing and is not looked at.
    """
    known = connection.execute(select(data_keys)).all()
    if not cipher.keys and cipher.file is None:
        return
    missing = _missing(connection, known, cipher)
    at_hand = [row for row in known if row.id not in missing]
    cipher.make()
    for row in at_hand:
        if cipher.open(row.proof) != CHECKED:
            raise DataKeyError("the proof is another", text_key="data_key.changed")
    first = cipher.keys[0]
    if first.id not in {row.id for row in at_hand}:
        enter(connection, first)
        if at_hand:
            log.warning("data key %s seals from now on, beside those before it: keep them all", first.id)
    cipher.follow(active(connection))


def active(connection: Connection) -> frozenset[str]:
    """Ids of the keys that may seal."""
    query = select(data_keys.c.id).where(data_keys.c.retired_at.is_(None))
    return frozenset(connection.execute(query).scalars())


def known(connection: Connection) -> frozenset[str]:
    """Ids of the keys that texts may be sealed with, retired ones too."""
    return frozenset(connection.execute(select(data_keys.c.id)).scalars())


def confirm(connection: Connection, cipher: Cipher) -> None:
    """At the end of a transaction: what it sealed, it sealed under a key that is still active; raises KeyRetiredError."""
    if cipher.used is None:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({KEY_LOCK})")
    cipher.check(active(connection))


def admit_content(connection: Connection, cipher: Cipher, ids: Iterable[str]) -> None:
    """After a restore: remember keys that its texts are sealed with; such a key opens them, and seals nothing new."""
    there = known(connection)
    for key in cipher.keys:
        if key.id in ids and key.id not in there:
            enter(connection, key, retired_at=time.time())


def enter(connection: Connection, key: DataKey, *, retired_at: float | None = None) -> None:
    """Remember a key; unless it is retired, it may seal from now on."""
    proof = Cipher([key]).seal(CHECKED)
    connection.execute(insert(data_keys), {"id": key.id, "proof": proof, "at": time.time(), "retired_at": retired_at})


def needed(connection: Connection) -> frozenset[str]:
    """Ids of the keys that something here is sealed or marked with."""
    marked = connection.execute(select(conversation_words.c.key_id).distinct()).scalars()
    return used_keys(connection, places(metadata)) | frozenset(marked)


def _missing(connection: Connection, known: Sequence[_Known], cipher: Cipher) -> frozenset[str]:
    """Ids of keys that are not at hand and that nothing needs, now forgotten; raises DataKeyError for one that is needed.

    A key that was tried out and taken back before anything was sealed with it must lock nobody out.
    """
    if {row.id for row in known} - {key.id for key in cipher.keys}:
        cipher.reload()  # another process may have made the key a moment ago
    missing = frozenset(row.id for row in known) - {key.id for key in cipher.keys}
    if not missing:
        return missing
    if lost := sorted(missing & needed(connection)):
        raise DataKeyError(f"keys {lost} are not here", text_key="data_key.missing", ids=", ".join(lost))
    connection.execute(delete(data_keys).where(data_keys.c.id.in_(missing)))
    log.warning("data keys %s are not here, and nothing is sealed with them: forgotten", ", ".join(sorted(missing)))
    return missing
