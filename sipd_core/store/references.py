"""What a gold file's references stand for, read on a connection: ids of cases, `file:row` and `file:sheet:row`.

A row is counted among the data rows of its file (from 1), as `evaluate` counts them: rows that were refused at the import
are not counted. A bare number is the data row from 0 of the only file there is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, select

from sipd_core.documents import Case
from sipd_core.store import history
from sipd_core.store.case_rows import cases_by_id
from sipd_core.store.schema import changes, imports, origins

Place = tuple[str, str]
"""(file, sheet); the sheet of a text file is ''."""


def resolved(connection: Connection, references: Collection[str], *, sample: bool = False) -> dict[str, str]:
    """Reference -> id of the case it means; those that mean none are left out.

    `sample`: rows are those of the files shipped with the product, even if somebody uploaded files of the same names.
    """
    wanted = set(references)
    named = {name for name in wanted if ":" in name or name.isdecimal() and len(name) < 20}
    keys = {name: name for name in wanted - named}
    if named:
        rows = _rows(connection, sample=sample)
        keys |= {name: key for name in named if (key := _key(name, rows))}
    there = bound_cases(connection, keys.values())
    return {name: there[key].id for name, key in keys.items() if key in there}


def bound_cases(connection: Connection, ids: Iterable[str]) -> dict[str, Case]:
    """The cases that ids (or content ids) stand for now, disabled ones included; those without a case are left out."""
    wanted = sorted(set(ids))
    there = cases_by_id(connection, wanted)
    if lost := [id_ for id_ in wanted if id_ not in there]:
        ways = _ways(lost, history.live_redirects(connection))
        found = cases_by_id(connection, sorted({goal for way in ways.values() for goal in way}))
        for id_, way in ways.items():
            if first := next((found[goal] for goal in way if goal in found), None):
                there[id_] = first
    return there


def _ways(lost: Iterable[str], redirected: Mapping[str, str]) -> dict[str, list[str]]:
    """Id -> where it was sent, step by step."""
    ways: dict[str, list[str]] = {}
    for id_ in lost:
        way: list[str] = []
        goal = redirected.get(id_)
        while goal is not None and goal not in way:
            way.append(goal)
            goal = redirected.get(goal)
        ways[id_] = way
    return ways


def _rows(connection: Connection, *, sample: bool) -> dict[Place, list[str]]:
    """Content ids of the rows of every file and sheet, in the order of the rows; of two imports the newer one counts."""
    query = (
        select(origins.c.file, origins.c.sheet, origins.c.row, origins.c.case_id)
        .join(imports, imports.c.id == origins.c.import_id)
        .join(changes, changes.c.id == origins.c.import_id)
        .where(changes.c.undone_at.is_(None))
        .order_by(changes.c.seq)
    )
    if sample:
        query = query.where(imports.c.sample)
    placed: dict[Place, dict[int, str]] = {}
    for row in connection.execute(query):
        placed.setdefault((row.file, row.sheet), {})[row.row] = row.case_id
    return {place: [rows[at] for at in sorted(rows)] for place, rows in placed.items()}


def _key(name: str, rows: Mapping[Place, Sequence[str]]) -> str | None:
    if ":" not in name:
        only = next(iter(rows.values())) if len(rows) == 1 else ()
        return _at(only, int(name))
    where, _, number = name.rpartition(":")
    file, _, sheet = where.partition(":")
    found = rows.get((where, "")) or rows.get((file, sheet), ())
    return _at(found, int(number) - 1) if number.isdecimal() else None


def _at(rows: Sequence[str], place: int) -> str | None:
    return rows[place] if 0 <= place < len(rows) else None
