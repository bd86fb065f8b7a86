"""One turn from message to answer: drafted, written by whoever can, remembered, and only then acknowledged."""

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import anyio
from anyio import to_thread

from sipd_core.chat.answer_cache import AnswerCache, KeptAnswer
from sipd_core.chat.answering import Answerer, Writing
from sipd_core.chat.citations import check, without_marks
from sipd_core.chat.drafting import Draft, Drafter, since
from sipd_core.chat.tracing import STOPPED, TraceHead, answered, broken
from sipd_core.chat.turn import AnsweredBy, AnswerPart, Turn, VersionKind
from sipd_core.errors import MessageError, SipdError, root_cause
from sipd_core.metrics import PerformanceMonitor
from sipd_core.privacy import mask
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.traces import TraceStore, TurnTrace
from sipd_core.texts import text

log = logging.getLogger(__name__)

_CHUNK = 160
"""Characters handed to the page at a time: the composed answer is whole at once, the page draws it in a few steps."""


class ConversationEngine:
    """Answers messages. Everything it embeds, stores or logs is masked first."""

    def __init__(
        self,
        drafter: Drafter,
        store: ConversationStore,
        traces: TraceStore,
        versions: AnswerVersionStore,
        *,
        monitor: PerformanceMonitor,
        answerer: Answerer | None = None,
        kept_answers: AnswerCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`answerer` is None where no provider is set, `kept_answers` where none are kept."""
        self._drafter = drafter
        self._store = store
        self._traces = traces
        self._versions = versions
        self._monitor = monitor
        self._answerer = answerer
        self._kept_answers = kept_answers
        self._clock = clock

    async def answer(self, message: str, session_id: str, *, instead_of: str = "") -> AsyncIterator[AnswerPart]:
        """The answer in pieces, then the Turn, which is durable when it comes. Raises MessageError, StoreError.

        A caller who leaves in mid-answer cancels the model's work; what had come by then is stored. `instead_of`: the
        message has this answer already, and gets a further version of it.
        """
        started = time.perf_counter()
        head = TraceHead(uuid.uuid4().hex, session_id, started)
        writing = Writing()
        draft: Draft | None = None
        try:
            draft = await self._drafter.draft(message, session_id, head.turn_id, instead_of=instead_of)
            async for part in self._write(draft, writing, started):
                yield part
            turn = _written(draft, writing, started)
            await to_thread.run_sync(self._remember, draft, writing, turn, instead_of)
        except MessageError:
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._keep_partial, head, draft, writing, instead_of)
            raise
        except Exception as error:
            self._monitor.record_error(type(error).__name__)
            await to_thread.run_sync(self._note, broken(head, self._now(), type(error).__name__, draft, writing))
            raise
        self._keep_for_others(draft, writing, turn)
        timings = turn.timings_ms
        self._monitor.record_response_time(
            timings["total"],
            embedding=timings["embed"],
            search=timings["search"],
            first_token=timings.get("first_token"),
        )
        yield turn

    async def _write(self, draft: Draft, writing: Writing, started: float) -> AsyncIterator[AnswerPart]:
        if draft.kept is not None:
            writing.text, writing.model = draft.kept.response, draft.kept.model
        elif draft.brief is None or self._answerer is None:
            writing.text = draft.whole[0].response
        else:
            async for part in self._answerer.write(draft.brief, draft.local, draft.session_id, writing):
                draft.timings.setdefault("first_token", since(started))
                yield part
            return
        draft.timings["first_token"] = since(started)
        for start in range(0, len(writing.text), _CHUNK):
            yield writing.text[start : start + _CHUNK]

    def _keep_partial(self, head: TraceHead, draft: Draft | None, writing: Writing, instead_of: str) -> None:
        """Nothing that a person has read is lost; before the first word there is nothing to keep but the trace."""
        if draft is not None and writing.text.strip():
            turn = replace(_written(draft, writing, head.started), stopped=True, caution="")
            self._remember(draft, writing, turn, instead_of)
        else:
            self._note(broken(head, self._now(), STOPPED, draft, writing))

    def _keep_for_others(self, draft: Draft, writing: Writing, turn: Turn) -> None:
        """A whole hosted answer with its references in order, to a first question."""
        if self._kept_answers is None or draft.state is None or draft.found is None or draft.kept is not None:
            return
        if writing.model and writing.whole and not (turn.caution or turn.degraded):
            kept = KeptAnswer(draft.found, turn.response, turn.cited, turn.model)
            self._kept_answers.put(draft.masked.text, draft.state, kept)

    def _remember(self, draft: Draft, writing: Writing, turn: Turn, instead_of: str) -> None:
        trace = answered(draft, writing, turn, self._now())
        if not instead_of:
            self._store.add(draft.masked.text, turn, draft.whole[1].to_json(), trace)
        elif self._is_new(instead_of, turn):
            chosen = not turn.stopped
            self._versions.add(instead_of, VersionKind.REGENERATED, turn, trace=trace, chosen=chosen)
        else:
            self._note(trace)

    def _is_new(self, turn_id: str, turn: Turn) -> bool:
        """Whether no version of the answer says the same already."""
        there = self._store.before(turn_id, 0).exchange
        return turn.response not in {there.turn.response, *(version.turn.response for version in there.versions)}

    def _note(self, trace: TurnTrace) -> None:
        """A turn without an answer leaves a trace too, unless the store itself is what failed."""
        try:
            self._traces.add(trace)
        except SipdError as error:
            log.error("the trace of a turn without an answer could not be kept: %s", error)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)


def _written(draft: Draft, writing: Writing, started: float) -> Turn:
    """The turn as it stands once its words are there."""
    turn = draft.whole[0]
    turn = replace(turn, timings_ms=draft.timings | {"total": since(started)})
    if draft.kept is not None:
        return _hosted(turn, draft.kept.response, AnsweredBy.CACHE, draft.kept.model, draft.kept.cited, "")
    degraded = _both(turn.degraded, writing.degraded)
    problem = root_cause(writing.problems[0]) if writing.problems else turn.problem
    turn = replace(turn, cost_usd=_dollars(writing), degraded=degraded, problem=problem)
    if not writing.model:
        return turn
    checked = check(writing.text, turn.sources)
    response = mask(checked.text + (text("answer.cut_model") if writing.cut else "")).text
    cited = tuple(turn.sources[number - 1].case.id for number in checked.cited)
    written = _hosted(turn, response, AnsweredBy.HOSTED, writing.model, cited, checked.caution)
    return replace(written, cut=writing.cut)


def _hosted(turn: Turn, response: str, by: AnsweredBy, model: str, cited: tuple[str, ...], caution: str) -> Turn:
    return replace(
        turn,
        response=response,
        for_caller=without_marks(response),
        answered_by=by,
        model=model,
        cited=cited,
        context_used=bool(cited),
        caution=caution,
    )


def _dollars(writing: Writing) -> float | None:
    return None if writing.cost is None else float(writing.cost)


def _both(one: str | None, other: str | None) -> str | None:
    return " ".join(said for said in (other, one) if said) or None
