"""What tokens cost: a dated table in a CSV file that may be edited while the console runs.

Prices are USD per million tokens. A newer `valid_from` wins from its day on; what is booked keeps the cost it was
booked with. A model that is not in the table has no price, which is not the price zero.
"""

import csv
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Self

from sipd_core.errors import PriceError
from sipd_core.texts import text
from sipd_core.usage import Usage

log = logging.getLogger(__name__)

HIGHEST = Decimal(1_000_000)
"""USD per million tokens; whoever writes more has mistaken the unit."""
DECIMALS = 6
"""The finest price whose single token is still whole pico-dollars, the unit of the books."""

_COLUMNS = ("model", "valid_from", "prompt", "cached", "completion")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Stamp = tuple[str, int, int]
"""Path, time of the last change in nanoseconds and size in bytes of the file that was read."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; `cached` is never above `prompt`, so counting no token as cached gives the most."""

    prompt: Decimal
    cached: Decimal
    completion: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """USD of these tokens, exact."""
        cached = min(usage.cached, usage.prompt)
        million = (usage.prompt - cached) * self.prompt + cached * self.cached + usage.completion * self.completion
        return million.scaleb(-6)


class PriceTable:
    """The prices of every model and day; follows its file, and keeps the last good table when an edit is broken."""

    def __init__(self, shipped: Path, own: Path | None) -> None:
        self._shipped, self._own = shipped, own
        self._stamp = self._look()
        self._prices = _read(Path(self._stamp[0]))

    @classmethod
    def load(cls, shipped: Path, own: Path | None = None) -> Self:
        """Read `own` where it exists, else `shipped`; raises PriceError naming the row that cannot be read."""
        return cls(shipped, own)

    @property
    def models(self) -> frozenset[str]:
        """Every model that has a price on some day."""
        self._follow()
        return frozenset(self._prices)

    def price(self, model: str, day: date) -> Price | None:
        """The price of a model on a day; None when the table does not know it, or not yet on that day."""
        self._follow()
        return next((price for start, price in self._prices.get(model, ()) if start <= day), None)

    def _follow(self) -> None:
        """A broken edit is told once: its stamp is remembered too."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._prices = _read(Path(stamp[0]))
            log.info("prices read anew from %s", stamp[0])
        except PriceError as error:
            log.error("the edited price table is not used: %s", error.user_text)

    def _look(self) -> Stamp:
        path = self._own if self._own is not None and self._own.exists() else self._shipped
        try:
            found = path.stat()
        except OSError:
            return str(path), 0, 0
        return str(path), found.st_mtime_ns, found.st_size


Dated = dict[str, tuple[tuple[date, Price], ...]]
"""Model -> its prices with the day they hold from, newest first."""


def _read(path: Path) -> Dated:
    try:
        rows = list(_rows(path, path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _error(path, 1, "unreadable") from error
    found: dict[str, dict[date, Price]] = {}
    for row, cells in rows:
        model, start = cells["model"], _day(path, row, cells["valid_from"])
        if start in found.setdefault(model, {}):
            raise _error(path, row, "twice")
        found[model][start] = _price(path, row, cells)
    if not found:
        raise _error(path, 1, "empty")
    return {model: tuple(sorted(days.items(), reverse=True)) for model, days in found.items()}


def _rows(path: Path, content: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells) of each row; a table saved by an Indonesian Excel has `;` between cells and decimal commas."""
    delimiter = ";" if ";" in content.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, restval="")
    if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
        raise _error(path, 1, "columns", columns=", ".join(missing))
    for cells in reader:
        named = {name: cells[name].strip() for name in _COLUMNS}
        if not any(named.values()):
            continue
        if not named["model"]:
            raise _error(path, reader.line_num, "model")
        yield reader.line_num, named


def _price(path: Path, row: int, cells: dict[str, str]) -> Price:
    prompt = _amount(path, row, cells["prompt"])
    cached = _amount(path, row, cells["cached"] or cells["prompt"])
    if cached > prompt:
        raise _error(path, row, "cached")
    return Price(prompt, cached, _amount(path, row, cells["completion"] or "0"))


def _amount(path: Path, row: int, cell: str) -> Decimal:
    try:
        amount = Decimal(cell.replace(",", "."))
    except InvalidOperation:
        raise _error(path, row, "number", value=cell) from None
    if not amount.is_finite():
        raise _error(path, row, "number", value=cell)
    if amount < 0:
        raise _error(path, row, "negative", value=cell)
    if amount > HIGHEST:
        raise _error(path, row, "high", value=cell, highest=f"{HIGHEST:f}")
    if amount != amount.quantize(Decimal(1).scaleb(-DECIMALS)):
        raise _error(path, row, "fine", value=cell, decimals=DECIMALS)
    return amount


def _day(path: Path, row: int, cell: str) -> date:
    """Only year-month-day: whether 01/09 is January or September depends on who reads it."""
    try:
        if _ISO_DAY.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise _error(path, row, "day", value=cell)


def _error(path: Path, row: int, reason: str, **values: object) -> PriceError:
    return PriceError(path=str(path), row=row, reason=text(f"errors.prices_reason.{reason}", **values))
