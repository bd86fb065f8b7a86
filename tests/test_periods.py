"""Periods are Jakarta's days, whatever the server's clock says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sipd_core.errors import PeriodError
from sipd_core.periods import LONGEST_DAYS, Period
from sipd_core.usage import jakarta_day


def test_a_day_begins_at_jakartas_midnight() -> None:
    period = Period(date(2026, 11, 25), date(2026, 11, 25))
    assert period.start == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert period.end - period.start == timedelta(days=1)
    assert jakarta_day(period.start) == period.first
    assert jakarta_day(period.end - timedelta(microseconds=1)) == period.last
    assert jakarta_day(period.end) not in period


def test_the_period_before_is_as_long_and_touches_it() -> None:
    week = Period.of_days(7, date(2026, 3, 3))
    assert (week.first, week.days) == (date(2026, 2, 25), 7)
    assert week.before == Period(date(2026, 2, 18), date(2026, 2, 24))
    assert week.before.end == week.start
    assert [*week][:2] == [date(2026, 2, 25), date(2026, 2, 26)] and len([*week]) == 7


@pytest.mark.parametrize(("year", "month", "days"), [(2026, 2, 28), (2028, 2, 29), (2026, 12, 31)])
def test_a_month_is_whole(year: int, month: int, days: int) -> None:
    period = Period.of_month(year, month)
    assert (period.first, period.days) == (date(year, month, 1), days)


def test_what_cannot_be_a_period_says_so_in_indonesian() -> None:
    today = date(2026, 11, 25)
    with pytest.raises(PeriodError, match="period_reversed") as reversed_:
        Period.of(today, today - timedelta(days=1))
    assert "Tanggal akhir" in reversed_.value.user_text
    assert Period.of_days(LONGEST_DAYS, today).days == LONGEST_DAYS
    with pytest.raises(PeriodError) as long:
        Period.of_days(LONGEST_DAYS + 1, today)
    assert "400 hari" in long.value.user_text
