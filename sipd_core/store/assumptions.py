"""What a manager supposes of the work by hand: every version with who and when, the newest one in force, a way back."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import Connection, Row, func, insert, select

from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import AssumptionError
from sipd_core.locale_id import number, rupiah
from sipd_core.privacy import mask
from sipd_core.roi import Unit
from sipd_core.store.database import Database
from sipd_core.store.schema import assumption_changes
from sipd_core.store.times import moment
from sipd_core.texts import text

LONGEST_NOTE = 300
"""Characters of a note that are kept."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What measured counts are valued with; money in rupiah. The defaults are guesses until somebody saves them."""

    minutes_by_hand: Decimal = Decimal(20)
    """Minutes that a case takes without the console."""
    minutes_with_console: Decimal = Decimal(5)
    cost_per_ticket: Decimal = Decimal(10_000)
    """What a ticket handled by hand costs besides the time of whoever handles it."""
    wage_per_hour: Decimal = Decimal(35_000)
    users_per_day: Decimal = Decimal(50)
    """People who are meant to use the console in a day."""
    investment: Decimal = Decimal(59_400_000)
    """Spent once."""
    running_per_month: Decimal = Decimal(500_000)
    """Server and upkeep, besides what the models cost."""
    quiet_hours: Decimal = Decimal(48)
    """Silence after which a conversation with a remedy is taken for resolved."""

    @classmethod
    def of(cls, values: Mapping[str, Decimal | None]) -> Self:
        """Raises AssumptionError, in words, for the first value that is missing or cannot be."""
        made = cls(**{field.name: _checked(field.name, values.get(field.name)) for field in fields(cls)})
        if made.minutes_with_console > made.minutes_by_hand:
            raise AssumptionError(text_key="value.error.slower")
        return made

    @property
    def quiet(self) -> timedelta:
        return timedelta(hours=float(self.quiet_hours))


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value may be, and what it counts."""

    low: Decimal
    high: Decimal
    unit: Unit

    def shown(self, value: Decimal) -> str:
        """One of its ends, as people write it."""
        return rupiah(value) if self.unit is Unit.RUPIAH else number(value)


_MONEY = Limit(Decimal(0), Decimal(10) ** 12, Unit.RUPIAH)
LIMITS: Mapping[str, Limit] = {
    "minutes_by_hand": Limit(Decimal(1), Decimal(1_440), Unit.MINUTES),
    "minutes_with_console": Limit(Decimal(0), Decimal(1_440), Unit.MINUTES),
    "cost_per_ticket": _MONEY,
    "wage_per_hour": _MONEY,
    "users_per_day": Limit(Decimal(1), Decimal(1_000_000), Unit.COUNT),
    "investment": _MONEY,
    "running_per_month": _MONEY,
    "quiet_hours": Limit(Decimal(1), Decimal(720), Unit.HOURS),
}


@dataclass(frozen=True, slots=True)
class AssumptionChange:
    """One version, as somebody put it in force."""

    seq: int
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    note: str
    assumptions: Assumptions
    is_back: bool
    """Somebody went back to an earlier version."""


class AssumptionStore:
    """Appends versions and never changes one; while there is none, the defaults stand and nobody has agreed to them."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def current(self) -> AssumptionChange | None:
        """What is in force; None while nobody has saved anything."""
        query = select(assumption_changes).order_by(assumption_changes.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _change(row) if row else None

    def in_force(self) -> Assumptions:
        """What figures are computed with."""
        current = self.current()
        return current.assumptions if current else Assumptions()

    def quiet(self) -> timedelta:
        """The silence after which a conversation with a remedy is taken for resolved."""
        return self.in_force().quiet

    def history(self, limit: int = 50) -> tuple[AssumptionChange, ...]:
        """Versions, newest first."""
        query = select(assumption_changes).order_by(assumption_changes.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(map(_change, connection.execute(query)))

    def save(self, assumptions: Assumptions, *, actor: str, note: str = "", based_on: int | None) -> AssumptionChange:
        """Put a version in force, durable on return; `based_on` is the version the person saw (None: the defaults).

        Raises AssumptionError when somebody else saved one meanwhile.
        """
        with self._alone() as connection:
            if _newest(connection) != (based_on or 0):
                raise AssumptionError(text_key="value.error.changed_meanwhile")
            return self._append(connection, assumptions, actor, note, back=False)

    def go_back(self, seq: int, *, actor: str) -> AssumptionChange:
        """Put the version `seq` in force again, as a new version; raises AssumptionError when there is none."""
        with self._alone() as connection:
            row = connection.execute(select(assumption_changes).where(assumption_changes.c.seq == seq)).first()
            if row is None:
                raise AssumptionError(f"version {seq} does not exist", text_key="value.error.no_version")
            return self._append(connection, _change(row).assumptions, actor, row.note, back=True)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction in which nobody else adds a version."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE assumption_changes IN EXCLUSIVE MODE")
            yield connection

    def _append(
        self, connection: Connection, assumptions: Assumptions, actor: str, note: str, *, back: bool
    ) -> AssumptionChange:
        said = mask(" ".join(note.split())[:LONGEST_NOTE]).text
        made = AssumptionChange(_newest(connection) + 1, moment(self._clock()), actor, said, assumptions, back)
        content = json.dumps({name: str(value) for name, value in asdict(assumptions).items()})
        row = {"seq": made.seq, "at": made.at.timestamp(), "actor": actor, "note": said, "content": content}
        connection.execute(insert(assumption_changes), row | {"back": back})
        details = {"note": said, "back": back} | asdict(assumptions)
        self._database.note(connection, Deed(DeedKind.ASSUMPTIONS, str(made.seq), actor, details=details))
        return made


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(assumption_changes.c.seq))).scalar_one() or 0


def _change(row: Row[Any]) -> AssumptionChange:
    stored = {name: Decimal(value) for name, value in json.loads(row.content).items()}
    return AssumptionChange(row.seq, moment(row.at), row.actor, row.note, Assumptions(**stored), bool(row.back))


def _checked(name: str, value: Decimal | None) -> Decimal:
    limit = LIMITS[name]
    if value is None or not value.is_finite() or not limit.low <= value <= limit.high:
        ends = {"low": limit.shown(limit.low), "high": limit.shown(limit.high)}
        raise AssumptionError(text_key="value.error.range", name=text(f"value.assumption.{name}.label"), **ends)
    return value
