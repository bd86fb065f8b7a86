"""How gaps are proven: whether their rows are there, and what came of asking their questions again.

One reason to change: what opens and closes a gap without a person.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from sipd_core.documents import Case
from sipd_core.learning.model import FailingQuestion, GapEventKind, GapState, Proof, Reopening
from sipd_core.store.case_rows import cases_by_id
from sipd_core.store.database import Database
from sipd_core.store.gap_rows import (
    Fate,
    add_event,
    gap_row,
    lock,
    put,
    read_questions,
    record_proofs,
    set_gap,
)
from sipd_core.store.history import live_redirects, target
from sipd_core.store.schema import cases, changes, gap_questions, gaps, indexed_views
from sipd_core.store.times import moment

_REMEMBERED = (Reopening.UNDONE, Reopening.GONE, Reopening.DISABLED)
"""Reasons for being open that go away when the row comes back."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A gap that has, or had, a row, and how that row is now."""

    gap_id: int
    state: GapState
    case: Case | None
    undone: bool
    reopening: Reopening | None
    since: float
    """Since when the row is as it is, or since when it is the gap's."""
    version: int
    """The base's version at which the row changed last."""
    asked_at: float | None
    asked_version: int | None
    searchable: bool
    """A model has read it; False too where none was named."""

    @property
    def loss(self) -> Reopening | None:
        """Why there is no row that could answer; None when there is one."""
        if self.undone:
            return Reopening.UNDONE
        if self.case is None:
            return Reopening.GONE
        return None if self.case.enabled else Reopening.DISABLED


