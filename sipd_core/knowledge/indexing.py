"""The background work that makes stored rows findable by meaning. It starts again where a killed process stopped.

While a side is built beside the serving one, rows go to it first; where its model cannot read, to the serving one.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import anyio
from anyio import Event, to_thread

from sipd_core.documents import Case, IndexingProgress
from sipd_core.errors import EmbeddingError, SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.pace import Pace
from sipd_core.knowledge.side import Side
from sipd_core.store.cases import CaseStore

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""How soon rows that another process stored (the command line, another replica) are noticed."""
AGAIN_SECONDS = 0.05
RETRY_SECONDS = 10.0
PAGE = 2_048
"""Cases asked of SQL at once: of 100,000 rows the first question after a start costs a quarter of a second."""
FREE_ROUND = 32
"""Cases in a batch that is to show whether anything must be computed or paid."""


class _Queue:
    """What waits for the vectors of one side, and how far the run to the empty queue is. Progress: from any thread."""

    def __init__(self, side: Side, cases: CaseStore, clock: Callable[[], float]) -> None:
        self.side = side
        self.error: SipdError | None = None
        self.settled: int | None = None
        """Version of the rows at which nothing waited: until it changes, SQL need not be asked again."""
        self.left: int | None = None
        """Cases that waited when they were last counted, less those done since; None before they were counted."""
        self.done = 0
        self._counted: int | None = None
        """Version of the rows at which they were counted."""
        self._clear = -1
        """Version of the rows at which nothing waited: only what changed since can."""
        self._under_way = 0.0
        """Cases of the current round whose texts are read, as a share of all its texts."""
        self._cases = cases
        self._clock = clock
        self._started = 0.0

    def waiting(self) -> int:
        """How many cases wait, as SQL has it; counted once for each version of the rows."""
        version = self._cases.version  # read first: a row that comes in between raises it
        if version not in (self.settled, self._counted):
            self.left = self._cases.pending_count(self.side.name, self._clear)
            self._counted = version
        return 0 if version == self.settled else self.left or 0

    def look_again(self) -> None:
        """Take nothing for known that may be otherwise though the rows are not: an import may have been paused."""
        self.settled = self._counted = None

    def page(self) -> list[Case]:
        """The next cases, at most PAGE."""
        version = self._cases.version
        self.waiting()
        found = [] if version == self.settled else self._cases.pending(self.side.name, PAGE, self._clear)
        if not found:
            self.left, self.settled, self._clear = 0, version, version
        return found

    async def round(self, batch: Sequence[Case]) -> int:
        """Make a batch findable by meaning; returns how many texts the model had to read."""
        if not self.done:
            self._started = self._clock()
        try:
            made = await self.side.embed(batch, self._read)
            await to_thread.run_sync(self.side.put, made)
        finally:
            self._under_way = 0.0
        self.done += len(batch)
        self.left = max((self.left or 0) - len(batch), 0)
        self.error = None
        return made.embedded.computed

    def progress(self, total: int | None = None) -> IndexingProgress:
        """Of the current run; of `total` cases, when it is given, whoever did them."""
        left = (total or 0) if self.left is None else self.left
        done = round(self._under_way) + (self.done if total is None else max(total - left, 0))
        error = self.error.user_text if self.error else None
        elapsed = self._clock() - self._started
        rate = (self.done + self._under_way) / elapsed if self.done and elapsed > 0 else None
        return IndexingProgress(self.done + left if total is None else total, done, error is None, rate, error)

    def _read(self, share: float) -> None:
        self._under_way += share


