"""What the console is worth, in formulas that can be read: the same tree computes, prints itself and becomes a cell.

One reason to change: how value is computed. Everything is exact (`Decimal`); what is not known is None and stays so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import IntEnum, StrEnum

MINUTES_AN_HOUR = 60
MONTHS_A_YEAR = 12
DAYS_A_YEAR = 365


class Unit(StrEnum):
    """What a figure counts, and so how it is written."""

    COUNT = "count"
    SHARE = "share"
    MINUTES = "minutes"
    SECONDS = "seconds"
    DAYS = "days"
    HOURS = "hours"
    USD = "usd"
    RUPIAH = "rupiah"


class Bound(IntEnum):
    """What a figure says of the truth when a part of it is not known."""

    AT_MOST = -1
    EXACT = 0
    AT_LEAST = 1


class Sign(StrEnum):
    """The four operations, as people write them."""

    PLUS = "+"
    MINUS = "−"
    TIMES = "×"
    OVER = "÷"


_STRONG = frozenset((Sign.TIMES, Sign.OVER))
_TURNING = frozenset((Sign.MINUS, Sign.OVER))
"""Operations whose right side works against the result."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a formula."""

    sign: Sign
    left: "Figure"
    right: "Figure"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its name and, when it was computed, the formula that made it.

    A figure without a name is a step on the way and is written out where it is used; so is a plain number.
    """

    name: str
    value: Decimal | None
    unit: Unit = Unit.COUNT
    bound: Bound = Bound.EXACT
    """Products and quotients keep it right only for parts that are not negative."""
    made: Step | None = None

    def __add__(self, other: "Figure") -> "Figure":
        return _made(Sign.PLUS, self, other)

    def __sub__(self, other: "Figure") -> "Figure":
        return _made(Sign.MINUS, self, other)

    def __mul__(self, other: "Figure") -> "Figure":
        return _made(Sign.TIMES, self, other)

    def __truediv__(self, other: "Figure") -> "Figure":
        """Nothing is known of a quotient by zero."""
        return _made(Sign.OVER, self, other)

    def called(self, name: str, unit: Unit) -> "Figure":
        """The same figure under a name of its own."""
        return replace(self, name=name, unit=unit)

    def written(self, show: Callable[["Figure"], str], signs: Mapping[Sign, str] | None = None) -> str:
        """The right-hand side of the formula with `show` of each named part put in; a given figure shows itself."""
        return show(self) if self.made is None else _written(self.made, show, signs or {sign: sign for sign in Sign})

    def parts(self) -> Iterator["Figure"]:
        """The named figures the formula is written with, in its order."""
        if self.made is not None:
            for side in (self.made.left, self.made.right):
                if side.name:
                    yield side
                else:
                    yield from side.parts()


def plain(value: int) -> Figure:
    """A number that needs no name, such as the minutes of an hour."""
    return Figure("", Decimal(value))


def _made(sign: Sign, left: Figure, right: Figure) -> Figure:
    bound = _together(left.bound, Bound(-right.bound) if sign in _TURNING else right.bound)
    value = None if bound is None else _value(sign, left.value, right.value)
    return Figure("", value, bound=bound or Bound.EXACT, made=Step(sign, left, right))


def _together(one: Bound, other: Bound) -> Bound | None:
    """None when one part says `at least` and the other `at most`: then nothing is known of the whole."""
    if one is not Bound.EXACT and other is not Bound.EXACT and one is not other:
        return None
    return one or other


def _value(sign: Sign, left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return None
    match sign:
        case Sign.PLUS:
            return left + right
        case Sign.MINUS:
            return left - right
        case Sign.TIMES:
            return left * right
        case Sign.OVER:
            return left / right if right else None


def _written(step: Step, show: Callable[[Figure], str], signs: Mapping[Sign, str]) -> str:
    left, right = (_operand(side, step, show, signs) for side in (step.left, step.right))
    return f"{left} {signs[step.sign]} {right}"


def _operand(side: Figure, step: Step, show: Callable[[Figure], str], signs: Mapping[Sign, str]) -> str:
    if side.name or side.made is None:
        return show(side)
    inner = _written(side.made, show, signs)
    weaker = step.sign in _STRONG and side.made.sign not in _STRONG
    turned = side is step.right and step.sign in _TURNING and (side.made.sign in _STRONG) == (step.sign in _STRONG)
    return f"({inner})" if weaker or turned else inner


@dataclass(frozen=True, slots=True)
class Scenario:
    """What somebody supposes of a help desk; money is of one currency."""

    tickets_per_day: Decimal
    automated: Decimal
    """Share of the tickets that need no person, 0..1."""
    cost_per_ticket: Decimal
    minutes_per_user: Decimal
    """Minutes that a user saves in a day."""
    users_per_day: Decimal
    wage_per_hour: Decimal
    days: Decimal
    investment: Decimal
    running_per_month: Decimal = Decimal(0)

    def spread(self, share: Decimal) -> tuple["Scenario", "Scenario"]:
        """(low, high): what is uncertain is `share` (0..1) less or more; shares stay within 0..1."""
        low = {name: getattr(self, name) * (1 - share) for name in UNCERTAIN}
        high = {name: getattr(self, name) * (1 + share) for name in UNCERTAIN}
        high["automated"] = min(high["automated"], Decimal(1))
        return replace(self, **low), replace(self, **high)


UNCERTAIN = ("tickets_per_day", "automated", "minutes_per_user", "users_per_day")
"""What nobody knows before it was measured; prices and wages can be looked up."""
SOURCE = Scenario(*map(Decimal, ("100", "0.70", "5", "10", "100", "20", "365", "3600")))
"""The table of the source document, in US dollars for one year."""
_UNITS = {
    "automated": Unit.SHARE,
    "minutes_per_user": Unit.MINUTES,
    "days": Unit.DAYS,
}
_MONEY = frozenset(("cost_per_ticket", "wage_per_hour", "investment", "running_per_month"))


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What a scenario comes to, each figure with its formula."""

    ticket_savings: Figure
    time_savings: Figure
    savings: Figure
    running: Figure
    earned: Figure
    """What is left of the savings after the running costs."""
    costs: Figure
    net: Figure
    roi: Figure
    """Net savings per unit of money spent."""
    payback_days: Figure
    """Days until the investment has come back; None when it never does."""

    def __iter__(self) -> Iterator[Figure]:
        """Every figure, in the order in which they build on each other."""
        return (getattr(self, field.name) for field in fields(self))


