"""The background work that makes stored rows findable by meaning. It starts again where a killed process stopped."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from anyio import Event, to_thread

from sipd_core.documents import IndexingProgress
from sipd_core.errors import SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.store.cases import CaseStore

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""How soon rows that another process stored (the command line, another replica) are noticed."""
REFRESH_SECONDS = 5.0
"""How often searches take over the vectors made so far during a long run."""
RETRY_SECONDS = 10.0


@dataclass(slots=True)
class _Run:
    """One stretch of work from an empty queue to an empty queue."""

    done: int = 0
    started: float = 0.0
    refreshed: float = 0.0


class Indexer:
    """Works off pending cases in batches; progress can be read from any thread."""

    def __init__(
        self,
        cases: CaseStore,
        base: KnowledgeBase,
        *,
        batch: int,
        on_idle: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_idle` is awaited when the queue becomes empty (the calibration is fitted then)."""
        self._cases = cases
        self._base = base
        self._batch = batch
        self._on_idle = on_idle
        self._clock = clock
        self._wake = Event()
        self._run = _Run()
        self._error: SipdError | None = None
        self._idle = Event()
        self.embedded_texts = 0
        """Texts the model has read since the start."""

    def wake(self) -> None:
        """Look for work now. Call it on the engine's loop."""
        self._idle = Event() if self._idle.is_set() else self._idle
        self._wake.set()

    async def wait_until_idle(self) -> None:
        """Return when nothing is pending; raises the SipdError that keeps vectors from being made."""
        waiting = True
        while waiting:
            self.wake()
            await self._idle.wait()
            if self._error is not None:
                raise self._error
            waiting = await to_thread.run_sync(self._cases.pending_count) > 0

    def progress(self) -> IndexingProgress:
        """How far the current run is."""
        pending = self._cases.pending_count()
        run = self._run
        elapsed = self._clock() - run.started
        rate = run.done / elapsed if run.done and elapsed > 0 else None
        error = self._error.user_text if self._error else None
        total = run.done + pending if pending else 0
        return IndexingProgress(total, run.done if pending else 0, bool(pending) and error is None, rate, error)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._base.refresh()
                while await self._one_batch():
                    pass
                self._error = None
                self._idle.set()
                pause = POLL_SECONDS
            except SipdError as error:
                log.warning("indexing pauses: %s", error)
                self._error = error
                self._idle.set()
                pause = RETRY_SECONDS
            with anyio.move_on_after(pause):
                await self._wake.wait()
            self._wake = Event()

    async def _one_batch(self) -> bool:
        """True when there was work; the run ends with a refresh and `on_idle`."""
        batch = await to_thread.run_sync(self._cases.pending, self._batch)
        run = self._run
        if not batch:
            if run.done:
                await self._base.refresh(force=True)
                self._run = _Run()
            await self._on_idle()
            return False
        if not run.done:
            run.started = run.refreshed = self._clock()
        self.embedded_texts += await self._base.index_batch(batch)
        run.done += len(batch)
        if self._clock() - run.refreshed >= REFRESH_SECONDS:
            await self._base.refresh(force=True)
            run.refreshed = self._clock()
        return True
