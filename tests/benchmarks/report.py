"""How a figure is printed: count, median, 95th percentile, largest; milliseconds."""

from collections.abc import Sequence

from sipd_core.metrics import percentile


def print_latencies(what: str, milliseconds: Sequence[float], goal: str = "") -> None:
    """One line; percentiles are nearest-rank over all samples."""
    p50, p95 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.95)
    beside = f"   (goal {goal})" if goal else ""
    print(
        f"{what:<52} n={len(milliseconds):<5} p50={p50:7.1f}  p95={p95:7.1f}  max={max(milliseconds):7.1f} ms{beside}"
    )
