"""The figures of the performance page, drawn: metric cards, chart and table of the traces."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import charts, latency
from pages.shell.downloads import csv_bytes
from sipd_core.cache import CacheStats
from sipd_core.locale_id import duration, moment, number, percent
from sipd_core.metrics import PerformanceStats
from sipd_core.store.traces import TurnTrace
from sipd_core.texts import text

ROWS_SHOWN = 100


def draw_performance(stats: PerformanceStats) -> None:
    """Every live figure as a card; what is not known yet is a dash."""
    with st.grid(columns=4, min_column_width=150, gap="xsmall"):
        _card("turns", number(stats.total_requests), text("performance.metric.turns_help"))
        for name in ("p50", "p95", "p99"):
            _card(name, duration(getattr(stats.total, name)), text(f"performance.metric.{name}_help"))
        _card("average", duration(stats.avg_response_time))
        _card("embedding", duration(stats.embedding.p50))
        _card("search", duration(stats.search.p50))
        _card("cache", percent(stats.cache_hit_rate), _cache_help(stats))
        _card("errors", percent(stats.error_rate, 1), _errors_help(stats))
        _card("rate", number(stats.requests_per_second * 60, 1))
        memory = text("performance.metric.megabytes", n=number(stats.process_memory_mb))
        _card(
            "memory", memory, text("performance.metric.memory_help", percent=percent(stats.memory_usage_percent / 100))
        )
        _card("cpu", percent(stats.cpu_usage_percent / 100))
    if stats.errors_by_cause:
        _draw_errors(stats.errors_by_cause)


def draw_traces(traces: Sequence[TurnTrace]) -> None:
    """The response times of a period as lines, the traces behind them, and their download."""
    st.subheader(text("performance.chart.heading"), anchor=False)
    if not traces:
        with st.container(border=True):
            st.markdown(f"**{text('performance.empty')}**")
            st.write(text("performance.empty_body"))
        return
    chart = latency.latency(traces)
    st.plotly_chart(chart.figure, config=charts.CONFIG, key="performance.chart", alt=text("performance.chart.alt"))
    st.caption(text("performance.chart.caption", bucket=chart.bucket, n=number(len(traces))))
    with st.expander(text("performance.traces.heading"), icon=":material/list:"):
        newest_first = list(reversed(traces))
        st.dataframe([_shown(trace) for trace in newest_first[:ROWS_SHOWN]], hide_index=True, width="stretch")
        _download(newest_first)


def draw_vectors(stats: CacheStats) -> None:
    """How many embeddings are kept, where, and what their compression saves."""
    stored = text(
        "performance.vectors.stored",
        n=number(stats.durable_entries),
        size=number(stats.durable_mb, 1),
        saved=number(stats.durable_saved_mb, 1),
    )
    memory = text("performance.vectors.memory", n=number(stats.cache_size), most=number(stats.max_size))
    st.caption(f"{stored} {memory}")


def _card(name: str, value: str, explanation: str | None = None) -> None:
    st.metric(text(f"performance.metric.{name}"), value, help=explanation, border=True)


def _cache_help(stats: PerformanceStats) -> str:
    if stats.cache_hit_rate is None:
        return text("performance.metric.cache_help_none")
    lookups = number(stats.cache_hits + stats.cache_misses)
    return text("performance.metric.cache_help", hits=number(stats.cache_hits), lookups=lookups)


def _errors_help(stats: PerformanceStats) -> str:
    return text("performance.metric.errors_help", n=number(stats.error_count), total=number(stats.total_requests))


def _draw_errors(causes: dict[str, int]) -> None:
    names = text("performance.errors.cause"), text("performance.errors.count")
    st.markdown(f"**{text('performance.errors.heading')}**")
    rows = [dict(zip(names, cause, strict=True)) for cause in sorted(causes.items(), key=lambda item: -item[1])]
    st.dataframe(rows, hide_index=True, width="content")


def _shown(trace: TurnTrace) -> dict[str, str]:
    names = ("at", "verdict", "relevance", "total", "embedding", "search", "cached", "outcome")
    values = (
        moment(trace.at),
        text(f"chat.verdict.{trace.verdict}") if trace.verdict else "",
        percent(trace.relevance),
        *(number(ms, 1) for ms in (trace.total_ms, trace.embedding_ms, trace.search_ms)),
        text("performance.traces.yes" if trace.cached else "performance.traces.no"),
        text("performance.traces.ok") if trace.outcome == "ok" else trace.outcome,
    )
    return {text(f"performance.traces.{name}"): value for name, value in zip(names, values, strict=True)}


def _download(traces: Sequence[TurnTrace]) -> None:
    """Exact figures with ISO times, for a spreadsheet rather than for reading."""
    header = (
        "at",
        "session_id",
        "turn_id",
        "verdict",
        "relevance",
        "total_ms",
        "embedding_ms",
        "search_ms",
        "cached",
        "outcome",
    )
    rows = [[trace.at.isoformat(), *(getattr(trace, name) for name in header[1:])] for trace in traces]
    st.download_button(
        text("performance.traces.download"),
        csv_bytes(header, rows),
        file_name=text("performance.traces.file"),
        mime="text/csv",
        icon=":material/download:",
        key="performance.download",
        on_click="ignore",
    )
