"""What people wrote is sealed before it reaches the database, and opened when it is read.

One reason to change: how a text is sealed. AES-256-GCM: nobody without the key can read a text, or change one unnoticed.
Fernet costs 60 µs a text whatever its length, this 3; a page of conversations opens hundreds. `Sealed` is the type of the
columns that hold such texts: statements built on them seal and open by themselves, so nobody can forget it.
"""

import base64
import binascii
import os
import threading
import zlib
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Dialect, MetaData, Table, Text
from sqlalchemy.sql.operators import is_, is_not
from sqlalchemy.types import TypeDecorator

from sipd_core.data_keys import DataKey
from sipd_core.errors import DataKeyError, KeyRetiredError
from sipd_core.store.key_file import KEY_FILE, KeyFile

PREFIX: Final = "s1:"
"""What a sealed text begins with; the id of its key and a colon follow."""
_NONCE = 12
_LONG = 1_000
"""Bytes from which a text is packed: it could not be any more once it is sealed."""
_PLAIN, _PACKED = b"t", b"z"
_HOLDER = "sipd_cipher"
"""Where the engine's dialect keeps the cipher, which is all that a column's type gets to see."""


class Cipher:
    """Seals under one key and opens what any of its keys sealed. Safe from any thread."""

    def __init__(self, keys: Sequence[DataKey] = (), *, file: KeyFile | None = None) -> None:
        """`keys` come before those of `file`, which is made when there are none at all."""
        self._given = tuple(keys)
        self.file = file
        self._lock = threading.Lock()
        self._used = threading.local()
        self._ring: dict[str, DataKey] = {}
        self._boxes: dict[str, AESGCM] = {}
        self._sealing: str | None = None
        self.reload()

    @classmethod
    def beside(cls, folder: Path, keys: Sequence[DataKey] = ()) -> "Cipher":
        """With the key file of a data folder."""
        return cls(keys, file=KeyFile(folder / KEY_FILE))

    def reload(self) -> None:
        """Read the key file again: another process may have put a new key into it."""
        self._take((*self._given, *(self.file.read() if self.file else ())))

    def carried(self, ids: Collection[str]) -> tuple[DataKey, ...]:
        """Those of `ids` that lie in the key file alone: what an archive must bring to be read elsewhere.

        A key of the settings is never among them, also where the file holds it too.
        """
        if set(ids) - self._ring.keys():
            self.reload()
        given = {key.id for key in self._given}
        return tuple(key for key in self.keys if key.id in ids and key.id not in given)

    def make(self) -> None:
        """See to it that there is a key, where there is a place to keep it."""
        if not self._ring and self.file is not None:
            self._take(self.file.make())

    def _take(self, keys: Sequence[DataKey]) -> None:
        with self._lock:
            self._ring = {key.id: key for key in reversed(keys)}
            self._ring = dict(reversed(self._ring.items()))
            self._boxes = {id_: AESGCM(key.derived("texts")) for id_, key in self._ring.items()}
            if self._sealing not in self._ring:
                self._sealing = next(iter(self._ring), None)

    @property
    def is_given(self) -> bool:
        """Whether keys came from the settings, so that only people can add one."""
        return bool(self._given)

    @property
    def keys(self) -> tuple[DataKey, ...]:
        """Those at hand, the first one first."""
        return tuple(self._ring.values())

    @property
    def sealing(self) -> DataKey:
        """The key that seals; raises DataKeyError when there is none."""
        id_ = self._sealing
        if id_ is None:
            raise DataKeyError("no data key", text_key="data_key.none")
        return self._ring[id_]

    def follow(self, active: Collection[str]) -> bool:
        """Seal from now on under the first key that is among `active` ids; False when there is none at hand."""
        found = next((id_ for id_ in self._ring if id_ in active), None)
        if found is None:
            self.reload()
            found = next((id_ for id_ in self._ring if id_ in active), None)
        if found is not None:
            self._sealing = found
        return found is not None

    def seal(self, text: str) -> str:
        """A text as the database may hold it; an empty one stays empty. Raises DataKeyError when there is no key."""
        if not text:
            return ""
        key = self.sealing
        self._used.key = key.id
        raw = text.encode(errors="surrogatepass")
        packed = _PACKED + zlib.compress(raw, 1) if len(raw) >= _LONG else _PLAIN + raw
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._boxes[key.id].encrypt(nonce, packed, None)
        return f"{PREFIX}{key.id}:{base64.b64encode(sealed).decode()}"

    def open(self, stored: str) -> str:
        """The text that was sealed; raises DataKeyError when its key is not here or it was changed."""
        if not stored:
            return ""
        id_ = key_id_of(stored)
        if id_ not in self._boxes:
            self.reload()
        if (box := self._boxes.get(id_)) is None:
            raise DataKeyError(f"key {id_} is not here", text_key="data_key.missing", ids=id_)
        try:
            sealed = base64.b64decode(stored[len(PREFIX) + len(id_) + 1 :], validate=True)
            packed = box.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, binascii.Error, ValueError):
            raise DataKeyError("a sealed text was changed", text_key="data_key.changed") from None
        raw = zlib.decompress(packed[1:]) if packed[:1] == _PACKED else packed[1:]
        return raw.decode(errors="surrogatepass")

    def begin(self) -> None:
        """From here on it is watched under which key this thread seals."""
        self._used.key = None

    @property
    def used(self) -> str | None:
        """Id of the key this thread sealed under since `begin`."""
        return getattr(self._used, "key", None)

    def check(self, active: Collection[str]) -> None:
        """Raises KeyRetiredError when this thread sealed under a key that is not `active` any more.

        Then the next one is in force already; DataKeyError when it is not at hand.
        """
        if self.used is None or self.used in active:
            return
        if not self.follow(active):
            raise DataKeyError("the data key was replaced", text_key="data_key.replaced")
        raise KeyRetiredError(f"key {self.used} is retired")


