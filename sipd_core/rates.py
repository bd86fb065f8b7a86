"""What a dollar is worth in rupiah, by day. One reason to change: how a rate is chosen for a day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DatedRate:
    """Rupiah a dollar from a day on."""

    valid_from: date
    rupiah: Decimal


@dataclass(frozen=True, slots=True)
class RateTable:
    """The rate of every day."""

    start: Decimal
    """Before the first dated rate: that of the environment (USD_IDR)."""
    dated: tuple[DatedRate, ...] = ()
    """In the order in which they were entered; a later one wins for the same day."""

    def on(self, day: date) -> Decimal:
        """The newest rate that holds on this day."""
        held = [rate for rate in self.dated if rate.valid_from <= day]
        return max(reversed(held), key=lambda rate: rate.valid_from).rupiah if held else self.start
