"""What searches go by, since when and why; nothing is overwritten, so there is always a way back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import SipdError
from sipd_core.privacy import mask
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.database import Database
from sipd_core.store.schema import retrieval_changes
from sipd_core.store.times import moment


@dataclass(frozen=True, slots=True)
class Tuning:
    """One change of the figures of the search."""

    seq: int
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    note: str
    retrieval: RetrievalSettings | None
    """None: those of the environment."""
    run_id: str | None
    """The run they were measured with."""
    before: int | None
    """The change that going back leads to; None: to the environment's figures."""
    is_back: bool
    """Somebody went back."""

    @property
    def can_go_back(self) -> bool:
        """Whether there is anything before it."""
        return self.before is not None or self.retrieval is not None


class TuningStore:
    """Appends changes; the newest one is in force."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def current(self) -> Tuning | None:
        """What is in force; None while nothing was ever changed."""
        with self._database.read() as connection:
            return _newest(connection)

    def history(self, limit: int = 50) -> tuple[Tuning, ...]:
        """Changes, newest first."""
        query = select(retrieval_changes).order_by(retrieval_changes.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(map(_tuning, connection.execute(query)))

    def apply(
        self, retrieval: RetrievalSettings | None, *, actor: str, note: str = "", run_id: str | None = None
    ) -> Tuning:
        """Put figures in force (None: those of the environment), durable on return."""
        with self._alone() as connection:
            newest = _newest(connection)
            before = newest.seq if newest else None
            return self._append(connection, retrieval, actor, note, run_id, before, back=False)

    def go_back(self, seq: int, *, actor: str, note: str = "") -> Tuning:
        """Put in force what was before the change `seq`; raises SipdError when that is not the newest one any more."""
        with self._alone() as connection:
            newest = _newest(connection)
            if newest is None or newest.seq != seq or not newest.can_go_back:
                raise SipdError(f"change {seq} is not in force", text_key="laboratory.error.changed_meanwhile")
            goal = _at(connection, newest.before)
            retrieval, run_id, before = (goal.retrieval, goal.run_id, goal.before) if goal else (None, None, None)
            return self._append(connection, retrieval, actor, note, run_id, before, back=True)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction in which nobody else adds a change."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE retrieval_changes IN EXCLUSIVE MODE")
            yield connection

    def _append(
        self,
        connection: Connection,
        retrieval: RetrievalSettings | None,
        actor: str,
        note: str,
        run_id: str | None,
        before: int | None,
        *,
        back: bool,
    ) -> Tuning:
        seq = (connection.execute(select(func.max(retrieval_changes.c.seq))).scalar_one() or 0) + 1
        made = Tuning(seq, moment(self._clock()), actor, mask(note).text, retrieval, run_id, before, back)
        row = {"seq": seq, "at": made.at.timestamp(), "actor": actor, "note": made.note, "run_id": run_id}
        written = {"retrieval": retrieval.to_json() if retrieval else None, "before": before, "back": back}
        connection.execute(insert(retrieval_changes), row | written)
        details = {"note": made.note, "back": back} | {"figures": asdict(retrieval) if retrieval else None}
        self._database.note(connection, Deed(DeedKind.TUNING, str(seq), actor, details=details))
        return made


def _newest(connection: Connection) -> Tuning | None:
    row = connection.execute(select(retrieval_changes).order_by(retrieval_changes.c.seq.desc()).limit(1)).first()
    return _tuning(row) if row else None


def _at(connection: Connection, seq: int | None) -> Tuning | None:
    row = connection.execute(select(retrieval_changes).where(retrieval_changes.c.seq == seq)).first()
    return _tuning(row) if row else None


def _tuning(row: Row[Any]) -> Tuning:
    retrieval = RetrievalSettings.from_json(row.retrieval) if row.retrieval else None
    return Tuning(row.seq, moment(row.at), row.actor, row.note, retrieval, row.run_id, row.before, bool(row.back))