class Indexer:
    """Works off the queues of the serving side and of the one that is built."""

    def __init__(
        self,
        cases: CaseStore,
        base: KnowledgeBase,
        *,
        on_whole: Callable[[Side], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_whole` is awaited whenever nothing waits for a side: it calibrates, and lets a built side take over."""
        self._cases = cases
        self._base = base
        self._on_whole = on_whole
        self._clock = clock
        self._wake = Event()
        self._idle = Event()
        self._queues: dict[Side, _Queue] = {}
        self._pace = Pace(cases)
        self._round_scope: anyio.CancelScope | None = None
        self.embedded_texts = 0
        """Texts of rows that models have read since the start."""

    def wake(self) -> None:
        """Look for work now. Call it on the engine's loop."""
        self._idle = Event() if self._idle.is_set() else self._idle
        for queue in self._queues.values():
            queue.look_again()
        self._wake.set()

    def interrupt(self) -> None:
        """Leave what is under way, whose rows may no longer be the ones that are wanted, and ask SQL anew what waits.

        What the model has read by then is kept. Call it on the engine's loop.
        """
        if self._round_scope is not None:
            self._round_scope.cancel()
        self.wake()

    async def wait_until_idle(self) -> None:
        """Return when nothing waits for the serving side; raises the SipdError that keeps vectors from being made."""
        while self._base.serving is not None:
            self.wake()
            await self._idle.wait()
            queue = self._queue(self._base.serving)
            if queue.error is not None:
                raise queue.error
            if not await to_thread.run_sync(queue.waiting):
                return

    def progress(self) -> IndexingProgress:
        """How far the serving side is."""
        side = self._base.serving
        if side is None:
            return IndexingProgress(0, 0, False)
        queue = self._queue(side)
        if queue.waiting():
            return queue.progress()
        return IndexingProgress(0, 0, False, error=queue.error.user_text if queue.error else None)

    def takeover(self) -> IndexingProgress | None:
        """How far the side is that is built beside the serving one; None when there is none. SQL is not asked."""
        side = self._base.building
        if side is None:
            return None
        queue = self._queue(side)
        return replace(queue.progress(len(self._base)), error=_why(queue.error))

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._base.keep_words()
            building = self._base.building
            failed = building is not None and await self._fails(building, self._build)
            if building is not None and building is self._base.building and not failed:
                await anyio.sleep(AGAIN_SECONDS)  # rows came meanwhile: the side that takes over has them first
                continue
            serving = self._base.serving  # after the building: it may have taken over
            failed = (serving is not None and await self._fails(serving, self._serve)) or failed
            self._queues = {side: queue for side, queue in self._queues.items() if side in (building, serving)}
            self._idle.set()
            with anyio.move_on_after(RETRY_SECONDS if failed else POLL_SECONDS):
                await self._wake.wait()
            self._wake = Event()

    async def _fails(self, side: Side, work: Callable[[_Queue], Awaitable[None]]) -> bool:
        queue = self._queue(side)
        try:
            await work(queue)
            queue.error = None
        except SipdError as error:
            if queue.error is None:
                log.warning("indexing for %s pauses: %s", side.name, error)
            queue.error = error
        return queue.error is not None

    async def _build(self, queue: _Queue) -> None:
        """Fill the side that is to take over, and look in between what the serving one can have at once."""
        await self._serve_for_nothing()
        while page := await to_thread.run_sync(queue.page):
            for batch in _slices(page, queue.side.model.round_size):
                if await self._round(queue, batch) is None:
                    break
            await self._serve_for_nothing()
        queue.done = 0
        await self._on_whole(queue.side)

    async def _serve(self, queue: _Queue) -> None:
        await self._base.refresh()
        while page := await to_thread.run_sync(queue.page):
            for batch in _slices(page, queue.side.model.round_size):
                if await self._round(queue, batch) is None:
                    break
                await self._base.refresh()
        queue.done = 0
        with anyio.CancelScope() as self._round_scope:  # measuring the relevance can wait when rows are wanted again
            await self._on_whole(queue.side)

    async def _serve_for_nothing(self) -> None:
        """Find rows by meaning at once whose vectors SQL or the product holds; a batch that had to be read ends it."""
        await self._base.refresh()
        if self._base.serving is None:
            return
        queue = self._queue(self._base.serving)
        computed: int | None = 0
        try:
            while computed == 0 and (page := await to_thread.run_sync(queue.page)):
                for batch in _slices(page, FREE_ROUND):
                    computed = await self._round(queue, batch)
                    if computed != 0:
                        break
        except EmbeddingError as error:
            log.info("%s cannot read: %s", queue.side.name, error)  # the side that is built may still be able to
        queue.done = 0

    async def _round(self, queue: _Queue, batch: Sequence[Case]) -> int | None:
        """How many texts the model had to read; None when the round was interrupted."""
        started, computed = self._clock(), None
        with anyio.CancelScope() as self._round_scope:
            computed = await queue.round(batch)
        if computed:
            self.embedded_texts += computed
            await to_thread.run_sync(self._pace.note, queue.side.name, computed, self._clock() - started)
        return computed

    def _queue(self, side: Side) -> _Queue:
        return self._queues.setdefault(side, _Queue(side, self._cases, self._clock))


def _slices(page: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    return (page[start : start + size] for start in range(0, len(page), size))


def _why(error: SipdError | None) -> str | None:
    """Why a take-over pauses; that words are searched meanwhile would be untrue, another model serves."""
    if isinstance(error, EmbeddingError):
        return error.reason
    return error.user_text if error else None
