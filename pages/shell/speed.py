"""The figures and charts of the performance page over a period."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

import streamlit as st

from pages.shell import charts
from pages.shell.chart_card import chart_card
from pages.shell.charts import Measure, Series
from pages.shell.period import change
from sipd_core.locale_id import duration, number, percent
from sipd_core.performance import NO_VERDICT, Figures, PerformanceReport
from sipd_core.periods import Period
from sipd_core.texts import catalogue, text

_MODES = ("hosted", "cache", "approved", "local", "degraded")
_VERDICTS = ("found", "partial", "not_found", NO_VERDICT)
_DASHES = {"p50": "solid", "p95": "dash", "p99": "dot"}
STAGES = ("first_token", "embed", "search")
_ERRORS = attrgetter("error_rate")
_DEGRADED = attrgetter("degraded_rate")
_MEMORY = attrgetter("memory_rate")
_DURABLE = attrgetter("durable_rate")
_ANSWER = attrgetter("answer_rate")
_CACHES = {"embedding_memory": _MEMORY, "embedding_durable": _DURABLE, "answer": _ANSWER}
_MISSES = {"failed": _ERRORS, "degraded": _DEGRADED}
_STAGE = "performance.stage"


def draw_figures(report: PerformanceReport) -> None:
    """The whole period as cards, each beside the period before."""
    now, before = report.whole, report.before
    with st.grid(columns=4, min_column_width=150, gap="xsmall"):
        # Half a day has fewer turns than a whole one, which says nothing.
        over = all(stretch.figures for stretch in report.stretches)
        moved = change(now.turns, before.turns) if over else None
        _card("turns", number(now.turns), moved, "off", stopped=now.stopped, failed=now.failed)
        for name in ("p50", "p95", "p99"):
            took = getattr(now.latency["total"], name)
            _card(name, duration(took), change(took, getattr(before.latency["total"], name)), "inverse")
        _rate(report, "errors", _ERRORS, "inverse", n=now.failed, all=now.turns)
        _rate(report, "degraded", _DEGRADED, "inverse", n=now.degraded, all=now.turns)
        durable = now.vectors.get("durable", 0)
        asked = sum(now.vectors.values())
        _rate(report, "memory", _MEMORY, "normal", n=now.vectors.get("memory", 0), all=asked, durable=durable)
        _rate(report, "answer", _ANSWER, "normal", n=now.kept_answers, all=now.hosted_answers)


def draw_times(report: PerformanceReport) -> None:
    """How long whole answers took over the period, and one of their stages."""
    with st.grid(columns=2, min_column_width=380, gap="small"):
        _times(report, "total", text("performance.chart.total"), text("performance.chart.total_help"))
        stage = str(st.session_state.get(_STAGE) or STAGES[0])
        title = f"{text('performance.chart.stage')}: {text(f'performance.stage.{stage}')}"
        _times(report, stage, title, text("performance.chart.stage_help"), _choose_stage)


def draw_traffic(report: PerformanceReport) -> None:
    """Who answered, what was found, what was at hand and what went wrong over the period."""
    with st.grid(columns=2, min_column_width=380, gap="small"):
        _counted(report, "modes", _MODES, lambda figures: figures.modes)
        _counted(report, "verdicts", _VERDICTS, lambda figures: figures.verdicts)
        _shares(report, "caches", _CACHES)
        _shares(report, "misses", _MISSES)


def draw_troubles(report: PerformanceReport) -> None:
    """What went wrong, by cause; one sentence when nothing did."""
    kinds = {
        "failures": report.failures,
        "impairments": report.impairments,
        "failed_calls": report.failed_calls,
        "retried_calls": report.retried_calls,
    }
    if not any(kinds.values()):
        st.success(text("performance.troubles.none"), icon=":material/check_circle:")
        return
    measure = Measure(text("performance.chart.count"), number, text("performance.chart.count"))
    with st.grid(columns=2, min_column_width=380, gap="small"):
        for kind, causes in kinds.items():
            named = {cause_name(cause): float(n) for cause, n in causes.items()}
            chart_card(
                text(f"performance.troubles.{kind}"),
                charts.ranked_bars(named, measure, column=text("performance.chart.cause"), key="degraded"),
                file_name=file_of(kind, report.period),
                key=f"performance.{kind}",
                help=text(f"performance.troubles.{kind}_help"),
                table=[{"cause": cause, "count": n} for cause, n in sorted(causes.items(), key=lambda item: -item[1])],
            )


def cause_name(cause: str) -> str:
    """What a class of errors means, in Indonesian; its own name when nobody has put it into words."""
    return catalogue().get(f"performance.cause.{cause}", cause)


def _choose_stage() -> None:
    st.segmented_control(
        text("performance.stage.label"),
        STAGES,
        default=STAGES[0],
        required=True,
        format_func=lambda name: text(f"performance.stage.{name}"),
        key=_STAGE,
        label_visibility="collapsed",
    )


def _times(
    report: PerformanceReport, stage: str, title: str, help: str, controls: Callable[[], None] | None = None
) -> None:
    series = [
        Series(name, text(f"performance.series.{name}"), [
            getattr(one.figures.latency[stage], name) if one.figures else None for one in report.stretches
        ], dash)
        for name, dash in _DASHES.items()
    ]  # fmt: skip
    decimals = 0 if stage in ("total", "first_token") else 1
    measure = Measure(_per(report, "milliseconds"), duration, text("performance.chart.ms"), decimals=decimals)
    chart = charts.lines(_buckets(report), series, measure)
    key = f"performance.times.{'total' if controls is None else 'stage'}"
    chart_card(title, chart, file_name=file_of(stage, report.period), key=key, help=help, controls=controls)


def _counted(
    report: PerformanceReport, name: str, keys: Sequence[str], counts: Callable[[Figures], Mapping[str, int]]
) -> None:
    series = [
        Series(key, text(f"performance.series.{key}"), [
            counts(one.figures).get(key, 0) if one.figures and one.figures.turns else None for one in report.stretches
        ])
        for key in keys
    ]  # fmt: skip
    unit = text("performance.chart.turns")
    chart = charts.stacked_bars(_buckets(report), series, Measure(_per(report, "turns"), number, unit))
    chart_card(
        text(f"performance.chart.{name}"),
        chart,
        file_name=file_of(name, report.period),
        key=f"performance.{name}",
        help=text(f"performance.chart.{name}_help"),
    )


def _shares(report: PerformanceReport, name: str, rates: Mapping[str, Callable[[Figures], float | None]]) -> None:
    series = [
        Series(key, text(f"performance.series.{key}"), [
            100 * share if one.figures and (share := rate(one.figures)) is not None else None
            for one in report.stretches
        ])
        for key, rate in rates.items()
    ]  # fmt: skip
    measure = Measure(_per(report, "share"), _percent, text("performance.chart.percent"), decimals=1)
    chart_card(
        text(f"performance.chart.{name}"),
        charts.lines(_buckets(report), series, measure),
        file_name=file_of(name, report.period),
        key=f"performance.{name}",
        help=text(f"performance.chart.{name}_help"),
    )


def _buckets(report: PerformanceReport) -> list[charts.Bucket]:
    return [stretch.at for stretch in report.stretches]


def _per(report: PerformanceReport, unit: str) -> str:
    """The unit and the length of one interval."""
    hourly = len(report.stretches) > report.period.days
    return f"{text(f'performance.chart.{unit}')}, {text('performance.chart.by_hour' if hourly else 'performance.chart.by_day')}"


def file_of(name: str, period: Period) -> str:
    """The name of a file with figures of a period."""
    return text("performance.chart.file", name=text(f"performance.file.{name}"), first=period.first, last=period.last)


def _percent(value: float | None) -> str:
    return percent(None if value is None else value / 100, 1)


def _rate(
    report: PerformanceReport, name: str, rate: Callable[[Figures], float | None], colour: str, **said: int
) -> None:
    """A share, and how it moved in points of a hundred; no movement where one of the two is not known."""
    now, before = rate(report.whole), rate(report.before)
    moved = None
    if now is not None and before is not None:
        points = round((now - before) * 100, 1)
        moved = text("charts.period.points", points=f"{'+' if points > 0 else ''}{number(points, 1)}")
    _card(name, _told_share(now, 2 if name == "errors" else 1), moved, colour, **said)


def _told_share(share: float | None, decimals: int) -> str:
    """A share that is small but not nothing never reads as nothing."""
    least = 10.0 ** -(decimals + 2)
    if share is not None and 0 < share < least:
        return text("performance.figure.less_than", least=percent(least, decimals))
    return percent(share, decimals)


def _card(name: str, value: str, moved: str | None, colour: str, **said: int) -> None:
    st.metric(
        text(f"performance.figure.{name}"),
        value,
        delta=moved,
        delta_color=colour if moved and not moved.startswith("0") else "off",  # type: ignore[arg-type]
        delta_arrow="off" if moved and moved.startswith("0") else "auto",
        help=text(f"performance.figure.{name}_help", **{word: number(n) for word, n in said.items()}),
        border=True,
        height="stretch",
    )
