"""The operations put together: each behind the door it needs, all inside one frame."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from sipd_core.api.desk import Desk
from sipd_core.api.frame import OPERATION, Frame
from sipd_core.api.operations import Operation, operations
from sipd_core.api.problems import on_error, on_http_error
from sipd_core.api.tally import Tally
from sipd_core.errors import SipdError
from sipd_core.settings import Settings

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine


def create_api(settings: Settings, engine: "Callable[[], BlockingEngine | None]") -> Starlette:
    """The application; `engine` gives None while there is none. What it knows no path for is answered in JSON too."""
    tally = Tally()
    desk = Desk(settings, engine)
    routes = [_route(desk, operation) for operation in operations(tally)]
    api = Starlette(
        routes=routes,
        middleware=[Middleware(Frame, origins=settings.allowed_origins, tally=tally)],
        exception_handlers={SipdError: on_error, HTTPException: on_http_error},
    )
    api.router.redirect_slashes = False
    return api


def api_routes(api: ASGIApp) -> list[BaseRoute]:
    """Where the application is found: each of its names with everything below, and all of it under `/api`."""
    names = dict.fromkeys(operation.path.split("/")[1] for operation in operations(Tally()))
    found: list[BaseRoute] = [Route(f"/{name}", api) for name in names]
    found += [Route(f"/{name}/{{rest:path}}", api) for name in names]
    return [*found, Route("/api", api), Mount("/api", api)]


def first_parts() -> frozenset[str]:
    """The first part of every path of `api_routes`: what has it needs a key, and no person."""
    return frozenset({"api", *(operation.path.split("/")[1] for operation in operations(Tally()))})


def _route(desk: Desk, operation: Operation) -> Route:
    async def endpoint(request: Request) -> Response:
        request.scope[OPERATION] = operation.path
        if not operation.is_open:
            await desk.admit(request, operation.scope)
        return await operation.handler(desk, request)

    return Route(operation.path, endpoint, methods=[operation.method], name=operation.name)
