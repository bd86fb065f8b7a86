"""The vector index: Chroma when this process owns it, exact search over SQL's vectors when it does not.

Either way it holds nothing that SQL does not hold: it can be thrown away and rebuilt without embedding anything.
"""

import hashlib
import logging
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from sipd_core.embeddings import Vectors
from sipd_core.errors import IndexOwnedError, StoreError
from sipd_core.knowledge.directory import Directory
from sipd_core.knowledge.graph_files import is_sound

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Name of the folder in which Chroma keeps one collection's graph."""
_EPOCH = "epoch"
PROBED, PROBED_DEPTH, PROBED_DISTANCE = 200, 50, 0.001
"""Vectors asked for when a directory is tried out, how far around each, and how near the first must be. Where their graph
leads was looked at before, and whether all of them are there is seen when the index is compared with SQL."""


class VectorIndex(Protocol):
    """Vectors of views by id `case:position`; cosine similarity."""

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Put vectors in, replacing those of the same id."""

    def delete(self, ids: Sequence[str]) -> None:
        """Take vectors out; unknown ids are ignored."""

    def ids(self) -> set[str]:
        """Every id in the index."""

    def holds_just(self, count: int) -> bool:
        """Whether it may be taken to hold its `count` vectors and no others, without a look at each of them."""

    def size(self) -> int:
        """How many vectors there are; raises StoreError when the index does not answer."""

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """(id, cosine similarity) of the nearest views, nearest first."""

    def vectors(self, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """The vectors of those ids that are there."""

    @property
    def epoch(self) -> str:
        """Which restore of the base the vectors were last compared with."""

    def keep_epoch(self, epoch: str) -> None:
        """Remember that the vectors are those of this restore of the base."""


class ChromaHome:
    """The Chroma that one process uses: its client, and for a local directory the lock that says who owns it.

    One client serves the collections of every embedding model: two on one path do not see each other's vectors.
    """

    def __init__(
        self,
        client: "ClientAPI",
        name: str,
        lock: FileLock | None = None,
        directory: Directory | None = None,
        *,
        is_clean: bool = False,
    ) -> None:
        """`is_clean`: the directory is as a process left it that closed it."""
        self._client = client
        self._name = name
        self._lock = lock
        self._directory = directory
        self._is_clean = is_clean
        self._closed = False

    @classmethod
    def local(cls, folder: Path, name: str) -> "ChromaHome":
        """Own the directory `folder`; one that cannot be relied on is set aside and begun anew.

        `name` is the beginning of every collection's name. Raises IndexOwnedError when another process owns it.
        """
        # Acquired in a worker thread, released on the loop's: a thread-local lock would never be released.
        lock = FileLock(folder.with_suffix(".lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise IndexOwnedError(str(folder), owner=str(folder)) from error
        directory = Directory(folder)
        try:
            is_clean = directory.prepare(name)
            with _translated():
                _sweep(folder)
                return cls(_persistent_client(folder), name, lock, directory, is_clean=is_clean)
        except OSError as error:
            lock.release()
            raise StoreError(str(error), reason=error.strerror or "OSError", path=str(folder)) from error
        except BaseException:
            lock.release()
            raise

    @classmethod
    def server(cls, url: str, name: str) -> "ChromaHome":
        """Use a Chroma server, which any number of consoles may share; raises StoreError when it does not answer."""
        import chromadb
        from chromadb.config import Settings

        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        quiet = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        with _translated():
            return cls(
                chromadb.HttpClient(parts.hostname or "", port, ssl=parts.scheme == "https", settings=quiet), name
            )

    @property
    def is_shared(self) -> bool:
        """Whether other consoles may use the same collections."""
        return self._lock is None

    def collection(self, model: str, dimension: int) -> "ChromaIndex":
        """The vectors of one embedding model, none of another; nothing is deleted for it."""
        space: Any = {"hnsw": {"space": "cosine"}}
        with _translated():
            made = self._client.get_or_create_collection(
                collection_name(self._name, model, dimension),
                embedding_function=None,
                configuration=space,
                metadata={"model": model, "dimension": dimension},
            )
            return ChromaIndex(made, self._client.get_max_batch_size(), is_clean=self._is_clean)

    def opened(self) -> None:
        """Its collections were opened and found themselves; should this process end, that was not the reason."""
        if self._directory is not None:
            with _translated():
                self._directory.opened()

    def retire_others(self, keep: Iterable[tuple[str, int]]) -> None:
        """Drop our collections except those of the (model, dimension) pairs in `keep`: SQL still has their vectors."""
        kept = {collection_name(self._name, model, dimension) for model, dimension in keep}
        with _translated():
            for name in _ours(self._client, self._name) - kept:
                log.info("dropping the collection %s, whose model does not serve any more", name)
                self._client.delete_collection(name)

    def close(self) -> None:
        """Release the files; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._client.close()  # type: ignore[attr-defined]  # on every client, not on the interface
        if self._directory is not None:
            self._directory.seal()
        if self._lock is not None:
            self._lock.release()


