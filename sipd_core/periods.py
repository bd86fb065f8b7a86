"""Stretches of Jakarta's days, over which figures are read. One reason to change: what a period is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from sipd_core.errors import PeriodError
from sipd_core.usage import JAKARTA

LONGEST_DAYS = 400
"""A year to look back on and the month before it, to compare with."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Jakarta days from `first` to `last`, both included; make one with `of` when a person typed the days."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date, last: date) -> Self:
        """Raises PeriodError when the end lies before the beginning, or the period is longer than LONGEST_DAYS."""
        if last < first:
            raise PeriodError(text_key="errors.period_reversed")
        if (last - first).days >= LONGEST_DAYS:
            raise PeriodError(text_key="errors.period_too_long", days=LONGEST_DAYS)
        return cls(first, last)

    @classmethod
    def of_days(cls, days: int, last: date) -> Self:
        """The `days` days (at least 1) that end with `last`."""
        return cls.of(last - timedelta(days=days - 1), last)

    @classmethod
    def of_month(cls, year: int, month: int) -> Self:
        """A whole calendar month."""
        following = date(year + month // 12, month % 12 + 1, 1)
        return cls(date(year, month, 1), following - timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """The first moment of the period, UTC."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after the period, UTC."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def before(self) -> Self:
        """The period of the same length that ends where this one begins."""
        return type(self)(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __iter__(self) -> Iterator[date]:
        """Every day, in order."""
        return (self.first + timedelta(days=n) for n in range(self.days))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JAKARTA).astimezone(UTC)
