"""An answer that was cut or stopped, gone on with by the model: the parts join to one.

One reason to change: how the rest of an answer is asked for and put to what is there.
"""

import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import anyio
from anyio import to_thread

from sipd_core.chat.answering import Answerer, Writing
from sipd_core.chat.citations import check, without_marks
from sipd_core.chat.prompts import Brief
from sipd_core.chat.tracing import STOPPED, TraceHead, continued
from sipd_core.chat.turn import AnsweredBy, AnswerPart, Turn, VersionKind, Withdrawn
from sipd_core.errors import ApprovalError
from sipd_core.metrics import PerformanceMonitor
from sipd_core.privacy import mask
from sipd_core.store.answer_versions import AnswerVersionStore
from sipd_core.store.conversations import Asked, ConversationStore
from sipd_core.store.traces import TraceStore
from sipd_core.texts import text

_LIST_LINE = re.compile(r"(?:\d{1,3}[.)]|[-*•])\s")
_LONGEST_REPEAT = 200
_SHORTEST_REPEAT = 4
"""Characters of whole words at a seam that both parts may hold: a model likes to say its last words once more."""


class Continuer:
    """Lets a hosted model write the rest; every call is booked and traced like that of a turn."""

    def __init__(
        self,
        store: ConversationStore,
        versions: AnswerVersionStore,
        traces: TraceStore,
        *,
        monitor: PerformanceMonitor,
        answerer: Answerer | None,
        history: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`answerer` is None where no provider is set, `history` the exchanges that a model is told."""
        self._store = store
        self._versions = versions
        self._traces = traces
        self._monitor = monitor
        self._answerer = answerer
        self._history = history
        self._clock = clock

    async def go_on(self, turn_id: str) -> AsyncIterator[AnswerPart]:
        """What is there, the rest in pieces, then the whole Turn, which is durable when it comes.

        Raises ApprovalError when there is nothing to go on with, ProviderError, BudgetExceededError, StoreError. A
        caller who leaves keeps what had come.
        """
        head = TraceHead(uuid.uuid4().hex, "", time.perf_counter())
        there = await to_thread.run_sync(self._store.before, turn_id, self._history)
        begun = there.exchange.answer
        if self._answerer is None or not begun.can_go_on:
            raise ApprovalError("nothing to go on with", text_key="approved.error.whole")
        so_far, writing = _whole_words(begun.response), Writing()
        yield so_far
        brief = Brief(there.exchange.message, begun.verdict, begun.sources, there.history)
        first = True
        try:
            async for part in self._answerer.go_on(brief, so_far, there.session_id, writing):
                yield part if isinstance(part, Withdrawn) or not first else _seam(so_far, part) + part
                first = isinstance(part, Withdrawn)
                if first:
                    yield so_far
            turn = self._written(there, so_far, writing, head)
            await to_thread.run_sync(self._keep, turn_id, turn, writing, there.session_id)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._keep_part, turn_id, there, so_far, writing, head)
            raise
        except Exception as error:
            self._monitor.record_error(type(error).__name__)
            failed = continued(head.turn_id, there.session_id, self._now(), begun, writing, outcome=type(error).__name__)
            await to_thread.run_sync(self._traces.add, failed)
            raise
        yield turn

    def _written(self, there: Asked, so_far: str, writing: Writing, head: TraceHead, *, stopped: bool = False) -> Turn:
        """The answer as it stands once the rest is there."""
        begun = there.exchange.answer
        checked = check(joined(so_far, writing.text), begun.sources)
        cut = writing.cut and not stopped
        response = mask(checked.text + (text("answer.cut_model") if cut else "")).text
        known = None if begun.cost_usd is None or writing.cost is None else begun.cost_usd + float(writing.cost)
        cited = tuple(begun.sources[number - 1].case.id for number in checked.cited)
        return replace(
            begun,
            turn_id=head.turn_id,
            response=response,
            for_caller=without_marks(response),
            answered_by=AnsweredBy.HOSTED,
            model=writing.model,
            cited=cited,
            context_used=bool(cited),
            caution="" if stopped else checked.caution,
            cost_usd=known,
            timings_ms={"total": (time.perf_counter() - head.started) * 1000},
            degraded=writing.degraded,
            cut=cut,
            stopped=stopped,
        )

    def _keep(self, turn_id: str, turn: Turn, writing: Writing, session_id: str) -> None:
        outcome = {"outcome": STOPPED} if turn.stopped else {}
        trace = continued(turn.turn_id, session_id, self._now(), turn, writing, **outcome)
        self._versions.add(turn_id, VersionKind.CONTINUED, turn, trace=trace)

    def _keep_part(self, turn_id: str, there: Asked, so_far: str, writing: Writing, head: TraceHead) -> None:
        """Nothing that a person has read is lost; without a word of the rest there is nothing to keep but the trace."""
        if writing.text.strip():
            self._keep(turn_id, self._written(there, so_far, writing, head, stopped=True), writing, there.session_id)
        else:
            begun = there.exchange.answer
            trace = continued(head.turn_id, there.session_id, self._now(), begun, writing, outcome=STOPPED)
            self._traces.add(trace)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), tz=UTC)


def joined(so_far: str, rest: str) -> str:
    """One text of two parts, with what both hold at the seam said once."""
    rest = rest.strip()
    for length in range(min(_LONGEST_REPEAT, len(so_far), len(rest)), _SHORTEST_REPEAT - 1, -1):
        if so_far.endswith(rest[:length]) and _is_whole(so_far[-length - 1 : -length], rest[length : length + 1]):
            rest = rest[length:].lstrip()
            break
    return so_far + _seam(so_far, rest) + rest


def _is_whole(before: str, after: str) -> bool:
    """Whether what stands between these two characters, if there are any, is made of whole words."""
    return not (before.isalnum() or after.isalnum())


def _whole_words(response: str) -> str:
    """What is written, without our own mark at its end and without a word that may be half."""
    mark = text("answer.cut_model")
    bare = response.removesuffix(mark).rstrip()
    if bare.endswith((".", "!", "?", ":", ";", "]", ")")):
        return bare
    whole, space, _ = bare.rpartition(" ")
    return whole.rstrip() if space else bare


def _seam(so_far: str, rest: str) -> str:
    """What stands between two parts: a new line before a step, else a space."""
    if not so_far or not rest or rest[:1].isspace() or rest[:1] in ".,;:!?)":
        return ""
    return "\n" if _LIST_LINE.match(rest) else " "
