"""Uploaded files that wait for an admin's yes: read and masked once, in the background, held in memory only.

One reason to change: the way from an upload to an import. Everything here runs on the engine's loop; reading itself
happens in a worker thread, one file at a time. What a file says in the clear is never written anywhere.
"""

import io
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

import anyio
from anyio import Lock, to_thread
from anyio.abc import TaskGroup

from sipd_core.documents import ImportReport, RejectedRows
from sipd_core.errors import BaseChangedError, NotFoundError, SipdError, TableError
from sipd_core.knowledge.estimating import Estimator
from sipd_core.knowledge.importing import Importer, Prepared
from sipd_core.knowledge.previews import Draft, DraftState, first_rows, sheet_views
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.mappings import MappingStore
from sipd_core.tables import Choice, Finding, private_columns, sheet_key
from sipd_core.texts import text

log = logging.getLogger(__name__)

MOST_DRAFTS = 12
MOST_BYTES = 150 * 2**20
"""Of all drafts together; each holds its file until it is imported or put away."""
KEPT_SECONDS = 45 * 60
"""How long a draft is kept that nobody looks at."""
_SWEEP_SECONDS = 30.0
_BUSY = (DraftState.WAITING, DraftState.READING, DraftState.STORING)


class _Left(Exception):
    """The draft was put away, or is to be read in another way, while it was being read."""


@dataclass(slots=True, eq=False)
class _Work:
    """One file on its way."""

    draft: Draft
    name: str
    content: bytes
    digest: str
    touched: float
    choices: dict[str | None, Choice] = field(default_factory=dict)
    share: float = 0.0
    """How much is read; set by the reading thread, everything else by the loop."""
    turn: object = field(default_factory=object)
    """The reading that counts: a newer one replaces it."""
    prepared: Prepared | None = None
    stored: Stored | None = None
    version: int = -1
    """The base's version at the dry run."""

    def show(self, **changes: object) -> None:
        self.draft = replace(self.draft, **changes)  # type: ignore[arg-type]

    def shown(self) -> Draft:
        """The draft as it stands."""
        return replace(self.draft, share=self.share)


