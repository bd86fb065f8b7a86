"""Asks memory first, then the durable store, then the model; what one caller is having computed, others wait for."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from anyio import CancelScope, Lock, to_thread
from numpy.typing import NDArray

from sipd_core.cache import CacheStats, EmbeddingCache, SingleFlight, VectorOrigin
from sipd_core.embeddings import Embedder, Operation, Role, Vectors
from sipd_core.embeddings.shipped import ShippedVectors
from sipd_core.errors import EmbeddingError, StoreError
from sipd_core.metrics import PerformanceMonitor
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.usage import CallRecord, Usage

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors with their keys; `computed` is how many texts the model had to read for this caller."""

    vectors: Vectors
    keys: tuple[str, ...]
    computed: int
    origin: VectorOrigin = VectorOrigin.MISS
    """Of the vector that was furthest away."""


@dataclass(slots=True)
class _Work:
    """What the model has done so far."""

    started: float
    texts: int = 0
    tokens: int = 0


class CachedEmbedder:
    """The wrapper every room uses; a failed embedding is raised and never cached."""

    def __init__(
        self,
        inner: Embedder,
        memory: EmbeddingCache | None,
        store: EmbeddingStore,
        *,
        shipped: ShippedVectors | None = None,
        monitor: PerformanceMonitor,
        on_call: Callable[[CallRecord], None] | None,
        cost_per_token: Decimal | None = Decimal(0),
    ) -> None:
        """`on_call` enters the model's work into the books; None where `inner` does that itself (hosted models)."""
        self._inner = inner
        self._memory = memory
        self._store = store
        self._shipped = shipped
        self._monitor = monitor
        self._on_call = on_call
        self._cost_per_token = cost_per_token
        self._asked: SingleFlight[Vector] = SingleFlight()
        self._writing = Lock()
        self._examples: set[str] = set()
        """Keys of the questions that are known to be in SQL."""

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    @property
    def remembers(self) -> bool:
        """Whether the vectors of questions are kept in memory."""
        return self._memory is not None

    def key(self, role: Role, text: str) -> str:
        """Cache key: two models, two dimensions, two roles or two prefixes never share a vector."""
        read = self._inner.as_read(role, text)
        return hashlib.sha256(
            f"{self.model}\x1f{self.dimension}\x1f{role}\x1f{read}".encode(errors="replace")
        ).hexdigest()

    async def queries(self, texts: list[str], *, counted: bool = True) -> Embedded:
        """One vector per question, kept in memory only: what people ask is not stored beside the rows.

        `counted`: whether a person asked, so that it belongs to the figures of the cache. Examples are in SQL for good, and are read from there; nothing else is looked for in it, which would keep
        questions that come in together from being sent together.
        """
        keys = [self.key("query", text) for text in texts]
        known = self._from_memory(keys, counted=counted)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        stored: dict[str, Vector] = {}

        async def compute(own: list[str]) -> dict[str, Vector]:
            stored.update(await self._from_store([key for key in own if key in self._examples]))
            unread = {key: missing[key] for key in own if key not in stored}
            return stored | (await self._ask(unread) if unread else {})

        found, own = await self._asked.get(missing, compute)
        computed = own - len(stored)
        nearest = VectorOrigin.DURABLE if stored else VectorOrigin.MEMORY
        return self._embedded(keys, known | found, computed, VectorOrigin.MISS if computed else nearest)

    async def passages(self, texts: list[str], on_progress: Callable[[int], None] | None = None) -> Embedded:
        """One vector per passage, durable before they are returned, and as far as they came when it fails.

        `on_progress` is called on the event loop with the number of texts finished since its last call.
        """
        return await self._durable(texts, "passage", "index_embedding", on_progress)

    async def examples(self, texts: list[str]) -> Embedded:
        """One question vector per shipped example, durable: computed at the first start only."""
        embedded = await self._durable(texts, "query", "training_embedding", None)
        self._examples.update(embedded.keys)
        return embedded

    async def at_hand(self, texts: list[str]) -> dict[str, Vector]:
        """Vectors of questions that cost nothing, by text: of those in memory, durable on return, and of those in SQL.

        Where the model works in this process it reads the others too; a provider is never asked.
        """
        by_key = {self.key("query", text): text for text in texts}
        held = {key: self._memory.get(key) for key in by_key} if self._memory is not None else {}
        remembered = {key: vector for key, vector in held.items() if vector is not None}
        if remembered:
            known = await to_thread.run_sync(self._store.known, list(remembered))
            fresh = [by_key[key] for key in remembered if key not in known]
            if fresh:
                vectors = {self.key("query", text): remembered[self.key("query", text)] for text in fresh}
                await to_thread.run_sync(self._store.put, self.model, vectors, dict.fromkeys(vectors, 0))
        if self.is_local:
            embedded = await self.examples(list(by_key.values()))
            return dict(zip(by_key.values(), embedded.vectors, strict=True))
        stored = await to_thread.run_sync(self._store.get, list(by_key), self.dimension)
        self._examples.update(stored)
        return {by_key[key]: vector for key, vector in (stored | remembered).items()}

    async def remember(self, texts: list[str]) -> None:
        """Have the vectors of questions at hand that are asked again and again, such as a gold set's: read once for good.

        Where they cannot be had, the questions are asked as any others are.
        """
        with suppress(EmbeddingError):
            embedded = await self.examples(texts)
            if self._memory is not None:
                for key, vector in zip(embedded.keys, embedded.vectors, strict=True):
                    self._memory.set(key, vector)

    def unread_passages(self, texts: list[str]) -> list[str]:
        """The different texts among `texts` whose vectors are neither in SQL nor in the product."""
        by_key = {self.key("passage", text): text for text in texts}
        known = self._store.known(list(by_key))
        missing = [key for key in by_key if key not in known]
        shipped = self._shipped.get(missing) if self._shipped else {}
        return [by_key[key] for key in missing if key not in shipped]

    async def trial(self, texts: list[str]) -> float:
        """Texts a second that the model reads; what it read is not kept and stands in no books. For a free model only."""
        started = time.perf_counter()
        await self._inner.embed_passages(texts)
        return len(texts) / max(time.perf_counter() - started, 1e-6)

    @property
    def is_local(self) -> bool:
        """Whether the model works in this process and costs nothing; others enter their calls into the books themselves."""
        return self._on_call is not None

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads for `text`."""
        return self._inner.count_tokens(text)

    def stats(self) -> CacheStats | None:
        """Figures of the memory cache, None when it is switched off."""
        return self._memory.get_stats() if self._memory else None

    async def _ask(self, missing: dict[str, str]) -> dict[str, Vector]:
        """Questions the model must read; they are in memory on return."""
        work = _Work(time.perf_counter(), len(missing))
        vectors = await self._inner.embed_queries(list(missing.values()))
        computed = dict(zip(missing, vectors, strict=True))
        if self._memory is not None:
            for key, vector in computed.items():
                self._memory.set(key, vector)
        if self._on_call is not None:
            work.tokens = sum(self.count_tokens(text) for text in missing.values())
            await self._book(work, "query_embedding")
        return computed

    async def _durable(
        self, texts: list[str], role: Role, operation: Operation, on_progress: Callable[[int], None] | None
    ) -> Embedded:
        keys, known = await to_thread.run_sync(self._look_up, texts, role)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        copies = Counter(keys)

        def report(finished: list[str]) -> None:
            if on_progress and finished:
                on_progress(sum(copies[key] for key in finished))

        report(list(known))
        if missing:
            known |= await self._compute(missing, role, operation, report)
        return await to_thread.run_sync(self._embedded, keys, known, len(missing))

    async def _compute(
        self, missing: dict[str, str], role: Role, operation: Operation, report: Callable[[list[str]], None]
    ) -> dict[str, Vector]:
        """Each part of the model's work is durable as soon as it is back, whatever becomes of the others."""
        keys, texts = list(missing), list(missing.values())
        work = _Work(time.perf_counter())

        async def keep(part: range, vectors: Vectors) -> None:
            some = keys[part.start : part.stop]
            async with self._writing:  # SQLite has one writer, and threads that wait for it are taken from others
                tokens = await to_thread.run_sync(self._keep, some, texts[part.start : part.stop], vectors)
            work.texts += len(part)
            work.tokens += tokens
            report(some)

        embed = self._inner.embed_passages if role == "passage" else self._inner.embed_examples
        try:
            vectors = await embed(texts, keep)
        finally:
            with CancelScope(shield=True):
                await self._book(work, operation)
        return dict(zip(keys, vectors, strict=True))

    def _keep(self, keys: list[str], texts: list[str], vectors: Vectors) -> int:
        """Put one part into SQL; returns its tokens."""
        tokens = {key: self.count_tokens(text) for key, text in zip(keys, texts, strict=True)}
        self._store.put(self.model, dict(zip(keys, vectors, strict=True)), tokens)
        return sum(tokens.values())

    def _look_up(self, texts: list[str], role: Role) -> tuple[list[str], dict[str, Vector]]:
        """The keys, and what SQL or the product has of them; the latter is copied into SQL: the index is rebuilt from there."""
        keys = [self.key(role, text) for text in texts]
        known = self._store.get(list(dict.fromkeys(keys)), self.dimension)
        brought = self._shipped.get(key for key in keys if key not in known) if self._shipped else {}
        if brought:
            self._store.put(self.model, brought, {})
        return keys, known | brought

    def _from_memory(self, keys: list[str], *, counted: bool) -> dict[str, Vector]:
        if self._memory is None:
            return {}
        found = {key: vector for key in keys if (vector := self._memory.get(key)) is not None}
        for key in keys if counted else ():
            if key in found:
                self._monitor.record_cache_hit()
            else:
                self._monitor.record_cache_miss()
        return found

    async def _from_store(self, keys: list[str]) -> dict[str, Vector]:
        """What SQL holds of these; it is in memory on return. A database that cannot be read has nothing to say here."""
        if not keys:
            return {}
        try:
            stored = await to_thread.run_sync(self._store.get, keys, self.dimension)
        except StoreError as error:
            log.warning("vectors of questions could not be read from the database: %s", error)
            return {}
        if self._memory is not None:
            for key, vector in stored.items():
                self._memory.set(key, vector)
        return stored

    def _embedded(
        self, keys: list[str], known: dict[str, Vector], computed: int, origin: VectorOrigin = VectorOrigin.MISS
    ) -> Embedded:
        vectors = np.stack([known[key] for key in keys]) if keys else np.empty((0, self.dimension), np.float32)
        return Embedded(vectors, tuple(keys), computed, origin)

    async def _book(self, work: _Work, operation: Operation) -> None:
        if self._on_call is None or not work.texts:
            return
        elapsed = (time.perf_counter() - work.started) * 1000
        cost = None if self._cost_per_token is None else self._cost_per_token * work.tokens
        usage = Usage(prompt=work.tokens)
        record = CallRecord(datetime.now(UTC), operation, self.model, usage, work.texts, elapsed, cost)
        await to_thread.run_sync(self._on_call, record)
