"""Gaps, their questions and their trail as rows and back. One reason to change: the columns of a gap."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, case, delete, func, insert, select, update

from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.learning.model import (
    TO_DO,
    Draft,
    FailingQuestion,
    Failure,
    Gap,
    GapEvent,
    GapEventKind,
    GapState,
    Proof,
    Reopening,
)
from sipd_core.store.history import in_parts
from sipd_core.store.schema import exchange_marks, gap_events, gap_proofs, gap_questions, gaps
from sipd_core.store.times import moment
from sipd_core.texts import text

DRAFT = TypeAdapter(Draft)


class Fate(StrEnum):
    """Where a failing question is."""

    WAITING = "waiting"
    """It is still to be looked at."""
    GROUPED = "grouped"
    OUTSIDE = "outside"
    """No matter of this help desk, as far as its words tell."""
    ASIDE = "aside"
    """A person said that it belongs to no gap."""


def lock(connection: Connection) -> None:
    """From here to the end of the transaction nobody else changes a gap; on SQLite every writer is alone anyway."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"LOCK TABLE {gaps.name} IN EXCLUSIVE MODE")


def gap_row(connection: Connection, gap_id: int) -> Row[Any]:
    """The row of a gap; raises NotFoundError."""
    row = connection.execute(select(gaps).where(gaps.c.id == gap_id)).first()
    if row is None:
        raise NotFoundError(str(gap_id), what=text("learning.gap"))
    return row


def new_gap(connection: Connection, *, at: float, lead: str) -> int:
    """An open gap without questions; its number."""
    id_ = (connection.execute(select(func.max(gaps.c.id))).scalar_one() or 0) + 1
    row: dict[str, object] = {"id": id_, "state": GapState.OPEN, "created_at": at, "updated_at": at, "lead": lead}
    row |= {"touched": False, "menu": "", "neighbour": "", "case_id": "", "change_id": "", "reopening": ""}
    connection.execute(insert(gaps), row)
    return id_


def set_gap(connection: Connection, gap_id: int, **values: object) -> None:
    """Let columns of a gap be what `values` says."""
    connection.execute(update(gaps).where(gaps.c.id == gap_id).values(**values))


def add_event(
    connection: Connection, gap_id: int, kind: GapEventKind, *, at: float, actor: str = "", **values: object
) -> int:
    """Write down what happened; `values` are the other columns, `turn_ids` and `before` as they are. Its number."""
    mine = gap_events.c.gap_id == gap_id
    seq = (connection.execute(select(func.max(gap_events.c.seq)).where(mine)).scalar_one() or 0) + 1
    row: dict[str, object] = {"gap_id": gap_id, "seq": seq, "at": at, "actor": actor, "kind": kind, "questions": 0}
    row |= {"answered": 0, "change_id": "", "reopening": "", "turn_ids": "[]", "before": ""}
    for name in ("turn_ids", "before"):
        if name in values:
            values[name] = json.dumps(values[name])
    connection.execute(insert(gap_events), row | values)
    return seq


def read_events(connection: Connection, gap_id: int) -> tuple[GapEvent, ...]:
    """The trail of a gap, oldest first."""
    query = select(gap_events).where(gap_events.c.gap_id == gap_id).order_by(gap_events.c.seq)
    rows = connection.execute(query).all()
    undone = {row.undoes: row.seq for row in rows if row.undoes is not None}
    return tuple(_event(row, undone.get(row.seq)) for row in rows)


def _event(row: Row[Any], undone_by: int | None) -> GapEvent:
    before = json.loads(row.before) if row.before else {}
    return GapEvent(
        row.seq,
        moment(row.at),
        row.actor,
        GapEventKind(row.kind),
        row.note or "",
        row.questions,
        row.answered,
        row.other,
        row.change_id,
        Reopening(row.reopening) if row.reopening else None,
        tuple(json.loads(row.turn_ids)),
        GapState(before["state"]) if "state" in before else None,
        row.undoes,
        undone_by,
    )


def read_questions(connection: Connection, *of: Any) -> tuple[FailingQuestion, ...]:
    """The questions that `of` chooses, the most recent first."""
    query = select(gap_questions).where(*of).order_by(gap_questions.c.at.desc(), gap_questions.c.turn_id)
    return tuple(map(question_of, connection.execute(query)))


def question_of(row: Row[Any]) -> FailingQuestion:
    """A question out of its row."""
    proof = None
    if row.asked_at is not None:
        proof = Proof(moment(row.asked_at), Verdict(row.verdict), row.relevance, row.from_row)
    return FailingQuestion(
        row.turn_id,
        row.conversation_id,
        moment(row.at),
        row.text,
        failures_of(row.failures),
        moment(row.failed_at),
        row.gap_id,
        row.pinned,
        proof,
    )


def failures_of(stored: str) -> frozenset[Failure]:
    """The failures of a question, as they are stored."""
    return frozenset(map(Failure, filter(None, stored.split(","))))


