"""What the console does about gaps by itself: questions come in, are put into gaps, and are asked again.

One reason to change: what becomes of a gap without a person. What people decide is gaps.py.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select

from sipd_core.documents import Case
from sipd_core.learning.model import (
    TO_DO,
    FailingQuestion,
    Failure,
    GapEventKind,
    GapState,
    Proof,
    Reopening,
)
from sipd_core.store.case_rows import CASE_COLUMNS, case_of
from sipd_core.store.database import Database
from sipd_core.store.gap_intake import Candidate, candidates, recanted
from sipd_core.store.gap_rows import (
    UNPROVEN,
    Fate,
    add_event,
    failures_of,
    gap_row,
    lock,
    new_gap,
    put,
    read_questions,
    record_proofs,
    set_gap,
    settle_lead,
    stored_failures,
)
from sipd_core.store.history import live_redirects, target
from sipd_core.store.schema import cases, changes, gap_questions, gaps, indexed_views
from sipd_core.store.times import moment

_TAKES = (*TO_DO, GapState.CLOSED, GapState.IGNORED)
"""Gaps that a further question of their meaning belongs to."""
_REMEMBERED = (Reopening.UNDONE, Reopening.GONE, Reopening.DISABLED)
"""Reasons for being open that go away when the row comes back."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that failed, with its text: masked, and said so that it can be understood alone."""

    candidate: Candidate
    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """A question of a gap as others are compared with it."""

    turn_id: str
    gap_id: int
    text: str
    loose: bool
    """It may be put elsewhere: no person has acted on its gap or on it."""


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


