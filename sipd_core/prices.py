"""What tokens cost: a dated table in a CSV file that may be edited while the console runs, and what people entered since.

Prices are USD per million tokens. A newer `valid_from` wins from its day on, an entered price over one of the file for
the same day; what is booked keeps the cost it was booked with. A model that is not in the table has no price, which is
not the price zero.
"""

import csv
import io
import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, Self

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
        """USD of these tokens, exact; of many calls at once too, where none counts more cached than prompt tokens."""
        cached = min(usage.cached, usage.prompt)
        million = (usage.prompt - cached) * self.prompt + cached * self.cached + usage.completion * self.completion
        return million.scaleb(-6)


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """The price of a model from a day on."""

    model: str
    valid_from: date
    price: Price


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A dated price and where it comes from."""

    dated: DatedPrice
    entered: bool
    """A person entered it; otherwise the file says so."""


Entered = Callable[[], tuple[DatedPrice, ...]]


class PriceTable:
    """The prices of every model and day; follows its file, and keeps the last good table when an edit is broken.

    Safe from any thread.
    """

    def __init__(self, shipped: Path, own: Path | None, entered: Entered = tuple) -> None:
        """`entered` gives what people entered, oldest first, and the same object as long as nothing changed."""
        self._shipped, self._own, self._entered = shipped, own, entered
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._filed = _read(Path(self._stamp[0]))
        self._seen = entered()
        self._prices = _merged(self._filed, self._seen)

    @classmethod
    def load(cls, shipped: Path, own: Path | None = None, entered: Entered = tuple) -> Self:
        """Read `own` where it exists, else `shipped`; raises PriceError naming the row that cannot be read."""
        return cls(shipped, own, entered)

    @property
    def models(self) -> frozenset[str]:
        """Every model that has a price on some day."""
        return frozenset(self._follow())

    def price(self, model: str, day: date) -> Price | None:
        """The price of a model on a day; None when the table does not know it, or not yet on that day."""
        return next((price for start, price in self._follow().get(model, ()) if start <= day), None)

    def on(self, day: date) -> dict[str, Price]:
        """The price of every model that has one on that day."""
        held = {model: self.price(model, day) for model in self.models}
        return {model: price for model, price in held.items() if price is not None}

    def listed(self) -> tuple[ListedPrice, ...]:
        """Every price in force, by model, newest first."""
        prices = self._follow()
        by_hand = {(dated.model, dated.valid_from) for dated in self._seen}
        return tuple(
            ListedPrice(DatedPrice(model, start, price), (model, start) in by_hand)
            for model in sorted(prices)
            for start, price in prices[model]
        )

    def _follow(self) -> "Dated":
        """The table as it is now; a broken edit of the file is told once: its stamp is remembered too."""
        entered, stamp = self._entered(), self._look()
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_anew(stamp)
            elif entered is self._seen:
                return self._prices
            self._seen = entered
            self._prices = _merged(self._filed, entered)
            return self._prices

    def _read_anew(self, stamp: Stamp) -> None:
        try:
            self._filed = _read(Path(stamp[0]))
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


def _merged(filed: Dated, entered: tuple[DatedPrice, ...]) -> Dated:
    """What was entered later wins, for the same model and day."""
    if not entered:
        return filed
    found = {model: dict(days) for model, days in filed.items()}
    for dated in entered:
        found.setdefault(dated.model, {})[dated.valid_from] = dated.price
    return {model: tuple(sorted(days.items(), reverse=True, key=_start)) for model, days in found.items()}


def _start(dated: tuple[date, Price]) -> date:
    return dated[0]


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
    return {model: tuple(sorted(days.items(), reverse=True, key=_start)) for model, days in found.items()}


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
    if wrong := unfit(amount):
        raise _error(path, row, wrong, value=cell, highest=f"{HIGHEST:f}", decimals=DECIMALS)
    return amount


Unfit = Literal["number", "negative", "high", "fine"]


def unfit(amount: Decimal) -> Unfit | None:
    """Why an amount is no price per million tokens; None when it is one."""
    if not amount.is_finite():
        return "number"
    if amount < 0:
        return "negative"
    if amount > HIGHEST:
        return "high"
    return "fine" if amount != amount.quantize(Decimal(1).scaleb(-DECIMALS)) else None


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
