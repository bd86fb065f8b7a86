"""What goes into a chart and what comes out of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sipd_core.locale_id import number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

Bucket = date | datetime
"""A day, or an hour on Jakarta's clock without a zone."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What the numbers of a chart are."""

    title: str
    """With the unit, as in `milidetik`."""
    said: Callable[[float | None], str] = number
    """A value in words, for the summary."""
    unit: str = ""
    """After a number when it is pointed at."""
    prefix: str = ""
    """Before it, as `Rp `."""
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one colour of stacked bars; None is a gap."""

    key: str
    name: str
    values: Sequence[float | None]
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its values and the words for those who cannot see it."""

    figure: "Figure"
    table: tuple[Mapping[str, object], ...]
    """Exactly what is drawn, one row a point: `waktu` as an ISO date or time, then one column a series by its key."""
    summary: str
    """All of it in words, for those who cannot see it."""
    caption: str = ""
    """The gist, for everybody."""
    empty: bool = False
    """Nothing but gaps."""
