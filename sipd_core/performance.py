"""How fast and how reliably questions were answered in a period, read from the traces and the books.

One reason to change: which figures of speed managers see. Every one of them can be computed anew from `export_traces` and
`export_calls`; percentiles are exact (nearest rank) over the turns themselves, never averages of averages.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO, cast

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from sqlalchemy import Row, select

from sipd_core.cache import VectorOrigin
from sipd_core.metrics import Latency, latency_of
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.store.money import PICO
from sipd_core.store.schema import usage
from sipd_core.store.traces import OK, STOPPED, TraceStore, TurnTrace
from sipd_core.tables.exports import write_csv
from sipd_core.usage import JAKARTA, Outcome

STAGES = ("total", "first_token", "embed", "search")
"""Whose percentiles are shown, of whole answers (outcome `ok`) in which the stage was measured."""
HOURLY_DAYS = 2
"""The longest period that is shown by the hour."""
SLOWEST = 20
KEPT_SECONDS = 60
"""How long a report stands while no turn comes."""
NO_VERDICT = "none"
"""Of a turn in which nothing was searched for, or that failed."""
UNTOLD = "unknown"
"""Retries of which the books do not say what they were for: those of earlier releases."""

_READ = (
    "at", "outcome", "mode", "degraded", "verdict", "total_ms", "first_token_ms", "embed_ms", "search_ms",
    "embedding_cache", "answer_cached", "model", "retries",
)  # fmt: skip
TRACE_COLUMNS = (
    "at", "day", "turn_id", "conversation_id", "mode", "degraded", "outcome", "verdict", "relevance", "mask_ms",
    "embed_ms", "search_ms", "first_token_ms", "total_ms", "prompt_tokens", "cached_tokens", "completion_tokens",
    "cost_usd", "estimated", "embedding_cache", "answer_cached", "retries", "escalated", "model",
)  # fmt: skip
"""Of the exported traces: names of the table `traces`; the time is Jakarta's with its offset, money is in dollars."""
CALL_COLUMNS = ("at", "operation", "model", "outcome", "error", "retries", "retried_for", "latency_ms", "conversation_id")
"""Of the exported calls that failed or were tried again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be said of a set of turns."""

    turns: int
    failed: int
    """Turns that ended with an error."""
    stopped: int
    """Turns whose answer a person stopped."""
    degraded: int
    """Turns answered by whoever could, because the one who should have could not."""
    latency: Mapping[str, Latency]
    """By the names of STAGES, in milliseconds."""
    modes: Mapping[str, int]
    verdicts: Mapping[str, int]
    """By verdict, NO_VERDICT among them."""
    vectors: Mapping[str, int]
    """By VectorOrigin: where the vectors of questions came from."""
    hosted_answers: int
    """Answers in a hosted model's words, kept ones among them."""
    kept_answers: int
    retries: int

    @property
    def error_rate(self) -> float | None:
        """Failed turns per turn; None without turns."""
        return _share(self.failed, self.turns)

    @property
    def degraded_rate(self) -> float | None:
        return _share(self.degraded, self.turns)

    @property
    def memory_rate(self) -> float | None:
        """Vectors of questions that were in memory, per vector that was asked for."""
        return _share(self.vectors.get(VectorOrigin.MEMORY, 0), sum(self.vectors.values()))

    @property
    def durable_rate(self) -> float | None:
        """Vectors of questions that were in SQL, per vector that was asked for."""
        return _share(self.vectors.get(VectorOrigin.DURABLE, 0), sum(self.vectors.values()))

    @property
    def answer_rate(self) -> float | None:
        """Answers that were kept from before, per answer in a hosted model's words."""
        return _share(self.kept_answers, self.hosted_answers)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One hour or one day of a period."""

    at: date | datetime
    """A day, or the beginning of an hour on Jakarta's clock, without a zone."""
    figures: Figures | None
    """None for what has not begun yet."""


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """Everything the page shows of a period."""

    period: Period
    whole: Figures
    before: Figures
    """Of the period of the same length just before."""
    stretches: tuple[Stretch, ...]
    """Every hour or day of the period, also those without a turn."""
    failures: Mapping[str, int]
    """Failed turns by the class of the error."""
    impairments: Mapping[str, int]
    """Degraded turns by the class of the error behind it."""
    failed_calls: Mapping[str, int]
    """Calls of models that failed or broke, by the class of the error."""
    retried_calls: Mapping[str, int]
    """Repeated attempts of calls, by what the attempt before met."""
    slowest: tuple[TurnTrace, ...]


