"""Money as it is kept: whole pico-dollars (1e-12), so that a sum in SQL is exact. An unknown price is None, never 0."""

from decimal import Decimal

PICO = Decimal(10) ** 12
"""Pico-dollars in a dollar."""


def pico(usd: Decimal | None) -> int | None:
    """Dollars as the database keeps them."""
    return None if usd is None else int((usd * PICO).to_integral_value())


def dollars(kept: int | None) -> Decimal | None:
    """What the database keeps, in dollars."""
    return None if kept is None else kept / PICO
