"""The only place where real things are put together: settings in, a working help desk out."""

import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import BinaryIO, Literal, Self

import anyio
from anyio import Event, to_thread

from sipd_core.cache import CacheStats, EmbeddingCache
from sipd_core.chat.conversation import ConversationEngine, ConversationSettings
from sipd_core.chat.escalation import EscalationSettings
from sipd_core.chat.handover import handover_card
from sipd_core.chat.reader import LocalReader
from sipd_core.chat.turn import Conversation, Escalation, EscalationReason, Feedback, Turn
from sipd_core.documents import ImportReport, IndexingProgress
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.embeddings.shipped import ShippedVectors, write_shipped
from sipd_core.errors import EmbeddingError, IndexOwnedError, SipdError, StoreError
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.knowledge.exports import rows_as_csv
from sipd_core.knowledge.importing import Importer
from sipd_core.knowledge.index import ChromaIndex, VectorIndex
from sipd_core.knowledge.indexing import Indexer
from sipd_core.logs import USAGE_LOGGER
from sipd_core.metrics import PerformanceMonitor
from sipd_core.privacy import mask
from sipd_core.settings import SHIPPED_DATA, Settings
from sipd_core.store.cases import CaseStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.ledger import CostTracker
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.texts import text
from sipd_core.usage import CallRecord

log = logging.getLogger(__name__)
usage_log = logging.getLogger(USAGE_LOGGER)

