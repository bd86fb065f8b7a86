"""Rows of the knowledge base in SQL: the truth that the index can be rebuilt from.

One reason to change: what is asked of the rows. How they change is changes.py.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, true

from sipd_core.documents import (
    Case,
    CaseDelta,
    CaseFilter,
    CasePage,
    ChangeKind,
    ImportProgress,
    ImportReport,
    ImportStatus,
    ReportedBy,
)
from sipd_core.errors import NotFoundError
from sipd_core.store.case_rows import (
    CASE_COLUMNS,
    case_of,
    cases_by_id,
    has_views,
)
from sipd_core.store.changes import REPORT, ChangeStore
from sipd_core.store.history import in_parts, live_redirects, target
from sipd_core.store.meeting import CONTENT
from sipd_core.store.schema import (
    cases,
    changes,
    imports,
    indexed_views,
    knowledge_state,
    origins,
    removals,
)
from sipd_core.store.viewed import ViewStore
from sipd_core.texts import text

_WRITTEN = select(changes.c.id).where(changes.c.kind == ChangeKind.LEARN)
_UPLOADED = (~imports.c.sample, imports.c.id.not_in(_WRITTEN))
"""Imports that people made of files."""


class CaseStore(ChangeStore, ViewStore):
    """Reads rows, and says which of them a model has read; writing them is inherited. Safe from any thread."""

    def get(self, case_id: str) -> Case:
        """One row, enabled or not; raises NotFoundError."""
        with self._database.read() as connection:
            found = cases_by_id(connection, [case_id])
        if case_id not in found:
            raise NotFoundError(case_id, what=text("changes.case"))
        return found[case_id]

    def several(self, case_ids: Sequence[str]) -> list[Case]:
        """Rows by their ids, in that order, enabled or not; raises NotFoundError when one is gone."""
        with self._database.read() as connection:
            found = cases_by_id(connection, case_ids)
        if missing := [id_ for id_ in case_ids if id_ not in found]:
            raise NotFoundError(missing[0], what=text("changes.case"))
        return [found[id_] for id_ in case_ids]

    def some(self, ids: Collection[str]) -> Mapping[str, Case]:
        """Rows by their ids, enabled or not; those that are gone are missing."""
        if not ids:
            return {}
        with self._database.read() as connection:
            return cases_by_id(connection, list(ids))

    def all(self, *, disabled: bool = False) -> list[Case]:
        """Every enabled case, in a stable order; with `disabled` the others too."""
        query = select(*CASE_COLUMNS).where(true() if disabled else cases.c.enabled).order_by(cases.c.id)
        with self._database.read() as connection:
            return [case_of(row) for row in connection.execute(query)]

    def since(self, version: int) -> CaseDelta:
        """What a reader of `version` has to take over; a row that changed back and forth may come without need."""
        changed = select(*CASE_COLUMNS).where(cases.c.version > version)  # in no order: SQLite would read all for it
        gone = select(removals.c.case_id).where(removals.c.version > version)
        with self._database.read() as connection:
            now = _version(connection.execute(_state("version")).scalar_one_or_none())
            rows = sorted(map(case_of, connection.execute(changed)), key=lambda case: case.id)
            removed = {*connection.execute(gone).scalars(), *(case.id for case in rows if not case.enabled)}
        return CaseDelta(now, tuple(case for case in rows if case.enabled), frozenset(removed))

    def page(self, wanted: CaseFilter, offset: int, limit: int) -> CasePage:
        """Rows that fit a filter, ordered by menu, file and row."""
        fits = _fits(wanted)
        query = select(*CASE_COLUMNS).where(fits).order_by(cases.c.menu, cases.c.file, cases.c.sheet, cases.c.row)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(cases).where(fits)).scalar_one()
            rows = connection.execute(query.offset(offset).limit(limit)).all()
        return CasePage(tuple(case_of(row) for row in rows), total)

    def files(self) -> tuple[tuple[str, int], ...]:
        """(file, number of rows whose present content came with it), by name."""
        query = select(cases.c.file, func.count().label("n")).group_by(cases.c.file).order_by(cases.c.file)
        with self._database.read() as connection:
            return tuple((row.file, row.n) for row in connection.execute(query))

    def imports_count(self) -> int:
        """How many files people uploaded, refused and undone ones among them."""
        query = select(func.count()).select_from(imports).where(*_UPLOADED)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def imports(self, limit: int, offset: int = 0) -> tuple[ImportReport, ...]:
        """Reports of the files people uploaded (shipped samples left out), newest first."""
        query = (
            select(imports.c.report, imports.c.status)
            .where(*_UPLOADED)
            .order_by(imports.c.at.desc())
            .limit(limit)
            .offset(offset)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(replace(REPORT.validate_json(row.report), status=ImportStatus(row.status)) for row in rows)

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
        """Case id -> number of rows that report it, for the cases reported more than once.

        A row of a file counts once, however often the file was imported; rows of merged cases count for the survivor.
        A row of an export is no report of its own: it says how many there were at least.
        """
        with self._database.read() as connection:
            redirected = live_redirects(connection)
            there = set(connection.execute(select(cases.c.id)).scalars()) if redirected else set()
            return _reports(connection, lambda key: target(key, redirected, there))

    def reported(self, case_ids: Collection[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """As `reports`, of a few cases; `aliases` are those of the rows as they are."""
        owner = {key: id_ for id_ in case_ids for key in (id_, *aliases.get(id_, ()))}
        with self._database.read() as connection:
            return _reports(connection, owner.__getitem__, origins.c.case_id.in_(owner))

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Case id -> further content ids that stand for it."""
        found: dict[str, tuple[str, ...]] = {}
        with self._database.read() as connection:
            redirected = live_redirects(connection)
            there = cases_by_id(connection, sorted({*redirected, *redirected.values()}))
        for key in redirected:
            if (id_ := target(key, redirected, there)) != key:
                found[id_] = (*found.get(id_, ()), key)
        return found

    def enabled(self, case_ids: Collection[str]) -> frozenset[str]:
        """Those of the cases that are there and enabled."""
        found: set[str] = set()
        with self._database.read() as connection:
            for some in in_parts(sorted(case_ids)):
                found.update(
                    connection.execute(select(cases.c.id).where(cases.c.id.in_(some), cases.c.enabled)).scalars()
                )
        return frozenset(found)

    def import_progress(self, model: str) -> tuple[ImportProgress, ...]:
        """The imports of which rows still wait for views of `model`, or which a person paused; oldest first, no rates."""
        waiting = func.count().filter(~has_views(indexed_views.c.model == model)).label("waiting")
        query = (
            select(imports.c.id, imports.c.file, imports.c.status, func.count().label("rows"), waiting)
            .join(cases, cases.c.import_id == imports.c.id)
            .where(imports.c.status.in_((ImportStatus.INDEXING, ImportStatus.PAUSED)), cases.c.enabled)
            .group_by(imports.c.id, imports.c.file, imports.c.status, imports.c.at)
            .order_by(imports.c.at)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            ImportProgress(row.id, row.file, row.rows, row.rows - row.waiting, row.status == ImportStatus.PAUSED)
            for row in rows
        )

    def origins(self, case_id: str) -> tuple[ReportedBy, ...]:
        """Every row that reports a case, by file and row; those of undone imports left out, each row once."""
        own = origins.c
        query = (
            select(own.file, own.sheet, own.row, own.date, own.region, changes.c.seq)
            .join(changes, changes.c.id == own.import_id)
            .where(changes.c.undone_at.is_(None))
            .order_by(changes.c.seq)
        )
        with self._database.read() as connection:
            redirected = live_redirects(connection)
            keys = [case_id, *(key for key in redirected if target(key, redirected, {case_id}) == case_id)]
            rows = [row for some in in_parts(keys) for row in connection.execute(query.where(own.case_id.in_(some)))]
        newest = {(row.file, row.sheet, row.row): row for row in rows}
        return tuple(
            ReportedBy(row.file, row.sheet or None, row.row, row.date, row.region) for _, row in sorted(newest.items())
        )

    def changed_since(self, version: int) -> int:
        """How many rows are otherwise than at a version of the base, removed ones among them."""
        with self._database.read() as connection:
            changed = connection.execute(select(func.count()).where(cases.c.version > version)).scalar_one()
            return changed + connection.execute(select(func.count()).where(removals.c.version > version)).scalar_one()

    def state(self, name: str) -> str | None:
        """A small fact of the base, None when never set."""
        with self._database.read() as connection:
            return connection.execute(_state(name)).scalar_one_or_none()

    def set_state(self, name: str, value: str) -> None:
        """Remember a small fact of the base."""
        with self._database.write() as connection:
            self._database.upsert(connection, knowledge_state, [{"name": name, "value": value}])

    @property
    def version(self) -> int:
        """Number of the last change of the rows."""
        return _version(self.state("version"))


