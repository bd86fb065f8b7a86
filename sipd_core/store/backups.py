"""The record of every backup of this installation, and what an archive must know of the base besides its rows.

These rows stay where they are when a base is restored: they tell what was done here, not what the base holds.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sipd_core.deeds import Deed, DeedKind, DeedOutcome
from sipd_core.errors import NotFoundError, StoreError
from sipd_core.store.database import Database
from sipd_core.store.schema import (
    EPOCH_STATE,
    SERVING_STATE,
    VERSION_STATE,
    backups,
    conversations,
    embeddings,
    indexed_views,
    knowledge_state,
)
from sipd_core.store.times import moment

_COUNTS = TypeAdapter(dict[str, int])


class BackupKind(StrEnum):
    """Why an archive was made, or how it came here."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    SAFETY = "safety"
    """Made by a restore of what it was about to replace."""
    UPLOADED = "uploaded"
    FOUND = "found"
    """It lay in the folder and nothing was recorded of it."""


class BackupStatus(StrEnum):
    """Where a backup stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """What is known of one backup; times are timezone-aware, UTC."""

    id: str
    file: str
    """Name inside the backup folder, or the whole path of one made elsewhere."""
    place: str
    """Computer and folder that hold the file."""
    kind: BackupKind
    actor: str
    at: datetime
    status: BackupStatus
    bytes: int | None = None
    counts: tuple[tuple[str, int], ...] = ()
    """(table, rows)."""
    seconds: float | None = None
    problem: str = ""
    """Why it failed, in Indonesian."""
    slot: str | None = None
    """The scheduled moment that it stands for."""
    tested_at: datetime | None = None
    test: str | None = None
    """The last restore test, as JSON."""
    restored_at: datetime | None = None
    restored_by: str = ""


class BackupStore:
    """Reads and writes the records."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, record: BackupRecord) -> None:
        """Enter a record."""
        with self._database.write() as connection:
            connection.execute(insert(backups), _as_row(record))
            if record.status is not BackupStatus.RUNNING:  # else it is entered when it ends
                self._database.note(connection, backup_deed(record))

    def claim(self, record: BackupRecord, *, dead_after: float, again_after: float) -> bool:
        """Enter a scheduled backup, unless another process has its slot; False when one has.

        A slot that failed is free again after `again_after` seconds, one that never ended after `dead_after`.
        """
        now, of_slot = self._clock(), backups.c.slot == record.slot
        tired = (backups.c.status == BackupStatus.FAILED) & (backups.c.at <= now - again_after)
        dead = (backups.c.status == BackupStatus.RUNNING) & (backups.c.at <= now - dead_after)
        try:
            with self._database.write() as connection:
                connection.execute(update(backups).where(of_slot, tired | dead).values(slot=None))
                if connection.execute(select(backups.c.id).where(of_slot)).first() is not None:
                    return False
                connection.execute(insert(backups), _as_row(record))
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False  # another replica was faster
            raise
        return True

    def finish(self, record: BackupRecord) -> None:
        """Replace a record by what became of it."""
        with self._database.write() as connection:
            connection.execute(update(backups).where(backups.c.id == record.id).values(_as_row(record)))
            self._database.note(connection, backup_deed(record))

    def note_test(self, id_: str, test: str) -> None:
        """Remember the outcome of a restore test."""
        with self._database.write() as connection:
            connection.execute(update(backups).where(backups.c.id == id_).values(tested_at=self._clock(), test=test))
            self._database.note(connection, Deed(DeedKind.BACKUP_TEST, id_))

    def get(self, id_: str) -> BackupRecord:
        """One record; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(select(backups).where(backups.c.id == id_)).first()
        if row is None:
            raise NotFoundError(what="Cadangan")
        return _record(row)

    def all(self) -> tuple[BackupRecord, ...]:
        """Every record, newest first."""
        with self._database.read() as connection:
            return tuple(map(_record, connection.execute(select(backups).order_by(backups.c.at.desc(), backups.c.id))))

    def is_talked_to(self) -> bool:
        """Whether anybody has had a conversation."""
        with self._database.read() as connection:
            return connection.execute(select(conversations.c.id).limit(1)).first() is not None

    def remove(self, ids: Iterable[str]) -> None:
        """Forget records."""
        with self._database.write() as connection:
            gone = delete(backups).where(backups.c.id.in_(list(ids))).returning(backups.c.id, backups.c.file)
            for row in connection.execute(gone).all():
                self._database.note(connection, Deed(DeedKind.BACKUP_GONE, row.id, details={"file": row.file}))

    def close_interrupted(self, place: str, problem: str) -> None:
        """Records of a process of this place that ended in the middle of its work."""
        mine = (backups.c.place == place) & (backups.c.status == BackupStatus.RUNNING)
        with self._database.write() as connection:
            connection.execute(update(backups).where(mine).values(status=BackupStatus.FAILED, problem=problem))


def backup_deed(record: BackupRecord) -> Deed:
    """What the audit is told of a backup that was made, failed, or was brought here."""
    failed = record.status is BackupStatus.FAILED
    details = {"file": record.file, "how": record.kind, "bytes": record.bytes, "problem": record.problem}
    outcome = DeedOutcome.FAILED if failed else DeedOutcome.DONE
    return Deed(DeedKind.BACKUP, record.id, record.actor, outcome, details)


def add_in(connection: Connection, record: BackupRecord) -> None:
    """Enter a record in a transaction of one's own."""
    connection.execute(insert(backups), _as_row(record))


