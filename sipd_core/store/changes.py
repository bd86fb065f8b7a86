"""How rows change: imports and a person's decisions, each one transaction, each of which can be taken back.

One reason to change: what may be done to rows.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, func, insert, select, update

from sipd_core.deeds import Deed, DeedKind, DeedOutcome
from sipd_core.documents import (
    Case,
    CaseVersion,
    Change,
    ChangeKind,
    ImportReport,
    ImportStatus,
    Origin,
    RejectedRows,
    case_id,
)
from sipd_core.errors import NotFoundError, SipdError
from sipd_core.store import history
from sipd_core.store.case_rows import (
    cases_by_id,
    has_views,
    hold_version,
    put_states,
    raised_version,
    settle_imports,
)
from sipd_core.store.database import Database
from sipd_core.store.masked import masked_secrets
from sipd_core.store.meeting import Known, Meeting, meet
from sipd_core.store.rejections import keep_rejected
from sipd_core.store.schema import (
    case_versions,
    cases,
    changes,
    imports,
    knowledge_state,
    menu_names,
    origins,
    redirects,
)
from sipd_core.store.times import moment
from sipd_core.texts import text

REPORT = TypeAdapter(ImportReport)


@dataclass(frozen=True, slots=True)
class Stored:
    """How a batch of cases met what was there, by content id."""

    new: frozenset[str]
    changed: frozenset[str]
    unchanged: frozenset[str]
    kept: frozenset[str] = frozenset()
    """Of the unchanged, rows that are as they are because a person decided so."""


@dataclass(frozen=True, slots=True)
class UndoEffect:
    """What taking a change back would do, in rows."""

    removed: int
    restored: int
    changed: int
    stays: int
    """Rows that a later change speaks for."""


@dataclass(frozen=True, slots=True)
class _Met:
    """One row of a file and the row it stands for."""

    key: str
    said: Case
    """The file's row under the id and the menu name of the row it stands for."""
    meeting: Meeting
    state: Case | None
    """The row afterwards."""
    counts: bool
    """The file's word is the row's newest; else the row stays as a person decided."""