def _reports(connection: Connection, owner: Callable[[str], str], *of: ColumnElement[bool]) -> dict[str, int]:
    """Counts above one by the case that `owner` names for a content id; of the rows that `of` chooses."""
    row = origins.c
    query = select(row.case_id, row.file, row.sheet, row.row, row.reports).join(changes, changes.c.id == row.import_id)
    places, told = defaultdict[str, set[tuple[str, str, int]]](set), Counter[str]()
    for key, file, sheet, at, reports in connection.execute(query.where(changes.c.undone_at.is_(None), *of)):
        if reports is None:
            places[key].add((file, sheet, at))
        else:
            told[key] = max(told[key], reports)
    counts, least = Counter[str](), Counter[str]()
    for key, found in places.items():
        counts[owner(key)] += len(found)
    for key, count in told.items():
        least[owner(key)] += count
    return {id_: most for id_ in counts | least if (most := max(counts[id_], least[id_])) > 1}


def _state(name: str) -> Select[str]:
    return select(knowledge_state.c.value).where(knowledge_state.c.name == name)


def _version(stored: str | None) -> int:
    return int(stored or 0)


def _fits(wanted: CaseFilter) -> ColumnElement[bool]:
    fits: ColumnElement[bool] = true()
    for word in wanted.search.split():
        fits &= or_(*(cases.c[name].icontains(word, autoescape=True) for name in CONTENT))
    for column, value in (
        (cases.c.menu, wanted.menu),
        (cases.c.file, wanted.file),
        (cases.c.import_id, wanted.import_id),
    ):
        if value is not None:
            fits &= column == value
    if wanted.has_remedy is not None:
        fits &= cases.c.remedy != "" if wanted.has_remedy else cases.c.remedy == ""
    if wanted.enabled is not None:
        fits &= cases.c.enabled if wanted.enabled else ~cases.c.enabled
    return fits