class GapWork:
    """Safe from any thread and any process; each call is one transaction and can be done again after a kill."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # --- questions come in -----------------------------------------------------------------------------------------

    def candidates(self, since: float, limit: int) -> list[Candidate]:
        """What failed from `since` on and is not known yet as that failure."""
        with self._database.read() as connection:
            found = candidates(connection, since, limit)
            return [one for one in found if not _is_known(connection, one)]

    def add(self, failed: Iterable[Failed]) -> int:
        """Take questions in, or the further failure of those that are known; returns how many came in or changed."""
        count = 0
        with self._database.write() as connection:
            lock(connection)
            for one in failed:
                count += self._add(connection, one)
        return count

    def _add(self, connection: Connection, failed: Failed) -> bool:
        one = failed.candidate
        row = connection.execute(select(gap_questions).where(gap_questions.c.turn_id == one.turn_id)).first()
        if row is None:
            values: dict[str, object] = {"turn_id": one.turn_id, "conversation_id": one.conversation_id, "at": one.at}
            values |= {"failed_at": one.failed_at, "failures": one.failure, "text": failed.text}
            connection.execute(insert(gap_questions), values | {"fate": Fate.WAITING, "pinned": False, **UNPROVEN})
            return True
        known = failures_of(row.failures)
        if one.failure in known and row.failed_at >= one.failed_at:
            return False
        failed_at = max(row.failed_at, one.failed_at)
        put(connection, [one.turn_id], failures=stored_failures({*known, one.failure}), failed_at=failed_at)
        if row.fate == Fate.GROUPED:
            put(connection, [one.turn_id], answered=False)
            self._stir(connection, row.gap_id)
        return True

    def forgive(self) -> int:
        """Let go of failures that people took back; returns how many questions that were."""
        with self._database.read() as connection:
            wanted = recanted(connection)
        if not wanted:
            return 0
        now = self._clock()
        with self._database.write() as connection:
            lock(connection)
            for question in read_questions(connection, gap_questions.c.turn_id.in_(wanted)):
                left = question.failures - {Failure.THUMB_DOWN}
                put(connection, [question.turn_id], failures=stored_failures(left))
                if not left:
                    put(connection, [question.turn_id], fate=Fate.ASIDE, gap_id=None, **UNPROVEN)
                if question.gap_id is not None:
                    set_gap(connection, question.gap_id, asked_at=None)
                    settle_lead(connection, question.gap_id, now)
        return len(wanted)

    # --- and are put into gaps -------------------------------------------------------------------------------------

    def waiting(self, limit: int) -> tuple[FailingQuestion, ...]:
        """Questions that nobody has looked at yet, at most `limit`."""
        with self._database.read() as connection:
            ids = select(gap_questions.c.turn_id).where(gap_questions.c.fate == Fate.WAITING)
            some = ids.order_by(gap_questions.c.at).limit(limit)
            return read_questions(connection, gap_questions.c.turn_id.in_(some))[::-1]

    def members(self, limit: int) -> tuple[Member, ...]:
        """The questions of the gaps that take more, the most recent first."""
        loose = and_(gaps.c.state == GapState.OPEN, ~gaps.c.touched, gaps.c.change_id == "", ~gap_questions.c.pinned)
        columns = gap_questions.c.turn_id, gap_questions.c.gap_id, gap_questions.c.text, loose.label("loose")
        query = select(*columns).join(gaps, gaps.c.id == gap_questions.c.gap_id)
        query = query.where(gap_questions.c.fate == Fate.GROUPED, gaps.c.state.in_(_TAKES))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(gap_questions.c.at.desc()).limit(limit))
            return tuple(Member(row.turn_id, row.gap_id, row.text, bool(row.loose)) for row in rows)

    def place(self, groups: Sequence[tuple[int | None, Sequence[str]]], outside: Sequence[str]) -> int:
        """Put waiting questions into gaps (None: a new one), or aside as no matter of this help desk.

        The first question of a group names a new gap. Those that somebody else has placed meanwhile are left alone.
        Returns how many gaps are new.
        """
        now, made = self._clock(), 0
        with self._database.write() as connection:
            lock(connection)
            waits = _waiting(connection)
            put(connection, [one for one in outside if one in waits], fate=Fate.OUTSIDE)
            for gap_id, turn_ids in groups:
                mine = [one for one in turn_ids if one in waits]
                if not mine:
                    continue
                known = gap_id is not None and gap_row(connection, gap_id).state in _TAKES
                goal = gap_id if known and gap_id is not None else new_gap(connection, at=now, lead=mine[0])
                put(connection, mine, fate=Fate.GROUPED, gap_id=goal)
                kind = GapEventKind.JOINED if known else GapEventKind.OPENED
                add_event(connection, goal, kind, at=now, questions=len(mine), turn_ids=mine)
                made += not known
                if known:
                    set_gap(connection, goal, updated_at=now)
                    self._stir(connection, goal)
        return made

    def regroup(self, moves: Sequence[tuple[int | None, Sequence[str]]]) -> int:
        """Put loose questions where they fit better (None: a new gap); returns how many were put elsewhere."""
        now, moved = self._clock(), 0
        with self._database.write() as connection:
            lock(connection)
            loose = {one.turn_id: one.gap_id for one in _loose(connection)}
            for gap_id, turn_ids in moves:
                mine = [one for one in turn_ids if one in loose and loose[one] != gap_id]
                if not mine:
                    continue
                goal = gap_id if gap_id is not None else new_gap(connection, at=now, lead=mine[0])
                put(connection, mine, gap_id=goal, **UNPROVEN)
                add_event(connection, goal, GapEventKind.REGROUPED, at=now, questions=len(mine), turn_ids=mine)
                for before in sorted({loose[one] for one in mine}):
                    left = [one for one in mine if loose[one] == before]
                    told: dict[str, object] = {"questions": len(left), "turn_ids": left, "other": goal}
                    add_event(connection, before, GapEventKind.REGROUPED, at=now, **told)
                    settle_lead(connection, before, now)
                    _follow(connection, before, goal)
                moved += len(mine)
        return moved

    def to_guess(self, limit: int) -> tuple[tuple[int, str], ...]:
        """(gap, its title) of gaps for which no menu was looked for yet."""
        columns = gaps.c.id, gap_questions.c.text
        query = select(*columns).join(gap_questions, gap_questions.c.turn_id == gaps.c.lead)
        query = query.where(gaps.c.neighbour == "", gaps.c.state.in_(TO_DO)).order_by(gaps.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple((row.id, row.text) for row in connection.execute(query))

    def guess(self, gap_id: int, menu: str, neighbour: str) -> None:
        """Keep the menu that a gap most likely belongs to, and the nearest row (`-`: none)."""
        with self._database.write() as connection:
            set_gap(connection, gap_id, menu=menu, neighbour=neighbour)

    def settle(self) -> None:
        """Gaps whose questions went with their conversations are empty."""
        now = self._clock()
        mine = select(gap_questions.c.turn_id).where(gap_questions.c.gap_id == gaps.c.id)
        lead = select(gap_questions.c.turn_id).where(
            gap_questions.c.turn_id == gaps.c.lead, gap_questions.c.gap_id == gaps.c.id
        )
        query = select(gaps.c.id).where(
            gaps.c.state.in_(TO_DO) & ~mine.exists() | gaps.c.state.in_(_TAKES) & mine.exists() & ~lead.exists()
        )
        with self._database.read() as connection:
            wanted = list(connection.execute(query).scalars())
        if wanted:
            with self._database.write() as connection:
                lock(connection)
                for gap_id in wanted:
                    settle_lead(connection, gap_id, now)

    # --- and are asked again ---------------------------------------------------------------------------------------

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
                return row.state == GapState.CLOSED
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
        row: Any,
        seen: Watched,
        answered: int,
        questions: int,
        proofs: Mapping[str, Proof],
        now: float,
    ) -> None:
        """Write down what came of it, and close or reopen the gap."""
        told: dict[str, object] = {"questions": questions, "answered": answered}
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
                put(connection, [one.turn_id for one in _mine(connection, seen.gap_id)], answered=False)

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


def _is_known(connection: Connection, one: Candidate) -> bool:
    query = select(gap_questions.c.failures, gap_questions.c.failed_at).where(gap_questions.c.turn_id == one.turn_id)
    row = connection.execute(query).first()
    return row is not None and one.failure in failures_of(row.failures) and row.failed_at >= one.failed_at


def _waiting(connection: Connection) -> set[str]:
    query = select(gap_questions.c.turn_id).where(gap_questions.c.fate == Fate.WAITING)
    return set(connection.execute(query).scalars())


def _mine(connection: Connection, gap_id: int) -> list[Any]:
    return list(connection.execute(select(gap_questions.c.turn_id).where(gap_questions.c.gap_id == gap_id)))


def _loose(connection: Connection) -> list[Any]:
    query = select(gap_questions.c.turn_id, gap_questions.c.gap_id).join(gaps, gaps.c.id == gap_questions.c.gap_id)
    free = gaps.c.state == GapState.OPEN, ~gaps.c.touched, gaps.c.change_id == "", ~gap_questions.c.pinned
    return list(connection.execute(query.where(gap_questions.c.fate == Fate.GROUPED, *free)))


def _follow(connection: Connection, before: int, goal: int) -> None:
    """A gap that lost its last question to another one leads there."""
    if gap_row(connection, before).state == GapState.EMPTY:
        set_gap(connection, before, state=GapState.MERGED, merged_into=goal)


def _rows_of(connection: Connection, case_ids: Sequence[str]) -> dict[str, tuple[Case, int, float]]:
    """Case id -> the row that stands for it now, the version at which it changed last, and when."""
    redirected = live_redirects(connection)
    wanted = {*case_ids, *redirected.values()} if redirected else set(case_ids)
    query = select(*CASE_COLUMNS, cases.c.version, cases.c.changed_at).where(cases.c.id.in_(sorted(wanted)))
    there = {row.id: (case_of(row[: len(CASE_COLUMNS)]), row.version, row.changed_at) for row in connection.execute(query)}
    goals = {id_: target(id_, redirected, there) for id_ in case_ids}
    return {id_: there[goal] for id_, goal in goals.items() if goal in there}


def _watched(row: Any, found: tuple[Case, int, float] | None, read: set[str]) -> Watched:
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
