"""Whether the process lives, and whether it can answer questions: what a balancer, a container and a watchman ask."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse

from sipd_core.api.desk import Desk
from sipd_core.api.problems import RETRY_SECONDS
from sipd_core.errors import RestoringError, SipdError
from sipd_core.status import Condition, Part, PartHealth


@dataclass(frozen=True, slots=True)
class LiveReply:
    """The process answers."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class HealthReply:
    """`ok` when questions can be answered, whatever stands in for a part that is away."""

    status: Literal["ok", "preparing", "down"]
    parts: Mapping[Part, Condition]
    """Empty while there is nothing to look at yet."""


@dataclass(frozen=True, slots=True)
class PartReply:
    """One part."""

    status: Condition
    detail: str
    milliseconds: float | None


@dataclass(frozen=True, slots=True)
class ReadyReply:
    """The same with reasons, for those who look after the console."""

    status: Literal["ok", "preparing", "down"]
    parts: Mapping[Part, PartReply]


Status = Literal["ok", "preparing", "down"]


async def live(_desk: Desk, _request: Request) -> JSONResponse:
    """As long as the process answers at all."""
    return JSONResponse(asdict(LiveReply("ok")))


async def health(desk: Desk, _request: Request) -> JSONResponse:
    """200 when questions can be answered, else 503."""
    status, parts = await _look(desk)
    return _answer(status, HealthReply(status, {one.part: one.condition for one in parts}))


async def ready(desk: Desk, _request: Request) -> JSONResponse:
    """As `health`, with reasons."""
    status, parts = await _look(desk)
    told = {one.part: PartReply(one.condition, one.detail, _rounded(one.milliseconds)) for one in parts}
    return _answer(status, ReadyReply(status, told))


async def _look(desk: Desk) -> tuple[Status, tuple[PartHealth, ...]]:
    engine = desk.running
    if engine is None:
        return "preparing", ()
    try:
        is_preparing = engine.status().preparing
        parts = await desk.call(engine.vitals.look)
    except RestoringError:
        return "preparing", ()
    except SipdError:
        return "down", ()  # what kept the engine from opening again is in the log
    if any(one.part is Part.SQL and one.condition is Condition.DOWN for one in parts):
        return "down", parts
    return ("preparing" if is_preparing else "ok"), parts


def _answer(status: Status, reply: HealthReply | ReadyReply) -> JSONResponse:
    if status == "ok":
        return JSONResponse(asdict(reply))
    return JSONResponse(asdict(reply), 503, {"Retry-After": str(RETRY_SECONDS)})


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
