"""What tokens and dollars are worth and since when, as people may change it: prices, exchange rates, calls priced later.

One reason to change: what a person may enter, and from when it counts. Safe from any thread.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sipd_core.errors import PriceError, SpendingError
from sipd_core.prices import DECIMALS, HIGHEST, DatedPrice, ListedPrice, PriceTable, unfit
from sipd_core.rates import DatedRate, RateTable
from sipd_core.settings import SHIPPED_DATA, Settings
from sipd_core.store.database import Database
from sipd_core.store.entries import Entry
from sipd_core.store.exchange_rates import rate_list
from sipd_core.store.price_list import price_list
from sipd_core.store.repricing import RepricedLine, Repricing, Repricings, UnknownUse, gathered
from sipd_core.usage import Usage, jakarta_day

log = logging.getLogger(__name__)

PRICES = "prices.csv"
EARLIEST = date(2020, 1, 1)
AHEAD = timedelta(days=366)
"""How far ahead a price or a rate may be entered."""
LOWEST_RATE, HIGHEST_RATE = Decimal(1_000), Decimal(1_000_000)
"""Rupiah a dollar; whoever types less or more has mistaken the unit or the decimal mark."""
RATE_DECIMALS = 6
_MODEL = re.compile(r"\w[\w./:@+ -]{0,119}")


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Calls in the books whose price is unknown."""

    priceable: tuple[RepricedLine, ...]
    """What pricing those calls would come to whose price is known by now."""
    without: tuple[UnknownUse, ...]
    """The others, one entry for each model, `day` the first."""

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.priceable) + sum(use.calls for use in self.without)


class Tariffs:
    """The price table and the rates, with their history."""

    def __init__(
        self,
        database: Database,
        prices: Path,
        own: Path | None,
        usd_idr: Decimal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`prices` is the shipped table, `own` the installation's; raises PriceError when it cannot be read."""
        self._clock = clock
        self._entered = price_list(database, clock=clock)
        self._rates = rate_list(database, clock=clock)
        self._repricings = Repricings(database, clock=clock)
        self._start = usd_idr
        self.prices = PriceTable.load(prices, own, self._entered.live)

    @classmethod
    def load(cls, database: Database, settings: Settings) -> "Tariffs":
        """Those of an installation; without a provider nothing is paid, so that its broken table must not stop a start."""
        shipped, own = SHIPPED_DATA / PRICES, settings.sipd_data_dir / PRICES
        try:
            return cls(database, shipped, own, settings.usd_idr)
        except PriceError as error:
            if settings.hosted:
                raise
            log.error("the shipped prices are used: %s", error.user_text)
            return cls(database, shipped, None, settings.usd_idr)

    # --- prices ----------------------------------------------------------------------------------------------------

    def listed(self) -> tuple[ListedPrice, ...]:
        """Every price in force, by model, newest first."""
        return self.prices.listed()

    def set_price(self, dated: DatedPrice, *, actor: str, note: str = "") -> Entry[DatedPrice]:
        """Let calls from a day on have this price; raises SpendingError when it cannot be one. What is booked stays."""
        if not _MODEL.fullmatch(dated.model) or dated.model != dated.model.strip():
            raise SpendingError(text_key="spending.error.model")
        self._check_day(dated.valid_from)
        price = dated.price
        for amount in (price.prompt, price.cached, price.completion):
            if wrong := unfit(amount):
                raise SpendingError(text_key=f"spending.error.price.{wrong}", highest=f"{HIGHEST:f}", decimals=DECIMALS)
        if price.cached > price.prompt:
            raise SpendingError(text_key="spending.error.price.cached")
        return self._entered.add(dated, actor=actor, note=note)

    def undo_price(self, seq: int, *, actor: str) -> Entry[DatedPrice]:
        """Take an entered price back (or the undo of one); raises SpendingError when it does not count any more."""
        return self._entered.undo(seq, actor=actor)

    def price_history(self) -> tuple[Entry[DatedPrice], ...]:
        """Every price that was ever entered, newest first."""
        return self._entered.entries()

    # --- rates -----------------------------------------------------------------------------------------------------

    def rates(self) -> RateTable:
        """What a dollar is worth on each day."""
        return RateTable(self._start, self._rates.live())

    def rate_today(self) -> Decimal:
        """Rupiah a dollar today."""
        return self.rates().on(self._today())

    def set_rate(self, dated: DatedRate, *, actor: str, note: str = "") -> Entry[DatedRate]:
        """Let this rate hold from a day on; raises SpendingError when it cannot be one."""
        self._check_day(dated.valid_from)
        if not dated.rupiah.is_finite() or not LOWEST_RATE <= dated.rupiah <= HIGHEST_RATE:
            raise SpendingError(text_key="spending.error.rate")
        exact = DatedRate(dated.valid_from, dated.rupiah.quantize(Decimal(1).scaleb(-RATE_DECIMALS)))
        return self._rates.add(exact, actor=actor, note=note)

    def undo_rate(self, seq: int, *, actor: str) -> Entry[DatedRate]:
        """Take an entered rate back (or the undo of one); raises SpendingError when it does not count any more."""
        return self._rates.undo(seq, actor=actor)

    def rate_history(self) -> tuple[Entry[DatedRate], ...]:
        """Every rate that was ever entered, newest first."""
        return self._rates.entries()

    # --- calls priced later ----------------------------------------------------------------------------------------

    def unpriced(self) -> Unpriced:
        """Calls of unknown price, and what they would cost by the prices that hold on their days."""
        uses = self._repricings.unknown()
        priced = [(use, self.prices.price(use.model, use.day)) for use in uses]
        known = [(use, price) for use, price in priced if price is not None]
        return Unpriced(gathered(known), _by_model([use for use, price in priced if price is None]))

    def price_calls(self, *, actor: str, note: str = "") -> Entry[Repricing]:
        """Give calls of unknown price the one that holds on their day; raises SpendingError when there is none to give."""
        return self._repricings.apply(self.prices.price, actor=actor, note=note)

    def undo_pricing(self, seq: int, *, actor: str) -> Entry[Repricing]:
        """Let those calls be of unknown price again; raises SpendingError when that was done before."""
        return self._repricings.undo(seq, actor=actor)

    def pricings(self) -> tuple[Entry[Repricing], ...]:
        """Every pricing and every undo, newest first."""
        return self._repricings.entries()

    def _check_day(self, day: date) -> None:
        if not EARLIEST <= day <= self._today() + AHEAD:
            raise SpendingError(text_key="spending.error.day", days=AHEAD.days)

    def _today(self) -> date:
        return jakarta_day(datetime.fromtimestamp(self._clock(), UTC))


def _by_model(uses: list[UnknownUse]) -> tuple[UnknownUse, ...]:
    found: dict[str, UnknownUse] = {}
    for use in uses:
        before = found.get(use.model)
        if before is None:
            found[use.model] = use
            continue
        sums = Usage(
            before.usage.prompt + use.usage.prompt,
            before.usage.completion + use.usage.completion,
            before.usage.cached + use.usage.cached,
        )
        found[use.model] = UnknownUse(use.model, min(before.day, use.day), before.calls + use.calls, sums)
    return tuple(found.values())
