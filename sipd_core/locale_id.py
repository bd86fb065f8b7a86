"""How figures, money, dates and durations are written in Indonesian; an unknown value is a dash, never a zero.

One reason to change: a habit of writing.
"""

import math
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from sipd_core.texts import text

UNKNOWN = "—"
JAKARTA = ZoneInfo("Asia/Jakarta")

_ZONE_NAMES = {7: "WIB", 8: "WITA", 9: "WIT"}
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3_600, 86_400, 604_800

_TYPED = re.compile(r"-?([0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?|[0-9]+([.,][0-9]+)?)")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+")

Figure = int | float | Decimal
"""What can be shown as a figure; a non-finite float counts as unknown."""


def number(value: Figure | None, decimals: int = 0) -> str:
    """`1234.5` -> `1.234,50` with `decimals=2`; halves round away from zero, as people do on paper."""
    amount = _exact(value)
    if amount is None:
        return UNKNOWN
    rounded = amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    shown = f"{rounded if rounded else abs(rounded):,.{decimals}f}"
    return shown.translate(str.maketrans(",.", ".,"))


def parse_number(typed: str) -> Decimal | None:
    """A figure as people type it: `16.500` and `16500`, `0,15` and `0.15`, `1.234,56`; None when it is none.

    A point stands for thousands, as `number` writes it, unless what follows it can only be decimals.
    """
    plain = typed.strip().replace("\u00a0", "").replace(" ", "")
    if not _TYPED.fullmatch(plain):
        return None
    if "," in plain or _THOUSANDS.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    return Decimal(plain)


def percent(share: Figure | None, decimals: int = 0) -> str:
    """A share of one as a percentage: `0.864` -> `86%`."""
    amount = _exact(share)
    return UNKNOWN if amount is None else f"{number(amount * 100, decimals)}%"


def rupiah(value: Figure | None) -> str:
    """Whole rupiah: `Rp 92.235.000`; below one hundred with two decimals, so that a small cost is not shown as none."""
    amount = _exact(value)
    if amount is None:
        return UNKNOWN
    decimals = 2 if 0 < abs(amount) < 100 else 0
    return f"{'-' if amount < 0 else ''}Rp {number(abs(amount), decimals)}"


def usd(value: Figure | None) -> str:
    """US dollars: two decimals from one cent upwards, six below, because one answer costs a fraction of a cent, and nine
    for a single question's vector, which must not be shown as none."""
    amount = _exact(value)
    if amount is None:
        return UNKNOWN
    decimals = 2 if not amount or abs(amount) >= Decimal("0.01") else 6 if abs(amount) >= Decimal("0.000001") else 9
    return f"{'-' if amount < 0 else ''}US$ {number(abs(amount), decimals)}"


def megabytes(size: int | None) -> str:
    """Bytes as people count files: `1572864` -> `1,5 MB`; below one tenth of a megabyte in kilobytes."""
    if size is None:
        return UNKNOWN
    if size < 100_000:
        return text("locale.kilobytes", n=number(size / 1_000, 0 if size >= 10_000 else 1))
    return text("locale.megabytes", n=number(size / 1_000_000, 1))


def duration(milliseconds: Figure | None) -> str:
    """`820` -> `820 ms`, `1400` -> `1,4 detik`, `185000` -> `3 menit 5 detik`, up to days and hours."""
    amount = _exact(milliseconds)
    if amount is None:
        return UNKNOWN
    if amount < 1_000:
        return text("locale.milliseconds", n=number(amount))
    seconds = amount / 1_000
    if seconds < _MINUTE:
        return text("locale.seconds", n=number(seconds, 1))
    return _two_units(int(seconds))


def file_size(size: int) -> str:
    """`1363149` -> `1,3 MB`, below one tenth of a megabyte in whole kilobytes: `12 KB`."""
    if size < 2**20 / 10:
        return f"{number(max(-(-size // 1024), 1) if size else 0)} KB"
    return f"{number(size / 2**20, 1)} MB"


def moment(at: datetime | None, zone: ZoneInfo = JAKARTA) -> str:
    """A timezone-aware moment on the wall clock of `zone`: `22 Nov 2026 14.05 WIB`."""
    if at is None:
        return UNKNOWN
    local = at.astimezone(zone)
    return f"{day(local.date())} {local:%H.%M} {_zone_name(local)}"


def clock(at: datetime, zone: ZoneInfo = JAKARTA) -> str:
    """The time of day alone, with seconds: `14.05.09`."""
    return f"{at.astimezone(zone):%H.%M.%S}"


def local_day(at: datetime) -> str:
    """The day of a timezone-aware moment in Jakarta, where it may be tomorrow already."""
    return day(at.astimezone(JAKARTA).date())


def day(value: date | None) -> str:
    """A calendar day: `22 Nov 2026`."""
    return UNKNOWN if value is None else f"{short_day(value)} {value.year}"


def short_day(value: date) -> str:
    """A calendar day without its year, for axes: `22 Nov`."""
    return f"{value.day} {_month(value.month)}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago: `baru saja`, `5 menit lalu`, `kemarin`, and the day itself after a week. Both timezone-aware."""
    if at is None:
        return UNKNOWN
    seconds = (now - at).total_seconds()
    if seconds < _MINUTE:
        return text("locale.just_now")
    if seconds < _HOUR:
        return text("locale.minutes_ago", n=int(seconds // _MINUTE))
    if seconds < _DAY:
        return text("locale.hours_ago", n=int(seconds // _HOUR))
    if seconds < 2 * _DAY:
        return text("locale.yesterday")
    if seconds < _WEEK:
        return text("locale.days_ago", n=int(seconds // _DAY))
    return local_day(at)


def from_unix(seconds: float) -> datetime:
    """A Unix time as a timezone-aware moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _exact(value: Figure | None) -> Decimal | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _two_units(seconds: int) -> str:
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    if days:
        return text("locale.days_hours", days=number(days), hours=hours)
    if hours:
        return text("locale.hours_minutes", hours=hours, minutes=minutes)
    return text("locale.minutes_seconds", minutes=minutes, seconds=left)


def _month(month: int) -> str:
    return text("locale.months").split()[month - 1]


def _zone_name(local: datetime) -> str:
    offset = local.utcoffset()
    hours = offset.total_seconds() / _HOUR if offset is not None else 0.0
    return _ZONE_NAMES.get(int(hours), f"UTC{hours:+g}")
