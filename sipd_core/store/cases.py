"""Rows of the knowledge base and their import batches, in SQL: the truth that the index can be rebuilt from."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Row,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from sipd_core.documents import Case, CasePage, ImportReport, ImportStatus
from sipd_core.store.database import Database
from sipd_core.store.schema import (
    cases,
    imports,
    indexed_views,
    knowledge_state,
    origins,
)

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

        `repeats` are (case id, sheet, row) of further rows that report a case of the batch. `finish` completes the
        report with what the store found. A shipped sample row never replaces an admin's row.
        """
        with self._database.write() as connection:
            known = _by_id(connection, [case.id for case in batch])
            batch = [case for case in batch if not (case.sample and case.id in known and not known[case.id].sample)]
            stored = _compare(batch, known)
            report = finish(report, stored)
            connection.execute(insert(imports), _import_row(report, sample=any(case.sample for case in batch)))
            # Sorted by id, as in `mark_indexed`: two writers on PostgreSQL then never wait for each other at once.
            dirty = sorted((case for case in batch if case.id not in stored.unchanged), key=lambda case: case.id)
            self._database.upsert(connection, cases, [self._case_row(case, report.id) for case in dirty])
            _forget_views(connection, sorted(stored.changed))
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

    def pending(self, model: str, limit: int) -> list[Case]:
        """Enabled cases that have no views of `model` (`name/dimension`) yet, the longest waiting first."""
        query = select(*_CASE_COLUMNS).where(_waits_for(model)).order_by(cases.c.changed_at, cases.c.id).limit(limit)
        with self._database.read() as connection:
            return [_case(row) for row in connection.execute(query)]

    def pending_count(self, model: str) -> int:
        """How many enabled cases have no views of `model` yet."""
        query = select(func.count()).select_from(cases).where(_waits_for(model))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def all_views(self, model: str) -> list[tuple[str, int, str]]:
        """(case id, position, embedding key) of every enabled case that `model` has read."""
        views = indexed_views.c
        query = (
            select(views.case_id, views.position, views.key)
            .join(cases, cases.c.id == views.case_id)
            .where(views.model == model, cases.c.enabled)
        )
        with self._database.read() as connection:
            return [(row.case_id, row.position, row.key) for row in connection.execute(query)]

    def mark_indexed(self, model: str, batch: Sequence[tuple[Case, Sequence[str]]]) -> None:
        """Acknowledge cases whose vectors (embedding keys in the order of the views) are in SQL and in `model`'s index.

        A case that changed meanwhile stays pending. An import whose last case has views of any model becomes `done` in
        the same transaction.
        """
        with self._database.write() as connection:
            ids = sorted(case.id for case, _ in batch)
            here = _by_id(connection, ids, lock=not self._database.is_sqlite)
            same = [(case, keys) for case, keys in batch if case.id in here and _same(case, here[case.id])]
            _forget_views(connection, [case.id for case, _ in same], indexed_views.c.model == model)
            rows = [
                {"case_id": case.id, "model": model, "position": at, "key": key}
                for case, keys in same
                for at, key in enumerate(keys)
            ]
            self._database.upsert(connection, indexed_views, rows)
            open_ = select(literal(1)).where(cases.c.import_id == imports.c.id, cases.c.enabled, ~_has_views()).exists()
            finished = update(imports).where(imports.c.status == ImportStatus.INDEXING, ~open_)
            connection.execute(finished.values(status=ImportStatus.DONE))

    def indexed_models(self) -> frozenset[str]:
        """The models (`name/dimension`) that have views of any case."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(indexed_views.c.model).distinct()).scalars())

    def drop_views(self, model: str) -> None:
        """Forget which cases a retired model has read; its vectors stay in the durable cache."""
        with self._database.write() as connection:
            connection.execute(delete(indexed_views).where(indexed_views.c.model == model))

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
        return asdict(case) | {"import_id": import_id, "changed_at": self._clock()}


def _by_id(connection: Connection, ids: list[str], *, lock: bool = False) -> dict[str, Case]:
    """The cases that are there; with `lock` nobody else changes them before the end of the transaction."""
    known: dict[str, Case] = {}
    for some in _parts(ids):
        query = select(*_CASE_COLUMNS).where(cases.c.id.in_(some)).order_by(cases.c.id)
        known.update((row.id, _case(row)) for row in connection.execute(query.with_for_update() if lock else query))
    return known


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _ID_BATCH] for start in range(0, len(ids), _ID_BATCH))


def _has_views(*of: ColumnElement[bool]) -> Exists:
    return select(literal(1)).where(indexed_views.c.case_id == cases.c.id, *of).exists()


def _waits_for(model: str) -> ColumnElement[bool]:
    return cases.c.enabled & ~_has_views(indexed_views.c.model == model)


def _forget_views(connection: Connection, ids: list[str], *of: ColumnElement[bool]) -> None:
    for some in _parts(ids):
        connection.execute(delete(indexed_views).where(indexed_views.c.case_id.in_(some), *of))


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
