"""What people decide about gaps, in SQL, each with its event and its deed. Only masked texts come in here.

One reason to change: what people may do to gaps. What the console does by itself is gap_work.py.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, func, select

from sipd_core.deeds import Deed, DeedKind
from sipd_core.documents import Change
from sipd_core.errors import GapError
from sipd_core.learning.model import (
    TO_DO,
    Draft,
    GapEvent,
    GapEventKind,
    GapState,
    Reopening,
    undoable,
)
from sipd_core.store.gap_list import GapList
from sipd_core.store.gap_rows import (
    DRAFT,
    UNPROVEN,
    Fate,
    add_event,
    forget_proofs,
    gap_row,
    lock,
    new_gap,
    put,
    read_events,
    read_questions,
    set_gap,
    settle_lead,
)
from sipd_core.store.schema import gap_events, gap_questions

_KEPT = ("state", "case_id", "change_id", "published_at", "closed_at", "reopening", "merged_into")
"""What an undo brings back, beside the note."""


class GapStore(GapList):
    """Safe from any thread and any process; what is done is durable on return, with its event and its deed."""

    def save_draft(self, gap_id: int, draft: Draft, *, actor: str) -> None:
        """Keep a row on its way into the base; raises NotFoundError, GapError for a gap that is done."""
        now = self._clock()
        with self._alone(gap_id) as (connection, row):
            if row.state not in (*TO_DO, GapState.CLOSED):
                raise GapError(text_key="learning.error.not_open")
            stored = DRAFT.dump_json(draft).decode()
            if row.draft == stored:
                return
            state = GapState.DRAFT if row.state == GapState.OPEN else row.state
            set_gap(connection, gap_id, draft=stored, state=state, touched=True, updated_at=now)
            add_event(connection, gap_id, GapEventKind.DRAFTED, at=now, actor=actor)
            self._note(connection, gap_id, actor, "draft")

    def ignore(self, gap_id: int, reason: str, *, actor: str) -> None:
        """Leave a gap as it is, for a reason; raises GapError without one or when it is done, NotFoundError."""
        if not reason.strip():
            raise GapError(text_key="learning.error.no_reason")
        self._set_state(gap_id, GapEventKind.IGNORED, TO_DO, actor, state=GapState.IGNORED, note=reason.strip())

    def reopen(self, gap_id: int, reason: str, *, actor: str) -> None:
        """Take a gap up again that was closed or ignored; raises GapError, NotFoundError."""
        values: dict[str, object] = {"closed_at": None, "reopening": Reopening.BY_HAND}
        values |= {"state": GapState.OPEN, "case_id": "", "change_id": ""}
        states = (GapState.CLOSED, GapState.IGNORED)
        self._set_state(gap_id, GapEventKind.REOPENED, states, actor, note=reason.strip(), **values)

    def move(self, turn_ids: Sequence[str], gap_id: int, to: int | None, *, actor: str) -> int:
        """Put questions of a gap into another one, or into a new one (None); its number.

        Raises NotFoundError, GapError when a question is not in the gap any more.
        """
        now = self._clock()
        with self._alone(gap_id) as (connection, _):
            _held(connection, gap_id, turn_ids)
            other = _new(connection, now, turn_ids[0]) if to is None else self._goal(connection, gap_id, to)
            self._put(connection, turn_ids, gap_id, other, now)
            told: dict[str, Any] = {"turn_ids": list(turn_ids), "questions": len(turn_ids)}
            add_event(connection, gap_id, GapEventKind.MOVED, at=now, actor=actor, other=other, **told)
            add_event(connection, other, GapEventKind.RECEIVED, at=now, other=gap_id, **told)
            self._note(connection, gap_id, actor, "move", questions=len(turn_ids), to=other)
        return other

    def set_aside(self, turn_ids: Sequence[str], gap_id: int, *, actor: str) -> None:
        """Say that questions belong to no gap; raises as `move`."""
        now = self._clock()
        with self._alone(gap_id) as (connection, _):
            _held(connection, gap_id, turn_ids)
            put(connection, turn_ids, fate=Fate.ASIDE, gap_id=None, pinned=True, **UNPROVEN)
            told: dict[str, Any] = {"turn_ids": list(turn_ids), "questions": len(turn_ids)}
            add_event(connection, gap_id, GapEventKind.SET_ASIDE, at=now, actor=actor, **told)
            set_gap(connection, gap_id, touched=True, updated_at=now)
            settle_lead(connection, gap_id, now)
            self._note(connection, gap_id, actor, "set_aside", questions=len(turn_ids))

    def take_in(self, turn_id: str, *, actor: str) -> int:
        """Make a gap of a question that was left out; its number. Raises GapError when it is not left out any more."""
        now = self._clock()
        with self._database.write() as connection:
            lock(connection)
            aside = gap_questions.c.fate.in_((Fate.OUTSIDE, Fate.ASIDE)), gap_questions.c.turn_id == turn_id
            if not read_questions(connection, *aside):
                raise GapError()
            gap_id = _new(connection, now, turn_id)
            put(connection, [turn_id], fate=Fate.GROUPED, gap_id=gap_id, pinned=True, **UNPROVEN)
            add_event(connection, gap_id, GapEventKind.RECEIVED, at=now, actor=actor, questions=1, turn_ids=[turn_id])
            self._note(connection, gap_id, actor, "take_in")
        return gap_id

    def merge(self, gap_id: int, into: int, *, actor: str) -> None:
        """Let another gap have all questions of this one; raises GapError, NotFoundError."""
        now = self._clock()
        with self._alone(gap_id) as (connection, row):
            if row.state not in (GapState.OPEN, GapState.DRAFT, GapState.IGNORED):
                raise GapError(text_key="learning.error.not_mergeable")
            goal = self._goal(connection, gap_id, into)
            mine = gap_questions.c.gap_id == gap_id, gap_questions.c.fate == Fate.GROUPED
            turn_ids = list(connection.execute(select(gap_questions.c.turn_id).where(*mine)).scalars())
            told: dict[str, Any] = {"turn_ids": turn_ids, "questions": len(turn_ids)}
            before = {name: row._mapping[name] for name in _KEPT}
            add_event(connection, gap_id, GapEventKind.MERGED, at=now, actor=actor, other=goal, before=before, **told)
            add_event(connection, goal, GapEventKind.ABSORBED, at=now, other=gap_id, **told)
            self._put(connection, turn_ids, gap_id, goal, now)
            set_gap(connection, gap_id, state=GapState.MERGED, merged_into=goal)
            self._note(connection, gap_id, actor, "merge", to=goal)

    def undo(self, gap_id: int, seq: int, *, actor: str) -> GapEvent:
        """Take back what a person did last, and return it; raises GapError when `seq` is not that, NotFoundError."""
        now = self._clock()
        with self._alone(gap_id) as (connection, _):
            last = undoable(read_events(connection, gap_id))
            if last is None or last.seq != seq:
                raise GapError(text_key="learning.error.undo")
            if last.turn_ids:
                self._bring_back(connection, gap_id, last, now)
            if kept := _before(connection, gap_id, seq):
                set_gap(connection, gap_id, updated_at=now, **kept)
            add_event(connection, gap_id, GapEventKind.UNDONE, at=now, actor=actor, undoes=seq)
            self._note(connection, gap_id, actor, "undo")
        return last

    # --- how it is done --------------------------------------------------------------------------------------------

    def _set_state(
        self, gap_id: int, kind: GapEventKind, of: Sequence[GapState], actor: str, *, note: str, **values: object
    ) -> None:
        now = self._clock()
        with self._alone(gap_id) as (connection, row):
            if row.state not in of:
                raise GapError()
            before = {name: row._mapping[name] for name in _KEPT}
            reason = str(values.get("reopening", ""))
            told: dict[str, Any] = {"note": note, "before": before, "reopening": reason}
            add_event(connection, gap_id, kind, at=now, actor=actor, **told)
            kept = note if kind is GapEventKind.IGNORED else None
            set_gap(connection, gap_id, touched=True, updated_at=now, note=kept, **values)
            self._note(connection, gap_id, actor, kind.value, reason=note)

    def _put(self, connection: Connection, turn_ids: Sequence[str], of: int, to: int, now: float) -> None:
        put(connection, turn_ids, fate=Fate.GROUPED, gap_id=to, pinned=True, **UNPROVEN)
        for gap_id in (of, to):
            set_gap(connection, gap_id, touched=True, updated_at=now, asked_at=None)
            settle_lead(connection, gap_id, now)

    def _goal(self, connection: Connection, gap_id: int, to: int) -> int:
        """The gap that is to get questions; raises GapError for one that takes none, NotFoundError."""
        if to == gap_id or gap_row(connection, to).state in (GapState.MERGED, GapState.IGNORED):
            raise GapError(text_key="learning.error.no_goal")
        return to

    def _bring_back(self, connection: Connection, gap_id: int, last: GapEvent, now: float) -> None:
        """Questions that are still where they were put come back."""
        there = gap_questions.c.gap_id == last.other if last.other else gap_questions.c.fate == Fate.ASIDE
        query = select(gap_questions.c.turn_id).where(there, gap_questions.c.turn_id.in_(last.turn_ids))
        found = list(connection.execute(query).scalars())
        put(connection, found, fate=Fate.GROUPED, gap_id=gap_id, pinned=True, **UNPROVEN)
        settle_lead(connection, gap_id, now)
        if last.other:
            add_event(connection, last.other, GapEventKind.MOVED, at=now, other=gap_id, questions=len(found))
            settle_lead(connection, last.other, now)

    @contextmanager
    def _alone(self, gap_id: int) -> Iterator[tuple[Connection, Row[Any]]]:
        """A transaction in which nobody else changes a gap, and the gap as it is; raises NotFoundError."""
        with self._database.write() as connection:
            lock(connection)
            yield connection, gap_row(connection, gap_id)

    def _note(self, connection: Connection, gap_id: int, actor: str, what: str, **details: object) -> None:
        deed = Deed(DeedKind.GAP, str(gap_id), actor, details={"what": what} | details)
        self._database.note(connection, deed)


def published(connection: Connection, gap_id: int, case_id: str, change: Change, actor: str) -> None:
    """Its row came into the base with a change; from here on its questions are to be answered by it.

    Called within the transaction of the change, so that neither is there without the other.
    """
    lock(connection)
    now = change.at.timestamp()
    forget_proofs(connection, gap_id)
    values: dict[str, object] = {"state": GapState.PUBLISHED, "published_at": now, "closed_at": None, "reopening": ""}
    values |= {"case_id": case_id, "change_id": change.id, "asked_at": None, "asked_version": None}
    set_gap(connection, gap_id, touched=True, updated_at=now, **values)
    add_event(connection, gap_id, GapEventKind.PUBLISHED, at=now, actor=actor, change_id=change.id)


def _held(connection: Connection, gap_id: int, turn_ids: Sequence[str]) -> None:
    """Raises GapError when not all of the questions are in the gap."""
    query = select(func.count()).where(gap_questions.c.gap_id == gap_id, gap_questions.c.turn_id.in_(turn_ids))
    if not turn_ids or connection.execute(query).scalar_one() != len(set(turn_ids)):
        raise GapError()


def _new(connection: Connection, now: float, lead: str) -> int:
    gap_id = new_gap(connection, at=now, lead=lead)
    set_gap(connection, gap_id, touched=True)
    return gap_id


def _before(connection: Connection, gap_id: int, seq: int) -> dict[str, Any]:
    query = select(gap_events.c.before).where(gap_events.c.gap_id == gap_id, gap_events.c.seq == seq)
    stored = connection.execute(query).scalar_one()
    return dict(json.loads(stored)) | {"note": None} if stored else {}
