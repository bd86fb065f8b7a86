"""Sealed texts of an archive on their way here: which keys open them, and what becomes of those that none opens.

One reason to change: how the texts of one installation come under the key of another.
"""

import time
from dataclasses import dataclass

from sipd_core.backup import archive
from sipd_core.backup.archive import ArchiveReader
from sipd_core.backup.layout import content_places
from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.data_keys import DataKey
from sipd_core.errors import BackupError
from sipd_core.store import schema
from sipd_core.store.adopting import adopt, is_foreign
from sipd_core.store.cipher import Cipher, is_sealed, key_id_of
from sipd_core.store.database import Database
from sipd_core.store.resealing import used_keys
from sipd_core.store.unopenable import Left, leave_behind

CONTENT = content_places(schema.metadata)
"""Where an archive has sealed texts."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What opened the texts of an archive."""

    own_keys: bool = False
    """Keys that it brought were needed."""
    left: Left = Left()
    """Texts that nobody can open here, and what went with them."""


@dataclass(frozen=True, slots=True)
class ArchiveKeys:
    """What an archive says of the keys of its texts."""

    brought: bool
    """It holds keys: whoever has it can read it."""
    missing: tuple[str, ...]
    """Ids of those that are neither in it nor here. An archive of an earlier release names among them the key of its test
    questions, which is not needed."""


def keys_of(reader: ArchiveReader) -> tuple[DataKey, ...]:
    """The keys that an archive brings; raises BackupError."""
    if not reader.has(archive.KEYS):
        return ()
    try:
        return tuple(DataKey.parse(line) for line in reader.read(archive.KEYS).decode("ascii").split())
    except ValueError:
        raise BackupError("the keys cannot be read") from None


def look(reader: ArchiveReader, cipher: Cipher) -> ArchiveKeys:
    """What an archive says of its keys, held against those of here; raises BackupError."""
    brought = keys_of(reader)
    return ArchiveKeys(bool(brought), tuple(sorted(set(reader.manifest.keys) - _ids(*cipher.keys, *brought))))


def opened(raw: bytes, cipher: Cipher) -> bytes | None:
    """A member that newer archives seal; None when its key is not here."""
    told = raw.decode(errors="replace")
    if not is_sealed(told):
        return raw
    return cipher.open(told).encode() if key_id_of(told) in _ids(*cipher.keys) else None


def settle(database: Database, here: Cipher, on_step: OnStep, *, without_texts: bool) -> Unsealed:
    """Put every text of an unpacked archive under the key of `here`, or leave it behind where that is wanted.

    The database's cipher has the keys of here first, then those that the archive brought. Raises BackupError when one is
    missing, DataKeyError when a text was changed.
    """
    known = _ids(*database.cipher.keys)
    with database.write() as connection:
        used = used_keys(connection, CONTENT)
        missing, left = sorted(used - known), Left()
        if missing and not without_texts:
            raise BackupError(f"keys {missing} are not here", text_key="backup.error.key", ids=", ".join(missing))
        if missing:
            left = leave_behind(connection, CONTENT, known, time.time())
        if known and is_foreign(connection, CONTENT):
            adopt(connection, CONTENT, lambda done, total: on_step(Step(StepName.SEALING, done, total)))
    return Unsealed(bool(used & (known - _ids(*here.keys))), left)


def _ids(*keys: DataKey) -> frozenset[str]:
    return frozenset(key.id for key in keys)
