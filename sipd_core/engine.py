"""The only place where real things are put together: settings in, a working help desk out."""

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from types import TracebackType
from typing import BinaryIO, Self

import anyio
from anyio import to_thread
from sqlalchemy import Connection

from sipd_core.access import Access
from sipd_core.account import OwnAccount
from sipd_core.alerts.room import AlertRoom
from sipd_core.alerts.surroundings import Surroundings
from sipd_core.backup.progress import WorkBoard
from sipd_core.backup.restoring import open_database
from sipd_core.backup.room import BackupRoom, Duties
from sipd_core.cache import CacheStats, EmbeddingCache
from sipd_core.chat import prompts
from sipd_core.chat.answer_cache import AnswerCache
from sipd_core.chat.answer_desk import AnswerDesk
from sipd_core.chat.approved_shelf import ApprovedShelf
from sipd_core.chat.continuing import Continuer
from sipd_core.chat.conversation import ConversationEngine
from sipd_core.chat.drafting import ConversationSettings, Drafter
from sipd_core.chat.escalation import EscalationSettings
from sipd_core.chat.handover import handover_card
from sipd_core.chat.turn import (
    AnswerPart,
    Conversation,
    Escalation,
    EscalationReason,
    Feedback,
)
from sipd_core.client import Webhook
from sipd_core.courtesy import Courtesy
from sipd_core.desk import EscalationDesk, escalation_notice
from sipd_core.documents import (
    Case,
    Change,
    ChangeKind,
    ImportReport,
    IndexingProgress,
)
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.embeddings.hosted import HostedEmbedder
from sipd_core.embeddings.local import MODEL as LOCAL_MODEL
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.embeddings.shipped import ShippedVectors, write_shipped
from sipd_core.hosting import Hosting
from sipd_core.knowledge.base import KnowledgeBase, SearchResult
from sipd_core.knowledge.drafts import Drafts
from sipd_core.knowledge.editing import checked, masked_case
from sipd_core.knowledge.estimating import Estimator
from sipd_core.knowledge.exports import rows_as_csv
from sipd_core.knowledge.health import Changer, HealthDesk
from sipd_core.knowledge.importing import Importer
from sipd_core.knowledge.index import ChromaHome
from sipd_core.knowledge.pace import Pace
from sipd_core.knowledge.side import Model
from sipd_core.laboratory import Laboratory
from sipd_core.learning.learner import Learner
from sipd_core.limits import PeopleLimits
from sipd_core.limits import Pace as LimitPace
from sipd_core.logs import USAGE_LOGGER
from sipd_core.metrics import PerformanceMonitor
from sipd_core.people import People
from sipd_core.performance import PerformanceHistory
from sipd_core.privacy import mask
from sipd_core.retention import Retention, Terms
from sipd_core.retrieval import RetrievalSettings
from sipd_core.settings import SHIPPED_DATA, Settings
from sipd_core.sign_in import SignIn, SignInStores
from sipd_core.spending.room import Spending
from sipd_core.spending.tariffs import Tariffs
from sipd_core.status import EngineStatus, HostingStatus
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.approved_answers import ApprovedAnswerStore
from sipd_core.store.audit import AuditLog
from sipd_core.store.cases import CaseStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.gap_work import GapWork
from sipd_core.store.gaps import GapStore
from sipd_core.store.ledger import CostTracker
from sipd_core.store.mappings import MappingStore
from sipd_core.store.rejections import RejectionStore
from sipd_core.store.schema import SERVING_STATE
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.texts import text
from sipd_core.upkeep import CurrentReader, Models, Upkeep
from sipd_core.usage import CallRecord
from sipd_core.value import ValueRoom
from sipd_core.vitals import Vitals

usage_log = logging.getLogger(USAGE_LOGGER)

SAMPLE_FOLDER = SHIPPED_DATA / "contoh"
GOLD_FOLDER = SHIPPED_DATA / "gold"
VECTOR_FOLDER = SHIPPED_DATA / "vectors"
TEXTS_PER_CASE = 2
"""Nearly every case is embedded twice: whole, and its complaint alone (knowledge/views.py)."""
HOSTED_ROUND = 2_048
"""Cases handed to a provider's model together: so many that hardly a call goes out half full."""
INTERRUPTED_SECONDS = 15 * 60
"""A call still open in the books after this is of a process that ended: no call may take so long."""


