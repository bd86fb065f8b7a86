"""How figures of value and their formulas are said in Indonesian. One reason to change: a habit of saying them."""

from decimal import Decimal

from sipd_core.locale_id import (
    UNKNOWN,
    duration,
    number,
    percent,
    rupiah,
    usd,
)
from sipd_core.roi import Bound, Figure, Unit
from sipd_core.texts import text

_UNIT_WORDS = frozenset((Unit.MINUTES, Unit.DAYS, Unit.HOURS))


def label(figure: Figure | str) -> str:
    """The name of a figure, as a heading."""
    return text(f"value.figure.{figure if isinstance(figure, str) else figure.name}")


def amount(value: Decimal | None, unit: Unit) -> str:
    """A value in its unit: `20 menit`, `Rp 35.000`, `70,0%`; a dash when it is not known."""
    if value is None:
        return UNKNOWN
    match unit:
        case Unit.RUPIAH:
            return rupiah(value)
        case Unit.USD:
            return usd(value)
        case Unit.SHARE:
            return percent(value, 0 if value == 0 or abs(value) >= 10 else 1)
        case Unit.SECONDS:
            return duration(value * 1_000)
    counted = _number(value)
    return text(f"value.unit.{unit.value}", n=counted) if unit in _UNIT_WORDS else counted


def shown(figure: Figure) -> str:
    """The value with what is to be said of its certainty."""
    said = amount(figure.value, figure.unit)
    if figure.value is None or figure.bound is Bound.EXACT:
        return said
    return text("value.at_least" if figure.bound is Bound.AT_LEAST else "value.at_most", value=said)


def formula(figure: Figure) -> str:
    """The formula in words: `percakapan selesai × biaya lain per tiket`; empty for a figure that was counted."""
    return figure.written(_named) if figure.made else ""


def computed(figure: Figure) -> str:
    """The formula with its numbers put in and what comes of it: `41 × Rp 10.000 = Rp 410.000`; a bound is its own sign."""
    if figure.made is None:
        return shown(figure)
    bounded = figure.value is not None and figure.bound is not Bound.EXACT
    return f"{figure.written(lambda part: amount(part.value, part.unit))} {'' if bounded else '= '}{shown(figure)}"


def _named(figure: Figure) -> str:
    return text(f"value.part.{figure.name}") if figure.name else amount(figure.value, figure.unit)


def _number(value: Decimal) -> str:
    """Whole when it is, else with as many decimals as tell it apart, two at most."""
    rounded = round(value, 2)
    return number(value, 0 if rounded == rounded.to_integral_value() else 1 if rounded == round(rounded, 1) else 2)