def stored_failures(failures: Iterable[Failure]) -> str:
    """The same the other way."""
    return ",".join(sorted(failures))


_GROUPED = gap_questions.c.fate == Fate.GROUPED


def _has(failure: Failure) -> Any:
    return func.max(case((gap_questions.c.failures.contains(failure.value), 1), else_=0)).label(failure.value)


COUNTED = (
    select(
        gap_questions.c.gap_id,
        func.count().label("questions"),
        func.count(gap_questions.c.conversation_id.distinct()).label("conversations"),
        func.count(exchange_marks.c.asker.distinct()).label("askers"),
        func.min(gap_questions.c.at).label("first_at"),
        func.max(gap_questions.c.at).label("last_at"),
        func.sum(case((gap_questions.c.answered, 1), else_=0)).label("answered"),
        *map(_has, Failure),
    )
    .select_from(gap_questions.outerjoin(exchange_marks, exchange_marks.c.turn_id == gap_questions.c.turn_id))
    .where(_GROUPED)
    .group_by(gap_questions.c.gap_id)
)
"""What the work list needs to know of the questions of each gap, without any text."""


def gap_of(row: Row[Any], counted: Row[Any] | None, title: str) -> Gap:
    """The value of a gap's row; `counted` is its row of COUNTED, None when it has no questions."""
    failures = frozenset(one for one in Failure if counted is not None and counted._mapping[one.value])
    return Gap(
        id=row.id,
        state=GapState(row.state),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        menu=row.menu,
        title=title,
        questions=counted.questions if counted else 0,
        conversations=counted.conversations if counted else 0,
        askers=counted.askers if counted else 0,
        first_at=moment(counted.first_at) if counted else None,
        last_at=moment(counted.last_at) if counted else None,
        failures=failures,
        draft=DRAFT.validate_json(row.draft) if row.draft else None,
        case_id=row.case_id,
        change_id=row.change_id,
        published_at=None if row.published_at is None else moment(row.published_at),
        closed_at=None if row.closed_at is None else moment(row.closed_at),
        answered=int(counted.answered) if counted else 0,
        neighbour=row.neighbour,
        reopening=Reopening(row.reopening) if row.reopening else None,
        merged_into=row.merged_into,
        note=row.note or "",
    )


def texts_of(connection: Connection, turn_ids: Sequence[str]) -> dict[str, str]:
    """Turn -> its question, for those that are still there."""
    found: dict[str, str] = {}
    columns = gap_questions.c.turn_id, gap_questions.c.text
    for some in in_parts(turn_ids):
        query = select(*columns).where(gap_questions.c.turn_id.in_(some))
        found.update((row.turn_id, row.text) for row in connection.execute(query))
    return found


def put(connection: Connection, turn_ids: Sequence[str], **values: object) -> None:
    """Let columns of questions be what `values` says."""
    for some in in_parts(turn_ids):
        connection.execute(update(gap_questions).where(gap_questions.c.turn_id.in_(some)).values(**values))


UNPROVEN: Mapping[str, object] = {
    "answered": False, "verdict": None, "relevance": None, "from_row": False, "asked_at": None
}  # fmt: skip
"""Columns of a question that was not asked again yet."""


def settle_lead(connection: Connection, gap_id: int, at: float) -> None:
    """See to it that a gap is named after one of its questions; one without any is empty, what was drafted of it is gone."""
    row = gap_row(connection, gap_id)
    mine = gap_questions.c.gap_id == gap_id, _GROUPED
    query = select(gap_questions.c.turn_id).where(*mine).order_by(gap_questions.c.at)
    left = list(connection.execute(query).scalars())
    if row.lead not in left and left:
        set_gap(connection, gap_id, lead=left[0])
    if not left and row.state in TO_DO:
        set_gap(connection, gap_id, state=GapState.EMPTY, draft=None, updated_at=at)
    if left and row.state == GapState.EMPTY:
        set_gap(connection, gap_id, state=GapState.OPEN, updated_at=at)


def forget_proofs(connection: Connection, gap_id: int) -> None:
    """What was proven by an earlier form of the row counts no more; the trail keeps it."""
    connection.execute(update(gap_questions).where(gap_questions.c.gap_id == gap_id).values(**UNPROVEN))


def record_proofs(connection: Connection, gap_id: int, seq: int, proofs: Mapping[str, Proof]) -> None:
    """Keep what came of each question in the trail."""
    connection.execute(delete(gap_proofs).where(gap_proofs.c.gap_id == gap_id, gap_proofs.c.seq == seq))
    rows = [
        {"gap_id": gap_id, "seq": seq, "turn_id": turn, "verdict": one.verdict, "relevance": one.relevance}
        | {"from_row": one.from_row}
        for turn, one in proofs.items()
    ]
    if rows:
        connection.execute(insert(gap_proofs), rows)
