"""The durable embedding cache in SQL: what was embedded once is never embedded again."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from sipd_core.store.database import Database
from sipd_core.store.schema import embeddings, indexed_views

_KEY_BATCH = 500


class EmbeddingStore:
    """Vectors by key. With `compress` they are kept as float16: half the bytes, cosines within 0.001."""

    def __init__(self, database: Database, *, compress: bool) -> None:
        self._database = database
        self._type = np.float16 if compress else np.float32

    def get(self, keys: Sequence[str], dimension: int) -> dict[str, NDArray[np.float32]]:
        """The vectors that are there, shape (dimension,) each."""
        found: dict[str, NDArray[np.float32]] = {}
        with self._database.read() as connection:
            for start in range(0, len(keys), _KEY_BATCH):
                query = select(embeddings.c.key, embeddings.c.vector).where(
                    embeddings.c.key.in_(keys[start : start + _KEY_BATCH])
                )
                found.update((row.key, _decode(row.vector, dimension)) for row in connection.execute(query))
        return found

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which keys have a vector; none is read."""
        found: set[str] = set()
        with self._database.read() as connection:
            for start in range(0, len(keys), _KEY_BATCH):
                some = keys[start : start + _KEY_BATCH]
                found.update(connection.execute(select(embeddings.c.key).where(embeddings.c.key.in_(some))).scalars())
        return found

    def of_views(
        self, model: str, case_ids: Sequence[str], dimension: int
    ) -> tuple[list[tuple[str, int]], NDArray[np.float32]]:
        """Every view of these cases that `model` (`name/dimension`) has read: (case id, position), and a row of the table.

        The table has the shape (views, dimension).
        """
        views, found, raw = indexed_views.c, list[tuple[str, int]](), list[bytes]()
        read = select(views.case_id, views.position, embeddings.c.vector).join(
            embeddings, embeddings.c.key == views.key
        )
        with self._database.read() as connection:
            for start in range(0, len(case_ids), _KEY_BATCH):
                of_some = views.case_id.in_(case_ids[start : start + _KEY_BATCH])
                for case, position, vector in connection.execute(read.where(views.model == model, of_some)):
                    found.append((case, position))
                    raw.append(vector)
        return found, _table(raw, dimension)

    def put(self, model: str, vectors: Mapping[str, NDArray[np.float32]], tokens: Mapping[str, int]) -> None:
        """Keep vectors for good; an existing key is replaced by the same content."""
        rows = [
            {"key": key, "model": model, "vector": vector.astype(self._type).tobytes(), "tokens": tokens.get(key, 0)}
            for key, vector in vectors.items()
        ]
        with self._database.write() as connection:
            self._database.upsert(connection, embeddings, rows)

    def size(self) -> tuple[int, int]:
        """(number of vectors, their bytes)."""
        query = select(func.count(), func.coalesce(func.sum(func.length(embeddings.c.vector)), 0))
        with self._database.read() as connection:
            count, size = connection.execute(query).one()
        return count, size

    def saved_bytes(self, model: str, dimension: int) -> int:
        """How many bytes more the vectors of one model would take as float32."""
        halved = 2 * dimension
        query = select(func.count()).where(embeddings.c.model == model, func.length(embeddings.c.vector) == halved)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one() * halved


def _decode(raw: bytes, dimension: int) -> NDArray[np.float32]:
    """The number type is told by the length, so both kinds may live side by side after a change of setting."""
    kind = np.float16 if len(raw) == 2 * dimension else np.float32
    return np.frombuffer(raw, dtype=kind).astype(np.float32)


def _table(raw: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Vectors below each other; all at once where they are of one number type, as nearly always."""
    if len({len(one) for one in raw}) == 1:
        return _decode(b"".join(raw), dimension * len(raw)).reshape(-1, dimension)
    return np.stack([_decode(one, dimension) for one in raw]) if raw else np.empty((0, dimension), np.float32)
