"""Plain calls for pages and the command line. Owns the one event loop: a named portal thread, closed once.

All sessions share the loop, so one HTTP pool and one set of background tasks serve them all.
"""

import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, BinaryIO

from anyio.from_thread import BlockingPortal, start_blocking_portal

from sipd_core.access import Access
from sipd_core.account import OwnAccount
from sipd_core.alerts.room import AlertRoom
from sipd_core.backup.progress import WorkBoard
from sipd_core.backup.room import Duties
from sipd_core.blocking_laboratory import BlockingLaboratory
from sipd_core.cache import CacheStats
from sipd_core.chat.answer_desk import AnswerDesk
from sipd_core.chat.turn import (
    AnswerPart,
    Conversation,
    ConversationSummary,
    Escalation,
    Feedback,
    Turn,
)
from sipd_core.deeds import acting, meet
from sipd_core.desk import EscalationDesk
from sipd_core.documents import (
    Case,
    CaseFilter,
    CasePage,
    CaseVersion,
    Change,
    ChangeKind,
    ImportReport,
    IndexingProgress,
    ReportedBy,
)
from sipd_core.engine import Engine
from sipd_core.errors import RestoringError, SipdError
from sipd_core.knowledge.base import SearchResult
from sipd_core.knowledge.health import HealthDesk
from sipd_core.learning.desk import LearningDesk
from sipd_core.learning.remedies import OperatorsWords
from sipd_core.metrics import PerformanceStats
from sipd_core.people import People
from sipd_core.performance import PerformanceHistory
from sipd_core.recovery import Recovery
from sipd_core.retention import Retention
from sipd_core.settings import Settings
from sipd_core.sign_in import SignIn
from sipd_core.spending.room import Spending
from sipd_core.status import EngineStatus
from sipd_core.store.audit import AuditLog
from sipd_core.store.changes import UndoEffect
from sipd_core.store.traces import TurnTrace
from sipd_core.tally import HistogramFigures
from sipd_core.uploads import Uploads
from sipd_core.usage import CallRecord, CostReport
from sipd_core.value import ValueRoom
from sipd_core.vitals import Vitals

log = logging.getLogger(__name__)

_STREAM_POLL_SECONDS = 0.25
"""How often a waiting stream lets its caller notice that it should stop."""
_STOP_SECONDS = 5.0
"""How long a stopped stream is waited for, so that what it leaves is stored before the page is drawn again."""


class _End:
    """The last thing in a stream's queue."""


