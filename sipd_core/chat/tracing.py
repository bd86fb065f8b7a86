"""What a turn leaves for those who look after the console. One reason to change: what they are to see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sipd_core.chat.answering import Writing
from sipd_core.chat.drafting import Draft, since
from sipd_core.chat.turn import AnsweredBy, Turn
from sipd_core.errors import root_cause
from sipd_core.store.traces import OK, STOPPED, Mode, TurnTrace

__all__ = ["STOPPED", "TraceHead", "answered", "broken", "continued"]

_MODES = {
    AnsweredBy.LOCAL: Mode.LOCAL,
    AnsweredBy.HOSTED: Mode.HOSTED,
    AnsweredBy.CACHE: Mode.CACHE,
    AnsweredBy.APPROVED: Mode.APPROVED,
}


@dataclass(frozen=True, slots=True)
class TraceHead:
    """What is known of a turn before anything is done for it."""

    turn_id: str
    session_id: str
    started: float
    """By `time.perf_counter`."""


def answered(draft: Draft, writing: Writing, turn: Turn, at: datetime) -> TurnTrace:
    """The trace of a turn that has an answer, be it one that was stopped."""
    return TurnTrace(
        turn_id=turn.turn_id,
        session_id=turn.session_id,
        at=at,
        outcome=STOPPED if turn.stopped else OK,
        mode=Mode.DEGRADED if turn.degraded else _MODES[turn.answered_by],
        degraded=turn.problem if turn.degraded else None,
        verdict=turn.verdict if turn.searched else None,
        relevance=turn.relevance if turn.searched else None,
        timings_ms=_measured(draft, turn.timings_ms),
        usage=writing.usage,
        cost_usd=writing.cost,
        embedding_cache=draft.found.origin if draft.found and draft.kept is None else None,
        answer_cached=draft.kept is not None,
        retries=writing.retries,
        escalated=turn.should_escalate,
        model=turn.model,
    )


def broken(head: TraceHead, at: datetime, outcome: str, draft: Draft | None, writing: Writing) -> TurnTrace:
    """The trace of a turn that ended without an answer, with whatever had been done for it by then."""
    total = {"total": since(head.started)}
    return TurnTrace(
        turn_id=head.turn_id,
        session_id=head.session_id,
        at=at,
        outcome=outcome,
        mode=Mode.HOSTED if writing.model else Mode.LOCAL,
        timings_ms=total if draft is None else _measured(draft, draft.timings) | total,
        usage=writing.usage,
        cost_usd=writing.cost,
        embedding_cache=draft.found.origin if draft and draft.found and draft.kept is None else None,
        retries=writing.retries,
        model=writing.model,
    )


def continued(
    turn_id: str, session_id: str, at: datetime, turn: Turn, writing: Writing, *, outcome: str = OK
) -> TurnTrace:
    """The trace of an answer that was gone on with: what the rest cost, and nothing was searched for it."""
    return TurnTrace(
        turn_id=turn_id,
        session_id=session_id,
        at=at,
        outcome=outcome,
        mode=Mode.DEGRADED if writing.degraded else Mode.HOSTED,
        degraded=root_cause(writing.problems[0]) if writing.problems and writing.degraded else None,
        timings_ms=turn.timings_ms if outcome == OK else {},
        usage=writing.usage,
        cost_usd=writing.cost,
        retries=writing.retries,
        model=writing.model,
    )


def _measured(draft: Draft, timings: Mapping[str, float]) -> dict[str, float]:
    """Small talk and kept answers look for nothing: no time at all would pass for a very short one."""
    searched = draft.found is not None and draft.kept is None
    return {stage: took for stage, took in timings.items() if searched or stage not in ("embed", "search")}
