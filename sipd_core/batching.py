"""Joins what several callers ask at nearly the same time into one call. Knows nothing of what is asked.

Nobody pays for a neighbour: who leaves does not end the call the others wait for, who sends something unusable fails alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio
from anyio import CancelScope, ClosedResourceError, Event
from anyio.abc import TaskGroup

Item = TypeVar("Item")
Result = TypeVar("Result")

WINDOW = 0.002
"""Seconds the first item of a call waits for company: an embedding call takes some 50 ms, so nobody notices."""


class MicroBatcher(Generic[Item, Result]):
    """An async context manager; `submit` may be called by any number of tasks of its event loop."""

    def __init__(
        self,
        run: Callable[[list[Item]], Awaitable[Sequence[Result]]],
        *,
        max_items: int,
        window: float = WINDOW,
        isolate: tuple[type[Exception], ...] = (),
    ) -> None:
        """`run` answers items in their order. `window` in seconds; at 0 only what is ready in one pass of the loop is joined.

        An error of a kind in `isolate` may be the fault of one item: the others are then tried again without it.
        """
        self._run = run
        self._max_items = max_items
        self._window = window
        self._isolate = isolate
        self._collecting: _Batch[Item, Result] | None = None
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what is under way; whoever still waits gets ClosedResourceError."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            tasks.cancel_scope.cancel()
            await tasks.__aexit__(None, None, None)

    async def submit(self, item: Item) -> Result:
        """The result for `item`; raises what `run` raised, ClosedResourceError when the batcher is not open."""
        return (await self.submit_all([item]))[0]

    async def submit_all(self, items: Sequence[Item]) -> list[Result]:
        """The results in order; the first error stands for all."""
        places = [self._place(item) for item in items]
        try:
            return [await place.wait() for place in places]
        finally:
            for place in places:
                self._leave(place)

    def _place(self, item: Item) -> "_Place[Item, Result]":
        """A place in the batch that is being collected; the first one opens it, the last one closes it."""
        place: _Place[Item, Result] = _Place(item)
        batch = self._collecting or _Batch()
        batch.add(place)
        if batch is not self._collecting:
            self._collecting = batch
            self._start(batch)
        if len(batch.places) == self._max_items:
            self._close(batch)
        return place

    def _start(self, batch: "_Batch[Item, Result]") -> None:
        if self._tasks is not None:
            self._tasks.start_soon(self._carry, batch)
        else:
            self._close(batch)
            batch.settle_rest(ClosedResourceError())

    def _close(self, batch: "_Batch[Item, Result]") -> None:
        """Nothing more gets in."""
        batch.closed.set()
        if self._collecting is batch:
            self._collecting = None

    def _leave(self, place: "_Place[Item, Result]") -> None:
        """The caller is gone; with the last one the batch ends, sent or not."""
        place.left = True
        if all(other.left for other in place.batch.places):
            self._close(place.batch)
            place.batch.scope.cancel()

    async def _carry(self, batch: "_Batch[Item, Result]") -> None:
        with batch.scope:
            try:
                if self._window:
                    with anyio.move_on_after(self._window):
                        await batch.closed.wait()
                self._close(batch)
                await self._send([place for place in batch.places if not place.left])
            finally:
                self._close(batch)
                batch.settle_rest(ClosedResourceError())

    async def _send(self, places: "list[_Place[Item, Result]]") -> None:
        if not places:
            return
        try:
            results = await self._run([place.item for place in places])
            if len(results) != len(places):
                raise ValueError(f"{len(places)} items gave {len(results)} results")
        except Exception as error:
            if len(places) > 1 and isinstance(error, self._isolate):
                self._send_apart(places)
                return
            for place in places:
                place.fail(error)
        else:
            for place, result in zip(places, results, strict=True):
                place.succeed(result)

    def _send_apart(self, places: "list[_Place[Item, Result]]") -> None:
        """Each item in a call of its own, at once: nobody is worse off than if nothing had been joined."""
        for place in places:
            alone: _Batch[Item, Result] = _Batch()
            alone.add(place)
            self._close(alone)
            self._start(alone)


class _Batch(Generic[Item, Result]):
    """Items that go out together."""

    def __init__(self) -> None:
        self.places: list[_Place[Item, Result]] = []
        self.closed = Event()
        self.scope = CancelScope()

    def add(self, place: "_Place[Item, Result]") -> None:
        self.places.append(place)
        place.batch = self

    def settle_rest(self, error: Exception) -> None:
        """Nobody waits for ever, whatever ended the batch; who was moved to another batch is settled there."""
        for place in self.places:
            if place.batch is self:
                place.fail(error)


class _Place(Generic[Item, Result]):
    """One caller's item, and later its result or error."""

    batch: _Batch[Item, Result]

    def __init__(self, item: Item) -> None:
        self.item = item
        self.left = False
        self._settled = Event()
        self._results: list[Result] = []
        self._error: Exception | None = None

    async def wait(self) -> Result:
        await self._settled.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def succeed(self, result: Result) -> None:
        self._results.append(result)
        self._settled.set()

    def fail(self, error: Exception) -> None:
        """No effect on a place that is settled."""
        if not self._settled.is_set():
            self._error = error
            self._settled.set()
