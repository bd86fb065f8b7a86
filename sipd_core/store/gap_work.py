"""What the console does about gaps by itself: questions come in and are put into gaps.

One reason to change: how questions come to gaps without a person. What people decide is gaps.py, how the questions are
asked again gap_proving.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, insert, select

from sipd_core.learning.model import (
    TO_DO,
    FailingQuestion,
    Failure,
    GapEventKind,
    GapState,
)
from sipd_core.store.erasing import is_there
from sipd_core.store.gap_intake import Candidate, Said, asked_in, candidates, parts, recanted, said, unknown
from sipd_core.store.gap_proving import GapProving
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
    set_gap,
    settle_lead,
    stored_failures,
)
from sipd_core.store.schema import gap_questions, gaps

_TAKES = (*TO_DO, GapState.CLOSED, GapState.IGNORED)
"""Gaps that a further question of their meaning belongs to."""


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
    loose: bool
    """It may be put elsewhere: no person has acted on its gap or on it."""


class GapWork(GapProving):
    """Safe from any thread and any process; each call is one transaction and can be done again after a kill."""

    # --- questions come in -----------------------------------------------------------------------------------------

    def candidates(self, since: float, limit: int) -> tuple[list[Candidate], float]:
        """What failed from `since` on and is not known yet as that failure, and up to when this is all (see gap_intake)."""
        with self._database.read() as connection:
            found, whole = candidates(connection, since, limit)
            return unknown(connection, found), whole

    def said(self, turn_ids: Sequence[str]) -> Mapping[str, Said]:
        """What was said in these turns, by turn, as far as it is there."""
        with self._database.read() as connection:
            return said(connection, turn_ids)

    def asked_in(self, conversation_ids: Iterable[str]) -> Mapping[str, Sequence[Said]]:
        """The questions of these conversations in their order, by conversation."""
        with self._database.read() as connection:
            return asked_in(connection, conversation_ids)

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
            if not is_there(connection, one.conversation_id):  # deleted since its question was read
                return False
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
        columns = gap_questions.c.turn_id, gap_questions.c.gap_id, loose.label("loose")
        query = select(*columns).join(gaps, gaps.c.id == gap_questions.c.gap_id)
        query = query.where(gap_questions.c.fate == Fate.GROUPED, gaps.c.state.in_(_TAKES))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(gap_questions.c.at.desc()).limit(limit))
            return tuple(Member(row.turn_id, row.gap_id, bool(row.loose)) for row in rows)

    def texts(self, turn_ids: Sequence[str]) -> dict[str, str]:
        """What these questions say, by turn: to open them costs more than all the rest, so it is asked for apart."""
        found: dict[str, str] = {}
        columns = gap_questions.c.turn_id, gap_questions.c.text
        with self._database.read() as connection:
            for some in parts(turn_ids):
                rows = connection.execute(select(*columns).where(gap_questions.c.turn_id.in_(some)))
                found.update((row.turn_id, row.text) for row in rows)
        return found

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
                    told: dict[str, Any] = {"questions": len(left), "turn_ids": left, "other": goal}
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


def _waiting(connection: Connection) -> set[str]:
    query = select(gap_questions.c.turn_id).where(gap_questions.c.fate == Fate.WAITING)
    return set(connection.execute(query).scalars())


def _loose(connection: Connection) -> list[Any]:
    query = select(gap_questions.c.turn_id, gap_questions.c.gap_id).join(gaps, gaps.c.id == gap_questions.c.gap_id)
    free = gaps.c.state == GapState.OPEN, ~gaps.c.touched, gaps.c.change_id == "", ~gap_questions.c.pinned
    return list(connection.execute(query.where(gap_questions.c.fate == Fate.GROUPED, *free)))


def _follow(connection: Connection, before: int, goal: int) -> None:
    """A gap that lost its last question to another one leads there."""
    if gap_row(connection, before).state == GapState.EMPTY:
        set_gap(connection, before, state=GapState.MERGED, merged_into=goal)