class Engine:
    """An async context manager; loop-bound things are made on entering, everything is closed on leaving."""

    def __init__(
        self, settings: Settings, duties: Duties | None = None, *, load_samples: bool = True, head_start: float = 0.0
    ) -> None:
        """`head_start`: seconds that whoever starts the engine has the processor for itself before models are loaded."""
        self.settings = settings
        self._duties = duties or Duties(WorkBoard(), False, lambda: None)
        self._head_start = head_start
        self._load_samples = load_samples and settings.load_sample_data
        self.courtesy = Courtesy()
        self._stack = AsyncExitStack()
        self._hosting: Hosting | None = None
        self._kept_answers: AnswerCache | None = None

    async def __aenter__(self) -> Self:
        self._database = await to_thread.run_sync(open_database, self.settings)
        self._stack.callback(self._database.close)
        await to_thread.run_sync(self._make_stores)
        await to_thread.run_sync(self.ledger.close_interrupted, INTERRUPTED_SECONDS)
        if self.settings.hosted:
            served = await to_thread.run_sync(self._served_before)
            prices = self.tariffs.prices
            hosting = Hosting(self.settings, self.ledger, prices, on_settled=self._log_call, remembered=served)
            self._hosting = await self._stack.enter_async_context(hosting)
        self.reader = await to_thread.run_sync(CurrentReader, SHIPPED_DATA / "training")
        self._make_rooms()
        await to_thread.run_sync(self.laboratory.follow)
        self._stack.callback(self._upkeep.close)
        self._stack.callback(self.alerts.close)
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._tasks.start_soon(self._upkeep.run)
        self._tasks.start_soon(self.backups.run)
        self._tasks.start_soon(self.laboratory.run)
        self._tasks.start_soon(self.drafts.run)
        self._tasks.start_soon(self.alerts.run)
        self._tasks.start_soon(self.learner.run)
        self._tasks.start_soon(self.retention.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.backups.stop()
        self.drafts.close()  # before the cancelling, which would wait for a file to be read to its end
        self._tasks.cancel_scope.cancel()
        await self._stack.aclose()

    def _make_stores(self) -> None:
        settings, database = self.settings, self._database
        self.audit = AuditLog(database)
        self.audit.begin_key()
        self.cases = CaseStore(database)
        self.mappings = MappingStore(database)
        self.rejections = RejectionStore(database)
        self.vectors = EmbeddingStore(database, compress=settings.enable_compression)
        self._memory = (
            EmbeddingCache(settings.embedding_cache_size, settings.cache_ttl_hours * 3600)
            if settings.enable_embedding_cache
            else None
        )
        notice = escalation_notice(database) if settings.alert_webhook_url.get_secret_value() else None
        self.conversations = ConversationStore(database, announce=notice)
        self.desk = EscalationDesk(database, self.conversations, history=settings.max_conversation_history)
        self.gaps, self.gap_work = GapStore(database), GapWork(database)
        self._versions = AnswerVersionStore(database)
        self._approved = ApprovedAnswerStore(database)
        self.answers = AnswerDesk(self.conversations, self._versions, self._approved, self.cases)
        self.traces = TraceStore(database)
        self.tariffs = Tariffs.load(database, settings)
        self.ledger = CostTracker(
            database,
            daily_budget=settings.daily_budget_usd,
            monthly_budget=settings.monthly_budget_usd,
            usd_idr=self.tariffs.rate_today,
        )
        self.speed = PerformanceHistory(database)
        self.value = ValueRoom(database, self.ledger, rates=self.tariffs.rates)
        self.spending = Spending(database, self.ledger, self.tariffs, resolved=self.value.resolved)
        chat, reads = settings.api_chat_per_minute, settings.api_reads_per_minute
        idle, longest = settings.session_idle_minutes * 60, settings.session_hours * 3_600
        kept = SignInStores(database, idle=idle, longest=longest)
        self.sign_in = SignIn(kept, mode=settings.sign_in, anywhere=settings.open_anywhere)
        self.people, self.account = People(kept), OwnAccount(kept, self.sign_in)
        self.limits = PeopleLimits(
            database,
            messages=LimitPace(settings.messages_per_minute, settings.messages_per_minute_address),
            uploads=LimitPace(settings.uploads_per_hour, settings.uploads_per_hour_address),
        )
        self.access = Access(database, chat_limit=chat, read_limit=reads)
        self.monitor = PerformanceMonitor(enabled=settings.track_performance_metrics)

    def _make_rooms(self) -> None:
        settings = self.settings
        self.base = KnowledgeBase(
            self.cases,
            self.vectors,
            retrieval=RetrievalSettings(settings.similarity_threshold, settings.top_k_results),
            chunk_size=settings.chunk_size,
            chunk_overlap=settings.chunk_overlap,
            monitor=self.monitor,
            words_file=settings.sipd_data_dir / "words.npz",
        )
        trouble = self._hosting.trouble if self._hosting else None
        self.vitals = Vitals(self._database, self.base, folder=settings.sipd_data_dir, trouble=trouble)
        self.backups = BackupRoom(settings, self._database, self.base, self._duties)
        self.importer = Importer(self.cases, self.mappings)
        self.pace = Pace(self.cases)
        price = self._hosting.embedding_cost if self._hosting else None
        estimator = Estimator(self.base, self.pace, price=price, usd_idr=self.tariffs.rate_today)
        self.drafts = Drafts(self.importer, self.mappings, self.cases, estimator, on_stored=self._follow)
        self._upkeep = Upkeep(
            self.cases,
            self.base,
            self.importer,
            self.reader,
            self._embedders(),
            open_home=self._open_home,
            samples=SAMPLE_FOLDER,
            load_samples=self._load_samples,
            head_start=self._head_start,
        )
        self.indexer = self._upkeep.indexer
        self.laboratory = Laboratory(
            self.base,
            self._database,
            environment=self.base.retrieval,
            ready=self._upkeep.wait_until_prepared,
            samples=GOLD_FOLDER,
        )
        ready = self._upkeep.wait_until_prepared
        self.learner = Learner(self.gap_work, self.cases, self.base, self.courtesy, ready=ready)
        self.alerts = self._make_alerts()
        self.retention = self._make_retention()
        self._chat = self._make_chat()

    def _make_retention(self) -> Retention:
        settings = self.settings
        return Retention(
            self._database,
            Terms(settings.conversation_days, settings.trace_days),
            archives=self.backups.shelf.entries,
            keep=settings.backup_keep,
            on_duty=self._duties.scheduled,
            forget=self._forget_answers,
        )

    def _forget_answers(self, answers: Sequence[str]) -> None:
        """What was deleted must not come out of a memory any more."""
        self.conversations.forget_lists()
        if self._kept_answers:
            for answer in answers:
                self._kept_answers.forget(answer)

    def _make_alerts(self) -> AlertRoom:
        settings = self.settings
        folders = settings.sipd_data_dir, settings.backup_folder, *filter(None, [settings.sqlite_file])
        trouble = self._hosting.trouble if self._hosting else None
        around = Surroundings(
            self.ledger, folders, trouble, self.backups.last_good_at, self.backups.is_catching_up
        )
        url, secret = settings.alert_webhook_url.get_secret_value(), settings.alert_webhook_secret.get_secret_value()
        return AlertRoom(
            self._database, around, Webhook(url, secret) if url else None, on_duty=self._duties.scheduled
        )

    def _make_chat(self) -> ConversationEngine:
        settings = self.settings
        figures = ConversationSettings(
            settings.max_message_length,
            settings.max_response_length,
            settings.max_conversation_history,
            EscalationSettings(settings.escalation_sentiment_threshold, settings.max_failed_attempts),
        )
        answerer = self._hosting.answerer() if self._hosting else None
        if answerer and settings.enable_answer_cache:
            self._kept_answers = AnswerCache(settings.answer_cache_size, settings.cache_ttl_hours * 3600)
        drafter = Drafter(
            self.base,
            self.conversations,
            self.reader,
            settings=figures,
            degraded=self._upkeep.degraded,
            kept_answers=self._kept_answers,
            approved=ApprovedShelf(self._approved, self.cases, self.base),
            knowledge_state=self._knowledge_state,
        )
        self._continuer = Continuer(
            self.conversations,
            self._versions,
            self.traces,
            monitor=self.monitor,
            answerer=answerer,
            history=settings.max_conversation_history,
        )
        return ConversationEngine(
            drafter,
            self.conversations,
            self.traces,
            self._versions,
            monitor=self.monitor,
            answerer=answerer,
            kept_answers=self._kept_answers,
        )

    def _knowledge_state(self) -> str:
        """What an answer rests on besides its question: the rows, how and by which model they are found, the prompt."""
        serving, retrieval = self.base.serving, self.base.retrieval
        model = serving.name if serving else ""
        return f"{self.base.version}/{model}/{retrieval.fingerprint}/{prompts.fingerprint()}"

    def _embedders(self) -> Models:
        """Which embedding models can be asked: the one place where a provider's joins the bundled one."""
        hosted = self._hosting.wanted_embedder if self._hosting else None
        wanted = self._hosted_model(hosted) if hosted else None
        return Models(wanted=lambda: wanted or self._local, local=lambda: self._local, by_name=self._embedder_by_name)

    def _embedder_by_name(self, model: str, dimension: int) -> Model | None:
        if model == LOCAL_MODEL:
            return self._local
        hosted = self._hosting.embedder(model, dimension) if self._hosting else None
        return self._hosted_model(hosted) if hosted else None

    def _hosted_model(self, embedder: HostedEmbedder) -> Model:
        cached = CachedEmbedder(embedder, self._memory, self.vectors, monitor=self.monitor, on_call=None)
        return Model(cached, HOSTED_ROUND)

    def _served_before(self) -> tuple[str, int] | None:
        """Name and dimension of a provider's model that served when the console last ended."""
        name, _, dimension = (self.cases.state(SERVING_STATE) or "").rpartition("/")
        return (name, int(dimension)) if name and name != LOCAL_MODEL else None

    @cached_property
    def _local(self) -> Model:
        """The bundled model, loaded when it is first asked for; raises EmbeddingError."""
        settings = self.settings
        local = LocalEmbedder(threads=settings.embedding_threads, max_tokens=settings.max_embedding_tokens)
        shipped = ShippedVectors(VECTOR_FOLDER / f"{local.model}.npz")
        embedder = CachedEmbedder(
            local, self._memory, self.vectors, shipped=shipped, monitor=self.monitor, on_call=self._book
        )
        return Model(embedder, max(settings.embedding_batch_size // TEXTS_PER_CASE, 1))

    def _open_home(self) -> ChromaHome:
        settings = self.settings
        if settings.chroma_url:
            return ChromaHome.server(settings.chroma_url, settings.collection_name)
        return ChromaHome.local(settings.sipd_data_dir / "chroma", settings.collection_name)

    def _book(self, call: CallRecord) -> None:
        self.ledger.record(call)
        self._log_call(call)

    def _log_call(self, call: CallRecord) -> None:
        usage_log.info(
            "%s: %d texts, %d tokens, %.0f ms", call.operation, call.texts, call.usage.total, call.latency_ms
        )

    # --- what pages and the command line ask for -------------------------------------------------------------------

    async def wait_until_prepared(self) -> None:
        """Return when everything there is can be used; raises what keeps the rows themselves from being used."""
        await self._upkeep.wait_until_prepared()

    async def wait_until_indexed(self) -> None:
        """Return when no case waits for its vectors, whoever makes them; raises SipdError when they cannot be made."""
        await self._upkeep.wait_until_indexed()

    def status(self) -> EngineStatus:
        counts, serving, problem = self.base.counts, self.base.serving, self._upkeep.problem
        return EngineStatus(
            mode="hosted" if self._hosting else "local",
            embedding_model=serving.embedder.model if serving else None,
            degraded=problem.user_text if problem else None,
            cases=counts["cases"],
            sample_cases=counts["samples"],
            cases_with_remedy=counts["with_remedy"],
            menus=counts["menus"],
            preparing=not self._upkeep.is_prepared,
            serving_model=serving.name if serving else None,
            wanted_model=self._upkeep.wanted,
            takeover=self.indexer.takeover(),
            hosted=self._hosting_status(),
        )

    def _hosting_status(self) -> HostingStatus | None:
        if self._hosting is None:
            return None
        settings = self.settings
        return HostingStatus(
            self._hosting.host,
            settings.nebius_model_id if settings.hosted_answers else "",
            settings.nebius_embedding_model if settings.hosted_embeddings else "",
            self._hosting.trouble(),
        )

    def new_session_id(self) -> str:
        """An id that no conversation has; nothing is stored before the first message."""
        return uuid.uuid4().hex

    async def answer(self, message: str, session_id: str) -> AsyncIterator[AnswerPart]:
        """The answer in pieces, then the Turn."""
        await self._upkeep.wait_until_prepared()
        async for part in self._chat.answer(message, session_id):
            yield part
        self.learner.wake()

    async def answer_anew(self, turn_id: str) -> AsyncIterator[AnswerPart]:
        """A further version of an answer, whatever was kept or approved; as `answer`, and raises NotFoundError."""
        await self._upkeep.wait_until_prepared()
        there = await to_thread.run_sync(self.conversations.before, turn_id, 0)
        async for part in self._chat.answer(there.exchange.message, there.session_id, instead_of=turn_id):
            yield part

    async def go_on(self, turn_id: str) -> AsyncIterator[AnswerPart]:
        """An answer that was cut or stopped, with its rest; see Continuer."""
        async for part in self._continuer.go_on(turn_id):
            yield part

    async def search(self, question: str, top_k: int | None = None) -> SearchResult:
        """Cases for a question, masked before anything is done with it."""
        await self._upkeep.wait_until_prepared()
        masked = await to_thread.run_sync(mask, question)
        return await self.base.search(masked.text, top_k)

    def conversation(self, session_id: str) -> Conversation:
        """The last MAX_CONVERSATION_HISTORY exchanges; raises NotFoundError."""
        return self.conversations.get(session_id, self.settings.max_conversation_history)

    def give_feedback(self, turn_id: str, feedback: Feedback) -> None:
        """Remember what a person said of an answer, masked; one that did not help is not given to others."""
        answer = self.conversations.set_feedback(turn_id, replace(feedback, reason=mask(feedback.reason).text))
        if self._kept_answers and not feedback.helpful:
            self._kept_answers.forget(answer)

    def escalate(self, session_id: str, turn_id: str, note: str, actor: str = "") -> Escalation:
        """Hand a conversation over because the operator says so, as a ticket of the desk; raises NotFoundError."""
        escalation = Escalation((EscalationReason.BY_OPERATOR,), text("answer.card.by_operator"))
        self.conversations.escalate(session_id, turn_id, escalation, mask(note).text, actor)
        return escalation

    def handover_text(self, session_id: str) -> str:
        """The card to paste into WhatsApp or a ticket: that of the conversation's newest ticket, when it has one."""
        if (ticket := self.desk.of_conversation(session_id)) is not None:
            return self.desk.card(ticket.id)
        return handover_card(self.conversation(session_id), self.conversations.escalations(session_id))

    async def import_files(self, files: Sequence[tuple[str, BinaryIO]], actor: str = "") -> tuple[ImportReport, ...]:
        """Store files; their rows are durable and found by their words on return, their vectors follow."""
        accept = partial(self.importer.accept, actor=actor)
        reports = tuple([await to_thread.run_sync(accept, name, file) for name, file in files])
        await self._follow()
        return reports

    def indexing(self) -> IndexingProgress:
        """How many rows wait to be found by meaning; how far a change of model is, `status` tells."""
        return self._upkeep.progress()

    async def change_cases(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        *,
        actor: str,
        note: str = "",
        redirects: Mapping[str, str] | None = None,
        menus: Mapping[str, str] | None = None,
        also: Callable[[Connection, Change], None] | None = None,
    ) -> Change:
        """A person's decision about rows (see CaseStore.change), masked; searches follow it on return."""
        masked = {id_: masked_case(case) if case else None for id_, case in states.items()}
        change = partial(self.cases.change, kind, masked, actor=actor, redirects=redirects, menus=menus)
        change = partial(change, also=also)
        made = await to_thread.run_sync(partial(change, note=mask(note).text))
        await self._follow()
        return made

    def health_desk(self, change: Changer) -> HealthDesk:
        """The desk at which the base is looked through and mended; whoever takes it closes it."""
        return HealthDesk(self.cases, self.vectors, self.base, change)

    async def edit_case(self, edited: Case, actor: str, note: str = "") -> Change:
        """Let a row be what a person wrote, masked; raises CaseError when that cannot be, NotFoundError when it is gone."""
        edit = await to_thread.run_sync(checked, self.cases, edited)
        states = {edit.case.id: edit.case}
        return await self.change_cases(ChangeKind.EDIT, states, actor=actor, note=note, redirects=edit.redirects)

    async def undo_change(self, change_id: str, actor: str) -> Change:
        """Take a change of rows back; searches follow on return. Raises NotFoundError, SipdError when it is undone."""
        undone = await to_thread.run_sync(partial(self.cases.undo, change_id, actor=actor))
        self.indexer.interrupt()
        await self._follow()
        return undone

    async def redo_change(self, change_id: str, actor: str) -> Change:
        """Do an undone change of rows again; raises as `undo_change`."""
        redone = await to_thread.run_sync(partial(self.cases.redo, change_id, actor=actor))
        await self._follow()
        return redone

    async def pause_import(self, import_id: str) -> None:
        """Make the vectors of an import later; words find its rows all the same."""
        await to_thread.run_sync(self.cases.pause_import, import_id)
        self.indexer.interrupt()

    async def resume_import(self, import_id: str) -> None:
        """Go on making the vectors of a paused import."""
        await to_thread.run_sync(self.cases.resume_import, import_id)
        self.indexer.interrupt()

    async def _follow(self) -> None:
        """Let words, vectors and the background work take over what changed in SQL."""
        await self.base.refresh()
        self.indexer.wake()

    async def remove_samples(self) -> int:
        """Take every sample row out of SQL, of the words and of the index; returns how many."""
        count = await to_thread.run_sync(self.cases.remove_samples)
        await self._follow()
        return count

    async def restore_samples(self) -> int:
        """Bring the shipped rows back; their vectors are still in SQL, so nothing is embedded. Returns how many."""
        count = await to_thread.run_sync(self._upkeep.accept_samples)
        await self._follow()
        return count

    async def write_shipped_vectors(self) -> int:
        """Renew the vectors that come with the product, from this base (the sample rows alone); returns how many."""
        await self.wait_until_indexed()
        side = self.base.serving
        assert side is not None
        examples = await side.embedder.examples([*self.reader.texts, *self.base.calibration_questions()])
        vectors = dict(zip(examples.keys, examples.vectors, strict=True)) | await to_thread.run_sync(side.view_vectors)
        await to_thread.run_sync(write_shipped, VECTOR_FOLDER / f"{side.embedder.model}.npz", vectors)
        return len(vectors)

    def cache_stats(self) -> CacheStats:
        """Figures of the embedding cache, in memory and in SQL."""
        stats = (self._memory or EmbeddingCache(1, 1)).get_stats()
        entries, size = self.vectors.size()
        serving = self.base.serving
        saved = self.vectors.saved_bytes(serving.embedder.model, serving.embedder.dimension) if serving else 0
        return replace(stats, durable_entries=entries, durable_mb=size / 2**20, durable_saved_mb=saved / 2**20)

    def recent_traces(self, days: int, limit: int) -> tuple[TurnTrace, ...]:
        """Traces of the last `days` times 24 hours, oldest first."""
        return self.traces.since(datetime.now(UTC) - timedelta(days=days), limit)

    def export_rows(self) -> bytes:
        """Every row in the import format."""
        return rows_as_csv(self.cases.all(disabled=True), self.cases.reports())
