"""What programs read, over HTTP and from `--json`: one shape for both. Changes with what others rely on.

Everything here is plain enough for JSON: what is not known is null, never zero; money is dollars as a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter

from sipd_core.cache import CacheStats
from sipd_core.chat.turn import AnsweredBy, EscalationReason, Intent, Turn, Verdict
from sipd_core.documents import Hit, IndexingProgress
from sipd_core.metrics import Latency, PerformanceStats
from sipd_core.status import EngineStatus
from sipd_core.usage import CostReport, UsageTotal

STATS_DAYS = 30
"""Days of the books among all figures."""


@dataclass(frozen=True, slots=True)
class SourceReply:
    """A case that an answer rests on, and the row it came from."""

    id: str
    menu: str
    issue: str
    remedy: str
    relevance: float
    file: str
    sheet: str | None
    row: int
    sample: bool


@dataclass(frozen=True, slots=True)
class EscalationReply:
    """Why a person must take over; no reasons: nobody must."""

    reasons: tuple[EscalationReason, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class ChatReply:
    """One answered message: the seven fields of the source document, and what they rest on."""

    response: str
    intent: Intent
    sentiment: float
    suggestions: tuple[str, ...]
    context_used: bool
    should_escalate: bool
    session_id: str
    verdict: Verdict
    relevance: float
    sources: tuple[SourceReply, ...]
    answered_by: AnsweredBy
    cost_usd: float | None
    timings_ms: Mapping[str, float]
    escalation: EscalationReply
    masked: Mapping[str, int]
    degraded: str | None
    model: str
    cited: tuple[str, ...]
    caution: str


@dataclass(frozen=True, slots=True)
class PerformanceReply:
    """How this process does, since it started; milliseconds, shares of one, percentages of the machine."""

    uptime_seconds: float
    total_requests: int
    requests_per_second: float
    total: Latency
    embedding: Latency
    search: Latency
    avg_response_time: float | None
    avg_embedding_time: float | None
    avg_search_time: float | None
    error_count: int
    error_rate: float | None
    errors_by_cause: Mapping[str, int]
    cache_hits: int
    cache_misses: int
    cache_hit_rate: float | None
    memory_usage_percent: float
    cpu_usage_percent: float
    process_memory_mb: float


@dataclass(frozen=True, slots=True)
class TotalReply:
    """The calls of one of Jakarta's days, operation and model; the cost is null when no price was known."""

    day: date
    operation: str
    model: str
    calls: int
    tokens: int
    cost_usd: float | None
    unknown_price_calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    estimated_calls: int
    failed_calls: int
    retries: int
    texts: int


@dataclass(frozen=True, slots=True)
class CostReply:
    """What was used and spent in the last `period_days` of Jakarta's days, today included."""

    period_days: int
    totals: tuple[TotalReply, ...]
    today_usd: float
    month_usd: float
    total_cost: float
    total_tokens: int
    unknown_price_calls: int
    by_operation: Mapping[str, float]
    by_model: Mapping[str, float]
    daily_budget_usd: float | None
    monthly_budget_usd: float | None
    usd_idr: float
    unknown_price_today: int
    unknown_price_month: int


@dataclass(frozen=True, slots=True)
class StatsReply:
    """The figures of the pages, in one piece."""

    performance: PerformanceReply
    cache: CacheStats
    knowledge: EngineStatus
    indexing: IndexingProgress
    cost: CostReply


def chat_reply(turn: Turn) -> ChatReply:
    """A turn as programs read it."""
    return _copied(
        ChatReply,
        turn,
        sentiment=round(turn.sentiment, 4),
        relevance=round(turn.relevance, 4),
        sources=tuple(map(source_reply, turn.sources)),
        timings_ms={name: round(value, 2) for name, value in turn.timings_ms.items()},
        escalation=EscalationReply(turn.escalation.reasons, turn.escalation.explanation),
    )


def source_reply(hit: Hit) -> SourceReply:
    """A case that was found."""
    return _copied(SourceReply, hit.case, relevance=round(hit.relevance, 4))


def performance_reply(stats: PerformanceStats) -> PerformanceReply:
    """The live figures without the series behind them, which is for charts."""
    return _copied(PerformanceReply, stats)


def cost_reply(report: CostReport) -> CostReply:
    """The books of a period."""
    return _copied(CostReply, report, totals=tuple(map(_total, report.totals)))


class Figures(Protocol):
    """Who can be asked for all figures; the engine's calls do."""

    def performance(self) -> PerformanceStats: ...
    def cache_stats(self) -> CacheStats: ...
    def status(self) -> EngineStatus: ...
    def indexing(self) -> IndexingProgress: ...
    def costs(self, days: int) -> CostReport: ...


def stats_reply(figures: Figures) -> StatsReply:
    """All figures of this moment, the books of the last thirty days."""
    return StatsReply(
        performance_reply(figures.performance()),
        figures.cache_stats(),
        figures.status(),
        figures.indexing(),
        cost_reply(figures.costs(STATS_DAYS)),
    )


def as_json(value: Any) -> dict[str, Any]:
    """One of these replies, or any other dataclass of plain values, as what `json` writes."""
    kind: Any = type(value)  # to mypy a type itself is not hashable
    plain: dict[str, Any] = shape(kind).dump_python(value, mode="json")
    return plain


@cache
def shape(kind: Any) -> TypeAdapter[Any]:
    """What writes values of this type."""
    return TypeAdapter(kind)


def _total(total: UsageTotal) -> TotalReply:
    known = total.unknown_price_calls < total.calls
    return _copied(TotalReply, total, cost_usd=float(total.cost_usd) if known else None)


Reply = TypeVar("Reply")


def _copied(kind: type[Reply], source: Any, **changes: Any) -> Reply:
    """A reply with the fields of the same name, money as numbers, but for `changes`."""
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: changes[name] if name in changes else _number(getattr(source, name)) for name in names})


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return {name: _number(inner) for name, inner in value.items()} if isinstance(value, dict) else value
