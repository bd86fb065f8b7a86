"""Percentiles are exact, unknown is None, and switching tracking off records nothing."""

import threading

import pytest

from sipd_core.metrics import PerformanceMonitor, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_nearest_rank(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_unknown_is_not_zero() -> None:
    stats = PerformanceMonitor().get_stats()
    assert percentile([], 0.5) is None
    assert (stats.total.p95, stats.error_rate, stats.cache_hit_rate, stats.avg_response_time) == (
        None,
        None,
        None,
        None,
    )


def test_what_was_recorded_is_reported() -> None:
    now = [100.0]
    monitor = PerformanceMonitor(clock=lambda: now[0])
    monitor.record_response_time(40.0, embedding=10.0, search=2.0)
    monitor.record_response_time(60.0, embedding=0.0, search=2.0)
    monitor.record_embedding_time(10.0)
    monitor.record_search_time(2.0)
    monitor.record_error("StoreError")
    for _ in range(3):
        monitor.record_cache_hit()
    monitor.record_cache_miss()
    now[0] = 130.0
    stats = monitor.get_stats()
    assert (stats.total_requests, stats.uptime_seconds, stats.requests_per_second) == (3, 30.0, 0.1)
    assert (stats.total.p50, stats.total.p95, stats.avg_response_time) == (40.0, 60.0, 50.0)
    assert stats.errors_by_cause == {"StoreError": 1}
    assert stats.error_rate == pytest.approx(1 / 3)
    assert stats.cache_hit_rate == 0.75
    assert [sample.total_ms for sample in stats.samples] == [40.0, 60.0]


def test_switched_off_it_records_nothing() -> None:
    monitor = PerformanceMonitor(enabled=False)
    monitor.record_response_time(1.0)
    monitor.record_error("X")
    monitor.record_cache_hit()
    stats = monitor.get_stats()
    assert (stats.total_requests, stats.error_count, stats.cache_hits) == (0, 0, 0)


def test_threads_lose_no_count() -> None:
    monitor = PerformanceMonitor()
    threads = [threading.Thread(target=lambda: [monitor.record_cache_hit() for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monitor.get_stats().cache_hits == 8000