class ChangeStore:
    """Writes rows; every change of a row bumps `version`, by which other processes notice it."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # --- imports ---------------------------------------------------------------------------------------------------

    def add_import(
        self,
        report: ImportReport,
        batch: Sequence[Case],
        reported_by: Sequence[Origin] = (),
        *,
        rejected: RejectedRows | None = None,
        finish: Callable[[ImportReport, Stored], ImportReport],
    ) -> ImportReport:
        """Store a file's cases and its report in one transaction.

        `reported_by` are all rows that report a case of the batch (without it, each case is reported by its own),
        `rejected` those that are not taken. `finish` completes the report with what the store found; what it raises
        leaves everything as it was. A shipped sample row never replaces an admin's row, and no file replaces what a
        person decided (meeting.py).
        """
        with self._database.write() as connection:
            hold_version(self._database, connection)
            met = _meet(connection, batch)
            report = finish(report, _stored(met))
            connection.execute(insert(imports), _import_row(report, sample=any(case.sample for case in batch)))
            states = {one.said.id: one.state for one in met if one.counts}
            said = {one.said.id: one.said for one in met if one.counts and one.state != one.said}
            change = Change(report.id, report.at, report.actor, ChangeKind.IMPORT, report.file, len(states))
            history.record(connection, change, states, said)
            dirty = {one.said.id: one.state for one in met if one.meeting in (Meeting.NEW, Meeting.CHANGED)}
            put_states(self._database, connection, dirty, dict.fromkeys(dirty, report.id), self._clock())
            keys = {one.key for one in met}
            self._database.upsert(connection, origins, _origin_rows(report, batch, keys, reported_by))
            keep_rejected(connection, report.id, rejected or RejectedRows())
            settle_imports(connection)
            for deed in _import_deeds(report, sample=any(case.sample for case in batch)):
                self._database.note(connection, deed)
        return report

    def compare(self, batch: Sequence[Case]) -> Stored:
        """How a batch would meet what is there; nothing is stored."""
        with self._database.read() as connection:
            return _stored(_meet(connection, batch))

    def add_failed_import(self, report: ImportReport) -> None:
        """Remember a file that was refused as a whole."""
        with self._database.write() as connection:
            connection.execute(insert(imports), _import_row(report, sample=False))
            details = {"file": report.file, "problem": report.error or ""}
            failed = Deed(DeedKind.IMPORT, report.id, report.actor, DeedOutcome.FAILED, details)
            self._database.note(connection, failed)

    def pause_import(self, import_id: str) -> None:
        """Let the rows of an import wait for their vectors until `resume_import`; words find them all the same."""
        with self._database.write() as connection:
            _set_import(connection, import_id, ImportStatus.INDEXING, ImportStatus.PAUSED)

    def resume_import(self, import_id: str) -> None:
        """Go on with a paused import: its rows count as changed, by which those who make vectors notice it."""
        with self._database.write() as connection:
            hold_version(self._database, connection)
            if _set_import(connection, import_id, ImportStatus.PAUSED, ImportStatus.INDEXING):
                waits = (cases.c.import_id == import_id, cases.c.enabled, ~has_views())
                connection.execute(update(cases).where(*waits).values(version=raised_version(connection)))

    def remove_samples(self) -> int:
        """Delete every shipped sample row with its history and remember that they are not wanted; returns how many."""
        with self._database.write() as connection:
            hold_version(self._database, connection)
            ids = sorted(connection.execute(select(cases.c.id).where(cases.c.sample)).scalars())
            put_states(self._database, connection, dict.fromkeys(ids), {}, self._clock())
            for some in history.in_parts(ids):
                connection.execute(delete(case_versions).where(case_versions.c.case_id.in_(some)))
            shipped = select(imports.c.id).where(imports.c.sample)
            connection.execute(delete(case_versions).where(case_versions.c.change_id.in_(shipped)))
            connection.execute(delete(changes).where(changes.c.id.in_(shipped)))
            unused = ~select(cases.c.id).where(cases.c.import_id == imports.c.id).exists()
            connection.execute(delete(imports).where(imports.c.sample, unused))
            self._database.upsert(connection, knowledge_state, [{"name": "samples", "value": "removed"}])
            self._database.note(connection, Deed(DeedKind.SAMPLES, details={"removed": len(ids)}))
        return len(ids)

    # --- a person's decisions --------------------------------------------------------------------------------------

    def change(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        *,
        actor: str,
        note: str = "",
        redirects: Mapping[str, str] | None = None,
        menus: Mapping[str, str] | None = None,
        also: Callable[[Connection, Change], None] | None = None,
    ) -> Change:
        """Let rows be what `states` says (None: gone), in one transaction; raises NotFoundError when one is not there.

        LEARN alone may bring new ones. `redirects` sends content ids to the case that stands for them from now on,
        `menus` files spellings under a name; both count as long as the change is not undone. `also` is called within
        the transaction.
        """
        at = moment(self._clock())
        made = Change(uuid.uuid4().hex, at, actor, kind, note, len(states))
        with self._database.write() as connection:
            hold_version(self._database, connection)
            there = cases_by_id(connection, sorted(states))
            if (missing := states.keys() - there.keys()) and kind is not ChangeKind.LEARN:
                raise NotFoundError(", ".join(sorted(missing)), what=text("changes.case"))
            kept = {id_: replace(case, id=id_) if case else None for id_, case in states.items()}
            if kind is ChangeKind.LEARN:
                connection.execute(insert(imports), _import_row(_written_report(made), sample=False))
            history.record(connection, made, kept)
            _write_names(connection, made.id, redirects or {}, menus or {})
            put_states(self._database, connection, kept, history.brought_by(connection, sorted(kept)), at.timestamp())
            settle_imports(connection)
            details = {"rows": len(states), "cases": sorted(states), "note": note}
            self._database.note(connection, Deed(DeedKind(kind.value), made.id, actor, details=details))
            if also is not None:
                also(connection, made)
        return made

    def undo(self, change_id: str, *, actor: str) -> Change:
        """Take a change back: every row becomes what it was without it. Raises NotFoundError, SipdError when it is undone."""
        return self._turn(change_id, actor, undone=True)

    def redo(self, change_id: str, *, actor: str) -> Change:
        """Do an undone change again. Raises NotFoundError, SipdError when it is not undone."""
        return self._turn(change_id, actor, undone=False)

    def undo_effect(self, change_id: str) -> UndoEffect:
        """What `undo` would do; raises NotFoundError."""
        with self._database.read() as connection:
            _change(connection, change_id)
            ids = history.touched(connection, change_id)
            now = cases_by_id(connection, ids)
            without = history.live_states(connection, ids, without=change_id)
        found: Counter[str] = Counter()
        for id_ in ids:
            before, after = now.get(id_), history.present(without.get(id_, []))
            found["stays" if before == after else _effect(before, after)] += 1
        return UndoEffect(found["removed"], found["restored"], found["changed"], found["stays"])

    def changes(self, limit: int, offset: int = 0) -> tuple[Change, ...]:
        """What was done, newest first; the shipped sample rows left out."""
        sample = select(imports.c.id).where(imports.c.sample)
        query = select(changes).where(changes.c.id.not_in(sample)).order_by(changes.c.seq.desc())
        with self._database.read() as connection:
            rows = connection.execute(query.offset(offset).limit(limit)).all()
            counts = _sizes(connection, [row.id for row in rows])
        return tuple(history.change_of(row, counts.get(row.id, 0)) for row in rows)

    def history(self, case_id: str) -> tuple[CaseVersion, ...]:
        """Everything that happened to a row, newest first, undone changes among it."""
        query = (
            select(changes, case_versions.c.content)
            .join(case_versions, case_versions.c.change_id == changes.c.id)
            .where(case_versions.c.case_id == case_id)
            .order_by(changes.c.seq.desc())
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            counts = _sizes(connection, [row.id for row in rows])
        contents = [history.CASE.validate_json(row.content) if row.content is not None else None for row in rows]
        return tuple(
            CaseVersion(history.change_of(row, counts[row.id]), case) for row, case in zip(rows, contents, strict=True)
        )

    def menu_aliases(self) -> dict[str, str]:
        """Spelling of a menu -> the name it is filed under."""
        with self._database.read() as connection:
            return history.live_menus(connection)

    def _turn(self, change_id: str, actor: str, *, undone: bool) -> Change:
        at = self._clock()
        with self._database.write() as connection:
            hold_version(self._database, connection)
            row = _change(connection, change_id)
            if (row.undone_at is not None) is undone:
                raise SipdError(change_id, text_key="changes.already_undone" if undone else "changes.not_undone")
            values = {"undone_at": at, "undone_by": actor} if undone else {"undone_at": None, "undone_by": ""}
            connection.execute(update(changes).where(changes.c.id == change_id).values(values))
            ids = history.touched(connection, change_id)
            self._fold(connection, ids, at)
            status = ImportStatus.UNDONE if undone else ImportStatus.INDEXING
            connection.execute(update(imports).where(imports.c.id == change_id).values(status=status))
            settle_imports(connection)
            turned = _change(connection, change_id)
            details = {"of": turned.kind, "rows": len(ids), "note": turned.note}
            done = DeedKind.UNDO if undone else DeedKind.REDO
            self._database.note(connection, Deed(done, change_id, actor, details=details))
        return history.change_of(turned, len(ids))

    def _fold(self, connection: Connection, ids: Sequence[str], at: float) -> None:
        """Let rows be what their live changes say; those that are so already are left alone."""
        live = history.live_states(connection, ids)
        now = cases_by_id(connection, ids)
        states = {id_: history.present(live.get(id_, [])) for id_ in ids}
        dirty = {id_: case for id_, case in states.items() if case != now.get(id_)}
        put_states(self._database, connection, dirty, history.brought_by(connection, sorted(dirty)), at)


def _written_report(change: Change) -> ImportReport:
    """The import of rows that a person wrote: every row has one."""
    status, rows = ImportStatus.INDEXING, change.cases
    return ImportReport(change.id, text("changes.written"), change.at, status, accepted=rows, actor=change.actor)


def _import_deeds(report: ImportReport, *, sample: bool) -> list[Deed]:
    """What an import did, and which secrets were taken out of its file."""
    counts = ("accepted", "changed", "unchanged", "kept", "rejected", "duplicates", "masked")
    details = {"file": report.file} | {name: getattr(report, name) for name in counts}
    kind = DeedKind.SAMPLES if sample else DeedKind.IMPORT
    secrets = masked_secrets(report.id, report.masked_kinds, actor=report.actor)
    return [Deed(kind, report.id, report.actor, details=details), *secrets]


def _set_import(connection: Connection, import_id: str, of: ImportStatus, to: ImportStatus) -> bool:
    """Let an import stand at `to` where it stood at `of`; False when it did not."""
    known = update(imports).where(imports.c.id == import_id, imports.c.status == of)
    found = connection.execute(known.values(status=to)).rowcount
    settle_imports(connection)
    return bool(found)


def _meet(connection: Connection, batch: Sequence[Case]) -> list[_Met]:
    """Each row of a file with the row it stands for, and how they meet; a second one for the same row adds nothing."""
    goals = _goals(connection, batch)
    ids = sorted({*goals, *(said.id for said in goals.values())})
    there, live = cases_by_id(connection, ids), history.live_states(connection, ids)
    met: list[_Met] = []
    taken: set[str] = set()
    for key, said in goals.items():
        known = _known(there.get(said.id), live.get(said.id, []))
        if said.sample and known.current is not None and not known.current.sample:
            continue  # a shipped row never replaces an admin's
        if said.id in taken:
            met.append(_Met(key, said, Meeting.KEPT, None, counts=False))
            continue
        taken.add(said.id)
        merged = (said.id != key and key in live) or history.is_written(live.get(said.id, []))
        meeting, state = meet(said, known, merged=merged)
        stands = merged or meeting is Meeting.KEPT
        met.append(_Met(key, said, meeting, state, counts=not stands))
    return met


def _goals(connection: Connection, batch: Sequence[Case]) -> dict[str, Case]:
    """Content id of each row of a file -> the row under the id of the case it stands for, its menu's name put right."""
    redirected, menus = history.live_redirects(connection), history.live_menus(connection)
    named = {case.id: replace(case, menu=menus.get(case.menu, case.menu)) for case in batch}
    other = {key: case_id(case.menu, case.issue) for key, case in named.items()}
    there = cases_by_id(connection, sorted({*named, *other.values(), *redirected.values()}))
    known = {*there, *redirected, *history.live_states(connection, sorted(set(named) - there.keys()))}
    goals = {key: history.target(key if key in known else other[key], redirected, there) for key in named}
    return {key: replace(case, id=goals[key]) for key, case in named.items()}


