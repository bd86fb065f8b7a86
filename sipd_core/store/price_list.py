"""The prices that people entered, as they are kept: whole pico-dollars a token."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from sipd_core.prices import DatedPrice, Price
from sipd_core.store.database import Database
from sipd_core.store.entries import EntryLog
from sipd_core.store.schema import price_entries

MICRO = Decimal(10) ** 6
"""A dollar per million tokens is a million pico-dollars a token."""


def price_list(database: Database, *, clock: Callable[[], float] = time.time) -> EntryLog[DatedPrice]:
    """The record of entered prices."""
    return EntryLog(database, price_entries, write=_columns, read=_price, clock=clock)


def _columns(dated: DatedPrice) -> dict[str, Any]:
    price = dated.price
    return {
        "model": dated.model,
        "valid_from": dated.valid_from.isoformat(),
        "prompt_pico": int(price.prompt * MICRO),
        "cached_pico": int(price.cached * MICRO),
        "completion_pico": int(price.completion * MICRO),
    }


def _price(row: Row[Any]) -> DatedPrice:
    amounts = (row.prompt_pico / MICRO, row.cached_pico / MICRO, row.completion_pico / MICRO)
    return DatedPrice(row.model, date.fromisoformat(row.valid_from), Price(*amounts))
