"""Holds a month of the books against the provider's invoice, and says what may explain a difference, in dollars. Pure.

One reason to change: what can make an invoice differ. No call stands in two causes: how it ended comes first, then
whether its tokens were estimated, then whether its price is known. `low` and `high` are what a cause can add to the sum
of the books:

| cause        | which calls                                     | low                        | high                      |
|--------------|-------------------------------------------------|----------------------------|---------------------------|
| unknown      | price unknown                                   | tokens at the lowest price | at the highest price      |
| interrupted  | the process ended; booked at the worst case     | −booked                    | 0                         |
| failed       | sent without a usable answer; prompt estimated  | −booked                    | 0                         |
| stopped      | cancelled by whoever asked; estimated           | −booked                    | +booked                   |
| broken       | the stream ended without its end; estimated     | −booked                    | +booked                   |
| estimated    | whole, but the provider did not say its tokens  | −booked                    | +booked                   |
| prices       | price corrected since: today's table less booked| the difference if negative | the difference if positive|
| boundary     | the month by UTC less the month by Jakarta      | the difference if negative | the difference if positive|
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from sipd_core.prices import Price
from sipd_core.store.entries import Entry
from sipd_core.store.invoices import Invoice
from sipd_core.store.reckoning import BookedUse
from sipd_core.usage import Outcome, Usage

Name = Literal["unknown", "interrupted", "failed", "stopped", "broken", "estimated", "prices", "boundary"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that may make the invoice differ from the books."""

    name: Name
    calls: int
    booked: Decimal
    """USD that these calls stand for in the books."""
    low: Decimal
    high: Decimal
    """USD by which the invoice may lie below (negative) or above the books because of it."""


@dataclass(frozen=True, slots=True)
class BookedModel:
    """What the books hold of one model in the month, to lay beside the lines of an invoice."""

    model: str
    calls: int
    usage: Usage
    booked: Decimal
    """USD of the calls whose price is known."""
    unknown_calls: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One month: books, invoice, difference, causes."""

    month: date
    """Its first day."""
    invoice: Entry[Invoice] | None
    """The one that counts; None as long as nobody typed it."""
    calls: int
    booked: Decimal
    """USD of the calls of Jakarta's month whose price is known."""
    by_utc: Decimal
    """USD of the calls of the month by UTC, as most providers count."""
    causes: tuple[Cause, ...]
    """Those that are there, the widest first."""
    models: tuple[BookedModel, ...] = ()
    """The dearest first."""

    @property
    def difference(self) -> Decimal | None:
        """Invoice less books."""
        return self.invoice.value.usd - self.booked if self.invoice and self.invoice.value else None

    @property
    def low(self) -> Decimal:
        """The lowest invoice that the causes together can explain."""
        return max(self.booked + sum((cause.low for cause in self.causes), ZERO), ZERO)

    @property
    def high(self) -> Decimal:
        """The highest one."""
        return self.booked + sum((cause.high for cause in self.causes), ZERO)

    @property
    def unexplained(self) -> Decimal | None:
        """What is left of the difference beyond all causes: 0 when they can explain it."""
        if self.invoice is None or self.invoice.value is None:
            return None
        billed = self.invoice.value.usd
        return billed - min(max(billed, self.low), self.high)


def reconcile(
    month: date,
    invoice: Entry[Invoice] | None,
    uses: Iterable[BookedUse],
    price_of: Callable[[str, date], Price | None],
    prices_on: Callable[[date], Iterable[Price]],
) -> Reconciliation:
    """`uses`: the calls of the month by Jakarta's clock or UTC's; `prices_on` gives every price that holds on a day."""
    read = list(uses)
    mine = [use for use in read if use.in_jakarta]
    booked, by_utc = _sum(mine), _sum(use for use in read if use.in_utc)
    causes = [
        _unknown(mine, price_of, prices_on),
        *_ends(mine),
        _prices(mine, price_of),
        _boundary(read, by_utc - booked),
    ]
    found = sorted((cause for cause in causes if _matters(cause)), key=lambda cause: cause.low - cause.high)
    return Reconciliation(month, invoice, _calls(mine), booked, by_utc, tuple(found), _by_model(mine))