class Drafts:
    """Holds the drafts, reads them, and imports one when it is confirmed. Every method runs on the engine's loop."""

    def __init__(
        self,
        importer: Importer,
        mappings: MappingStore,
        cases: CaseStore,
        estimator: Estimator,
        *,
        on_stored: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_stored` is awaited when rows have come into SQL."""
        self._importer = importer
        self._mappings = mappings
        self._cases = cases
        self._estimator = estimator
        self._on_stored = on_stored
        self._clock = clock
        self._works: dict[str, _Work] = {}
        self._one_at_a_time = Lock()
        self._tasks: TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with anyio.create_task_group() as self._tasks:
                while True:
                    await anyio.sleep(_SWEEP_SECONDS)
                    self.sweep()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything; a reading that is under way ends at its next row."""
        for work in list(self._works.values()):
            self._let_go(work)

    def sweep(self) -> None:
        """Put away what nobody has looked at for long."""
        oldest = self._clock() - KEPT_SECONDS
        for id_, work in list(self._works.items()):
            if work.touched < oldest:
                self.discard(id_)

    def open(self, name: str, content: bytes, digest: str) -> Draft:
        """Take a file in and begin to read it; one that is too large comes back refused. `digest` is of its content.

        Raises SipdError when the same file is open already or too many are.
        """
        file = self._importer.file_name(name)
        self._check_room(digest, file, len(content))
        draft = Draft(uuid.uuid4().hex, file, len(content), DraftState.WAITING, 0.0)
        work = self._works[draft.id] = _Work(draft, name, content, digest, self._clock())
        try:
            self._importer.check_size(len(content))
        except TableError as error:
            self._refuse(work, error, work.turn)
        else:
            self._start(work)
        return work.draft

    async def list(self) -> tuple[Draft, ...]:
        """Every draft, the newest first, with its dry run as of when somebody last looked at it by `get`."""
        for work in [*self._works.values()]:
            work.touched = self._clock()
        return tuple(work.shown() for work in reversed(self._works.values()))

    async def get(self, draft_id: str) -> Draft:
        """One draft held against the base as it is now; raises NotFoundError."""
        work = self._work(draft_id)
        work.touched = self._clock()
        await self._follow_base(work)
        return work.shown()

    def correct(self, draft_id: str, sheet: int, choice: Choice, *, actor: str, private: bool = False) -> None:
        """Read a file again as a person says of one sheet (by its index), and of those with the same headers.

        It is remembered for later files. Without `private` a column of credentials or people is refused with a
        SipdError; a mapping that holds one is not remembered.
        """
        work = self._work(draft_id)
        finding = self._finding(work, sheet)
        places = set((choice.columns or {}).values()) & private_columns(finding.headers).keys()
        if places and not private and choice.header_row in (None, finding.header_row):
            headers = ", ".join(finding.headers[place] for place in sorted(places))
            raise SipdError("private column", text_key="imports.private_column", headers=headers)
        work.choices[finding.sheet] = _together(work.choices.get(finding.sheet), choice)
        self._start(work, remember=(finding.sheet, actor) if not places else None)

    async def forget(self, draft_id: str, sheet: int) -> None:
        """Read a sheet, and those with the same headers, by what the headers say; nothing is remembered any more."""
        work = self._work(draft_id)
        finding = self._finding(work, sheet)
        same = [one for one in self._findings(work) if one.fingerprint == finding.fingerprint]
        for one in same:
            work.choices.pop(one.sheet, None)
        await to_thread.run_sync(self._mappings.forget, finding.fingerprint)
        await to_thread.run_sync(self._mappings.read_again, finding.fingerprint, sheet_key(finding.sheet))
        self._start(work)

    def discard(self, draft_id: str) -> None:
        """Put a draft away; nothing of it is left. One that is gone or just being stored is no error."""
        work = self._works.get(draft_id)
        if work is not None and work.draft.state is not DraftState.STORING:
            self._let_go(work)

    def rejected(self, draft_id: str) -> RejectedRows:
        """The rows that the import would not take; raises NotFoundError."""
        prepared = self._work(draft_id).prepared
        return prepared.batch.rejected if prepared and prepared.batch else RejectedRows()

    async def confirm(self, draft_id: str, actor: str) -> ImportReport:
        """Store the rows; they are durable and found by their words on return.

        Raises BaseChangedError when the base changed since the dry run so that the figures are others now; the draft
        then holds the new ones and can be confirmed.
        """
        work = self._work(draft_id)
        if work.draft.state is not DraftState.READY or work.prepared is None:
            raise SipdError("not ready", text_key="imports.not_ready", file=work.draft.file)
        work.show(state=DraftState.STORING)
        try:
            store = partial(self._importer.store, work.prepared, actor=actor, expected=work.stored)
            report = await to_thread.run_sync(store)
        except BaseChangedError:
            await self._dry_run(work, recomputed=True)
            raise
        finally:
            work.show(state=DraftState.READY)
        self._let_go(work)
        await self._on_stored()
        return report

    def _let_go(self, work: _Work) -> None:
        """A reading that is under way ends at its next row."""
        work.turn = object()
        self._works.pop(work.draft.id, None)

    def _check_room(self, digest: str, file: str, size: int) -> None:
        same = next((work for work in self._works.values() if work.digest == digest), None)
        if same is not None:
            raise SipdError("same content", text_key="imports.same_draft", file=file, other=same.draft.file)
        held = sum(len(work.content) for work in self._works.values())
        if len(self._works) >= MOST_DRAFTS or held + size > MOST_BYTES:
            raise SipdError("too many drafts", text_key="imports.too_many_drafts", file=file)

    def _start(self, work: _Work, remember: tuple[str | None, str] | None = None) -> None:
        if self._tasks is None:
            raise SipdError("the drafts' room is closed")
        work.turn = object()
        work.share = 0.0
        work.show(state=DraftState.WAITING, recomputed=False)
        self._tasks.start_soon(self._read, work, work.turn, remember)

    async def _read(self, work: _Work, turn: object, remember: tuple[str | None, str] | None) -> None:
        """One reading; whatever goes wrong is said on its draft and harms no other."""
        try:
            async with self._one_at_a_time:
                if work.turn is turn:
                    await self._prepare(work, turn, remember)
        except _Left:
            return
        except SipdError as error:
            self._refuse(work, error, turn)
        except Exception:
            code = uuid.uuid4().hex[:8]
            log.exception("a file could not be read (code %s)", code)
            self._refuse(work, SipdError(code, code=code), turn)

    async def _prepare(self, work: _Work, turn: object, remember: tuple[str | None, str] | None) -> None:
        def watch(share: float) -> None:
            if work.turn is not turn:
                raise _Left
            work.share = share

        work.show(state=DraftState.READING)
        file = io.BytesIO(work.content)
        prepare = partial(self._importer.prepare, work.name, file, choices=dict(work.choices), watch=watch)
        prepared = await to_thread.run_sync(prepare)
        if work.turn is not turn:
            return
        work.prepared = prepared
        work.show(
            sheets=sheet_views(prepared.survey.findings), error=prepared.error, report=None, rows=(), estimate=None
        )
        if remember and (said := next((one for one in prepared.survey.findings if one.sheet == remember[0]), None)):
            await to_thread.run_sync(self._mappings.learn, said, work.choices[said.sheet], remember[1])
        if prepared.batch is not None:
            await self._dry_run(work, recomputed=False)
        if work.turn is turn:
            work.show(state=DraftState.READY if prepared.batch else DraftState.UNCLEAR)

    async def _dry_run(self, work: _Work, *, recomputed: bool) -> None:
        """What the import would do to the base as it is now."""
        assert work.prepared is not None and work.prepared.batch is not None
        prepared, batch = work.prepared, work.prepared.batch
        work.version = await to_thread.run_sync(lambda: self._cases.version)  # first: a later change is noticed
        stored = await to_thread.run_sync(self._cases.compare, batch.cases)
        changed = recomputed and stored != work.stored
        work.stored = stored
        report = self._importer.report(prepared, stored)
        fresh = [case for case in batch.cases if case.id in stored.new or case.id in stored.changed]
        estimate = await self._estimator.estimate(fresh)
        rows = first_rows(batch.cases, stored)
        work.show(report=report, rows=rows, estimate=estimate, recomputed=work.draft.recomputed or changed)

    async def _follow_base(self, work: _Work) -> None:
        """Compute the dry run anew when the base, or what is known of its model, is no longer what it was."""
        if work.draft.state is not DraftState.READY:
            return
        version = await to_thread.run_sync(lambda: self._cases.version)
        if version != work.version or (work.draft.estimate is None and self._estimator.ready):
            await self._dry_run(work, recomputed=True)

    def _refuse(self, work: _Work, error: SipdError, turn: object) -> None:
        """A file that is no table is not held any longer; what went wrong in a reading that was given up says nothing."""
        if work.turn is not turn:
            return
        work.content, work.prepared = b"", None
        work.show(state=DraftState.REFUSED, error=error.user_text, sheets=(), report=None, rows=(), estimate=None)

    def _work(self, draft_id: str) -> _Work:
        if draft_id not in self._works:
            raise NotFoundError(draft_id, what=text("imports.draft"))
        return self._works[draft_id]

    def _findings(self, work: _Work) -> tuple[Finding, ...]:
        return work.prepared.survey.findings if work.prepared else ()

    def _finding(self, work: _Work, sheet: int) -> Finding:
        findings = self._findings(work)
        if not 0 <= sheet < len(findings):
            raise NotFoundError(str(sheet), what=text("imports.draft_sheet"))
        return findings[sheet]


def _together(before: Choice | None, now: Choice) -> Choice:
    """What is said now on top of what was said before; columns are those of their header row."""
    if before is None:
        return now
    skip = before.skip if now.skip is None else now.skip
    if now.header_row is not None:
        return replace(now, skip=skip)
    return Choice(skip, before.header_row, before.columns if now.columns is None else now.columns)
