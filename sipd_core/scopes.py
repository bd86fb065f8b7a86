"""What the keys of the HTTP interface open."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key opens."""

    CHAT = "chat"
    STATS = "stats"
    COSTS = "costs"
    METRICS = "metrics"
