"""What embedding models have read of the rows. One reason to change: when a row counts as found by meaning."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, select

from sipd_core.documents import Case, ImportStatus
from sipd_core.store.case_rows import (
    CASE_COLUMNS,
    case_of,
    cases_by_id,
    forget_views,
    has_views,
    settle_imports,
)
from sipd_core.store.database import Database
from sipd_core.store.meeting import same
from sipd_core.store.schema import cases, imports, indexed_views


class ViewStore:
    """Which views of which rows each model (`name/dimension`) has read, and which rows wait for it."""

    _database: Database

    def pending(self, model: str, limit: int, after: int = -1) -> list[Case]:
        """Enabled cases that have no views of `model` (`name/dimension`) yet, the longest waiting first.

        Where nothing waited at a version of the base, `after` names it: only what changed since is looked at.
        """
        waits = _waits_for(model, after)
        query = select(*CASE_COLUMNS).where(waits).order_by(cases.c.changed_at, cases.c.id).limit(limit)
        with self._database.read() as connection:
            return [case_of(row) for row in connection.execute(query)]

    def pending_count(self, model: str, after: int = -1) -> int:
        """How many enabled cases have no views of `model` yet; `after` as in `pending`."""
        query = select(func.count()).select_from(cases).where(_waits_for(model, after))
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

    def views(self, model: str) -> list[tuple[str, int]]:
        """(case id, position) of every view that `model` has read."""
        query = select(indexed_views.c.case_id, indexed_views.c.position).where(indexed_views.c.model == model)
        with self._database.read() as connection:
            return [(case, position) for case, position in connection.execute(query)]

    def view_count(self, model: str) -> int:
        """How many views `model` has read."""
        query = select(func.count()).where(indexed_views.c.model == model)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def some_viewed(self, model: str, limit: int, start: str = "") -> list[str]:
        """Ids of cases that `model` has read, ascending from `start` and on from the first one behind the last.

        As ids are digests, they are a sample in no order of theirs: as many as wanted wherever it starts.
        """
        views = indexed_views.c
        query = select(views.case_id).where(views.model == model, views.position == 0).order_by(views.case_id)
        with self._database.read() as connection:
            found = list(connection.execute(query.where(views.case_id >= start).limit(limit)).scalars())
            before = query.where(views.case_id < start).limit(limit - len(found))
            return found + (list(connection.execute(before).scalars()) if len(found) < limit else [])

    def mark_indexed(self, model: str, batch: Sequence[tuple[Case, Sequence[str]]]) -> None:
        """Acknowledge cases whose vectors (embedding keys in the order of the views) are in SQL and in `model`'s index.

        A case that changed meanwhile stays pending, and one that was switched off has no views: it counts as read by
        nobody, or a start would put into the index what no search may find. An import whose last case has views of any model becomes `done` in
        the same transaction.
        """
        with self._database.write() as connection:
            ids = sorted(case.id for case, _ in batch)
            here = cases_by_id(connection, ids, lock=not self._database.is_sqlite)
            still = [(case, keys) for case, keys in batch if _waits_still(case, here.get(case.id))]
            forget_views(connection, [case.id for case, _ in still], indexed_views.c.model == model)
            rows = [
                {"case_id": case.id, "model": model, "position": at, "key": key}
                for case, keys in still
                for at, key in enumerate(keys)
            ]
            self._database.upsert(connection, indexed_views, rows)
            settle_imports(connection)

    def indexed_models(self) -> frozenset[str]:
        """The models (`name/dimension`) that have views of any case."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(indexed_views.c.model).distinct()).scalars())

    def drop_views(self, model: str) -> None:
        """Forget which cases a retired model has read; its vectors stay in the durable cache."""
        with self._database.write() as connection:
            connection.execute(delete(indexed_views).where(indexed_views.c.model == model))


def _waits_still(read: Case, now: Case | None) -> bool:
    """Whether a case is as it was when its vectors were made."""
    return now is not None and now.enabled and same(read, now)


def _waits_for(model: str, after: int) -> ColumnElement[bool]:
    paused = select(imports.c.id).where(imports.c.status == ImportStatus.PAUSED)
    return (
        (cases.c.version > after)
        & cases.c.enabled
        & ~has_views(indexed_views.c.model == model)
        & cases.c.import_id.not_in(paused)
    )
