"""What the provider billed for each month, as people typed it from its invoices."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from sipd_core.store.database import Database
from sipd_core.store.entries import EntryLog
from sipd_core.store.money import PICO
from sipd_core.store.schema import invoice_entries


@dataclass(frozen=True, slots=True)
class Invoice:
    """The sum of one month's invoice."""

    month: date
    """Its first day."""
    usd: Decimal


def invoice_list(database: Database, *, clock: Callable[[], float] = time.time) -> EntryLog[Invoice]:
    """The record of typed invoices; of a month the newest that counts is the invoice."""
    return EntryLog(database, invoice_entries, write=_columns, read=_invoice, clock=clock)


def _columns(invoice: Invoice) -> dict[str, Any]:
    return {"month": f"{invoice.month:%Y-%m}", "pico_usd": int(invoice.usd * PICO)}


def _invoice(row: Row[Any]) -> Invoice:
    return Invoice(date.fromisoformat(f"{row.month}-01"), row.pico_usd / PICO)
