"""Alerts as SQL keeps them: rules with their history, how each stands, and the log."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from sipd_core.alerts.model import (
    DEFAULTS,
    AlertEvent,
    EventKind,
    Kind,
    LogFilter,
    Reading,
    Rule,
    Standing,
    State,
)
from sipd_core.errors import AlertError
from sipd_core.privacy import mask
from sipd_core.store.database import Database
from sipd_core.store.entries import NOTE_LENGTH, EntryLog
from sipd_core.store.schema import (
    alert_events,
    alert_rules,
    alert_states,
    conversations,
    imports,
    traces,
)
from sipd_core.store.times import moment

Decide = Callable[[Rule, Standing | None], tuple[Standing, EventKind | None]]
Accompany = Callable[[Connection, AlertEvent, bool], None]
"""What else has to be written with an event, in its transaction; told whether an incident is open after it."""


def rule_log(database: Database, *, clock: Callable[[], float] = time.time) -> EntryLog[Rule]:
    """What people made of the rules, each version with who and when."""
    return EntryLog(database, alert_rules, write=_rule_row, read=_rule, clock=clock)


class AlertStore:
    """Safe from any thread and any process."""

    def __init__(self, database: Database, *, accompany: Accompany, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._accompany = accompany
        self._clock = clock
        self.log = rule_log(database, clock=clock)

    def rules(self) -> tuple[Rule, ...]:
        """The rule of every kind, as people left it."""
        return tuple((DEFAULTS | {rule.kind: rule for rule in self.log.live()}).values())

    def standings(self) -> dict[Kind, Standing]:
        """How each rule stands that was looked at."""
        with self._database.read() as connection:
            return _standings(connection)

    def look(self, decide: Decide) -> tuple[AlertEvent, ...]:
        """Let `decide` say how every rule stands now, and write what happened, all in one transaction.

        States are read in the same transaction, which nobody else shares: two processes never write one event twice.
        """
        made = []
        rules = self.rules()
        with self._alone() as connection:
            before = _standings(connection)
            for rule in rules:
                event = self._settle(connection, rule, before.get(rule.kind), decide)
                made += [event] if event else []
        return tuple(made)

    def acknowledge(self, kind: Kind, *, actor: str, note: str = "") -> AlertEvent:
        """Somebody takes care of an open incident; raises AlertError when there is none, or somebody does already."""
        with self._alone() as connection:
            standing = _standings(connection).get(kind)
            if standing is None or not standing.incident:
                raise AlertError(f"{kind} gives no alarm")
            if standing.acknowledged_by:
                taken = {"actor": standing.acknowledged_by, "text_key": "alerts.error.acknowledged"}
                raise AlertError(f"{kind} is acknowledged", **taken)
            now = moment(self._clock())
            self._keep(connection, kind, replace(standing, acknowledged_by=actor, acknowledged_at=now))
            rule = next(rule for rule in self.rules() if rule.kind is kind)
            told = mask(note.strip()).text[:NOTE_LENGTH]
            return self._write(connection, rule, EventKind.ACKNOWLEDGED, standing, actor=actor, note=told)

    def events(self, wanted: LogFilter, limit: int | None = None, offset: int = 0) -> tuple[AlertEvent, ...]:
        """Lines of the log, newest first."""
        query = _wanted(select(alert_events), wanted).order_by(alert_events.c.seq.desc())
        with self._database.read() as connection:
            return tuple(map(_event, connection.execute(query.limit(limit).offset(offset))))

    def count_events(self, wanted: LogFilter) -> int:
        """How many lines there are."""
        with self._database.read() as connection:
            return int(connection.execute(_wanted(select(func.count()).select_from(alert_events), wanted)).scalar_one())

    def turns_since(self, start: datetime, limit: int) -> Sequence[Row[Any]]:
        """The newest `limit` turns from `start` on: at, outcome, total_ms, embedding_cache, answer_cached."""
        names = "at", "outcome", "total_ms", "embedding_cache", "answer_cached"
        query = select(*(traces.c[name] for name in names)).where(traces.c.at >= start.timestamp())
        with self._database.read() as connection:
            return connection.execute(query.order_by(traces.c.at.desc()).limit(limit)).all()

    def first_content(self) -> datetime | None:
        """When the base got something of its owner's: a file or a conversation; None while there is nothing."""
        own = select(func.min(imports.c.at)).where(imports.c.sample.is_(False), imports.c.status != "failed")
        with self._database.read() as connection:
            found = [connection.execute(one).scalar() for one in (own, select(func.min(conversations.c.created_at)))]
        first = min((at for at in found if at is not None), default=None)
        return None if first is None else moment(first)

    def _settle(self, connection: Connection, rule: Rule, before: Standing | None, decide: Decide) -> AlertEvent | None:
        if not rule.enabled:
            return self._switch_off(connection, rule, before)
        after, event = decide(rule, before)
        self._keep(connection, rule.kind, after)
        return None if event is None else self._write(connection, rule, event, after)

    def _switch_off(self, connection: Connection, rule: Rule, before: Standing | None) -> AlertEvent | None:
        if before is None:
            return None
        connection.execute(delete(alert_states).where(alert_states.c.kind == rule.kind))
        if not before.incident:
            return None
        by = next((entry.actor for entry in self.log.entries() if entry.value and entry.value.kind is rule.kind), "")
        return self._write(connection, rule, EventKind.SWITCHED_OFF, before, actor=by)

    def _keep(self, connection: Connection, kind: Kind, standing: Standing) -> None:
        self._database.upsert(connection, alert_states, [_standing_row(kind, standing)])

    def _write(
        self,
        connection: Connection,
        rule: Rule,
        event: EventKind,
        standing: Standing,
        *,
        actor: str = "",
        note: str = "",
    ) -> AlertEvent:
        at, id_ = moment(self._clock()), uuid.uuid4().hex
        value, detail = standing.reading.value, standing.reading.detail
        made = AlertEvent(id_, at, rule.kind, event, value, rule.threshold, detail, actor, note)
        seq = (connection.execute(select(func.max(alert_events.c.seq))).scalar_one() or 0) + 1
        connection.execute(insert(alert_events), _event_row(seq, made))
        self._accompany(connection, made, standing.incident)
        return made

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction in which nobody else changes a state or adds an event."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql(f"LOCK TABLE {alert_states.name} IN EXCLUSIVE MODE")
            yield connection


