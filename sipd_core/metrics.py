"""In-process figures of how the console performs: counts, exact percentiles over a bounded window, live series."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

from sipd_core.tally import Histogram, HistogramFigures

WINDOW = 10_000
"""Samples kept per stage; percentiles are exact over them."""


def percentile(samples: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile (smallest sample with at least `share` of all at or below it); None without samples."""
    return nearest_rank(sorted(samples), share)


def nearest_rank(ordered: Sequence[float], share: float) -> float | None:
    """The same of samples that are in order already."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if len(ordered) else None


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one stage in milliseconds; None means no sample."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured turn of the live series."""

    at: float
    """Unix time, seconds."""
    total_ms: float
    embedding_ms: float
    search_ms: float


@dataclass(frozen=True, slots=True)
class PerformanceStats:
    """The live view: what the Kinerja page draws and `stats` prints."""

    uptime_seconds: float
    total_requests: int
    requests_per_second: float
    total: Latency
    embedding: Latency
    search: Latency
    avg_response_time: float | None
    """Milliseconds, like the other two averages; None without samples."""
    avg_embedding_time: float | None
    avg_search_time: float | None
    error_count: int
    error_rate: float | None
    """Errors per request, None without requests."""
    errors_by_cause: dict[str, int]
    cache_hits: int
    cache_misses: int
    cache_hit_rate: float | None
    """None when nothing was looked up."""
    memory_usage_percent: float
    cpu_usage_percent: float
    process_memory_mb: float
    samples: tuple[Sample, ...] = field(default=())


class PerformanceMonitor:
    """Collects timings, errors and cache look-ups of this process; safe to call from any thread.

    Units: every `record_*_time` takes milliseconds. The names follow the source document.
    """

    def __init__(self, *, enabled: bool = True, clock: Callable[[], float] = time.time) -> None:
        self._enabled = enabled
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()
        self._response: deque[float] = deque(maxlen=WINDOW)
        self._embedding: deque[float] = deque(maxlen=WINDOW)
        self._search: deque[float] = deque(maxlen=WINDOW)
        self._samples: deque[Sample] = deque(maxlen=WINDOW)
        self._histograms = {stage: Histogram() for stage in ("response", "first_token", "embedding", "search")}
        self._requests = 0
        self._errors: Counter[str] = Counter()
        self._hits = 0
        self._misses = 0
        self._process = psutil.Process()
        self._cpu_times = psutil.cpu_times()
        self._cpu_percent = 0.0

    def record_response_time(
        self, milliseconds: float, *, embedding: float = 0.0, search: float = 0.0, first_token: float | None = None
    ) -> None:
        """One answered turn; the stage times join its point of the live series."""
        if not self._enabled:
            return
        with self._lock:
            self._requests += 1
            self._response.append(milliseconds)
            self._histograms["response"].add(milliseconds / 1_000)
            if first_token is not None:
                self._histograms["first_token"].add(first_token / 1_000)
            self._samples.append(Sample(self._clock(), milliseconds, embedding, search))

    def record_embedding_time(self, milliseconds: float) -> None:
        """One embedding call of a question."""
        self._append(self._embedding, "embedding", milliseconds)

    def record_search_time(self, milliseconds: float) -> None:
        """One search, embedding not included."""
        self._append(self._search, "search", milliseconds)

    def record_error(self, cause: str = "unknown") -> None:
        """One failed turn, by cause (the error's class name)."""
        if not self._enabled:
            return
        with self._lock:
            self._requests += 1
            self._errors[cause] += 1

    def record_cache_hit(self) -> None:
        """One embedding that needed no model call."""
        self._count_lookup(hit=True)

    def record_cache_miss(self) -> None:
        """One embedding that had to be computed."""
        self._count_lookup(hit=False)

    def get_stats(self) -> PerformanceStats:
        """A consistent snapshot."""
        with self._lock:
            response, embedding, search = list(self._response), list(self._embedding), list(self._search)
            samples, errors = tuple(self._samples), dict(self._errors)
            requests, hits, misses = self._requests, self._hits, self._misses
        uptime = max(self._clock() - self._started, 1e-9)
        failed = sum(errors.values())
        return PerformanceStats(
            uptime_seconds=uptime,
            total_requests=requests,
            requests_per_second=requests / uptime,
            total=latency(response),
            embedding=latency(embedding),
            search=latency(search),
            avg_response_time=_mean(response),
            avg_embedding_time=_mean(embedding),
            avg_search_time=_mean(search),
            error_count=failed,
            error_rate=failed / requests if requests else None,
            errors_by_cause=errors,
            cache_hits=hits,
            cache_misses=misses,
            cache_hit_rate=hits / (hits + misses) if hits + misses else None,
            memory_usage_percent=psutil.virtual_memory().percent,
            cpu_usage_percent=self._cpu_usage(),
            process_memory_mb=self._process.memory_info().rss / 2**20,
            samples=samples,
        )

    def histograms(self) -> Mapping[str, HistogramFigures]:
        """`response`, `first_token`, `embedding`, `search` since the start, in seconds; none when nothing is collected."""
        if not self._enabled:
            return {}
        with self._lock:
            return {stage: histogram.figures() for stage, histogram in self._histograms.items()}

    def _cpu_usage(self) -> float:
        """Load of the machine since the last look, 0..100. psutil's own figure starts at 0 in every new thread."""
        with self._lock:
            now, before = psutil.cpu_times(), self._cpu_times
            passed = sum(now) - sum(before)
            if passed > 0:
                idle = now.idle + getattr(now, "iowait", 0.0) - before.idle - getattr(before, "iowait", 0.0)
                self._cpu_percent = min(max(100.0 * (1 - idle / passed), 0.0), 100.0)
                self._cpu_times = now
            return self._cpu_percent

    def _append(self, window: deque[float], stage: str, milliseconds: float) -> None:
        if self._enabled:
            with self._lock:
                window.append(milliseconds)
                self._histograms[stage].add(milliseconds / 1_000)

    def _count_lookup(self, *, hit: bool) -> None:
        if not self._enabled:
            return
        with self._lock:
            if hit:
                self._hits += 1
            else:
                self._misses += 1


def latency(samples: Sequence[float]) -> Latency:
    """Exact percentiles of all `samples`."""
    return latency_of(sorted(samples))


def latency_of(ordered: Sequence[float]) -> Latency:
    """The same of samples that are in order already."""
    return Latency(len(ordered), *(nearest_rank(ordered, share) for share in (0.50, 0.95, 0.99)))


def _mean(samples: list[float]) -> float | None:
    return sum(samples) / len(samples) if samples else None
