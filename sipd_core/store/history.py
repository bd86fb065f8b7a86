"""The changes of rows, read and written on a connection: nothing is ever overwritten, an undone change only stops counting.

One reason to change: how the present is derived from what was done. A row is what the newest change says of it that is
not undone; so taking a change back restores what was before it, and what came later stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, insert, select

from sipd_core.documents import Case, Change, ChangeKind
from sipd_core.store.schema import case_versions, changes, menu_names, redirects
from sipd_core.store.times import moment

CASE = TypeAdapter(Case)
_BRINGS = frozenset({ChangeKind.IMPORT, ChangeKind.MERGE, ChangeKind.LEARN})
"""A merge's survivor speaks for rows of other imports too, so it outlives its own."""
ID_BATCH = 500
"""Ids in one IN (...): well below every driver's limit of bound parameters."""


@dataclass(frozen=True)
class State:
    """What one live change says of a row."""

    change_id: str
    kind: ChangeKind
    content: str | None
    words: str | None
    """The file's own row where it is not `content`."""

    @cached_property
    def case(self) -> Case | None:
        """The row as the change left it; None: it took the row away."""
        return CASE.validate_json(self.content) if self.content is not None else None

    @property
    def said(self) -> Case | None:
        """What the file itself said, for an import."""
        return CASE.validate_json(self.words) if self.words is not None else self.case


def in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`ids` in pieces that fit one statement."""
    return (ids[start : start + ID_BATCH] for start in range(0, len(ids), ID_BATCH))


def record(
    connection: Connection, change: Change, states: Mapping[str, Case | None], said: Mapping[str, Case] | None = None
) -> None:
    """Write down a change and what it makes of each row; `said`: what the file itself says, where that is not the row."""
    seq = (connection.execute(select(func.max(changes.c.seq))).scalar_one() or 0) + 1
    row = {"id": change.id, "seq": seq, "at": change.at.timestamp(), "actor": change.actor, "kind": change.kind}
    connection.execute(insert(changes), row | {"note": change.note, "undone_by": ""})
    rows = [
        {"change_id": change.id, "case_id": id_, "content": _json(case), "said": _json((said or {}).get(id_))}
        for id_, case in states.items()
    ]
    if rows:
        connection.execute(insert(case_versions), rows)


def live_states(connection: Connection, ids: Sequence[str], *, without: str = "") -> dict[str, list[State]]:
    """Case id -> what the changes that are not undone say of it, oldest first; the change `without` left out."""
    found: dict[str, list[State]] = {}
    for some in in_parts(ids):
        query = (
            select(case_versions, changes.c.kind)
            .join(changes, changes.c.id == case_versions.c.change_id)
            .where(case_versions.c.case_id.in_(some), changes.c.undone_at.is_(None), changes.c.id != without)
            .order_by(changes.c.seq)
        )
        for row in connection.execute(query):
            found.setdefault(row.case_id, []).append(State(row.change_id, ChangeKind(row.kind), row.content, row.said))
    return found


def touched(connection: Connection, change_id: str) -> list[str]:
    """Ids of the rows a change says something about."""
    query = select(case_versions.c.case_id).where(case_versions.c.change_id == change_id)
    return sorted(connection.execute(query).scalars())


def present(states: Sequence[State]) -> Case | None:
    """The row after all of `states`; there is none when nothing that counts ever brought it."""
    return states[-1].case if is_based(states) else None


def is_based(states: Sequence[State]) -> bool:
    """Whether anything brought the row: an edit of a row whose import was undone has nothing to stand on."""
    return any(state.kind in _BRINGS for state in states)


def is_written(states: Sequence[State]) -> bool:
    """Whether a person wrote the row, and no file brought it."""
    kinds = {state.kind for state in states}
    return ChangeKind.LEARN in kinds and ChangeKind.IMPORT not in kinds


def newest_import(states: Sequence[State]) -> State | None:
    """The last thing a file said of the row."""
    return next((state for state in reversed(states) if state.kind is ChangeKind.IMPORT), None)


def brought_by(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Case id -> the newest import that said something of it, one that counts before one that is undone.

    What was written down for the learning loop has an import of its own.
    """
    found: dict[str, str] = {}
    for some in in_parts(ids):
        query = (
            select(case_versions.c.case_id, case_versions.c.change_id)
            .join(changes, changes.c.id == case_versions.c.change_id)
            .where(case_versions.c.case_id.in_(some), changes.c.kind.in_((ChangeKind.IMPORT, ChangeKind.LEARN)))
            .order_by(changes.c.undone_at.is_(None), changes.c.seq)
        )
        found.update((row.case_id, row.change_id) for row in connection.execute(query))
    return found


def live_redirects(connection: Connection) -> dict[str, str]:
    """Content id -> the case it stands for since an edit, a merge or a new menu name; the newest word counts."""
    query = (
        select(redirects.c.key, redirects.c.case_id)
        .join(changes, changes.c.id == redirects.c.change_id)
        .where(changes.c.undone_at.is_(None))
        .order_by(changes.c.seq)
    )
    return {row.key: row.case_id for row in connection.execute(query)}


def live_menus(connection: Connection) -> dict[str, str]:
    """Spelling of a menu -> the name it is filed under; the newest word counts."""
    query = (
        select(menu_names.c.spelling, menu_names.c.name)
        .join(changes, changes.c.id == menu_names.c.change_id)
        .where(changes.c.undone_at.is_(None))
        .order_by(changes.c.seq)
    )
    return {row.spelling: row.name for row in connection.execute(query)}


def target(key: str, redirected: Mapping[str, str], there: Iterable[str]) -> str:
    """The case that a content id stands for: itself while it is there, else where it was sent, step by step."""
    seen: set[str] = set()
    while key not in there and key in redirected and key not in seen:
        seen.add(key)
        key = redirected[key]
    return key


def change_of(row: Row[Any], cases: int) -> Change:
    """A change out of its row."""
    undone = moment(row.undone_at) if row.undone_at is not None else None
    return Change(row.id, moment(row.at), row.actor, ChangeKind(row.kind), row.note, cases, undone, row.undone_by)


def _json(case: Case | None) -> str | None:
    return CASE.dump_json(case).decode() if case is not None else None