def kind(outcome: Outcome, *, estimated: bool) -> Name | None:
    """The cause that a call with a price belongs to; None when nothing about it is doubtful."""
    if outcome is Outcome.OK:
        return "estimated" if estimated else None
    ends: dict[Outcome, Name] = {
        Outcome.INTERRUPTED: "interrupted",
        Outcome.FAILED: "failed",
        Outcome.STOPPED: "stopped",
        Outcome.BROKEN: "broken",
    }
    return ends.get(outcome)


def _by_model(uses: list[BookedUse]) -> tuple[BookedModel, ...]:
    found: dict[str, list[BookedUse]] = {}
    for use in uses:
        found.setdefault(use.model, []).append(use)
    models = [
        BookedModel(
            name,
            _calls(some),
            Usage(
                sum(use.usage.prompt for use in some),
                sum(use.usage.completion for use in some),
                cached=sum(use.usage.cached for use in some),
                estimated=any(use.estimated for use in some),
            ),
            _sum(some),
            _calls(use for use in some if not use.known),
        )
        for name, some in found.items()
    ]
    return tuple(sorted(models, key=lambda one: (-one.booked, one.model)))


def _ends(uses: list[BookedUse]) -> list[Cause]:
    """Calls that did not end as they should, or whose tokens are guessed."""
    found: dict[Name, list[BookedUse]] = {}
    for use in uses:
        if use.known and (name := kind(use.outcome, estimated=use.estimated)):
            found.setdefault(name, []).append(use)
    return [_doubtful(name, some) for name, some in found.items()]


def _doubtful(name: Name, uses: list[BookedUse]) -> Cause:
    booked = _sum(uses)
    high = ZERO if name in ("interrupted", "failed") else booked
    return Cause(name, _calls(uses), booked, -booked, high)


def _unknown(
    uses: list[BookedUse],
    price_of: Callable[[str, date], Price | None],
    prices_on: Callable[[date], Iterable[Price]],
) -> Cause:
    """By its own price where that is known by now, else between the cheapest and the dearest price of that day."""
    low = high = ZERO
    unknown = [use for use in uses if not use.known]
    for use in unknown:
        own = price_of(use.model, use.day)
        costs = [price.cost(use.usage) for price in ([own] if own else prices_on(use.day)) if own or price.prompt]
        low += min(costs, default=ZERO)
        high += max(costs, default=ZERO)
    return Cause("unknown", _calls(unknown), ZERO, low, high)


def _prices(uses: list[BookedUse], price_of: Callable[[str, date], Price | None]) -> Cause:
    """Calls of models and days whose price, by now, gives another sum than the one that was booked."""
    changed, difference = [], ZERO
    for use in uses:
        price = price_of(use.model, use.day)
        if use.known and price is not None and (more := price.cost(use.usage) - use.cost_usd):
            changed.append(use)
            difference += more
    return Cause("prices", _calls(changed), _sum(changed), min(difference, ZERO), max(difference, ZERO))


def _boundary(uses: list[BookedUse], difference: Decimal) -> Cause:
    """Calls of the hours that belong to one month in Jakarta and to another in UTC."""
    between = [use for use in uses if use.in_jakarta != use.in_utc]
    return Cause("boundary", _calls(between), _sum(between), min(difference, ZERO), max(difference, ZERO))


def _matters(cause: Cause) -> bool:
    """Free calls cannot make an invoice differ; calls of unknown price can, also where no price is known at all."""
    return bool(cause.low or cause.high) or (cause.name == "unknown" and cause.calls > 0)


def _sum(uses: Iterable[BookedUse]) -> Decimal:
    return sum((use.cost_usd for use in uses), ZERO)


def _calls(uses: Iterable[BookedUse]) -> int:
    return sum(use.calls for use in uses)
