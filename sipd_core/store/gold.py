"""Gold sets: questions whose right cases are known. Only masked texts are kept.

One reason to change: what a gold question is bound to. It is bound to ids of cases, which stay through edits, merges and
new menu names; what a file says instead (`file:row`) is looked up once, when the question comes in.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from sipd_core.deeds import Deed, DeedKind
from sipd_core.documents import Case, Rejection
from sipd_core.errors import NotFoundError
from sipd_core.privacy import mask
from sipd_core.store.database import Database
from sipd_core.store.references import bound_cases, resolved
from sipd_core.store.schema import gold_questions, gold_sets
from sipd_core.store.times import moment
from sipd_core.tables.gold import GoldRow
from sipd_core.texts import text


@dataclass(frozen=True, slots=True)
class GoldSet:
    """One set, with the number of its questions."""

    id: str
    name: str
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    questions: int
    outside: int
    """Of the questions, those that no case answers."""


@dataclass(frozen=True, slots=True)
class GoldCase:
    """A right case of a question; None: it is not in the base any more."""

    id: str
    case: Case | None

    @property
    def is_searched(self) -> bool:
        """Whether a search can find it."""
        return self.case is not None and self.case.enabled


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """One question with the cases that answer it."""

    id: str
    query: str
    style: str
    cases: tuple[GoldCase, ...]
    turn_id: str | None = None
    """The turn of a real conversation it was taken from."""

    @property
    def is_outside(self) -> bool:
        """No case is meant to answer it."""
        return not self.cases

    @property
    def wanted(self) -> frozenset[str]:
        """Ids of its cases that a search can find."""
        return frozenset(one.case.id for one in self.cases if one.case is not None and one.is_searched)

    @property
    def is_lost(self) -> bool:
        """Every case that answered it is gone or switched off."""
        return bool(self.cases) and not self.wanted


@dataclass(frozen=True, slots=True)
class GoldPage:
    """One page of the questions of a set."""

    questions: tuple[GoldQuestion, ...]
    total: int


@dataclass(frozen=True, slots=True)
class GoldReport:
    """What came of the rows of a file."""

    added: int
    changed: int
    """Questions that were there with other cases or another style."""
    unchanged: int
    masked: int
    """Pieces of personal data and credentials that were masked."""
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A row whose references are known."""

    row: int
    query: str
    style: str
    cases: tuple[str, ...]
    masked: int = 0

    @property
    def key(self) -> str:
        return _key(self.query)


