"""The words of one chat turn. One reason to change: what a turn tells the person and the books."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sipd_core.documents import Hit


class Verdict(StrEnum):
    """What the knowledge base has to say, decided on the calibrated relevance."""

    FOUND = "found"
    PARTIAL = "partial"
    NOT_FOUND = "not_found"


class Intent(StrEnum):
    """The seven classes of the help desk, and `error` for a turn that failed."""

    LOGIN_ISSUE = "login_issue"
    DPA_ISSUE = "dpa_issue"
    LAPORAN_ISSUE = "laporan_issue"
    TECHNICAL_ISSUE = "technical_issue"
    GENERAL_INQUIRY = "general_inquiry"
    COMPLAINT = "complaint"
    FEATURE_REQUEST = "feature_request"
    ERROR = "error"


class EscalationReason(StrEnum):
    """Why a person must take over."""

    VERY_NEGATIVE = "very_negative"
    REPEATED_COMPLAINT = "repeated_complaint"
    STILL_UNSOLVED = "still_unsolved"
    WANTS_PERSON = "wants_person"
    MONEY_AT_RISK = "money_at_risk"
    DATA_AT_RISK = "data_at_risk"
    SECURITY = "security"
    BY_OPERATOR = "by_operator"


@dataclass(frozen=True, slots=True)
class Escalation:
    """The policy's decision: whether to escalate, and every reason for it."""

    reasons: tuple[EscalationReason, ...] = ()
    explanation: str = ""
    """The reasons in Indonesian words, empty when there is none."""

    @property
    def needed(self) -> bool:
        return bool(self.reasons)


class AnsweredBy(StrEnum):
    """Who wrote the answer."""

    LOCAL = "local"
    HOSTED = "hosted"
    CACHE = "cache"
    APPROVED = "approved"
    """A person: the answer was approved for this question before."""


PREPARING = "Preparing"


@dataclass(frozen=True, slots=True)
class Impairment:
    """Why answers are not as good as they could be."""

    said: str
    """In Indonesian."""
    problem: str
    """Class of the error behind it, or PREPARING while the console starts."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The approved answer that was served instead of a new one."""

    id: str
    actor: str
    """Who approved it last."""
    at: datetime
    """When that was; timezone-aware, UTC."""
    question: str
    """The question it was approved for, masked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answered message: the seven fields of the source document's `process_message`, and what they rest on."""

    response: str
    intent: Intent
    sentiment: float
    """-1 (very negative) .. 1 (very positive)."""
    suggestions: tuple[str, ...]
    """Next steps, the most fitting first."""
    context_used: bool
    """True only when at least one case was used for the answer."""
    should_escalate: bool
    session_id: str
    turn_id: str
    verdict: Verdict
    relevance: float
    sources: tuple[Hit, ...]
    escalation: Escalation
    answered_by: AnsweredBy = AnsweredBy.LOCAL
    for_caller: str = ""
    """What the operator can send on as it stands: the steps, without notes, sources and our own words."""
    ask_caller: tuple[str, ...] = ()
    """Of the suggestions, those to check or ask with the caller; the others are complaints to look up instead."""
    searched: bool = True
    """False for a greeting or thanks: nothing was asked, so the verdict means nothing."""
    masked: Mapping[str, int] = field(default_factory=dict)
    """Kind of masked data -> how many were masked in the message."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Stage -> milliseconds; `total` is the whole turn."""
    cost_usd: float | None = 0.0
    """Of the calls that wrote the answer. None when the price is not known; 0.0 is a true zero (local work, cache)."""
    degraded: str | None = None
    """Why a part was not available, in Indonesian, None when all worked."""
    model: str = ""
    """The hosted model that wrote the answer, empty when none did."""
    cited: tuple[str, ...] = ()
    """Ids of the cases that a hosted answer refers to, all of them among `sources`."""
    caution: str = ""
    """What to check before a hosted answer is passed on, in Indonesian; empty when its references are in order."""
    problem: str | None = None
    """Class of the error behind `degraded`."""
    stopped: bool = False
    """The person stopped the answer: `response` is what had come by then."""
    cut: bool = False
    """The model stopped at its length limit."""
    approval: Approval | None = None
    """Set when a person's approved answer was served."""

    @property
    def can_go_on(self) -> bool:
        """A model wrote it and did not get to its end."""
        return bool(self.model) and (self.cut or self.stopped)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """In a stream of pieces: what was shown so far does not stand, another answer follows."""


AnswerPart = str | Withdrawn | Turn
"""A piece of the answer, its withdrawal, or at last the whole turn."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said of one answer."""

    helpful: bool
    reason: str = ""


class VersionKind(StrEnum):
    """How a further version of an answer came about."""

    EDITED = "edited"
    REGENERATED = "regenerated"
    CONTINUED = "continued"


@dataclass(frozen=True, slots=True)
class AnswerVersion:
    """An answer as it was written anew; the first one stays beside it."""

    seq: int
    """1, 2, … within its exchange."""
    at: datetime
    """Timezone-aware, UTC."""
    actor: str
    kind: VersionKind
    turn: Turn


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with its answer, as stored: texts are masked."""

    at: datetime
    """Timezone-aware, UTC."""
    message: str
    turn: Turn
    """The answer as it was given first; its id is the exchange's."""
    feedback: Feedback | None = None
    versions: tuple[AnswerVersion, ...] = ()
    """Oldest first."""
    chosen: int = 0
    """Number of the version that counts; 0: the first answer."""

    @property
    def version(self) -> AnswerVersion | None:
        """The version that counts; None: the first answer."""
        return next((version for version in self.versions if version.seq == self.chosen), None)

    @property
    def answer(self) -> Turn:
        """The answer that counts: it is shown, copied, handed over."""
        return self.version.turn if self.version else self.turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation with every exchange, oldest first."""

    id: str
    title: str
    """The first message, shortened."""
    exchanges: tuple[Exchange, ...] = ()
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """One line of the conversation list."""

    id: str
    title: str
    updated_at: datetime
    """Timezone-aware, UTC."""
    turns: int
    escalated: bool
    last_verdict: Verdict | None
