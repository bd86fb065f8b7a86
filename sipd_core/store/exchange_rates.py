"""The rates that people entered, as they are kept: millionths of a rupiah."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from sipd_core.rates import DatedRate
from sipd_core.store.database import Database
from sipd_core.store.entries import EntryLog
from sipd_core.store.schema import rate_entries

MICRO = Decimal(10) ** 6


def rate_list(database: Database, *, clock: Callable[[], float] = time.time) -> EntryLog[DatedRate]:
    """The record of entered rates."""
    return EntryLog(database, rate_entries, write=_columns, read=_rate, clock=clock)


def _columns(dated: DatedRate) -> dict[str, Any]:
    return {"valid_from": dated.valid_from.isoformat(), "micro_idr": int(dated.rupiah * MICRO)}


def _rate(row: Row[Any]) -> DatedRate:
    return DatedRate(date.fromisoformat(row.valid_from), row.micro_idr / MICRO)
