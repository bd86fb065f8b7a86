"""What processes over one database know of each other: which of them looks at the rules, what each sees around it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from sipd_core.alerts.model import Sighting
from sipd_core.store.database import Database
from sipd_core.store.schema import alert_lease, alert_sightings
from sipd_core.store.times import moment

LOOK = "look"
"""The lease of whoever looks at the rules."""
FORGOTTEN_AFTER = timedelta(days=1)
"""What a process saw before that is of one that ended."""


class ProcessStore:
    """Safe from any thread and any process."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def take_lease(self, holder: str, seconds: float) -> bool:
        """Become, or stay, the process that looks for all; False while another one is."""
        now, until = self._clock(), self._clock() + seconds
        mine = or_(alert_lease.c.holder == holder, alert_lease.c.until <= now)
        build = sqlite.insert if self._database.is_sqlite else postgresql.insert
        statement = build(alert_lease).values(name=LOOK, holder=holder, until=until)
        taken = statement.on_conflict_do_update(
            index_elements=[alert_lease.c.name], set_={"holder": holder, "until": until}, where=mine
        ).returning(alert_lease.c.holder)
        return self._database.together(lambda connection: connection.execute(taken).first()) is not None

    def give_lease_back(self, holder: str) -> None:
        """Let another process look at once."""
        mine = alert_lease.c.holder == holder
        self._database.together(lambda connection: connection.execute(delete(alert_lease).where(mine)))

    def see(self, sighting: Sighting) -> None:
        """Keep what a process sees, and since when it has been in trouble; forget processes long unheard of."""
        old = alert_sightings.c.seen_at < (sighting.seen_at - FORGOTTEN_AFTER).timestamp()
        row = {
            "process": sighting.process,
            "seen_at": sighting.seen_at.timestamp(),
            "trouble": sighting.trouble,
            "trouble_since": sighting.trouble_since.timestamp() if sighting.trouble_since else None,
            "free_bytes": sighting.free_bytes,
            "saved_at": sighting.saved_at.timestamp() if sighting.saved_at else None,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(alert_sightings).where(old))
            self._database.upsert(connection, alert_sightings, [row])

        self._database.together(work)

    def unsee(self, process: str) -> None:
        """A process ends: what it saw says nothing any more."""
        mine = alert_sightings.c.process == process
        self._database.together(lambda connection: connection.execute(delete(alert_sightings).where(mine)))

    def sightings(self) -> tuple[Sighting, ...]:
        """What every process saw last."""
        with self._database.read() as connection:
            return tuple(map(_sighting, connection.execute(select(alert_sightings))))


def _sighting(row: Row[Any]) -> Sighting:
    since = None if row.trouble_since is None else moment(row.trouble_since)
    saved = None if row.saved_at is None else moment(row.saved_at)
    return Sighting(row.process, moment(row.seen_at), row.trouble, since, row.free_bytes, saved)
