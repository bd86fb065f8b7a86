"""A long list in several calls: cut as told, in order whatever comes back first, and no part lost that came back."""

import random

import anyio
import numpy as np
import pytest
from anyio import CancelScope, Event
from anyio.lowlevel import checkpoint

from sipd_core.embeddings import OnPart, Vectors
from sipd_core.embeddings.parts import embed_parts, split
from sipd_core.errors import EmbeddingError, StoreError


def test_parts_cover_everything_in_order_and_keep_both_limits() -> None:
    dice = random.Random(7)
    for _ in range(300):
        sizes = [dice.randint(0, 40) for _ in range(dice.randint(0, 60))]
        items, size = dice.randint(1, 12), dice.randint(1, 120)
        parts = split(sizes, max_items=items, max_size=size)
        assert [at for part in parts for at in part] == list(range(len(sizes)))
        assert all(1 <= len(part) <= items for part in parts)
        assert all(len(part) == 1 or sum(sizes[at] for at in part) <= size for part in parts)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1600])
def test_light_items_fill_every_part(count: int) -> None:
    assert len(split([1] * count, max_items=64, max_size=64)) == -(-count // 64)


class Rows:
    """A part's rows are the numbers of its places; parts end in an order of the dice's choosing."""

    def __init__(self, seed: int = 0) -> None:
        self.dice = random.Random(seed)
        self.begun: list[range] = []
        self.under_way = self.most = 0
        self.broken: set[range] = set()
        self.gates: dict[range, Event] = {}

    async def __call__(self, part: range) -> Vectors:
        self.begun.append(part)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if part in self.gates:
                await self.gates[part].wait()
            for _ in range(self.dice.randint(1, 5)):
                await checkpoint()
        finally:
            self.under_way -= 1
        if part in self.broken:
            raise EmbeddingError("down", reason="uji")
        return np.array([[at, -at] for at in part], np.float32)


async def embed(rows: Rows, count: int, *, size: int = 2, workers: int = 2, on_part: OnPart | None = None) -> Vectors:
    parts = split([1] * count, max_items=size, max_size=size)
    return await embed_parts(parts, rows, on_part, dimension=2, workers=workers)


@pytest.mark.anyio
async def test_rows_are_in_order_for_any_sizes() -> None:
    dice = random.Random(3)
    for seed in range(100):
        count, size, workers = dice.randint(0, 40), dice.randint(1, 9), dice.randint(1, 6)
        rows = Rows(seed)
        vectors = await embed(rows, count, size=size, workers=workers)
        assert vectors.tolist() == [[at, -at] for at in range(count)]
        assert rows.most <= workers


@pytest.mark.anyio
async def test_all_workers_work() -> None:
    rows = Rows()
    await embed(rows, 20, workers=3)
    assert rows.most == 3


@pytest.mark.anyio
async def test_after_a_failure_those_under_way_are_delivered_and_nothing_is_begun() -> None:
    rows = Rows()
    delivered: list[range] = []
    slow = rows.gates[range(2)] = Event()
    rows.broken = {range(2, 4)}

    async def on_part(part: range, _: Vectors) -> None:
        delivered.append(part)

    async with anyio.create_task_group() as group:

        async def run() -> None:
            with pytest.raises(EmbeddingError):
                await embed(rows, 20, on_part=on_part)

        group.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        slow.set()
    assert rows.begun == [range(2), range(2, 4)]
    assert delivered == [range(2)]


@pytest.mark.anyio
async def test_a_failing_delivery_ends_the_run() -> None:
    async def on_part(*_: object) -> None:
        raise StoreError("full")

    rows = Rows()
    with pytest.raises(StoreError):
        await embed(rows, 200, workers=1, on_part=on_part)
    assert len(rows.begun) < 5


@pytest.mark.anyio
async def test_parts_go_on_while_one_is_delivered() -> None:
    written = Event()

    async def on_part(*_: object) -> None:
        await written.wait()

    rows = Rows()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: embed(rows, 10, workers=1, on_part=on_part))
        await anyio.wait_all_tasks_blocked()
        assert len(rows.begun) == 5
        written.set()


@pytest.mark.anyio
async def test_a_delivery_is_finished_when_the_run_is_cancelled() -> None:
    finished: list[range] = []

    async def on_part(part: range, _: Vectors) -> None:
        scope.cancel()
        await checkpoint()
        finished.append(part)

    rows = Rows()
    with CancelScope() as scope:
        await embed(rows, 20, workers=1, on_part=on_part)
    assert scope.cancelled_caught
    assert range(2) in finished
    assert len(rows.begun) < 10


@pytest.mark.anyio
async def test_rows_of_the_wrong_shape_are_never_spread_over_the_others() -> None:
    async def one_row(part: range) -> Vectors:
        return np.ones((1, 2), np.float32)

    with pytest.raises(EmbeddingError):
        await embed_parts([range(3)], one_row, None, dimension=2, workers=1)