def _wanted(query: Select[Any], wanted: LogFilter) -> Select[Any]:
    query = query.where(alert_events.c.at >= wanted.start.timestamp())
    if wanted.end is not None:
        query = query.where(alert_events.c.at < wanted.end.timestamp())
    if wanted.rules:
        query = query.where(alert_events.c.kind.in_(wanted.rules))
    return query.where(alert_events.c.event.in_(wanted.kinds)) if wanted.kinds else query


def _standings(connection: Connection) -> dict[Kind, Standing]:
    return {Kind(row.kind): _standing(row) for row in connection.execute(select(alert_states))}


def _rule_row(rule: Rule) -> Mapping[str, Any]:
    return {
        "kind": rule.kind,
        "enabled": rule.enabled,
        "threshold": rule.threshold,
        "window_minutes": rule.window_minutes,
        "min_turns": rule.min_turns,
    }


def _rule(row: Row[Any]) -> Rule:
    return Rule(Kind(row.kind), bool(row.enabled), row.threshold, row.window_minutes, row.min_turns)


def _standing_row(kind: Kind, standing: Standing) -> dict[str, Any]:
    acknowledged = standing.acknowledged_at
    return {
        "kind": kind,
        "state": standing.state,
        "since": standing.since.timestamp(),
        "looked_at": standing.looked_at.timestamp(),
        "value": standing.reading.value,
        "turns": standing.reading.turns,
        "detail": standing.reading.detail,
        "incident": standing.incident,
        "calm": standing.calm,
        "acknowledged_by": standing.acknowledged_by,
        "acknowledged_at": acknowledged.timestamp() if acknowledged else None,
    }


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        state=State(row.state),
        since=moment(row.since),
        reading=Reading(row.value, row.turns, row.detail),
        looked_at=moment(row.looked_at),
        incident=row.incident,
        calm=row.calm,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=None if row.acknowledged_at is None else moment(row.acknowledged_at),
    )


def _event_row(seq: int, made: AlertEvent) -> dict[str, Any]:
    return {
        "seq": seq,
        "id": made.id,
        "at": made.at.timestamp(),
        "kind": made.rule,
        "event": made.event,
        "value": made.value,
        "threshold": made.threshold,
        "detail": made.detail,
        "actor": made.actor,
        "note": made.note,
    }


def _event(row: Row[Any]) -> AlertEvent:
    kind, event = Kind(row.kind), EventKind(row.event)
    told = row.value, row.threshold, row.detail, row.actor, row.note
    return AlertEvent(row.id, moment(row.at), kind, event, *told)
