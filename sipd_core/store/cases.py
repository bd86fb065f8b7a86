"""Rows of the knowledge base and their import batches, in SQL: the truth that the index can be rebuilt from."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, literal, or_, select, true, update

from sipd_core.documents import Case, CasePage, ImportReport, ImportStatus
from sipd_core.store.database import Database
from sipd_core.store.schema import cases, imports, knowledge_state, origins, views

REPORT = TypeAdapter(ImportReport)
_CASE_COLUMNS = tuple(cases.c[field.name] for field in fields(Case))
_CONTENT = ("menu", "issue", "expected", "note_dev", "note_qa", "status", "remedy")
_ID_BATCH = 500
"""Ids in one IN (...): well below every driver's limit of bound parameters."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How a batch of cases met what was there, by case id."""

    new: frozenset[str]
    changed: frozenset[str]
    unchanged: frozenset[str]


class CaseStore:
    """Reads and writes cases; every change bumps `version`, by which other processes notice it."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add_import(
        self,
        report: ImportReport,
        batch: Sequence[Case],
        repeats: Iterable[tuple[str, str | None, int]] = (),
        *,
        finish: Callable[[ImportReport, Stored], ImportReport],
    ) -> ImportReport:
        """Store a file's cases and its report in one transaction.

        `repeats` are (case id, sheet, row) of further rows that report a case of the batch. `finish` completes the report
        with what the store found. A shipped sample row never replaces an admin's row.
        """
        with self._database.write() as connection:
            known = _by_id(connection, [case.id for case in batch])
            batch = [case for case in batch if not (case.sample and case.id in known and not known[case.id].sample)]
            stored = _compare(batch, known)
            report = finish(report, stored)
            connection.execute(insert(imports), _import_row(report, sample=any(case.sample for case in batch)))
            dirty = [case for case in batch if case.id not in stored.unchanged]
            self._database.upsert(connection, cases, [self._case_row(case, report.id) for case in dirty])
            self._database.upsert(connection, origins, _origin_rows(report.file, batch, repeats))
            if dirty:
                _bump(self._database, connection)
        return report

    def compare(self, batch: Sequence[Case]) -> Stored:
        """How a batch would meet what is there; nothing is stored."""
        with self._database.read() as connection:
            return _compare(batch, _by_id(connection, [case.id for case in batch]))

    def add_failed_import(self, report: ImportReport) -> None:
        """Remember a file that was refused as a whole."""
        with self._database.write() as connection:
            connection.execute(insert(imports), _import_row(report, sample=False))

    def imports(self, limit: int) -> tuple[ImportReport, ...]:
        """Reports of the files people uploaded (shipped samples left out), newest first."""
        query = (
            select(imports.c.report, imports.c.status)
            .where(~imports.c.sample)
            .order_by(imports.c.at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(replace(REPORT.validate_json(row.report), status=ImportStatus(row.status)) for row in rows)

    def all(self) -> list[Case]:
        """Every enabled case, in a stable order."""
        query = select(*_CASE_COLUMNS).where(cases.c.enabled).order_by(cases.c.id)
        with self._database.read() as connection:
            return [_case(row) for row in connection.execute(query)]

    def page(self, search: str, menu: str | None, offset: int, limit: int) -> CasePage:
        """Cases whose texts hold every word of `search`, within one menu, ordered by menu, file and row."""
        wanted: ColumnElement[bool] = true()
        for word in search.split():
            wanted &= or_(*(cases.c[name].icontains(word, autoescape=True) for name in _CONTENT))
        if menu is not None:
            wanted &= cases.c.menu == menu
        query = select(*_CASE_COLUMNS).where(wanted).order_by(cases.c.menu, cases.c.file, cases.c.sheet, cases.c.row)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(cases).where(wanted)).scalar_one()
            rows = connection.execute(query.offset(offset).limit(limit)).all()
        return CasePage(tuple(_case(row) for row in rows), total)

    def menus(self) -> tuple[tuple[str, int], ...]:
        """(menu, number of cases), most frequent first."""
        count = func.count().label("n")
        query = (
            select(cases.c.menu, count)
            .where(cases.c.enabled)
            .group_by(cases.c.menu)
            .order_by(count.desc(), cases.c.menu)
        )
        with self._database.read() as connection:
            return tuple((row.menu, row.n) for row in connection.execute(query))

    def counts(self) -> dict[str, int]:
        """`cases`, `samples`, `with_remedy`, `menus` of the enabled rows."""
        query = select(
            func.count().label("cases"),
            func.count().filter(cases.c.sample).label("samples"),
            func.count().filter(cases.c.remedy != "").label("with_remedy"),
            func.count(cases.c.menu.distinct()).label("menus"),
        ).where(cases.c.enabled)
        with self._database.read() as connection:
            return dict(connection.execute(query).one()._mapping)

    def reports(self) -> dict[str, int]:
        """Case id -> number of rows that report it, for the cases reported more than once."""
        count = func.count().label("n")
        query = select(origins.c.case_id, count).group_by(origins.c.case_id).having(count > 1)
        with self._database.read() as connection:
            return {row.case_id: row.n for row in connection.execute(query)}

    def pending(self, limit: int) -> list[Case]:
        """Enabled cases whose vectors are not in the index yet."""
        query = (
            select(*_CASE_COLUMNS)
            .where(~cases.c.indexed, cases.c.enabled)
            .order_by(cases.c.changed_at, cases.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_case(row) for row in connection.execute(query)]

    def pending_count(self) -> int:
        """How many enabled cases still wait for their vectors."""
        query = select(func.count()).select_from(cases).where(~cases.c.indexed, cases.c.enabled)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def all_views(self) -> list[tuple[str, int, str]]:
        """(case id, position, embedding key) of every indexed, enabled case."""
        query = select(views).join(cases, cases.c.id == views.c.case_id).where(cases.c.indexed, cases.c.enabled)
        with self._database.read() as connection:
            return [(row.case_id, row.position, row.key) for row in connection.execute(query)]

    def mark_indexed(self, batch: Sequence[tuple[Case, Sequence[str]]]) -> None:
        """Acknowledge cases whose vectors (embedding keys in the order of the views) are in SQL and in the index.

        A case that changed meanwhile stays pending. An import whose last case is acknowledged becomes `done` in the same
        transaction.
        """
        rows = [{"case_id": case.id, "position": at, "key": key} for case, keys in batch for at, key in enumerate(keys)]
        with self._database.write() as connection:
            here = {
                row.id
                for row in connection.execute(select(cases.c.id).where(cases.c.id.in_([case.id for case, _ in batch])))
            }
            connection.execute(delete(views).where(views.c.case_id.in_(here)))
            self._database.upsert(connection, views, [row for row in rows if row["case_id"] in here])
            for case, _ in batch:
                same = [cases.c[name] == getattr(case, name) for name in _CONTENT]
                connection.execute(update(cases).where(cases.c.id == case.id, *same).values(indexed=True))
            open_ = select(literal(1)).where(cases.c.import_id == imports.c.id, ~cases.c.indexed).exists()
            finished = update(imports).where(imports.c.status == ImportStatus.INDEXING, ~open_)
            connection.execute(finished.values(status=ImportStatus.DONE))

    def remove_samples(self) -> int:
        """Delete every shipped sample row and remember that they are not wanted; returns how many there were."""
        with self._database.write() as connection:
            count = connection.execute(delete(cases).where(cases.c.sample)).rowcount
            connection.execute(delete(imports).where(imports.c.sample, ~_has_cases()))
            self._database.upsert(connection, knowledge_state, [{"name": "samples", "value": "removed"}])
            _bump(self._database, connection)
        return count

    def state(self, name: str) -> str | None:
        """A small fact of the base, None when never set."""
        with self._database.read() as connection:
            return connection.execute(
                select(knowledge_state.c.value).where(knowledge_state.c.name == name)
            ).scalar_one_or_none()

    def set_state(self, name: str, value: str) -> None:
        """Remember a small fact of the base."""
        with self._database.write() as connection:
            self._database.upsert(connection, knowledge_state, [{"name": name, "value": value}])

    @property
    def version(self) -> int:
        """Number of the last change of the rows."""
        return int(self.state("version") or 0)

    def _case_row(self, case: Case, import_id: str) -> dict[str, Any]:
        return asdict(case) | {"import_id": import_id, "changed_at": self._clock(), "indexed": False}


def _by_id(connection: Connection, ids: list[str]) -> dict[str, Case]:
    known: dict[str, Case] = {}
    for start in range(0, len(ids), _ID_BATCH):
        query = select(*_CASE_COLUMNS).where(cases.c.id.in_(ids[start : start + _ID_BATCH]))
        known.update((row.id, _case(row)) for row in connection.execute(query))
    return known


def _compare(batch: Sequence[Case], known: Mapping[str, Case]) -> Stored:
    new = {case.id for case in batch if case.id not in known}
    same = {case.id for case in batch if case.id not in new and _same(case, known[case.id])}
    return Stored(frozenset(new), frozenset({case.id for case in batch} - new - same), frozenset(same))


def _same(case: Case, other: Case) -> bool:
    """Equal in content. A sample row uploaded again as it is (out of an export) stays a sample."""
    return all(getattr(case, name) == getattr(other, name) for name in _CONTENT)


def _origin_rows(
    file: str, batch: Sequence[Case], repeats: Iterable[tuple[str, str | None, int]]
) -> list[dict[str, Any]]:
    ids = {case.id for case in batch}
    places = [(case.id, case.sheet, case.row) for case in batch] + [repeat for repeat in repeats if repeat[0] in ids]
    return [{"case_id": id_, "file": file, "sheet": sheet or "", "row": row} for id_, sheet, row in places]


def _import_row(report: ImportReport, *, sample: bool) -> dict[str, Any]:
    return {
        "id": report.id,
        "file": report.file,
        "at": report.at.timestamp(),
        "status": report.status,
        "sample": sample,
        "report": REPORT.dump_json(report).decode(),
    }


def _has_cases() -> Any:
    return select(literal(1)).where(cases.c.import_id == imports.c.id).exists()


def _bump(database: Database, connection: Connection) -> None:
    query = select(knowledge_state.c.value).where(knowledge_state.c.name == "version")
    if not database.is_sqlite:
        query = query.with_for_update()
    version = int(connection.execute(query).scalar_one_or_none() or 0)
    database.upsert(connection, knowledge_state, [{"name": "version", "value": str(version + 1)}])


def _case(row: Row[Any]) -> Case:
    return Case(**row._mapping)
