"""When a person must take over. One reason to change: the escalation policy.

The policy is pure: `decide` gets what the conversation has come to and what the new message shows, and gives the
decision with its explanation and the new state. The state is small and can be stored or rebuilt by folding `decide`
over the user's messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sipd_core.chat.signals import Signals
from sipd_core.chat.turn import Escalation, EscalationReason
from sipd_core.texts import text

_GRAVE = frozenset(
    (
        EscalationReason.MONEY_AT_RISK,
        EscalationReason.DATA_AT_RISK,
        EscalationReason.SECURITY,
        EscalationReason.VERY_NEGATIVE,
    )
)
HOLD = frozenset((EscalationReason.MONEY_AT_RISK, EscalationReason.DATA_AT_RISK, EscalationReason.SECURITY))
"""What must not be made worse by trying a remedy that only looks alike."""
_ANGRY_FROM = 2
_STANDS_ALONE_FROM = 4
"""Words; a shorter message ("gimana dong", "tolong cepat") can only speak of the matter at hand."""


@dataclass(frozen=True, slots=True)
class EscalationSettings:
    """The figures of the policy."""

    sentiment_threshold: float = -0.6
    """Sentiment at or below it is very negative (ESCALATION_SENTIMENT_THRESHOLD, -1..0)."""
    max_failed_attempts: int = 3
    """The failed attempt that escalates (MAX_FAILED_ATTEMPTS)."""
    same_problem_from: float = 0.5
    """Probability from which a message may speak of the current problem, where a number is given."""

    @property
    def wordless_threshold(self) -> float:
        """Halfway between the threshold and -1, for messages without a word of anger.

        Fault reports in harsh words are often read as very negative: of the 13 calm messages among 394 labelled turns
        and 300 cases and questions that the sentiment model put at or below -0.6, 11 lay above -0.8.
        """
        return (self.sentiment_threshold - 1) / 2


@dataclass(frozen=True, slots=True)
class ConversationState:
    """What the conversation has come to on its current problem."""

    turns: int = 0
    """User turns on this problem, small talk not counted."""
    failed_attempts: int = 0
    open_reasons: tuple[EscalationReason, ...] = ()
    """Why this matter was handed over; empty once it is solved or the topic changes."""
    topics: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """A mapping of plain values for the store."""
        return {
            "turns": self.turns,
            "failed_attempts": self.failed_attempts,
            "open_reasons": [reason.value for reason in self.open_reasons],
            "topics": sorted(self.topics),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ConversationState":
        """The state that `as_json` wrote; raises KeyError or ValueError for anything else."""
        return cls(
            turns=int(stored["turns"]),
            failed_attempts=int(stored["failed_attempts"]),
            open_reasons=tuple(EscalationReason(name) for name in stored["open_reasons"]),
            topics=frozenset(stored["topics"]),
        )


def decide(
    state: ConversationState,
    now: Signals,
    *,
    sentiment: float,
    same_problem: bool | float | None,
    settings: EscalationSettings,
) -> tuple[Escalation, ConversationState]:
    """Whether this turn needs a person, why, and what the conversation has come to.

    `sentiment` is -1..1. `same_problem` says whether the message speaks of the current problem, or how probable that
    is (0..1); None when unknown. Not a raw cosine: measured against the opening message of 97 dialogues, the bundled
    model gives 0.77-0.91 for the same problem and 0.81-0.90 for another. Messages that say that something still fails,
    or are too short to name a problem, are always read as the current one.
    """
    if now.small_talk:
        return Escalation(), state
    before = ConversationState() if _topic_changed(state, now, same_problem, settings) else state
    failed = _is_failed_attempt(before, now)
    attempts = before.failed_attempts + failed
    unsolved = failed and attempts >= settings.max_failed_attempts
    fresh = _fresh_reasons(now, unsolved, sentiment, settings)
    kept = tuple(reason for reason in _kept_open(before, now) if reason not in fresh)
    reasons = tuple(reason for reason in EscalationReason if reason in fresh or reason in kept)
    after = _next_state(before, now, attempts, reasons)
    return Escalation(reasons, _explain(fresh, kept, attempts)), after


def is_for_a_person(now: Signals) -> bool:
    """Whether a message by itself goes to a person instead of being answered, whatever the base or an approved answer says."""
    reasons = _fresh_reasons(now, unsolved=False, sentiment=0.0, settings=EscalationSettings())
    return now.wants_person or not HOLD.isdisjoint(reasons)


def _topic_changed(
    state: ConversationState, now: Signals, same_problem: bool | float | None, settings: EscalationSettings
) -> bool:
    if state.turns == 0 or now.still_unsolved:
        return False
    if now.new_topic:
        return True
    if now.words < _STANDS_ALONE_FROM or same_problem is True or state.topics & now.topics:
        return False
    if now.how_to:
        return True
    improbable = same_problem is not None and same_problem < settings.same_problem_from
    return not now.tried and _leaves(state, now, improbable=improbable)


def _leaves(state: ConversationState, now: Signals, *, improbable: bool) -> bool:
    """Whether a message that shares no topic speaks of another problem; what was handed over takes more to leave."""
    named = bool(now.topics)
    if improbable and (named or not state.open_reasons):
        return True
    grave = not _GRAVE.isdisjoint(state.open_reasons)
    return named and bool(state.topics) and not (now.question or grave)


def _is_failed_attempt(state: ConversationState, now: Signals) -> bool:
    """Opening a problem is no attempt, nor are the details that a vague opening is asked for."""
    if state.turns == 0 or now.solved:
        return False
    if now.still_unsolved:
        return True
    if now.thanks:
        return False
    asked_for_details = state.turns == 1 and not state.topics
    return (now.failure or now.tried) and not (now.question or now.told_message or asked_for_details)


def _fresh_reasons(
    now: Signals, unsolved: bool, sentiment: float, settings: EscalationSettings
) -> tuple[EscalationReason, ...]:
    at_risk = not now.recovered
    content = now.solved or now.thanks or now.calms
    negative = sentiment <= (settings.sentiment_threshold if now.anger else settings.wordless_threshold)
    shown = {
        EscalationReason.VERY_NEGATIVE: now.anger >= _ANGRY_FROM or (negative and not content),
        EscalationReason.REPEATED_COMPLAINT: now.repeated_report and not now.solved,
        EscalationReason.STILL_UNSOLVED: unsolved,
        EscalationReason.WANTS_PERSON: now.wants_person,
        EscalationReason.MONEY_AT_RISK: now.money_at_risk and at_risk,
        EscalationReason.DATA_AT_RISK: now.data_at_risk and at_risk,
        EscalationReason.SECURITY: now.security and at_risk,
    }
    return tuple(reason for reason, holds in shown.items() if holds)


def _kept_open(state: ConversationState, now: Signals) -> tuple[EscalationReason, ...]:
    """What was handed over stays so until it is solved; the lighter reasons do not outlive a question of its own."""
    if now.solved or now.recovered or now.declines_person:
        return ()
    calm = now.calms and now.anger < _ANGRY_FROM
    short = now.words < _STANDS_ALONE_FROM and not now.thanks
    pressing = now.pressing or now.still_unsolved or short or not (now.question or now.thanks)
    return tuple(
        reason
        for reason in state.open_reasons
        if (reason in _GRAVE or pressing) and not (calm and reason is EscalationReason.VERY_NEGATIVE)
    )


def _next_state(
    before: ConversationState, now: Signals, attempts: int, reasons: tuple[EscalationReason, ...]
) -> ConversationState:
    settled = now.solved or now.recovered or now.declines_person
    if settled and not reasons:
        return ConversationState()
    open_reasons = _lasting(reasons, before, now) or (before.open_reasons if now.question else ())
    return replace(
        before,
        turns=before.turns + 1,
        failed_attempts=attempts,
        open_reasons=open_reasons,
        topics=before.topics | now.topics,
    )


def _lasting(
    reasons: tuple[EscalationReason, ...], before: ConversationState, now: Signals
) -> tuple[EscalationReason, ...]:
    """All reasons but a negative mood read from the sentiment alone: that one counts for its own turn only."""
    mood = EscalationReason.VERY_NEGATIVE
    if now.anger or mood in before.open_reasons:
        return reasons
    return tuple(reason for reason in reasons if reason is not mood)


def _explain(fresh: tuple[EscalationReason, ...], kept: tuple[EscalationReason, ...], attempts: int) -> str:
    sentences = [text(f"escalation.{reason.value}", attempts=attempts) for reason in fresh]
    if kept and not fresh:
        matters = ", ".join(text(f"escalation.matter_{reason.value}", attempts=attempts) for reason in kept)
        sentences.append(text("escalation.still_open", matters=matters))
    return " ".join(sentences)