def _known(current: Case | None, states: Sequence[history.State]) -> Known:
    said = history.newest_import(states)
    decided = history.is_based(states) and any(state.kind is not ChangeKind.IMPORT for state in states)
    return Known(current, said.said if said else None, decided)


def _stored(met: Sequence[_Met]) -> Stored:
    by: dict[Meeting, set[str]] = {meeting: set() for meeting in Meeting}
    for one in met:
        by[one.meeting].add(one.key)
    kept = frozenset(by[Meeting.KEPT])
    return Stored(
        frozenset(by[Meeting.NEW]), frozenset(by[Meeting.CHANGED]), frozenset(by[Meeting.UNCHANGED]) | kept, kept
    )


def _change(connection: Connection, change_id: str) -> Any:
    row = connection.execute(select(changes).where(changes.c.id == change_id)).first()
    if row is None:
        raise NotFoundError(change_id, what=text("changes.change"))
    return row


def _sizes(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(case_versions.c.change_id, func.count().label("n"))
        .where(case_versions.c.change_id.in_(ids))
        .group_by(case_versions.c.change_id)
    )
    return {row.change_id: row.n for row in connection.execute(query)}


def _effect(before: Case | None, after: Case | None) -> str:
    if after is None:
        return "removed"
    return "restored" if before is None else "changed"


def _write_names(connection: Connection, change_id: str, sent: Mapping[str, str], menus: Mapping[str, str]) -> None:
    if sent:
        rows = [{"change_id": change_id, "key": key, "case_id": goal} for key, goal in sent.items() if key != goal]
        connection.execute(insert(redirects), rows)
    if menus:
        rows = [{"change_id": change_id, "spelling": said[:500], "name": name} for said, name in menus.items()]
        connection.execute(insert(menu_names), rows)


def _origin_rows(
    report: ImportReport, batch: Sequence[Case], keys: set[str], reported_by: Sequence[Origin]
) -> list[dict[str, Any]]:
    places = reported_by or [Origin(case.id, case.sheet, case.row) for case in batch]
    return [
        {"import_id": report.id, "case_id": one.case_id, "sheet": one.sheet or "", "row": one.row, "file": report.file}
        | {"date": one.date, "region": one.region, "reports": one.reports}
        for one in places
        if one.case_id in keys
    ]


def _import_row(report: ImportReport, *, sample: bool) -> dict[str, Any]:
    return {
        "id": report.id,
        "file": report.file,
        "at": report.at.timestamp(),
        "status": report.status,
        "sample": sample,
        "report": REPORT.dump_json(report).decode(),
    }
