"""Approved answers in SQL: what was approved, what it rests on, where it was served. Only masked texts come in here."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy import delete as remove

from sipd_core.chat.approval import ApprovedAnswer, RestsOn
from sipd_core.chat.turn import Turn
from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import ApprovalError, NotFoundError
from sipd_core.store.database import Database
from sipd_core.store.schema import approved_answers, approved_cases, approved_uses, feedback
from sipd_core.store.times import moment
from sipd_core.texts import text

Stamp = tuple[int, float, float]
"""Changes whenever what may be served changes, also by another process."""


class ApprovedAnswerStore:
    """Safe from any thread; every change is durable on return and stands in the audit."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        question: str,
        answer: str,
        turn_id: str,
        rests_on: Sequence[RestsOn],
        *,
        actor: str,
        instead_of: Sequence[str],
    ) -> str:
        """Keep an approved answer and return its id; those it stands `instead_of` are withdrawn with it."""
        id_, now = uuid.uuid4().hex, self._clock()
        row = {"id": id_, "at": now, "actor": actor, "question": question, "answer": answer, "turn_id": turn_id}
        row |= {"confirmed_at": now, "confirmed_by": actor, "withdrawn_by": ""}

        def enter(connection: Connection) -> str:
            live = approved_answers.c.id.in_(instead_of), approved_answers.c.withdrawn_at.is_(None)
            connection.execute(update(approved_answers).where(*live).values(withdrawn_at=now, withdrawn_by=actor))
            connection.execute(insert(approved_answers), row)
            _rest(connection, id_, rests_on)
            told = {"cases": [one.case_id for one in rests_on], "instead_of": list(instead_of)}
            self._database.note(connection, Deed(DeedKind.ANSWER_APPROVED, id_, actor, details=told))
            return id_

        return self._database.together(enter)

    def withdraw(self, id_: str, *, actor: str) -> None:
        """Serve it no more; raises NotFoundError, ApprovalError when it is withdrawn already."""
        changes = {"withdrawn_at": self._clock(), "withdrawn_by": actor}
        self._set(id_, actor, DeedKind.APPROVAL_WITHDRAWN, withdrawn=False, rests_on=None, **changes)

    def restore(self, id_: str, *, actor: str) -> None:
        """Take a withdrawal back; raises NotFoundError, ApprovalError when it is not withdrawn."""
        self._set(id_, actor, DeedKind.APPROVAL_RESTORED, withdrawn=True, withdrawn_at=None, withdrawn_by="")

    def confirm(self, id_: str, rests_on: Sequence[RestsOn], *, actor: str) -> None:
        """Say anew that it holds, with its cases as they are now; raises NotFoundError, ApprovalError."""
        changes = {"confirmed_at": self._clock(), "confirmed_by": actor}
        self._set(id_, actor, DeedKind.APPROVAL_CONFIRMED, withdrawn=False, rests_on=rests_on, **changes)

    def _set(
        self,
        id_: str,
        actor: str,
        kind: DeedKind,
        *,
        withdrawn: bool,
        rests_on: Sequence[RestsOn] | None = None,
        **changes: object,
    ) -> None:
        """Change one that is, or is not, `withdrawn`."""

        def enter(connection: Connection) -> None:
            of_it = approved_answers.c.id == id_
            query = select(approved_answers.c.id, approved_answers.c.withdrawn_at).where(of_it).with_for_update()
            row = connection.execute(query).first()
            if row is None:
                raise NotFoundError(what=text("approved.what.approved"))
            if (row.withdrawn_at is not None) is not withdrawn:
                raise ApprovalError("it stands otherwise by now", text_key="approved.error.moved")
            connection.execute(update(approved_answers).where(of_it).values(**changes))
            if rests_on is not None:
                _rest(connection, id_, rests_on)
            self._database.note(connection, Deed(kind, id_, actor))

        self._database.together(enter)

    def all(self) -> tuple[ApprovedAnswer, ...]:
        """Every one, withdrawn ones too, the newest first, with how often it was served and what was said of it."""
        with self._database.read() as connection:
            rests = _by_id(connection.execute(select(approved_cases).order_by(approved_cases.c.place)).all())
            uses = {row.approved_id: row for row in connection.execute(_USES)}
            said = _by_id(connection.execute(_SAID).all())
            rows = connection.execute(select(approved_answers).order_by(approved_answers.c.at.desc())).all()
        return tuple(_approved(row, rests.get(row.id, []), uses.get(row.id), said.get(row.id, [])) for row in rows)

    def is_made_of(self, turn_id: str) -> bool:
        """Whether one that is not withdrawn was made of this answer."""
        made = approved_answers.c.turn_id == turn_id, approved_answers.c.withdrawn_at.is_(None)
        with self._database.read() as connection:
            return connection.execute(select(approved_answers.c.id).where(*made).limit(1)).first() is not None

    def stamp(self) -> Stamp:
        """One small look per question: has anything changed that decides what is served?"""
        newest = func.max(func.coalesce(approved_answers.c.withdrawn_at, approved_answers.c.confirmed_at))
        live = func.count(approved_answers.c.id) - func.count(approved_answers.c.withdrawn_at)
        thumbs = select(func.max(feedback.c.at)).join(approved_uses, approved_uses.c.turn_id == feedback.c.turn_id)
        with self._database.read() as connection:
            changed, count, given = connection.execute(select(newest, live, thumbs.scalar_subquery())).one()
        return int(count or 0), float(changed or 0.0), float(given or 0.0)