class GoldStore:
    """Durable gold sets; safe from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def sets(self) -> tuple[GoldSet, ...]:
        """Every set that is not removed, oldest first."""
        with self._database.read() as connection:
            return tuple(map(_set, connection.execute(_sets().where(gold_sets.c.removed_at.is_(None)))))

    def get(self, set_id: str) -> GoldSet:
        """Raises NotFoundError; a removed set is still there."""
        with self._database.read() as connection:
            row = connection.execute(_sets().where(gold_sets.c.id == set_id)).first()
        if row is None:
            raise NotFoundError(what=text("laboratory.error.set"))
        return _set(row)

    def create(self, name: str, *, actor: str) -> GoldSet:
        """An empty set."""
        id_ = uuid.uuid4().hex
        row = {"id": id_, "name": mask(" ".join(name.split())).text, "at": self._clock(), "actor": actor}
        with self._database.write() as connection:
            connection.execute(insert(gold_sets), row)
            self._note(connection, "create", id_, actor, name=row["name"])
        return self.get(id_)

    def rename(self, set_id: str, name: str) -> None:
        """Give a set another name."""
        self._change_set("rename", set_id, name=mask(" ".join(name.split())).text)

    def remove_set(self, set_id: str) -> None:
        """Take a set out of sight; its questions and runs stay for `restore_set`."""
        self._change_set("remove_set", set_id, removed_at=self._clock())

    def restore_set(self, set_id: str) -> None:
        """Bring a removed set back as it was."""
        self._change_set("restore_set", set_id, removed_at=None)

    def page(self, set_id: str, search: str = "", *, offset: int = 0, limit: int = 1_000_000) -> GoldPage:
        """Questions of a set that hold every word of `search`, in their order, with their cases as they are now."""
        there = gold_questions.c.set_id == set_id, gold_questions.c.removal.is_(None)
        query = select(gold_questions).where(*there).order_by(gold_questions.c.position)
        words = search.casefold().split()
        with self._database.read() as connection:
            found = [row for row in connection.execute(query) if _holds(row, words)]  # sealed: SQL cannot look into them
            rows = found[offset : offset + limit]
            ids = {id_ for row in rows for id_ in json.loads(row.cases)}
            known = bound_cases(connection, ids)
        return GoldPage(tuple(_question(row, known) for row in rows), len(found))

    def add(self, set_id: str, rows: Sequence[GoldRow], *, sample: bool = False) -> GoldReport:
        """Take the rows of a file; a question that is there already is changed, never doubled.

        `sample`: references mean rows of the files shipped with the product.
        """
        with self._database.write() as connection:
            names = [name for row in rows for name in row.references]
            found = resolved(connection, names, sample=sample)
            taken, rejections = _bound(rows, found)
            added, changed = self._put(connection, set_id, taken)
            self._note(connection, "add", set_id, added=added, changed=changed, rejected=len(rejections))
        masked = sum(one.masked for one in taken)
        return GoldReport(added, changed, len(taken) - added - changed, masked, tuple(rejections))

    def add_question(
        self, set_id: str, query: str, cases: Sequence[str], *, style: str = "", turn_id: str | None = None
    ) -> None:
        """One question with the ids of its right cases; the same question again gets these cases instead."""
        incoming = _Incoming(0, mask(query).text.strip(), style, tuple(cases))
        with self._database.write() as connection:
            added, changed = self._put(connection, set_id, [incoming], turn_id=turn_id)
            self._note(connection, "add", set_id, added=added, changed=changed)

    def edit(self, rows: Mapping[str, GoldRow]) -> tuple[Rejection, ...]:
        """Give questions (by id) another text, style or other references; what cannot be taken is told and left."""
        with self._database.write() as connection:
            found = resolved(connection, [name for row in rows.values() for name in row.references])
            taken, rejections = _bound(list(rows.values()), found)
            ids = {row.row: id_ for id_, row in rows.items()}
            for one in taken:
                values = {"query": one.query, "style": one.style, "cases": json.dumps(one.cases)}
                connection.execute(update(gold_questions).where(gold_questions.c.id == ids[one.row]).values(values))
            self._note(connection, "edit", questions=len(taken), ids=sorted(ids[one.row] for one in taken))
        return tuple(rejections)

    def remove(self, question_ids: Iterable[str]) -> str:
        """Take questions out of their set; returns what `restore` needs to bring just these back."""
        removal, ids = uuid.uuid4().hex, list(question_ids)
        there = gold_questions.c.id.in_(ids), gold_questions.c.removal.is_(None)
        with self._database.write() as connection:
            gone = connection.execute(update(gold_questions).where(*there).values(removal=removal)).rowcount
            self._note(connection, "remove", questions=gone, removal=removal)
        return removal

    def restore(self, removal: str) -> int:
        """Bring back what a removal took; returns how many."""
        gone = update(gold_questions).where(gold_questions.c.removal == removal)
        with self._database.write() as connection:
            back = connection.execute(gone.values(removal=None)).rowcount
            self._note(connection, "restore", questions=back, removal=removal)
        return back

    def _change_set(self, what: str, set_id: str, **values: object) -> None:
        with self._database.write() as connection:
            connection.execute(update(gold_sets).where(gold_sets.c.id == set_id).values(values))
            self._note(connection, what, set_id, name=values.get("name", ""))

    def _note(self, connection: Connection, what: str, set_id: str = "", actor: str = "", **details: object) -> None:
        self._database.note(connection, Deed(DeedKind.GOLD, set_id, actor, details={"what": what, **details}))

    def _put(
        self, connection: Connection, set_id: str, incoming: Sequence[_Incoming], *, turn_id: str | None = None
    ) -> tuple[int, int]:
        """Questions added and changed."""
        rows = connection.execute(
            select(gold_questions).where(gold_questions.c.set_id == set_id, gold_questions.c.removal.is_(None))
        ).all()
        known = {_key(row.query): row for row in rows}
        fresh = [one for one in incoming if one.key not in known]
        changed = [one for one in incoming if one.key in known and _differs(one, known[one.key])]
        for one in changed:
            values = {"query": one.query, "style": one.style, "cases": json.dumps(one.cases)}
            at = gold_questions.c.id == known[one.key].id
            connection.execute(update(gold_questions).where(at).values(values))
        first = connection.execute(
            select(func.coalesce(func.max(gold_questions.c.position), 0)).where(gold_questions.c.set_id == set_id)
        ).scalar_one()
        if fresh:
            connection.execute(
                insert(gold_questions),
                [_row(set_id, first + at, one, turn_id) for at, one in enumerate(fresh, start=1)],
            )
        return len(fresh), len(changed)


def _bound(rows: Sequence[GoldRow], found: Mapping[str, str]) -> tuple[list[_Incoming], list[Rejection]]:
    """Masked rows with the ids of their cases, and those whose cases are unknown or whose question came before."""
    taken: dict[str, _Incoming] = {}
    rejections: list[Rejection] = []
    for row in rows:
        unknown = [name for name in row.references if name not in found]
        cases = tuple(dict.fromkeys(found[name] for name in row.references if name in found))
        masked = mask(row.query)
        one = _Incoming(row.row, masked.text.strip(), row.style, cases, sum(masked.counts.values()))
        first = taken.setdefault(one.key, one) if not unknown else one
        if unknown:
            why = "bare_number" if all(map(str.isdecimal, unknown)) else "unknown_case"
            rejections.append(Rejection(row.row, text(f"laboratory.reason.{why}", names=", ".join(unknown))))
        elif first is not one:
            rejections.append(Rejection(row.row, text("laboratory.reason.twice", row=first.row)))
    return list(taken.values()), rejections


def _holds(row: Row[Any], words: Sequence[str]) -> bool:
    told = row.query.casefold(), row.style.casefold()
    return all(any(word in text for text in told) for word in words)


def _key(query: str) -> str:
    return " ".join(query.split()).casefold()


def _differs(one: _Incoming, row: Row[Any]) -> bool:
    return (one.style, list(one.cases)) != (row.style, json.loads(row.cases))


def _row(set_id: str, position: int, one: _Incoming, turn_id: str | None) -> dict[str, object]:
    told = {"query": one.query, "style": one.style, "cases": json.dumps(one.cases), "turn_id": turn_id}
    return {"id": uuid.uuid4().hex, "set_id": set_id, "position": position} | told


def _sets() -> Select[Any]:
    live = gold_questions.c.removal.is_(None)
    outside = func.count(gold_questions.c.id).filter(live, gold_questions.c.cases == "[]")
    joined = gold_sets.outerjoin(gold_questions, gold_questions.c.set_id == gold_sets.c.id)
    counts = func.count(gold_questions.c.id).filter(live).label("questions"), outside.label("outside")
    return select(gold_sets, *counts).select_from(joined).group_by(gold_sets.c.id).order_by(gold_sets.c.at)


def _set(row: Row[Any]) -> GoldSet:
    return GoldSet(row.id, row.name, moment(row.at), row.actor, row.questions, row.outside)


def _question(row: Row[Any], known: Mapping[str, Case]) -> GoldQuestion:
    cases = tuple(GoldCase(id_, known.get(id_)) for id_ in json.loads(row.cases))
    return GoldQuestion(row.id, row.query, row.style, cases, row.turn_id)