class BlockingEngine:
    """Every call is safe from any thread; failures are SipdErrors with a text for people."""

    def __init__(
        self, settings: Settings, *, load_samples: bool = True, head_start: float = 0.0, console: bool = False
    ) -> None:
        """Start the engine, with the sample rows in an empty base if wanted, the models after `head_start` seconds.

        A `console` is told from a command by other processes, and makes the scheduled backups. Raises StoreError when
        the data folder or the database cannot be used.
        """
        self._settings = settings
        self._load_samples = load_samples
        self._stack, self._scope = ExitStack(), ExitStack()
        self._closing = threading.Lock()
        self._closed = False
        self._running: Engine | None = None
        self._trouble: SipdError = RestoringError()
        board = WorkBoard()
        self._duties = Duties(board, console, self._start_anew)
        try:
            self._portal: BlockingPortal = self._stack.enter_context(start_blocking_portal(name="sipd-engine"))
            self.backups = Recovery(
                settings,
                board,
                self._portal,
                room=lambda: self._engine.backups,
                given_up=self._given_up,
                ready=self.wait_until_prepared,
            )
            self._stack.callback(self.backups.close)
            self._stack.callback(self._scope.close)
            self.laboratory = BlockingLaboratory(self._portal, lambda: self._engine.laboratory)
            self.uploads = Uploads(self._portal, lambda: self._engine)
            self._open_engine(head_start)
            if console:
                self.backups.claim()
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """Stop background work and release every file; idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._stack.close()

    @property
    def _engine(self) -> Engine:
        """The engine that runs; raises RestoringError while there is none, or what kept it from opening again.

        Every call begins here, in the thread of whoever makes it.
        """
        meet()
        if self._running is None:
            raise self._trouble
        self._running.courtesy.served()
        return self._running

    @property
    def health(self) -> HealthDesk:
        """What keeps the base from being trusted, and what mends it."""
        if self._running is None:
            raise self._trouble
        return self._health

    @property
    def spending(self) -> Spending:
        """What was spent, by which prices and rates, and whether the provider's invoice agrees."""
        return self._engine.spending

    @property
    def alerts(self) -> AlertRoom:
        """Rules for alerts, how they stand, and what happened."""
        return self._engine.alerts

    @property
    def desk(self) -> EscalationDesk:
        """Tickets of what was handed to people."""
        return self._engine.desk

    @property
    def learning(self) -> LearningDesk:
        """What the base lacks, and what is done about it."""
        engine = self._engine
        return LearningDesk(
            engine.gaps,
            engine.gap_work,
            engine.cases,
            OperatorsWords(engine.answers, engine.conversations, engine.desk),
            publish=lambda kind, states, **more: self._portal.call(partial(engine.change_cases, kind, states, **more)),
            undo=self.undo_change,
            look=lambda: self._portal.call(engine.learner.look),
            wake=lambda: self._portal.call(engine.learner.wake),
        )

    @property
    def answers(self) -> AnswerDesk:
        """What people do to answers: edit, choose a version, approve."""
        return self._engine.answers

    @property
    def vitals(self) -> Vitals:
        """Which parts work."""
        return self._engine.vitals

    @property
    def access(self) -> Access:
        """Keys of programs that ask over HTTP, and how often they may."""
        return self._engine.access

    @property
    def sign_in(self) -> SignIn:
        """The door for people: who comes in, and who is in."""
        return self._engine.sign_in

    @property
    def people(self) -> People:
        """Accounts, as admins take care of them."""
        return self._engine.people

    @property
    def account(self) -> OwnAccount:
        """One's own account."""
        return self._engine.account

    @property
    def audit(self) -> AuditLog:
        """Who did what, when and from where, in a chain that shows when it was tampered with."""
        return self._engine.audit

    @property
    def retention(self) -> Retention:
        """How long conversations are kept, and deleting one."""
        return self._engine.retention

    @property
    def speed(self) -> PerformanceHistory:
        """How fast and how reliably questions were answered, in any period."""
        return self._engine.speed

    @property
    def value(self) -> ValueRoom:
        """What conversations came to, and what that was worth."""
        return self._engine.value

    def _open_engine(self, head_start: float) -> None:
        engine = Engine(self._settings, self._duties, load_samples=self._load_samples, head_start=head_start)
        scope: AbstractContextManager[Engine] = self._portal.wrap_async_context_manager(engine)
        running = self._scope.enter_context(scope)
        self._health = running.health_desk(self.change_cases)
        self._scope.callback(self._health.close)
        self._running = running

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        """No engine runs within the block, a new one after it: nothing that was in memory before counts any more."""
        with self._closing:
            if self._closed:
                raise RestoringError("the console is closing")
            self._running, self._trouble = None, RestoringError()
            self._scope.close()
            try:
                yield
            finally:
                try:
                    self._open_engine(0.0)
                except SipdError as error:
                    self._trouble = error
                    raise

    def _start_anew(self) -> None:
        """Another process replaced the base."""
        threading.Thread(target=self._reopen, name="sipd-reopen", daemon=True).start()

    def _reopen(self) -> None:
        with self._given_up():
            log.info("the base was restored by another process; the engine starts anew")

    def wait_until_prepared(self, timeout: float | None = None) -> None:
        """Block until the models are loaded and the index is open (and, if need be, until everything is indexed)."""
        self._portal.start_task_soon(self._engine.wait_until_prepared).result(timeout)

    def wait_until_indexed(self, timeout: float | None = None) -> None:
        """Block until no case waits for its vectors; raises SipdError when they cannot be made."""
        self._portal.start_task_soon(self._engine.wait_until_indexed).result(timeout)

    def embedded_texts(self) -> int:
        """Texts of rows the model has read since the start."""
        return self._engine.indexer.embedded_texts

    def status(self) -> EngineStatus:
        return self._engine.status()

    def new_session_id(self) -> str:
        return self._engine.new_session_id()

    def ask(self, message: str, session_id: str) -> Turn:
        """The whole answer at once."""
        return next(part for part in self.answer(message, session_id) if isinstance(part, Turn))

    def answer(self, message: str, session_id: str) -> Iterator[AnswerPart]:
        """Text as it comes, then the Turn. Closing the iterator early cancels the work upstream and keeps what had come.

        Raises TooOftenError, before anything is done, when whoever acts asks too often; so do the next two.
        """
        self._engine.limits.message(acting())
        return self._stream(self._engine.answer(message, session_id))

    def answer_anew(self, turn_id: str) -> Iterator[AnswerPart]:
        """As `answer`: a further version of this answer."""
        self._engine.limits.message(acting())
        return self._stream(self._engine.answer_anew(turn_id))

    def go_on(self, turn_id: str) -> Iterator[AnswerPart]:
        """As `answer`: this answer with its rest."""
        self._engine.limits.message(acting())
        return self._stream(self._engine.go_on(turn_id))

    def _stream(self, source: AsyncIterator[AnswerPart]) -> Iterator[AnswerPart]:
        parts: queue.SimpleQueue[AnswerPart | BaseException | _End] = queue.SimpleQueue()
        task: Future[None] = self._portal.start_task_soon(_pump, source, parts)
        ended = False
        try:
            while not (ended := isinstance(part := _next(parts), _End)):
                if isinstance(part, BaseException):
                    raise part
                yield part  # an empty text when nothing came: the page's thread can notice that its visitor left
        finally:
            task.cancel()
            if not ended:
                _drain(parts)

    def conversations(self, search: str = "", limit: int = 50) -> tuple[ConversationSummary, ...]:
        return self._engine.conversations.list(search, limit)

    def conversation(self, session_id: str) -> Conversation:
        return self._engine.conversation(session_id)

    def give_feedback(self, turn_id: str, feedback: Feedback) -> None:
        self._engine.give_feedback(turn_id, feedback)

    def escalate(self, session_id: str, turn_id: str, note: str, actor: str = "") -> Escalation:
        return self._engine.escalate(session_id, turn_id, note, actor)

    def handover_text(self, session_id: str) -> str:
        return self._engine.handover_text(session_id)

    def import_files(self, files: Sequence[tuple[str, BinaryIO]], actor: str = "") -> tuple[ImportReport, ...]:
        return self._portal.call(self._engine.import_files, files, actor)

    def preview(self, name: str, file: BinaryIO) -> ImportReport:
        return self._engine.importer.preview(name, file)

    def imports(self, limit: int = 50, offset: int = 0) -> tuple[ImportReport, ...]:
        return self._engine.cases.imports(limit, offset)

    def indexing(self) -> IndexingProgress:
        return self._engine.indexing()

    def cases(self, wanted: CaseFilter | None = None, offset: int = 0, limit: int = 50) -> CasePage:
        return self._engine.cases.page(wanted or CaseFilter(), offset, limit)

    def case(self, case_id: str) -> Case:
        return self._engine.cases.get(case_id)

    def case_history(self, case_id: str) -> tuple[CaseVersion, ...]:
        return self._engine.cases.history(case_id)

    def reported_by(self, case_id: str) -> tuple[ReportedBy, ...]:
        return self._engine.cases.origins(case_id)

    def files(self) -> tuple[tuple[str, int], ...]:
        return self._engine.cases.files()

    def changes(self, limit: int = 50, offset: int = 0) -> tuple[Change, ...]:
        return self._engine.cases.changes(limit, offset)

    def change_cases(
        self,
        kind: ChangeKind,
        states: Mapping[str, Case | None],
        *,
        actor: str,
        note: str = "",
        redirects: Mapping[str, str] | None = None,
        menus: Mapping[str, str] | None = None,
    ) -> Change:
        change = partial(self._engine.change_cases, kind, states, actor=actor, note=note)
        return self._portal.call(partial(change, redirects=redirects, menus=menus))

    def edit_case(self, edited: Case, actor: str, note: str = "") -> Change:
        return self._portal.call(self._engine.edit_case, edited, actor, note)

    def undo_effect(self, change_id: str) -> UndoEffect:
        return self._engine.cases.undo_effect(change_id)

    def undo_change(self, change_id: str, actor: str) -> Change:
        return self._portal.call(self._engine.undo_change, change_id, actor)

    def redo_change(self, change_id: str, actor: str) -> Change:
        return self._portal.call(self._engine.redo_change, change_id, actor)

    def pause_import(self, import_id: str) -> None:
        self._portal.call(self._engine.pause_import, import_id)

    def resume_import(self, import_id: str) -> None:
        self._portal.call(self._engine.resume_import, import_id)

    def menus(self) -> tuple[tuple[str, int], ...]:
        return self._engine.cases.menus()

    def remove_samples(self) -> int:
        return self._portal.call(self._engine.remove_samples)

    def restore_samples(self) -> int:
        return self._portal.call(self._engine.restore_samples)

    def search(self, text: str, top_k: int | None = None) -> SearchResult:
        return self._portal.call(self._engine.search, text, top_k)

    def performance(self) -> PerformanceStats:
        return self._engine.monitor.get_stats()

    def histograms(self) -> Mapping[str, HistogramFigures]:
        return self._engine.monitor.histograms()

    def costs(self, days: int = 7) -> CostReport:
        return self._engine.ledger.get_cost_breakdown(days)

    def calls(self, days: int = 30) -> Iterator[CallRecord]:
        """Every model call of the last `days` Jakarta days, oldest first."""
        return self._engine.ledger.calls(days)

    def cache_stats(self) -> CacheStats:
        return self._engine.cache_stats()

    def traces(self, days: int = 1, limit: int = 10_000) -> tuple[TurnTrace, ...]:
        return self._engine.recent_traces(days, limit)

    def write_shipped_vectors(self) -> int:
        return self._portal.call(self._engine.write_shipped_vectors)

    def export_rows(self) -> bytes:
        return self._engine.export_rows()


async def _pump(source: AsyncIterator[AnswerPart], parts: "queue.SimpleQueue[Any]") -> None:
    """Move the answer, or the error, from the loop to the page's thread; the end comes last, also when cancelled."""
    try:
        async for part in source:
            parts.put(part)
    except Exception as error:
        parts.put(error)
    finally:
        parts.put(_End())


def _drain(parts: "queue.SimpleQueue[Any]") -> None:
    """Wait for the end of a stream that nobody reads any more."""
    deadline = time.monotonic() + _STOP_SECONDS
    while not isinstance(_next(parts), _End) and time.monotonic() < deadline:
        pass


def _next(parts: "queue.SimpleQueue[Any]") -> Any:
    try:
        return parts.get(timeout=_STREAM_POLL_SECONDS)
    except queue.Empty:
        return ""
