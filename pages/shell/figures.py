"""The live figures of the performance page: since the console was started, from memory alone."""

import streamlit as st

from sipd_core.cache import CacheStats
from sipd_core.locale_id import duration, number, percent
from sipd_core.metrics import PerformanceStats
from sipd_core.texts import text


def draw_live(stats: PerformanceStats, vectors: CacheStats, seconds: int) -> None:
    """Traffic, errors and load at the moment; what is not known yet is a dash."""
    with st.grid(columns=7, min_column_width=130, gap="xsmall"):
        _card("turns", number(stats.total_requests), text("performance.live.turns_help"))
        _card("rate", number(stats.requests_per_second * 60, 1), text("performance.live.rate_help"))
        _card("p95", duration(stats.total.p95), _times_help(stats))
        _card("errors", percent(stats.error_rate, 1), _errors_help(stats))
        _card("cache", percent(stats.cache_hit_rate), _cache_help(stats))
        _card("cpu", percent(stats.cpu_usage_percent / 100), text("performance.live.cpu_help"))
        used = percent(stats.memory_usage_percent / 100)
        megabytes = text("performance.live.megabytes", n=number(stats.process_memory_mb))
        _card("memory_used", megabytes, text("performance.live.memory_help", percent=used))
    st.caption(
        text(
            "performance.live.since",
            uptime=duration(stats.uptime_seconds * 1_000),
            seconds=number(seconds),
            stored=_stored(vectors),
            memory=text("performance.live.memory", n=number(vectors.cache_size), most=number(vectors.max_size)),
        )
    )


def _stored(vectors: CacheStats) -> str:
    return text(
        "performance.live.stored",
        n=number(vectors.durable_entries),
        size=number(vectors.durable_mb, 1),
        saved=number(vectors.durable_saved_mb, 1),
    )


def _card(name: str, value: str, explanation: str | None = None) -> None:
    st.metric(text(f"performance.live.{name}"), value, help=explanation, border=True)


def _times_help(stats: PerformanceStats) -> str:
    p50, p99, average = (duration(took) for took in (stats.total.p50, stats.total.p99, stats.avg_response_time))
    return text("performance.live.p95_help", p50=p50, p99=p99, average=average)


def _cache_help(stats: PerformanceStats) -> str:
    if stats.cache_hit_rate is None:
        return text("performance.live.cache_help_none")
    lookups = number(stats.cache_hits + stats.cache_misses)
    return text("performance.live.cache_help", hits=number(stats.cache_hits), lookups=lookups)


def _errors_help(stats: PerformanceStats) -> str:
    return text("performance.live.errors_help", n=number(stats.error_count), total=number(stats.total_requests))
