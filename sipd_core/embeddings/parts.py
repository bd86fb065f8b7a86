"""A long list of texts in several calls: how it is cut, how many calls run at once, and what a failing one leaves standing."""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import numpy as np
from anyio import CancelScope

from sipd_core.embeddings import OnPart, Vectors
from sipd_core.errors import EmbeddingError


def split(sizes: Sequence[int], *, max_items: int, max_size: int) -> list[range]:
    """Consecutive places of at most `max_items` items and `max_size` in sum; a larger item goes alone."""
    parts: list[range] = []
    start = total = 0
    for at, size in enumerate(sizes):
        if at > start and (at - start == max_items or total + size > max_size):
            parts.append(range(start, at))
            start, total = at, 0
        total += size
    return [*parts, range(start, len(sizes))] if sizes else []


async def embed_parts(
    parts: Sequence[range],
    embed: Callable[[range], Awaitable[Vectors]],
    on_part: OnPart | None,
    *,
    dimension: int,
    workers: int,
) -> Vectors:
    """The rows of all parts in order; at most `workers` parts under way, while `on_part` sees to those that are back.

    After a failure no further part is begun; those under way are awaited and delivered, then the failure is raised.
    A part that came back before a cancellation is delivered all the same: it may have been paid for.
    """
    vectors = np.empty((parts[-1].stop if parts else 0, dimension), np.float32)
    failures: list[Exception] = []
    waiting = iter(parts)

    async def work() -> None:
        for part in waiting:
            try:
                rows = await embed(part)
                if rows.shape != (len(part), dimension):  # numpy would spread one row over many places
                    raise EmbeddingError(f"{rows.shape} for {len(part)} texts", reason="jumlah vektor tidak cocok")
                vectors[part.start : part.stop] = rows
            except Exception as error:
                failures.append(error)
            else:
                if on_part:
                    group.start_soon(deliver, on_part, part, rows)
            if failures:
                return

    async def deliver(on_part: OnPart, part: range, rows: Vectors) -> None:
        with CancelScope(shield=True):
            try:
                await on_part(part, rows)
            except Exception as error:
                failures.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(min(workers, len(parts))):
            group.start_soon(work)
    if failures:
        raise failures[0]
    return vectors
