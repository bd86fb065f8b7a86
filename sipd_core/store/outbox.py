"""What is to be sent to the webhook: durable before it is sent, sent by one process at a time, tried until it arrives."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sipd_core.alerts.model import Delivery, EventKind, Kind
from sipd_core.store.database import Database
from sipd_core.store.schema import alert_outbox
from sipd_core.store.times import moment

FIRST_WAIT = timedelta(seconds=30)
"""Before a message that did not arrive is tried again; doubled each time."""
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
FORGOTTEN_AFTER = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way."""

    id: str
    body: str
    attempts: int
    """This one included."""
    made_at: float


class Outbox:
    """Safe from any thread and any process."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def enter(self, connection: Connection, id_: str, event: EventKind, rule: Kind | None, body: str) -> None:
        """Within the transaction of what is told: it is sent if, and only if, that happened."""
        now = self._clock()
        old = alert_outbox.c.made_at < now - FORGOTTEN_AFTER.total_seconds()
        connection.execute(delete(alert_outbox).where(old))
        row = {"id": id_, "made_at": now, "event": event, "kind": rule, "body": body}
        connection.execute(insert(alert_outbox), row | {"attempts": 0, "due_at": now, "problem": ""})

    def take(self, seconds: float, limit: int = 10) -> tuple[Parcel, ...]:
        """What may be tried now; for so many `seconds` no other process takes it, later one does: it may arrive twice."""
        now = self._clock()
        due = select(alert_outbox).where(alert_outbox.c.due_at <= now).order_by(alert_outbox.c.due_at).limit(limit)
        with self._database.read() as connection:
            if connection.execute(due).first() is None:
                return ()
        with self._database.write() as connection:
            rows = connection.execute(due.with_for_update(skip_locked=True)).all()
            claimed = update(alert_outbox).where(alert_outbox.c.id.in_([row.id for row in rows]))
            counted = alert_outbox.c.attempts + 1
            connection.execute(claimed.values(due_at=now + seconds, attempts=counted))
        return tuple(Parcel(row.id, row.body, row.attempts + 1, row.made_at) for row in rows)

    def arrived(self, parcel: Parcel) -> None:
        """The receiver took it."""
        self._settle(parcel, due_at=None, delivered_at=self._clock(), problem="")

    def failed(self, parcel: Parcel, problem: str) -> None:
        """It did not arrive: try again later, or never after GIVEN_UP_AFTER."""
        now = self._clock()
        wait = min(FIRST_WAIT * 2 ** min(parcel.attempts - 1, 20), LONGEST_WAIT).total_seconds()
        over = now + wait > parcel.made_at + GIVEN_UP_AFTER.total_seconds()
        self._settle(parcel, due_at=None if over else now + wait, problem=problem)

    def deliveries(self, limit: int = 20) -> Sequence[Delivery]:
        """The newest messages and what became of them."""
        query = select(alert_outbox).order_by(alert_outbox.c.made_at.desc(), alert_outbox.c.id).limit(limit)
        with self._database.read() as connection:
            return tuple(map(_delivery, connection.execute(query)))

    def _settle(self, parcel: Parcel, **values: Any) -> None:
        """Nothing changes once it was delivered, whoever did it."""
        mine = (alert_outbox.c.id == parcel.id) & alert_outbox.c.delivered_at.is_(None)
        changed = update(alert_outbox).where(mine).values(**values)
        self._database.together(lambda connection: connection.execute(changed))


def _delivery(row: Row[Any]) -> Delivery:
    due = None if row.due_at is None else moment(row.due_at)
    delivered = None if row.delivered_at is None else moment(row.delivered_at)
    kind = None if row.kind is None else Kind(row.kind)
    made, event = moment(row.made_at), EventKind(row.event)
    return Delivery(row.id, made, event, kind, row.attempts, due, delivered, row.problem)
