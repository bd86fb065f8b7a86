"""The choice of a period: one for all pages that look back, kept in the address and in the browser's session."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from pages.shell import session
from pages.shell.plain import plain
from sipd_core.errors import PeriodError
from sipd_core.locale_id import day, number, percent
from sipd_core.periods import Period
from sipd_core.texts import text
from sipd_core.usage import jakarta_day

TODAY, WEEK, MONTH, CALENDAR, LAST_MONTH, CUSTOM = "today", "week", "month", "calendar", "last_month", "custom"
_MADE: dict[str, Callable[[date], Period]] = {
    TODAY: lambda today: Period.of_days(1, today),
    WEEK: lambda today: Period.of_days(7, today),
    MONTH: lambda today: Period.of_days(30, today),
    CALENDAR: lambda today: Period(today.replace(day=1), today),
    LAST_MONTH: lambda today: _month_of(today.replace(day=1) - timedelta(days=1)),
}
_DEFAULT = WEEK


def period_picker(key: str, *, today: date | None = None) -> Period:
    """The period of all pages; a page calls it once a run, with a `key` of its own."""
    today = today or jakarta_day(datetime.now(UTC))
    kept = session.kept_period() or _DEFAULT
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.pills(
            text("charts.period.label"),
            [*_MADE, CUSTOM],
            default=kept if kept in _MADE else CUSTOM,
            required=True,
            format_func=lambda name: text(f"charts.period.{name}"),
            key=f"{key}.period",
            wrap=True,
        )
        if chosen in _MADE:
            session.keep_period(str(chosen))
            return _MADE[str(chosen)](today)
        return _custom(key, period_of(kept, today), today)


def period_of(kept: str, today: date) -> Period:
    """The period that an address names (`month`, or `2026-11-01_2026-11-20`); the usual one for anything else."""
    if kept in _MADE:
        return _MADE[kept](today)
    first, _, last = kept.partition("_")
    try:
        return Period.of(date.fromisoformat(first), min(date.fromisoformat(last), today))
    except (ValueError, PeriodError):
        return _MADE[_DEFAULT](today)


def said(period: Period) -> str:
    """`22 Nov 2026`, or `1 Nov 2026 sampai 22 Nov 2026 (22 hari)`."""
    if period.days == 1:
        return text("charts.period.said_day", first=day(period.first))
    return text("charts.period.said_days", first=day(period.first), last=day(period.last), n=number(period.days))


def file_of(key: str, period: Period) -> str:
    """The name of a file with figures of a period, by its text."""
    return text(key, first=period.first.isoformat(), last=period.last.isoformat())


def compared(period: Period) -> str:
    """Which period is shown, and which one it is compared with."""
    return text("charts.period.compared", period=said(period), before=said(period.before))


def change_since(now: float | None, before: float | None) -> str | None:
    """`+12% dari periode sebelumnya`; None as with `change`."""
    moved = change(now, before)
    return text("charts.period.change", change=moved) if moved else None


def change(now: float | None, before: float | None) -> str | None:
    """`+12%`; None where one of them is not known, or nothing was there to grow from."""
    if now is None or not before:
        return None
    share = round((now - before) / abs(before), 2)
    return f"{'+' if share > 0 else ''}{percent(share)}"


def _month_of(day: date) -> Period:
    return Period.of_month(day.year, day.month)


def _custom(key: str, before: Period, today: date) -> Period:
    """Two days typed or clicked; until they are a period, the one of before stands.

    Two fields, because one field for both offers ranges in English that nothing can translate.
    """
    first, last = (
        st.date_input(
            text(f"charts.period.{name}"), day, max_value=today, format="DD/MM/YYYY", key=f"{key}.{name}", width=150
        )
        for name, day in (("first", before.first), ("last", before.last))
    )
    try:
        period = Period.of(first, last)
    except PeriodError as error:
        st.caption(f":red[{plain(error.user_text)}]")
        return before
    session.keep_period(f"{period.first}_{period.last}")
    return period