SAMPLE_FOLDER = SHIPPED_DATA / "contoh"
TAKE_OVER_SECONDS = 15
"""How often a process that does not own the index tries to: the owner may have ended, the Chroma server come back."""
VECTOR_FOLDER = SHIPPED_DATA / "vectors"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the frame of every page shows."""

    mode: Literal["local"]
    embedding_model: str | None
    """None while it is loading, or when it could not be loaded: then words alone are compared."""
    degraded: str | None
    """Why a part does not work, in Indonesian; None when all works."""
    cases: int
    sample_cases: int
    cases_with_remedy: int
    menus: int
    preparing: bool
    """True until questions can be answered with everything there is."""


class Engine:
    """An async context manager; loop-bound things are made on entering, everything is closed on leaving."""

    def __init__(self, settings: Settings, *, load_samples: bool = True, head_start: float = 0.0) -> None:
        """`head_start`: seconds that whoever starts the engine has the processor for itself before models are loaded."""
        self.settings = settings
        self._head_start = head_start
        self._load_samples = load_samples and settings.load_sample_data
        self._stack = AsyncExitStack()
        self._embedder: CachedEmbedder | None = None
        self._problem: SipdError | None = None
        self._owns_index = False

    async def __aenter__(self) -> Self:
        self._database = await to_thread.run_sync(Database, self.settings.sql_url)
        self._stack.callback(self._database.close)
        self._make_stores()
        self.reader = await to_thread.run_sync(LocalReader, SHIPPED_DATA / "training")
        self._make_rooms()
        self._stack.callback(self.base.close)
        self._prepared = Event()
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._tasks.start_soon(self._work_in_background)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tasks.cancel_scope.cancel()
        await self._stack.aclose()

    def _make_stores(self) -> None:
        settings, database = self.settings, self._database
        self.cases = CaseStore(database)
        self.vectors = EmbeddingStore(database, compress=settings.enable_compression)
        self.conversations = ConversationStore(database)
        self.traces = TraceStore(database)
        self.ledger = CostTracker(
            database,
            daily_budget=settings.daily_budget_usd,
            monthly_budget=settings.monthly_budget_usd,
            usd_idr=settings.usd_idr,
        )
        self.monitor = PerformanceMonitor(enabled=settings.track_performance_metrics)

    def _make_rooms(self) -> None:
        settings = self.settings
        self.base = KnowledgeBase(
            self.cases,
            self.vectors,
            threshold=settings.similarity_threshold,
            top_k=settings.top_k_results,
            chunk_size=settings.chunk_size,
            chunk_overlap=settings.chunk_overlap,
            monitor=self.monitor,
        )
        self.importer = Importer(self.cases)
        self.indexer = Indexer(self.cases, self.base, batch=settings.embedding_batch_size, on_idle=self.base.calibrate)
        escalation = EscalationSettings(settings.escalation_sentiment_threshold, settings.max_failed_attempts)
        self._chat = ConversationEngine(
            self.base,
            self.conversations,
            self.traces,
            self.reader,
            settings=ConversationSettings(
                settings.max_message_length, settings.max_response_length, settings.max_conversation_history, escalation
            ),
            monitor=self.monitor,
            degraded=self._degraded,
        )

    async def _prepare(self) -> None:
        """Everything that takes longer than a page may wait: rows, words, model, index, classifiers; then index for good."""
        try:
            if self._load_samples and await to_thread.run_sync(self._is_new):
                await to_thread.run_sync(self._accept_samples)
            await self.base.refresh(force=True)
            await self._open_vectors()
            await self._teach_reader()
        except SipdError as error:
            log.error("the engine could not be prepared whole: %s", error)
            self._problem = error
        finally:
            self._prepared.set()
        if self._embedder is not None:
            await self._keep_indexed()

    async def _work_in_background(self) -> None:
        """Preparing and indexing must never take the engine down with them: what is stored can still be read."""
        await anyio.sleep(self._head_start)
        try:
            await self._prepare()
        except Exception:
            code = uuid.uuid4().hex[:8]
            log.exception("background work ended unexpectedly (code %s)", code)
            self._problem = SipdError(code, code=code)

    async def _open_vectors(self) -> None:
        """Own the index; where another process does, or the Chroma server is away, search SQL's vectors instead."""
        try:
            if self._embedder is None:
                self._embedder = await to_thread.run_sync(self._load_embedder)
            await self.base.open_vectors(self._embedder, self._open_index)
            self._owns_index, self._problem = True, None
        except EmbeddingError as error:
            self._problem = error
        except StoreError as error:
            owned = isinstance(error, IndexOwnedError)
            log.log(logging.INFO if owned else logging.WARNING, "searching SQL's vectors, not the index: %s", error)
            self._problem = StoreError(str(error), text_key="answer.status.index_owned") if owned else error
            if self._embedder is not None:
                await self.base.open_exact(self._embedder)

    async def _keep_indexed(self) -> None:
        """Take the index over as soon as it can be had, and make vectors from then on."""
        while not self._owns_index:
            await anyio.sleep(TAKE_OVER_SECONDS)
            await self._open_vectors()
        await self.indexer.run()

    async def _teach_reader(self) -> None:
        """Give the classifiers the meaning of their examples; the vectors are computed at the first start only."""
        if self._embedder is None:
            return
        embedded = await self._embedder.examples(self.reader.texts)
        await to_thread.run_sync(self.reader.teach, embedded.vectors)

    def _load_embedder(self) -> CachedEmbedder:
        settings = self.settings
        local = LocalEmbedder(threads=settings.embedding_threads, max_tokens=settings.max_embedding_tokens)
        memory = None
        if settings.enable_embedding_cache:
            memory = EmbeddingCache(settings.embedding_cache_size, settings.cache_ttl_hours * 3600)
        shipped = ShippedVectors(VECTOR_FOLDER / f"{local.model}.npz")
        return CachedEmbedder(local, memory, self.vectors, shipped=shipped, monitor=self.monitor, on_call=self._book)

    def _open_index(self) -> VectorIndex:
        settings, embedder = self.settings, self._embedder
        assert embedder is not None
        if settings.chroma_url:
            return ChromaIndex.server(settings.chroma_url, settings.collection_name, embedder.model, embedder.dimension)
        folder = settings.sipd_data_dir / "chroma"
        return ChromaIndex.local(folder, settings.collection_name, embedder.model, embedder.dimension)

    def _book(self, call: CallRecord) -> None:
        self.ledger.record(call)
        usage_log.info("%s: %d texts, %d tokens, %.0f ms", call.operation, call.texts, call.tokens, call.latency_ms)

    def _is_new(self) -> bool:
        return self.cases.state("samples") is None and self.cases.counts()["cases"] == 0

    def _accept_samples(self) -> int:
        before = self.cases.counts()["samples"]
        for path in sorted(SAMPLE_FOLDER.iterdir()):
            with path.open("rb") as file:
                self.importer.accept(path.name, file, sample=True)
        self.cases.set_state("samples", "loaded")
        return self.cases.counts()["samples"] - before

    def _degraded(self) -> str | None:
        if self._problem is not None:
            return self._problem.user_text
        return None if self._prepared.is_set() else text("answer.status.preparing")

    # --- what pages and the command line ask for -------------------------------------------------------------------

    async def wait_until_prepared(self) -> None:
        """Return when everything there is can be used; raises what keeps the rows themselves from being used."""
        await self._prepared.wait()

    async def wait_until_indexed(self) -> None:
        """Return when no case waits for its vectors, whoever makes them; raises SipdError when they cannot be made."""
        await self._prepared.wait()
        if self._embedder is None:
            raise self._problem or EmbeddingError("no embedding model is loaded", reason="model belum siap")
        if self._owns_index:
            await self.indexer.wait_until_idle()
            return
        while await to_thread.run_sync(self.cases.pending_count):
            await anyio.sleep(0.2)
        await self.base.open_exact(self._embedder)

    def status(self) -> EngineStatus:
        counts = self.base.counts
        return EngineStatus(
            mode="local",
            embedding_model=self._embedder.model if self._embedder else None,
            degraded=self._problem.user_text if self._problem else None,
            cases=counts["cases"],
            sample_cases=counts["samples"],
            cases_with_remedy=counts["with_remedy"],
            menus=counts["menus"],
            preparing=not self._prepared.is_set(),
        )

    def new_session_id(self) -> str:
        """An id that no conversation has; nothing is stored before the first message."""
        return uuid.uuid4().hex

    async def answer(self, message: str, session_id: str) -> AsyncIterator[str | Turn]:
        """The answer in pieces, then the Turn."""
        await self._prepared.wait()
        async for part in self._chat.answer(message, session_id):
            yield part

    async def search(self, question: str, top_k: int | None = None) -> SearchResult:
        """Cases for a question, masked before anything is done with it."""
        await self._prepared.wait()
        masked = await to_thread.run_sync(mask, question)
        return await self.base.search(masked.text, top_k)

    def conversation(self, session_id: str) -> Conversation:
        """The last MAX_CONVERSATION_HISTORY exchanges; raises NotFoundError."""
        return self.conversations.get(session_id, self.settings.max_conversation_history)

    def give_feedback(self, turn_id: str, feedback: Feedback) -> None:
        """Remember what a person said of an answer, masked."""
        self.conversations.set_feedback(turn_id, replace(feedback, reason=mask(feedback.reason).text))

    def escalate(self, session_id: str, turn_id: str, note: str) -> Escalation:
        """Hand a conversation over because the operator says so; raises NotFoundError."""
        escalation = Escalation((EscalationReason.BY_OPERATOR,), text("answer.card.by_operator"))
        self.conversations.escalate(session_id, turn_id, escalation, mask(note).text)
        return escalation

    def handover_text(self, session_id: str) -> str:
        """The card to paste into WhatsApp or a ticket."""
        return handover_card(self.conversation(session_id), self.conversations.escalations(session_id))

    async def import_files(self, files: Sequence[tuple[str, BinaryIO]]) -> tuple[ImportReport, ...]:
        """Store files; their rows are durable and found by their words on return, their vectors follow."""
        reports = tuple([await to_thread.run_sync(self.importer.accept, name, file) for name, file in files])
        await self.base.refresh()
        self.indexer.wake()
        return reports

    def indexing(self) -> IndexingProgress:
        progress = self.indexer.progress()
        if self._problem is not None and self._embedder is None:
            return replace(progress, running=False, error=self._problem.user_text)
        return progress

    async def remove_samples(self) -> int:
        """Take every sample row out of SQL, of the words and of the index; returns how many."""
        gone = [case.id for case in await to_thread.run_sync(self.cases.all) if case.sample]
        count = await to_thread.run_sync(self.cases.remove_samples)
        await self.base.refresh()
        await self.base.drop(gone)
        self.indexer.wake()
        return count

    async def restore_samples(self) -> int:
        """Bring the shipped rows back; their vectors are still in SQL, so nothing is embedded. Returns how many."""
        count = await to_thread.run_sync(self._accept_samples)
        await self.base.refresh()
        self.indexer.wake()
        return count

    async def write_shipped_vectors(self) -> int:
        """Renew the vectors that come with the product, from this base (the sample rows alone); returns how many."""
        await self.wait_until_indexed()
        embedder = self._embedder
        assert embedder is not None
        questions = [*self.reader.texts, *self.base.calibration_questions()]
        examples = await embedder.examples(questions)
        vectors = dict(zip(examples.keys, examples.vectors, strict=True)) | self.base.view_vectors(embedder.dimension)
        await to_thread.run_sync(write_shipped, VECTOR_FOLDER / f"{embedder.model}.npz", vectors)
        return len(vectors)

    def cache_stats(self) -> CacheStats:
        """Figures of the embedding cache, in memory and in SQL."""
        stats = (self._embedder.stats() if self._embedder else None) or EmbeddingCache(1, 1).get_stats()
        entries, size = self.vectors.size()
        return replace(stats, durable_entries=entries, durable_mb=size / 2**20)

    def recent_traces(self, days: int, limit: int) -> tuple[TurnTrace, ...]:
        """Traces of the last `days` times 24 hours, oldest first."""
        return self.traces.since(datetime.now(UTC) - timedelta(days=days), limit)

    def export_rows(self) -> bytes:
        """Every row in the import format."""
        return rows_as_csv(self.cases.all())
