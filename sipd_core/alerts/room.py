"""Alerts as a part of the engine: rules looked at every minute by one process for all, shown, edited, acknowledged."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import anyio
from anyio import to_thread

from sipd_core.alerts import rules as judgement
from sipd_core.alerts.chain_watch import ChainWatch
from sipd_core.alerts.model import (
    AlertEvent,
    Delivery,
    EventKind,
    Kind,
    LogFilter,
    Reading,
    Rule,
    Standing,
    Watched,
)
from sipd_core.alerts.sending import Postman
from sipd_core.alerts.surroundings import Surroundings
from sipd_core.client import Webhook
from sipd_core.errors import SipdError
from sipd_core.store.alerts import AlertStore
from sipd_core.store.audit import AuditLog, Verification
from sipd_core.store.database import Database
from sipd_core.store.entries import Entry
from sipd_core.store.processes import ProcessStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
LEASE_SECONDS = 150.0
"""A process that has not looked for so long has ended; another one takes over."""
FIRST_LOOK_SECONDS = 60.0
"""After a start, which has better things to do at once: a backup that was missed is being made up for."""
KEPT_SECONDS = 3.0
"""How long the open alerts of the frame are not asked for again."""


class AlertRoom:
    """Safe to call from any thread; only `run` belongs to the engine's loop."""

    def __init__(
        self,
        database: Database,
        surroundings: Surroundings,
        webhook: Webhook | None,
        *,
        on_duty: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_duty`: whether this process looks at all, as a console does and a command does not."""
        self._postman = Postman(database, webhook, clock=clock)
        self._store = AlertStore(database, accompany=self._postman.enter, clock=clock)
        self._processes = ProcessStore(database, clock=clock)
        self._surroundings = surroundings
        self._on_duty = on_duty
        self._clock = clock
        self._process = f"{socket.gethostname()[:80]}/{uuid.uuid4().hex}"
        self._chain = ChainWatch(AuditLog(database), clock=clock)
        self._leads = False
        self._trouble_since: datetime | None = None
        self._lock = threading.Lock()
        self._kept: tuple[Watched, ...] = ()
        self._kept_until = -1.0

    # --- what pages ask for ----------------------------------------------------------------------------------------

    def watched(self) -> tuple[Watched, ...]:
        """Every rule and how it stands."""
        standings = self._store.standings()
        return tuple(Watched(rule, standings.get(rule.kind) if rule.enabled else None) for rule in self._store.rules())

    def open(self) -> tuple[Watched, ...]:
        """Open incidents, those that nobody takes care of first; asked for on every page, read every few seconds."""
        if time.monotonic() < self._kept_until:
            return self._kept
        found = [one for one in self.watched() if one.standing and one.standing.incident]
        found.sort(key=lambda one: bool(one.standing and one.standing.acknowledged_by))
        with self._lock:
            self._kept, self._kept_until = tuple(found), time.monotonic() + KEPT_SECONDS
        return self._kept

    def change_rule(self, rule: Rule, *, actor: str, note: str = "") -> None:
        """Put a rule in force and look at once; raises AlertError when it makes no sense."""
        self._store.log.add(judgement.checked(rule), actor=actor, note=note)
        self.look()

    def rule_history(self) -> tuple[Entry[Rule], ...]:
        """What people made of the rules, newest first."""
        return self._store.log.entries()

    def undo_rule(self, seq: int, *, actor: str) -> None:
        """Take a change of a rule back; raises SpendingError when it does not count any more."""
        self._store.log.undo(seq, actor=actor)
        self.look()

    def acknowledge(self, kind: Kind, *, actor: str, note: str = "") -> AlertEvent:
        """Somebody takes care of an open incident; raises AlertError when it is not open, or taken care of already."""
        made = self._store.acknowledge(kind, actor=actor, note=note)
        self._forget()
        return made

    def chain_seen(self, found: Verification) -> None:
        """An admin has just let the whole chain of the audit be looked at: what came of it counts at once."""
        self._chain.note(found)
        if not found.is_whole or any(one.rule.kind is Kind.AUDIT for one in self.open()):
            self.look()

    def events(self, wanted: LogFilter, limit: int | None = None, offset: int = 0) -> tuple[AlertEvent, ...]:
        """Lines of the log, newest first."""
        return self._store.events(wanted, limit, offset)

    def count_events(self, wanted: LogFilter) -> int:
        """How many lines of the log there are."""
        return self._store.count_events(wanted)

    @property
    def webhook_host(self) -> str | None:
        """Where alerts are sent to; None where no webhook is set."""
        return self._postman.host

    def send_test(self, actor: str) -> None:
        """Let a message go to the webhook; what becomes of it, `deliveries` tells. Raises AlertError without one."""
        self._postman.enter_test(actor)

    def deliveries(self, limit: int = 20) -> Sequence[Delivery]:
        """The newest messages to the webhook."""
        return self._postman.deliveries(limit)

    # --- what is done in the background ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: see what is around, look at the rules if no other process does, send what is to be sent."""
        if not self._on_duty:
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._postman.run)
            tasks.start_soon(self._watch_chain)
            await anyio.sleep(FIRST_LOOK_SECONDS)
            while True:
                try:
                    await self.pass_by()
                except (SipdError, OSError) as error:  # a folder that cannot be read, for one
                    log.warning("the rules for alerts could not be looked at: %s", error)
                await anyio.sleep(LOOK_SECONDS)

    async def pass_by(self) -> bool:
        """One round; returns whether the rules were looked at by this process. The breakers belong to the loop."""
        trouble = self._surroundings.trouble() if self._surroundings.trouble else None
        return await to_thread.run_sync(partial(self._round, trouble))

    async def look_at_chain(self) -> bool:
        """Look at the audit's chain if that is due and this process looks at the rules; returns whether it did."""
        if not self._leads or not self._chain.is_due():
            return False
        await self._chain.look()
        await to_thread.run_sync(self.look)
        return True

    async def deliver(self) -> None:
        """Send what is due now."""
        await self._postman.deliver()

    def look(self) -> tuple[AlertEvent, ...]:
        """Hold every rule against the figures now; returns what happened."""
        now = self._now()
        facts = self._surroundings.facts(self._store, self._processes.sightings(), now)
        facts = replace(facts, chain=self._chain.reading())

        def decide(rule: Rule, before: Standing | None) -> tuple[Standing, EventKind | None]:
            return judgement.step(rule, _measured(rule, facts, before), before, now)

        made = self._store.look(decide)
        self._forget()
        for event in made:
            level = logging.WARNING if event.event is EventKind.FIRED else logging.INFO
            log.log(level, "alert %s: %s (%s, threshold %s)", event.rule, event.event, event.value, event.threshold)
        return made

    def close(self) -> None:
        """Let another process take over at once; what this one saw says nothing any more."""
        if self._on_duty:
            try:
                self._processes.give_lease_back(self._process)
                self._processes.unsee(self._process)
            except SipdError as error:
                log.warning("the lease of the alerts runs out by itself: %s", error)

    async def _watch_chain(self) -> None:
        while True:
            await anyio.sleep(FIRST_LOOK_SECONDS)
            try:
                await self.look_at_chain()
            except (SipdError, OSError) as error:
                log.warning("the chain of the audit could not be looked at: %s", error)

    def _round(self, trouble: str | None) -> bool:
        now = self._now()
        self._trouble_since = (self._trouble_since or now) if trouble else None
        self._processes.see(self._surroundings.seen(self._process, trouble, self._trouble_since, now))
        self._leads = self._processes.take_lease(self._process, LEASE_SECONDS)
        if not self._leads:
            return False
        self.look()
        return True

    def _forget(self) -> None:
        with self._lock:
            self._kept_until = -1.0

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _measured(rule: Rule, facts: judgement.Facts, before: Standing | None) -> Reading:
    """What counts now; of the audit's chain what another process saw, or this one before its start, until it looks itself."""
    if rule.kind is Kind.AUDIT and facts.chain is None and before is not None:
        return before.reading
    return judgement.measure(rule, facts)
