"""How the engine is: what the frame of every page shows, and which parts work."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sipd_core.documents import IndexingProgress


@dataclass(frozen=True, slots=True)
class HostingStatus:
    """Where texts are sent to, and whether that works."""

    host: str
    model: str
    """The one that writes answers, empty where the console does."""
    embedding_model: str
    """Empty where the bundled one is used."""
    trouble: str | None
    """Why the provider is left alone at the moment, in Indonesian."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the frame of every page shows."""

    mode: Literal["local", "hosted"]
    embedding_model: str | None
    """The one that serves; None while it is loading, or when it could not be loaded: then words alone are compared."""
    degraded: str | None
    """Why a part does not work, in Indonesian; None when all works."""
    cases: int
    sample_cases: int
    cases_with_remedy: int
    menus: int
    preparing: bool
    """True until questions can be answered with everything there is."""
    serving_model: str | None
    """`name/dimension` of the embedding model that answers now; None as with `embedding_model`."""
    wanted_model: str | None
    """`name/dimension` of the one that the settings name; None while it is loading."""
    takeover: IndexingProgress | None
    """How far the wanted model is in taking over, `error` says why it pauses; None when it serves."""
    hosted: HostingStatus | None
    """None in local mode."""


class Part(StrEnum):
    """What the console consists of."""

    SQL = "sql"
    CHROMA = "chroma"
    MODEL = "model"
    PROVIDER = "provider"
    DISK = "disk"


class Condition(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    """It works, or something stands in for it."""
    DOWN = "down"
    OFF = "off"
    """Not in use."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """How one part is."""

    part: Part
    condition: Condition
    detail: str = ""
    """Why it is not as it should be, in Indonesian."""
    milliseconds: float | None = None
    """How long it took to answer; None where there is nothing to ask."""
