"""How long what people wrote is kept, and how it is deleted before that: one conversation by hand, the old ones every day."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import anyio
from anyio import to_thread

from sipd_core.backup.shelf import Entry
from sipd_core.errors import SipdError
from sipd_core.store.backups import BackupKind
from sipd_core.store.database import Database
from sipd_core.store.erasing import Erased, Eraser, Erasure
from sipd_core.usage import jakarta_day

log = logging.getLogger(__name__)

ROUND_SECONDS = 24 * 3_600.0
FIRST_ROUND_SECONDS = 120.0
"""After a start, when people have their first answers."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many days things are kept; 0: for ever."""

    conversation_days: int = 0
    trace_days: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """What backups still hold of a conversation."""

    scheduled_until: date | None
    """Jakarta's day on which the last scheduled archive that may hold it is due to go; None: none holds it."""
    kept: int
    """Archives that stay until people delete them."""


class Retention:
    """Safe to call from any thread; only `run` belongs to the engine's loop."""

    def __init__(
        self,
        database: Database,
        terms: Terms,
        *,
        archives: Callable[[], Sequence[Entry]],
        keep: int,
        on_duty: bool,
        forget: Callable[[Sequence[str]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`keep`: scheduled archives that are kept. `forget` lets caches forget answers. `on_duty`: as of a console."""
        self.terms = terms
        self._eraser = Eraser(database, clock=clock)
        self._archives = archives
        self._keep = keep
        self._on_duty = on_duty
        self._forget = forget
        self._clock = clock

    def effect(self, conversation_id: str) -> Erasure:
        """What would go with a conversation; raises NotFoundError."""
        return self._eraser.effect(conversation_id)

    def archived(self, began: datetime) -> Archived:
        """Which archives may hold a conversation that began then."""
        held = [one.record for one in self._archives() if one.path is not None and one.record.at >= began]
        daily = [record for record in held if record.kind is BackupKind.SCHEDULED]
        until = jakarta_day(max(record.at for record in daily)) + timedelta(days=self._keep) if daily else None
        return Archived(until, len(held) - len(daily))

    def erase(self, conversation_id: str, actor: str = "") -> Erased:
        """Delete a conversation for good; raises NotFoundError."""
        erased = self._eraser.erase(conversation_id, actor=actor)
        self._forget(erased.answers)
        return erased

    def sweep(self) -> tuple[int, int]:
        """Delete what has been kept long enough; returns (conversations, traces)."""
        now, day = self._clock(), timedelta(days=1).total_seconds()
        terms, talks, dropped = self.terms, 0, 0
        if terms.conversation_days:
            talks = self._eraser.erase_before(now - terms.conversation_days * day).conversations
        if terms.trace_days:
            dropped = self._eraser.drop_traces_before(now - terms.trace_days * day)
        if talks or dropped:
            self._forget(())
            self._eraser.wipe()
        return talks, dropped

    async def run(self) -> None:
        """Until cancelled: once a day, from soon after the start on."""
        if not self._on_duty or self.terms == Terms():
            return
        await anyio.sleep(FIRST_ROUND_SECONDS)
        while True:
            try:
                talks, dropped = await to_thread.run_sync(self.sweep)
                log.info("kept long enough and deleted: %d conversations, %d traces", talks, dropped)
            except SipdError as error:
                log.warning("what was kept long enough could not be deleted: %s", error)
            await anyio.sleep(ROUND_SECONDS)
