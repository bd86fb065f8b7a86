"""Charts in words: the names of their buckets, what is highest, lowest and last, and how much is missing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from pages.shell.chart_values import Bucket, Measure, Series
from sipd_core.locale_id import day, number, short_day
from sipd_core.texts import text


def bucket_names(buckets: Sequence[Bucket]) -> list[str]:
    """`22 Nov`, with the hour where there is one, and with the year where a day comes twice."""
    short = [_bucket_name(bucket, short_day) for bucket in buckets]
    return short if len(set(short)) == len(short) else [_bucket_name(bucket, day) for bucket in buckets]


def latest(names: Sequence[str], series: Sequence[Series], measure: Measure) -> str:
    """What each line came to in the last bucket with a value."""
    measured = [n for n in range(len(names)) if known(series, n)]
    if not measured:
        return ""
    last = measured[-1]
    parts = [
        text("charts.summary.parts", name=one.name, value=measure.said(value))
        for one in series
        if (value := one.values[last]) is not None
    ]
    return text("charts.summary.latest", at=names[last], parts="; ".join(parts))


def of_line(names: Sequence[str], one: Series, measure: Measure) -> str:
    """One line: where it is lowest, highest, and what it came to."""
    points = [(value, name) for name, value in zip(names, one.values, strict=True) if value is not None]
    low, high, last = min(points, key=_first), max(points, key=_first), points[-1]
    said = {"name": one.name, "last": measure.said(last[0]), "last_at": last[1]}
    if len(points) == 1:
        return text("charts.summary.point", **said)
    ends = {"low": measure.said(low[0]), "low_at": low[1], "high": measure.said(high[0]), "high_at": high[1]}
    return text("charts.summary.line", **said, **ends)


def of_bars(names: Sequence[str], series: Sequence[Series], measure: Measure) -> str:
    """Stacked bars: their sum, the highest of them, and the sum of each colour."""
    sums = [sum(values) if (values := known(series, n)) else None for n in range(len(names))]
    heights = [(height, name) for height, name in zip(sums, names, strict=True) if height is not None]
    if not heights:
        return ""
    high = max(heights, key=_first)
    total = measure.said(sum(height for height, _ in heights))
    said = text("charts.summary.total", total=total, high=measure.said(high[0]), high_at=high[1])
    parts = [
        text("charts.summary.parts", name=one.name, value=measure.said(sum(filter(None, one.values))))
        for one in series
        if any(one.values)
    ]
    return f"{said} {'; '.join(parts)}." if len(parts) > 1 else said


def of_parts(values: Mapping[str, float | None], measure: Measure) -> str:
    """Each part with its value."""
    said = (text("charts.summary.parts", name=name, value=measure.said(value)) for name, value in values.items())
    return "; ".join(said)


def with_gaps(said: str, series: Sequence[Series], buckets: int) -> str:
    """What was said, and in how many buckets nothing was measured at all."""
    gaps = sum(not known(series, n) for n in range(buckets))
    if not gaps or not said:
        return said
    return f"{said} {text('charts.summary.gaps', n=number(gaps), all=number(buckets))}"


def known(series: Iterable[Series], place: int) -> list[float]:
    """What was measured in one bucket."""
    return [value for one in series if (value := one.values[place]) is not None]


def _bucket_name(bucket: Bucket, named: Callable[[date], str]) -> str:
    if isinstance(bucket, datetime):
        return f"{named(bucket.date())} {bucket:%H.%M}"
    return named(bucket)


def _first(pair: tuple[float, str]) -> float:
    return pair[0]