def epoch(connection: Connection) -> str:
    """Which restore the base comes from; empty when from none."""
    query = select(knowledge_state.c.value).where(knowledge_state.c.name == EPOCH_STATE)
    return connection.execute(query).scalar_one_or_none() or ""


def note_restored(connection: Connection, id_: str, at: float, actor: str) -> None:
    """Remember, in the transaction of a restore, which archive it came from."""
    connection.execute(update(backups).where(backups.c.id == id_).values(restored_at=at, restored_by=actor))


def content_state(connection: Connection, model: str | None) -> str:
    """What answers rest on besides the question, as one word: equal states give equal answers.

    It is the rows, what `model` (`name/dimension`) has read of them, and how its relevance is measured.
    """
    digest = hashlib.sha256(repr(model).encode())
    facts = select(knowledge_state).order_by(knowledge_state.c.name)
    for name, value in connection.execute(facts.where(_bears_on_answers())):
        digest.update(f"{name}\x1f{value}\x1f".encode(errors="replace"))
    views = connection.execute(
        select(func.count()).select_from(indexed_views).where(indexed_views.c.model == (model or ""))
    )
    digest.update(str(views.scalar_one()).encode())
    return digest.hexdigest()


def base_version(connection: Connection) -> int:
    """Number of the last change of the rows."""
    query = select(knowledge_state.c.value).where(knowledge_state.c.name == VERSION_STATE)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def serving_model(connection: Connection) -> str | None:
    """`name/dimension` of the embedding model that answers, None before the first did."""
    query = select(knowledge_state.c.value).where(knowledge_state.c.name == SERVING_STATE)
    return connection.execute(query).scalar_one_or_none()


def embedding_models(connection: Connection) -> tuple[str, ...]:
    """Names of the models that vectors are of."""
    query = select(embeddings.c.model).distinct().order_by(embeddings.c.model)
    return tuple(connection.execute(query).scalars())


def _bears_on_answers() -> ColumnElement[bool]:
    return (knowledge_state.c.name == VERSION_STATE) | knowledge_state.c.name.startswith(
        "calibration.", autoescape=True
    )


def _as_row(record: BackupRecord) -> dict[str, Any]:
    times = {name: getattr(record, name) for name in _TIMES}
    stamps = {name: at.timestamp() if at else None for name, at in times.items()}
    return asdict(record) | stamps | {"counts": _COUNTS.dump_json(dict(record.counts)).decode()}


def _record(row: Row[Any]) -> BackupRecord:
    told = dict(row._mapping)
    stamps = {name: moment(told[name]) if told[name] is not None else None for name in _TIMES}
    counts = tuple(_COUNTS.validate_json(row.counts).items())
    known = {"kind": BackupKind(row.kind), "status": BackupStatus(row.status), "counts": counts}
    return BackupRecord(**(told | stamps | known))


_TIMES = ("at", "tested_at", "restored_at")
