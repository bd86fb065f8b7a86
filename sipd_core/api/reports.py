"""The figures of the pages for programs: statistics, performance, costs, and what Prometheus collects."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sipd_core.api.desk import Desk
from sipd_core.api.problems import RequestError
from sipd_core.api.tally import Tally

DAYS = 7
MOST_DAYS = 400
"""As long as the longest period of the pages."""


async def stats(desk: Desk, _request: Request) -> JSONResponse:
    """All figures of this moment."""
    from sipd_core.wire import as_json, stats_reply

    return JSONResponse(as_json(await desk.call(stats_reply, desk.engine)))


async def performance(desk: Desk, _request: Request) -> JSONResponse:
    """The live figures of this process."""
    from sipd_core.wire import as_json, performance_reply

    return JSONResponse(as_json(performance_reply(await desk.call(desk.engine.performance))))


async def costs(desk: Desk, request: Request) -> JSONResponse:
    """The books of the last days."""
    from sipd_core.wire import as_json, cost_reply

    report: Any = await desk.call(desk.engine.costs, _days(request))
    return JSONResponse(as_json(cost_reply(report)))


def metrics(tally: Tally) -> Any:
    """The handler of /metrics, which tells of HTTP itself too."""

    async def handler(desk: Desk, request: Request) -> Response:
        from sipd_core.exposition import exposition

        accept = request.headers.get("accept", "")
        body, kind = await desk.call(exposition, desk.engine, tally.ended(), tally.lasted(), accept)
        return Response(body, headers={"Content-Type": kind})

    return handler


def _days(request: Request) -> int:
    given = request.query_params.get("days", str(DAYS))
    days = int(given) if given.isascii() and given.isdecimal() and len(given) <= 4 else 0
    if not 1 <= days <= MOST_DAYS:
        raise RequestError(422, "invalid", entry="days", most=MOST_DAYS)
    return days