def key_id_of(stored: str) -> str:
    """Id of the key a text is sealed with; raises DataKeyError for one that is not sealed."""
    id_, colon, _ = stored.removeprefix(PREFIX).partition(":")
    if not stored.startswith(PREFIX) or not colon:
        raise DataKeyError("a text is not sealed", text_key="data_key.changed")
    return id_


def is_sealed(stored: str) -> bool:
    """Whether a text of the database is a sealed one."""
    return stored.startswith(PREFIX)


class Sealed(TypeDecorator[str]):
    """A text column whose content is sealed in the database and plain in Python; it can be compared with nothing."""

    impl = Text
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[str]):
        """Two sealings of one text differ, so a condition on the column would quietly find nothing."""

        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            """Only emptiness (NULL) can be asked for."""
            if op not in (is_, is_not):
                raise TypeError(f"a sealed column can be compared with nothing ({op.__name__})")
            return super().operate(op, *other, **options)

    comparator_factory = Comparator

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Python → database."""
        return None if value is None else cipher_of(dialect).seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Database → Python."""
        return None if value is None else cipher_of(dialect).open(value)


def hold(dialect: Dialect, cipher: Cipher) -> None:
    """Let the sealed columns of an engine use this cipher."""
    setattr(dialect, _HOLDER, cipher)


def cipher_of(dialect: Dialect) -> Cipher:
    """The cipher of the engine a statement runs on; raises DataKeyError when it was opened without one."""
    held: Cipher | None = getattr(dialect, _HOLDER, None)
    if held is None:
        raise DataKeyError("no cipher", text_key="data_key.none")
    return held


@cache
def as_stored(table: Table) -> Table:
    """The same table with its sealed columns as the database holds them; itself when it has none.

    What copies or archives rows must not open them. Without foreign keys: the copy is for plain statements.
    """
    if not sealed_columns(table):
        return table
    copies = [
        Column(one.name, Text() if isinstance(one.type, Sealed) else one.type, primary_key=one.primary_key, nullable=one.nullable)
        for one in table.columns
    ]
    return Table(table.name, MetaData(), *copies, info=table.info)


def sealed_columns(table: Table) -> tuple[str, ...]:
    """Names of the sealed columns of a table."""
    return tuple(column.name for column in table.columns if isinstance(column.type, Sealed))