def keep_use(connection: Connection, turn: Turn, at: float) -> None:
    """Within the transaction of an exchange: remember that an approved answer was served in it."""
    if turn.approval is not None:
        row = {"turn_id": turn.turn_id, "approved_id": turn.approval.id, "at": at}
        connection.execute(insert(approved_uses), row)


_USES = select(
    approved_uses.c.approved_id, func.count().label("served"), func.max(approved_uses.c.at).label("last")
).group_by(approved_uses.c.approved_id)
_SAID = select(approved_uses.c.approved_id, feedback.c.helpful, feedback.c.at).join(
    feedback, feedback.c.turn_id == approved_uses.c.turn_id
)


def _by_id(rows: Sequence[Row]) -> Mapping[str, list[Row]]:  # type: ignore[type-arg]
    found: dict[str, list[Row]] = {}  # type: ignore[type-arg]
    for row in rows:
        found.setdefault(row.approved_id, []).append(row)
    return found


def _rest(connection: Connection, id_: str, rests_on: Sequence[RestsOn]) -> None:
    connection.execute(remove(approved_cases).where(approved_cases.c.approved_id == id_))
    rows = [
        {"approved_id": id_, "case_id": one.case_id, "place": place, "state": one.state}
        for place, one in enumerate(rests_on)
    ]
    if rows:
        connection.execute(insert(approved_cases), rows)


def _approved(row: Row, rests: list[Row], use: Row | None, said: list[Row]) -> ApprovedAnswer:  # type: ignore[type-arg]
    since = [given.helpful for given in said if given.at >= row.confirmed_at]
    return ApprovedAnswer(
        row.id,
        moment(row.at),
        row.actor,
        row.question,
        row.answer,
        row.turn_id,
        tuple(RestsOn(one.case_id, one.state) for one in rests),
        moment(row.confirmed_at),
        row.confirmed_by,
        _moment(row.withdrawn_at),
        row.withdrawn_by,
        served=use.served if use else 0,
        last_served_at=_moment(use.last) if use else None,
        helpful=sum(given.helpful for given in said),
        unhelpful=sum(not given.helpful for given in said),
        doubts=since.count(False) - since.count(True),
    )


def _moment(at: float | None) -> datetime | None:
    return None if at is None else moment(at)
