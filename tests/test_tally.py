"""A histogram that collectors can add up: cumulative, with a bound on the side of what lies below it."""

from sipd_core.metrics import PerformanceMonitor
from sipd_core.tally import Histogram


def test_counts_are_cumulative_and_nothing_is_lost_above_the_last_bound() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.add(seconds)
    figures = histogram.figures()
    assert figures.at_most == ((0.1, 2), (1.0, 3))
    assert (figures.count, round(figures.total, 9)) == (4, 7.65)


def test_the_monitor_fills_one_for_each_stage_and_none_when_it_is_off() -> None:
    monitor = PerformanceMonitor()
    monitor.record_response_time(40, embedding=5, search=2, first_token=30)
    monitor.record_response_time(60)
    monitor.record_embedding_time(5)
    counts = {stage: figures.count for stage, figures in monitor.histograms().items()}
    assert counts == {"response": 2, "first_token": 1, "embedding": 1, "search": 0}
    assert round(monitor.histograms()["response"].total, 9) == 0.1
    off = PerformanceMonitor(enabled=False)
    off.record_response_time(40)
    assert off.histograms() == {}
