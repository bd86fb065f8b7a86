"""The one table of what can be asked: routes and the OpenAPI document are both made of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sipd_core.api import health, reports
from sipd_core.api.chat import chat
from sipd_core.api.desk import Desk
from sipd_core.api.tally import Tally
from sipd_core.scopes import Scope

Handler = Callable[[Desk, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One path with its method."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    """Entry of `api.document` in the catalogue, and the document's operationId."""
    handler: Handler
    scope: Scope | None = None
    """What a key must open; None: any key will do."""
    is_open: bool = False
    """No key is asked for."""


def operations(tally: Tally) -> tuple[Operation, ...]:
    """Everything that can be asked."""
    return (
        Operation("POST", "/chat", "chat", chat, Scope.CHAT),
        Operation("GET", "/health", "health", health.health, is_open=True),
        Operation("GET", "/health/live", "live", health.live, is_open=True),
        Operation("GET", "/health/ready", "ready", health.ready, Scope.STATS),
        Operation("GET", "/stats", "stats", reports.stats, Scope.STATS),
        Operation("GET", "/performance-stats", "performance", reports.performance, Scope.STATS),
        Operation("GET", "/cost-report", "costs", reports.costs, Scope.COSTS),
        Operation("GET", "/metrics", "metrics", reports.metrics(tally), Scope.METRICS),
        Operation("GET", "/openapi.json", "openapi", _document),
    )


async def _document(desk: Desk, _request: Request) -> JSONResponse:
    from sipd_core.api.openapi import document

    made: dict[str, Any] = await desk.call(document, operations(Tally()), desk.settings)
    return JSONResponse(made)