class ChromaIndex:
    """One collection: the vectors of one embedding model in one dimension."""

    def __init__(self, collection: "Collection", batch: int, *, is_clean: bool) -> None:
        """`batch`: vectors that Chroma takes at once; `is_clean`: whoever used it last closed it, and was alone with it."""
        self._collection = collection
        self._batch = batch
        self._is_clean = is_clean

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        for start in range(0, len(ids), self._batch):
            end = start + self._batch
            with _translated():
                self._collection.upsert(ids=list(ids[start:end]), embeddings=vectors[start:end])

    def delete(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), self._batch):
            with _translated():
                self._collection.delete(ids=list(ids[start : start + self._batch]))

    def ids(self) -> set[str]:
        with _translated():
            return set(self._collection.get(include=[])["ids"])

    def vectors(self, ids: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(ids), self._batch):
            with _translated():
                got = self._collection.get(ids=list(ids[start : start + self._batch]), include=["embeddings"])
            if got["embeddings"] is not None:
                found.update(zip(got["ids"], np.asarray(got["embeddings"], np.float32), strict=True))
        return found

    @property
    def epoch(self) -> str:
        return str((self._collection.metadata or {}).get(_EPOCH, ""))

    def keep_epoch(self, epoch: str) -> None:
        with _translated():
            self._collection.modify(metadata={**(self._collection.metadata or {}), _EPOCH: epoch})

    def holds_just(self, count: int) -> bool:
        with _translated():
            return self._is_clean and self._collection.count() == count

    def size(self) -> int:
        with _translated():
            return self._collection.count()

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        with _translated():
            found = self._collection.query(query_embeddings=vector[np.newaxis], n_results=count, include=["distances"])
        distances = found["distances"]
        if distances is None:
            return []
        return [(id_, 1.0 - distance) for id_, distance in zip(found["ids"][0], distances[0], strict=True)]


def collection_name(name: str, model: str, dimension: int) -> str:
    """`name.model.dimension.digest`, 3 to 512 characters of [a-zA-Z0-9._-] as Chroma wants them.

    The digest is of the model's exact name: two names that look alike once their slashes are gone stay two collections.
    """
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in model)[:200]
    digest = hashlib.sha256(f"{model}/{dimension}".encode()).hexdigest()[:8]
    return f"{name}.{plain}.{dimension}.{digest}"


def probe(folder: Path, name: str) -> None:
    """Open the directory and ask every collection for vectors it holds; a damaged one ends this process, hence in a child.

    Raises AssertionError when the files of a graph do not hold together, or a vector does not find itself.
    """
    assert all(is_sound(path) for path in folder.iterdir() if path.is_dir() and _SEGMENT.fullmatch(path.name))
    client = _persistent_client(folder)
    for full in _ours(client, name):
        collection = client.get_collection(full, embedding_function=None)
        some = collection.get(limit=PROBED, include=["embeddings"])["embeddings"]
        for vector in [] if some is None else np.asarray(some, np.float32):
            found = collection.query(query_embeddings=vector[np.newaxis], n_results=PROBED_DEPTH, include=["distances"])
            assert found["distances"] is not None
            assert found["distances"][0][0] < PROBED_DISTANCE
    client.close()  # type: ignore[attr-defined]


def _ours(client: "ClientAPI", name: str) -> set[str]:
    """Names of the collections that begin with ours, those of earlier releases among them."""
    return {collection.name for collection in client.list_collections() if collection.name.startswith(f"{name}.")}


@contextmanager
def _translated() -> Iterator[None]:
    """Chroma raises ValueError, httpx errors, its own tree and plain exceptions of its binding alike."""
    try:
        yield
    except Exception as error:
        raise StoreError(repr(error), text_key="errors.index_unavailable") from error


def _sweep(folder: Path) -> None:
    """Give back the space of dropped collections: Chroma forgets them but leaves their files on disk."""
    database = folder / "chroma.sqlite3"
    if not database.exists():
        return
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        known = {id_ for (id_,) in connection.execute("SELECT id FROM segments")}
    for path in folder.iterdir():
        if path.is_dir() and _SEGMENT.fullmatch(path.name) and path.name not in known:
            shutil.rmtree(path, ignore_errors=True)


def _persistent_client(folder: Path) -> "ClientAPI":
    import chromadb
    from chromadb.config import Settings

    # Chroma's own settings would read .env and the environment; ours are the only ones.
    return chromadb.PersistentClient(folder, settings=Settings(_env_file=None, anonymized_telemetry=False))  # type: ignore[call-arg]


if __name__ == "__main__":
    probe(Path(sys.argv[1]), sys.argv[2])
