"""The figures as Prometheus collects them: read from the trackers when they are asked for, in a registry of our own.

Units stand in the names. What nobody counts, or is not known, is left out: a missing series says so, a zero would not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sipd_core.status import Condition
from sipd_core.tally import HistogramFigures
from sipd_core.usage import UsageTotal

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

_STAGES = {
    "response": ("turn_duration", "Time of an answered turn"),
    "first_token": ("turn_first_token", "Time to the first word of an answer"),
    "embedding": ("query_embedding_duration", "Time of a question's embedding, cached or not"),
    "search": ("search_duration", "Time of a search, embedding not included"),
}
Ended = Mapping[tuple[str, str, int], int]
Lasted = Mapping[tuple[str, str], HistogramFigures]


def exposition(engine: "BlockingEngine", ended: Ended, lasted: Lasted, accept: str) -> tuple[bytes, str]:
    """(body, content type) in the format that suits `accept`; raises StoreError when the books cannot be read."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures([*_of_turns(engine), *_of_base(engine), *_of_books(engine), *_of_http(ended, lasted)]))
    ProcessCollector(registry=registry)
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


class _Figures(Collector):
    """What was read a moment ago."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_turns(engine: "BlockingEngine") -> Iterator[Metric]:
    """Of this process since it started; nothing when TRACK_PERFORMANCE_METRICS is off."""
    histograms = engine.histograms()
    stats = engine.performance()
    yield _gauge("sipd_uptime_seconds", "Seconds since the engine started", stats.uptime_seconds)
    yield _gauge("sipd_machine_memory_usage_ratio", "Memory in use on the machine", stats.memory_usage_percent / 100)
    yield _gauge("sipd_machine_cpu_usage_ratio", "Load of the machine's processors", stats.cpu_usage_percent / 100)
    if not histograms:
        return
    for stage, (name, told) in _STAGES.items():
        family = HistogramMetricFamily(f"sipd_{name}_seconds", told)
        _add_histogram(family, [], histograms[stage])
        yield family
    errors = CounterMetricFamily("sipd_turn_errors", "Turns that failed, by cause", labels=["cause"])
    for cause, count in sorted(stats.errors_by_cause.items()):
        errors.add_metric([cause], count)
    yield errors
    yield CounterMetricFamily("sipd_turns", "Turns, failed ones included", stats.total_requests)
    lookups = CounterMetricFamily("sipd_embedding_lookups", "Embeddings asked of the cache", labels=["result"])
    lookups.add_metric(["hit"], stats.cache_hits)
    lookups.add_metric(["miss"], stats.cache_misses)
    yield lookups


def _of_base(engine: "BlockingEngine") -> Iterator[Metric]:
    """What is there now."""
    status, cache, indexing = engine.status(), engine.cache_stats(), engine.indexing()
    yield _gauge("sipd_ready", "1 when questions can be answered", float(not status.preparing))
    parts = GaugeMetricFamily("sipd_part_up", "1 when a part in use works as it should", labels=["part"])
    for one in engine.vitals.look():
        if one.condition is not Condition.OFF:
            parts.add_metric([one.part], float(one.condition is Condition.OK))
    yield parts
    alerts = GaugeMetricFamily("sipd_alert_open", "1 while an alert is open", labels=["rule"])
    for watched in engine.alerts.watched():
        if watched.standing is not None:
            alerts.add_metric([watched.rule.kind], float(bool(watched.standing.incident)))
    yield alerts
    yield _gauge("sipd_cases", "Cases that are searched", status.cases)
    yield _gauge("sipd_cases_with_remedy", "Cases with a remedy", status.cases_with_remedy)
    yield _gauge("sipd_cases_waiting", "Cases that wait for their vectors", max(indexing.total - indexing.done, 0))
    entries = GaugeMetricFamily("sipd_embedding_cache_entries", "Embeddings that are kept", labels=["place"])
    entries.add_metric(["memory"], cache.cache_size)
    entries.add_metric(["durable"], cache.durable_entries)
    yield entries
    size = GaugeMetricFamily("sipd_embedding_cache_bytes", "Size of the embeddings that are kept", labels=["place"])
    size.add_metric(["memory"], cache.memory_usage_mb * 2**20)
    size.add_metric(["durable"], cache.durable_mb * 2**20)
    yield size


def _of_books(engine: "BlockingEngine") -> Iterator[Metric]:
    """Of all processes together, for Jakarta's day and month."""
    report = engine.costs(1)
    yield _money("sipd_cost_usd", "Dollars of calls whose price is known", report.today_usd, report.month_usd)
    unpriced = report.unknown_price_today, report.unknown_price_month
    yield _money("sipd_unknown_price_calls", "Calls whose price is not known", *unpriced)
    budgets = GaugeMetricFamily("sipd_budget_usd", "Dollars that may be spent", labels=["period"])
    for period, budget in (("day", report.daily_budget_usd), ("month", report.monthly_budget_usd)):
        if budget is not None:
            budgets.add_metric([period], float(budget))
    yield budgets
    yield from _of_calls(report.totals)


def _of_calls(totals: Iterable[UsageTotal]) -> Iterator[Metric]:
    by = ["operation", "model"]
    calls = GaugeMetricFamily("sipd_model_calls_today", "Calls of models on Jakarta's day", labels=by)
    failed = GaugeMetricFamily("sipd_model_calls_failed_today", "Of these, not ended well", labels=by)
    retries = GaugeMetricFamily("sipd_model_retries_today", "Repeats of failed calls on Jakarta's day", labels=by)
    tokens = GaugeMetricFamily("sipd_model_tokens_today", "Tokens on Jakarta's day", labels=[*by, "kind"])
    for total in totals:
        label = [total.operation, total.model]
        calls.add_metric(label, total.calls)
        failed.add_metric(label, total.failed_calls)
        retries.add_metric(label, total.retries)
        tokens.add_metric([*label, "prompt"], total.prompt_tokens)
        tokens.add_metric([*label, "cached"], total.cached_tokens)
        tokens.add_metric([*label, "completion"], total.completion_tokens)
    yield from (calls, failed, retries, tokens)


def _of_http(ended: Ended, lasted: Lasted) -> Iterator[Metric]:
    """Requests to the HTTP interface; paths nobody knows share an empty label."""
    requests = CounterMetricFamily("sipd_http_requests", "Requests", labels=["method", "path", "status"])
    for (method, path, status), count in sorted(ended.items()):
        requests.add_metric([method, path, str(status)], count)
    yield requests
    durations = HistogramMetricFamily(
        "sipd_http_request_duration_seconds", "Time of a request", labels=["method", "path"]
    )
    for (method, path), figures in sorted(lasted.items()):
        _add_histogram(durations, [method, path], figures)
    yield durations


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value)


def _money(name: str, help_text: str, today: object, month: object) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=["period"])
    family.add_metric(["day"], float(str(today)))
    family.add_metric(["month"], float(str(month)))
    return family


def _add_histogram(family: HistogramMetricFamily, labels: list[str], figures: HistogramFigures) -> None:
    buckets = [(str(bound), count) for bound, count in figures.at_most]
    family.add_metric(labels, [*buckets, ("+Inf", figures.count)], figures.total)