class PerformanceHistory:
    """Reads periods; safe from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._traces = TraceStore(database)
        self._clock = clock
        self._known: LRUCache[tuple[Period, float | None, float], PerformanceReport] = LRUCache(16)
        self._lock = threading.Lock()

    def report(self, period: Period) -> PerformanceReport:
        """The figures of a period, beside those of the one before it; read anew when a turn has come since, or in time."""
        now = self._clock()
        key = period, self._traces.newest(), now // KEPT_SECONDS
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = self._read(period, now)
            with self._lock:
                self._known[key] = known
        return known

    def _read(self, period: Period, now: float) -> PerformanceReport:
        turns = _Turns(self._traces.rows(period, *_READ))
        failed, retried = self._troubled_calls(period)
        outcomes = Counter(turns.outcomes)
        return PerformanceReport(
            period=period,
            whole=turns.figures(),
            before=_Turns(self._traces.rows(period.before, *_READ)).figures(),
            stretches=tuple(_stretches(period, turns, now)),
            failures={outcome: n for outcome, n in outcomes.items() if outcome not in (OK, STOPPED)},
            impairments=_named(turns.degraded),
            failed_calls=failed,
            retried_calls=retried,
            slowest=self._traces.slowest(period, SLOWEST),
        )

    def trace(self, turn_id: str) -> TurnTrace:
        """One turn; raises NotFoundError."""
        return self._traces.get(turn_id)

    def export_traces(self, period: Period, file: BinaryIO) -> None:
        """Every turn of a period as CSV, oldest first; what is not known is an empty cell."""
        stored = ("cost_pico_usd" if name == "cost_usd" else name for name in TRACE_COLUMNS)
        write_csv(file, TRACE_COLUMNS, map(_exported, self._traces.rows(period, *stored)))

    def export_calls(self, period: Period, file: BinaryIO) -> None:
        """Every call of a period that failed or was tried again as CSV, oldest first."""
        write_csv(file, CALL_COLUMNS, ((_moment(row.at), *row[1:]) for row in self._calls(period)))

    def _troubled_calls(self, period: Period) -> tuple[Counter[str], Counter[str]]:
        failed: Counter[str] = Counter()
        retried: Counter[str] = Counter()
        for row in self._calls(period):
            if row.error:
                failed[row.error] += 1
            causes = row.retried_for.split()
            retried.update(causes)
            if row.retries > len(causes):
                retried[UNTOLD] += row.retries - len(causes)
        return failed, retried

    def _calls(self, period: Period) -> Sequence[Row[Any]]:
        columns = usage.c
        within = columns.at >= period.start.timestamp(), columns.at < period.end.timestamp()
        troubled = (columns.error.is_not(None) | (columns.retries > 0)) & (columns.outcome != Outcome.OPEN)
        query = select(*(columns[name] for name in CALL_COLUMNS)).where(*within, troubled).order_by(columns.at)
        with self._database.read() as connection:
            return connection.execute(query).all()


class _Turns:
    """The turns of a period, oldest first, column by column: fifty thousand are counted in a tenth of a second."""

    def __init__(self, rows: Sequence[Row[Any]]) -> None:
        columns = dict(zip(_READ, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(_READ, ())
        self.at, self.outcomes, self.degraded = columns["at"], columns["outcome"], columns["degraded"]
        self._columns = columns
        whole = np.fromiter((outcome == OK for outcome in self.outcomes), np.bool_, len(self.outcomes))
        self._measured = {
            stage: np.where(whole, np.asarray(columns[f"{stage}_ms"], np.float64), np.nan) for stage in STAGES
        }

    def figures(self, begin: int = 0, end: int | None = None) -> Figures:
        """Of all turns, or of those from place `begin` up to `end`."""
        columns = {name: values[begin:end] for name, values in self._columns.items()}
        outcomes, turns = Counter(columns["outcome"]), len(columns["at"])
        verdicts = Counter(columns["verdict"])
        return Figures(
            turns=turns,
            failed=turns - outcomes[OK] - outcomes[STOPPED],
            stopped=outcomes[STOPPED],
            degraded=turns - columns["degraded"].count(None),
            latency={stage: _latency(values[begin:end]) for stage, values in self._measured.items()},
            modes=Counter(columns["mode"]),
            verdicts={verdict or NO_VERDICT: n for verdict, n in verdicts.items()},
            vectors=_named(columns["embedding_cache"]),
            hosted_answers=turns - columns["model"].count(""),
            kept_answers=sum(columns["answer_cached"]),
            retries=sum(columns["retries"]),
        )


def _latency(measured: NDArray[np.float64]) -> Latency:
    """What was not measured is NaN."""
    return latency_of(np.sort(measured[~np.isnan(measured)]).tolist())


def _named(values: Iterable[str | None]) -> Counter[str]:
    """How often each occurs; what is None is left out."""
    counted = Counter(values)
    del counted[None]
    return cast(Counter[str], counted)


def _stretches(period: Period, turns: _Turns, now: float) -> Iterator[Stretch]:
    """The turns cut at the hours or days of the period; Jakarta has no summer time."""
    hourly = period.days <= HOURLY_DAYS
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    start, end = period.start, 0
    while start < period.end:
        begin, end = end, bisect_left(turns.at, (start + step).timestamp(), end)
        local = start.astimezone(JAKARTA).replace(tzinfo=None)
        begun = start.timestamp() <= now
        yield Stretch(local if hourly else local.date(), turns.figures(begin, end) if begun else None)
        start += step


def _exported(row: Row[Any]) -> tuple[object, ...]:
    return tuple(_CELLS.get(name, _plainly)(value) for name, value in zip(TRACE_COLUMNS, row, strict=True))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(JAKARTA).isoformat(timespec="milliseconds")


def _plainly(value: object) -> object:
    return "" if value is None else int(value) if isinstance(value, bool) else value


_CELLS: Mapping[str, Callable[[Any], object]] = {
    "at": _moment,
    "cost_usd": lambda pico: "" if pico is None else f"{pico / PICO:f}",
}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
