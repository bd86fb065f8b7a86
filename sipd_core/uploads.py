"""The way of a file into the base, as plain calls for pages: drafts, imports under way, rows that were not taken."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from anyio.from_thread import BlockingPortal

from sipd_core.deeds import acting
from sipd_core.documents import ImportProgress, ImportReport, RejectedRows
from sipd_core.engine import TEXTS_PER_CASE, Engine
from sipd_core.knowledge.previews import Draft
from sipd_core.knowledge.rejections import rejected_csv, rejected_xlsx
from sipd_core.tables import Choice

FileKind = Literal["csv", "xlsx"]


class Uploads:
    """Every call is safe from any thread; failures are SipdErrors with a text for people."""

    def __init__(self, portal: BlockingPortal, engine: Callable[[], Engine]) -> None:
        """`engine`: the one that runs; a restored base has another one than before."""
        self._portal = portal
        self._running = engine

    @property
    def _engine(self) -> Engine:
        return self._running()

    def open(self, name: str, content: bytes) -> Draft:
        """Take a file in and begin to read it; one that is no complaint log becomes a draft that says why.

        Raises SipdError when the same file is open already or too many are, TooOftenError when whoever acts uploads too often.
        """
        self._engine.limits.upload(acting())
        digest = hashlib.sha256(content).hexdigest()  # here, in the page's thread: 50 MB would hold up the loop
        return self._portal.call(self._engine.drafts.open, name, content, digest)

    def drafts(self) -> tuple[Draft, ...]:
        """Every file that waits for an admin's yes, the newest first; `draft` holds one against the base as it is now."""
        return self._portal.call(self._engine.drafts.list)

    def draft(self, draft_id: str) -> Draft:
        """One of them as it stands; raises NotFoundError."""
        return self._portal.call(self._engine.drafts.get, draft_id)

    def correct(self, draft_id: str, sheet: int, choice: Choice, actor: str, *, private: bool = False) -> None:
        """Read a file as a person says of one of its sheets; see Drafts.correct."""
        self._portal.call(lambda: self._engine.drafts.correct(draft_id, sheet, choice, actor=actor, private=private))

    def forget(self, draft_id: str, sheet: int) -> None:
        """Forget what people said of sheets with these headers, and read the file again."""
        self._portal.call(self._engine.drafts.forget, draft_id, sheet)

    def discard(self, draft_id: str) -> None:
        """Put a draft away; nothing of it is left."""
        self._portal.call(self._engine.drafts.discard, draft_id)

    def confirm(self, draft_id: str, actor: str) -> ImportReport:
        """Import a draft; raises BaseChangedError when its figures are no longer true."""
        return self._portal.call(self._engine.drafts.confirm, draft_id, actor)

    def rejected_rows(self, id_: str, *, draft: bool = False) -> RejectedRows:
        """The rows that a draft would not take, or that an import did not."""
        if draft:
            return self._portal.call(self._engine.drafts.rejected, id_)
        return self._engine.rejections.get(id_)

    def rejected_file(self, id_: str, kind: FileKind, *, draft: bool = False) -> bytes:
        """The same as a file in the original columns, with the reason beside each."""
        rejected = self.rejected_rows(id_, draft=draft)
        return rejected_csv(rejected) if kind == "csv" else rejected_xlsx(rejected)

    def imports_count(self) -> int:
        """How many imports the history has."""
        return self._engine.cases.imports_count()

    def progress(self) -> tuple[ImportProgress, ...]:
        """The imports whose rows are not all found by meaning yet, the oldest first."""
        side = self._engine.base.serving
        if side is None:
            return ()
        told, ahead = [], 0
        now, rate = self._engine.indexing(), self._rate(side.name)
        started = self._engine.cases.import_progress(side.name)
        waiting = sum(one.total - one.done for one in started if not one.paused)
        under_way = max(waiting - (now.total - now.done), 0) if now.running else 0
        for one in started:
            if one.paused:
                told.append(one)
                continue
            done = min(one.done + under_way, one.total)
            under_way -= done - one.done
            ahead += one.total - done
            told.append(replace(one, done=done, rate=rate, remaining_seconds=ahead / rate if rate else None))
        return tuple(told)

    def _rate(self, model: str) -> float | None:
        """Cases a second: of the run under way, else as it was measured before."""
        now = self._engine.indexing().rate
        texts = None if now else self._engine.pace.texts_per_second(model)
        return now or (texts / TEXTS_PER_CASE if texts else None)
