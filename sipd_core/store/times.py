"""Times as the store keeps them: Unix seconds in, timezone-aware UTC out."""

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """A timezone-aware UTC datetime of a stored time."""
    return datetime.fromtimestamp(seconds, tz=UTC)