class GapProving:
    """Safe from any thread and any process; each call is one transaction and can be done again after a kill."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def watched(self, model: str) -> tuple[Watched, ...]:
        """The gaps with a row, and how it is; `model` (`name/dimension`) is the one that serves, if any does."""
        remembered = gaps.c.state.in_((GapState.OPEN, GapState.DRAFT)) & gaps.c.reopening.in_(_REMEMBERED)
        held = or_(gaps.c.state.in_((GapState.PUBLISHED, GapState.CLOSED)), remembered)
        query = select(gaps, changes.c.id.label("change"), changes.c.undone_at)
        query = query.outerjoin(changes, changes.c.id == gaps.c.change_id).where(held, gaps.c.case_id != "")
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            if not rows:
                return ()
            found = _rows_of(connection, [row.case_id for row in rows])
            ids = [row.id for row, _, _ in found.values()]
            views = indexed_views.c.model == model, indexed_views.c.case_id.in_(ids)
            read = set(connection.execute(select(indexed_views.c.case_id).where(*views).distinct()).scalars())
        return tuple(_watched(row, found.get(row.case_id), read) for row in rows)

    def questions(self, gap_id: int) -> tuple[FailingQuestion, ...]:
        """The questions of a gap, the most recent first."""
        with self._database.read() as connection:
            mine = gap_questions.c.gap_id == gap_id, gap_questions.c.fate == Fate.GROUPED
            return read_questions(connection, *mine)

    def record(self, seen: Watched, proofs: Mapping[str, Proof], version: int) -> bool:
        """Keep what came of asking again and let the gap stand accordingly; True when it is closed now.

        Nothing is kept when the gap changed while its questions were asked.
        """
        now = self._clock()
        with self._database.write() as connection:
            lock(connection)
            row = gap_row(connection, seen.gap_id)
            if row.state != seen.state or row.asked_at != seen.asked_at or seen.case is None:
                return bool(row.state == GapState.CLOSED)
            for turn, proof in proofs.items():
                values: dict[str, object] = {"verdict": proof.verdict, "relevance": proof.relevance}
                put(connection, [turn], asked_at=proof.at.timestamp(), from_row=proof.from_row, **values)
            mine = gap_questions.c.gap_id == seen.gap_id, gap_questions.c.fate == Fate.GROUPED
            questions = read_questions(connection, *mine)
            done = [one.turn_id for one in questions if one.shortfall(moment(seen.since)) is None]
            put(connection, [one.turn_id for one in questions], answered=False)
            put(connection, done, answered=True)
            self._conclude(connection, row, seen, len(done), len(questions), proofs, now)
            set_gap(connection, seen.gap_id, asked_at=now, asked_version=version, case_id=seen.case.id)
            return bool(questions) and len(done) == len(questions)

    def _conclude(
        self,
        connection: Connection,
        row: Row[Any],
        seen: Watched,
        answered: int,
        questions: int,
        proofs: Mapping[str, Proof],
        now: float,
    ) -> None:
        """Write down what came of it, and close or reopen the gap."""
        told: dict[str, Any] = {"questions": questions, "answered": answered}
        seq = add_event(connection, seen.gap_id, GapEventKind.ASKED, at=now, **told)
        record_proofs(connection, seen.gap_id, seq, proofs)
        set_gap(connection, seen.gap_id, published_at=seen.since, updated_at=now)
        whole = 0 < answered == questions
        if whole and row.state == GapState.PUBLISHED:
            set_gap(connection, seen.gap_id, state=GapState.CLOSED, closed_at=now, reopening="")
            add_event(connection, seen.gap_id, GapEventKind.CLOSED, at=now, **told)
        if not whole and row.state == GapState.CLOSED:
            self._reopen(connection, seen.gap_id, Reopening.UNANSWERED, GapState.PUBLISHED, now)

    def lose(self, seen: Watched, why: Reopening) -> None:
        """The row of a gap cannot answer any more: the gap is open again, with its draft."""
        now = self._clock()
        with self._database.write() as connection:
            lock(connection)
            row = gap_row(connection, seen.gap_id)
            if row.state == seen.state:
                self._reopen(connection, seen.gap_id, why, GapState.OPEN, now)
                put(connection, _mine(connection, seen.gap_id), answered=False)

    def regain(self, seen: Watched) -> None:
        """The row of a gap is back: its questions are to be asked again."""
        now = self._clock()
        with self._database.write() as connection:
            lock(connection)
            if gap_row(connection, seen.gap_id).state == seen.state:
                set_gap(connection, seen.gap_id, state=GapState.PUBLISHED, reopening="", asked_at=None, updated_at=now)
                add_event(connection, seen.gap_id, GapEventKind.RETURNED, at=now)

    def ask_again(self, gap_id: int) -> None:
        """Let the questions of a gap be asked again soon."""
        with self._database.write() as connection:
            set_gap(connection, gap_id, asked_at=None)

    def _stir(self, connection: Connection, gap_id: int) -> None:
        """Something new failed in a gap: a closed one is open again, one with a row is to be asked again."""
        row = gap_row(connection, gap_id)
        if row.state == GapState.CLOSED:
            self._reopen(connection, gap_id, Reopening.FAILED_AGAIN, GapState.PUBLISHED, self._clock())
        if row.state in (GapState.CLOSED, GapState.PUBLISHED):
            set_gap(connection, gap_id, asked_at=None)

    def _reopen(self, connection: Connection, gap_id: int, why: Reopening, to: GapState, now: float) -> None:
        set_gap(connection, gap_id, state=to, reopening=why, closed_at=None, asked_at=None, updated_at=now)
        add_event(connection, gap_id, GapEventKind.REOPENED, at=now, reopening=why)


def _mine(connection: Connection, gap_id: int) -> list[str]:
    query = select(gap_questions.c.turn_id).where(gap_questions.c.gap_id == gap_id)
    return list(connection.execute(query).scalars())


def _rows_of(connection: Connection, case_ids: Sequence[str]) -> dict[str, tuple[Case, int, float]]:
    """Case id -> the row that stands for it now, the version at which it changed last, and when."""
    redirected = live_redirects(connection)
    wanted = sorted({*case_ids, *redirected.values()} if redirected else {*case_ids})
    there = cases_by_id(connection, wanted)
    goals = {id_: target(id_, redirected, there) for id_ in case_ids}
    ids = sorted({goal for goal in goals.values() if goal in there})
    stamps = select(cases.c.id, cases.c.version, cases.c.changed_at).where(cases.c.id.in_(ids))
    found = {row.id: (there[row.id], row.version, row.changed_at) for row in connection.execute(stamps)}
    return {id_: found[goal] for id_, goal in goals.items() if goal in found}


def _watched(row: Row[Any], found: tuple[Case, int, float] | None, read: set[str]) -> Watched:
    case, version, changed_at = found or (None, 0, 0.0)
    return Watched(
        row.id,
        GapState(row.state),
        case,
        row.change is None or row.undone_at is not None,
        Reopening(row.reopening) if row.reopening else None,
        max(row.published_at or 0.0, changed_at),
        version,
        row.asked_at,
        row.asked_version,
        case is not None and case.id in read,
    )