def unit_of(supposition: str, money: Unit) -> Unit:
    """What a field of a scenario counts."""
    return money if supposition in _MONEY else _UNITS.get(supposition, Unit.COUNT)


def work_out(scenario: Scenario, money: Unit = Unit.USD) -> ScenarioResult:
    """The source document's formulas on any figures, with the running costs that it left out."""
    given = {
        field.name: Figure(field.name, getattr(scenario, field.name), unit_of(field.name, money))
        for field in fields(scenario)
    }
    days = given["days"]
    tickets = given["automated"] * given["tickets_per_day"] * given["cost_per_ticket"] * days
    hours = given["minutes_per_user"] * given["users_per_day"] * given["wage_per_hour"] / plain(MINUTES_AN_HOUR)
    ticket_savings = tickets.called("ticket_savings", money)
    time_savings = (hours * days).called("time_savings", money)
    savings = (ticket_savings + time_savings).called("savings", money)
    running = (given["running_per_month"] * plain(MONTHS_A_YEAR) * days / plain(DAYS_A_YEAR)).called("running", money)
    earned = (savings - running).called("earned", money)
    costs = (given["investment"] + running).called("costs", money)
    net = (savings - costs).called("net", money)
    roi = (net / costs).called("roi", Unit.SHARE)
    paid_back = payback(given["investment"], earned, days)
    return ScenarioResult(ticket_savings, time_savings, savings, running, earned, costs, net, roi, paid_back)


def payback(investment: Figure, earned: Figure, days: Figure) -> Figure:
    """Days until `investment` has come back when `earned` comes in every `days`; None when nothing is earned."""
    found = (investment / (earned / days)).called("payback_days", Unit.DAYS)
    earns = earned.value is not None and earned.value > 0
    return found if earns else replace(found, value=None, bound=Bound.EXACT)


@dataclass(frozen=True, slots=True)
class Swing:
    """What one supposition alone moves: the net savings with its low and its high value."""

    name: str
    low: Decimal | None
    high: Decimal | None

    @property
    def width(self) -> Decimal:
        return abs(self.high - self.low) if self.low is not None and self.high is not None else Decimal(0)


def swings(low: Scenario, expected: Scenario, high: Scenario) -> tuple[Swing, ...]:
    """How much of the net savings hangs on each supposition that differs, the one that matters most first."""
    moved = [field.name for field in fields(Scenario) if getattr(low, field.name) != getattr(high, field.name)]
    found = [Swing(name, *(_net_with(expected, name, side) for side in (low, high))) for name in moved]
    return tuple(sorted(found, key=lambda swing: swing.width, reverse=True))


def _net_with(expected: Scenario, name: str, side: Scenario) -> Decimal | None:
    return work_out(replace(expected, **{name: getattr(side, name)})).net.value
