"""Refusals and failures as HTTP tells them: one JSON shape, an Indonesian sentence that may be shown, and nothing inside.

Paths, addresses and reasons of a failed part stay in the log, under the request's id.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sipd_core.errors import (
    KeyRefusedError,
    MessageError,
    NotFoundError,
    PeriodError,
    RateExceededError,
    RestoringError,
    ScopeError,
    SipdError,
    StoreLockedError,
)
from sipd_core.texts import text

log = logging.getLogger(__name__)

REQUEST_ID = "sipd.request_id"
"""Where the request's id is in the scope."""
RETRY_SECONDS = 5
"""When to ask again while the console is preparing or being restored."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What went wrong."""

    code: str
    """For programs; does not change."""
    message: str
    """For people, in Indonesian: what happened and what to do."""
    request_id: str
    """Under this id the console's log says more."""


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The shape of every answer that is no success."""

    error: ErrorBody


@dataclass(frozen=True, slots=True)
class Telling:
    """How an error is told over HTTP."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestError(SipdError):
    """A request that cannot be understood, or comes at the wrong moment."""

    def __init__(
        self, status: int, code: str, *, entry: str = "", headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        """`entry` of `api.toml` says it to people, without one that of the code's name."""
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        super().__init__(f"{status} {code}", text_key=f"api.{entry or code}", **values)


def preparing() -> RequestError:
    """The engine is not there yet."""
    return RequestError(503, "preparing", headers={"Retry-After": str(RETRY_SECONDS)})


def telling(error: Exception) -> Telling:
    """What may be told of an error."""
    if isinstance(error, RequestError):
        return Telling(error.status, error.code, error.user_text, error.headers)
    if isinstance(error, RateExceededError):
        return Telling(429, "rate_limited", error.user_text, _waiting(error))
    if isinstance(error, KeyRefusedError):
        return Telling(401, "unauthorized", error.user_text, {"WWW-Authenticate": 'Bearer realm="sipd"'})
    if isinstance(error, ScopeError):
        challenge = f'Bearer realm="sipd", error="insufficient_scope", scope="{error.values["scope"]}"'
        return Telling(403, "forbidden", error.user_text, {"WWW-Authenticate": challenge})
    if isinstance(error, MessageError | PeriodError):
        return Telling(422, "invalid", error.user_text)
    if isinstance(error, NotFoundError):
        return Telling(404, "not_found", error.user_text)
    if isinstance(error, RestoringError | StoreLockedError):
        return Telling(503, "unavailable", error.user_text, {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, SipdError):
        return Telling(503, "unavailable", text("api.unavailable"), {"Retry-After": str(RETRY_SECONDS)})
    return Telling(500, "internal", text("api.internal"))


def error_reply(told: Telling, request_id: str) -> ErrorReply:
    """The answer's body."""
    return ErrorReply(ErrorBody(told.code, told.message, request_id))


def as_response(told: Telling, request_id: str) -> JSONResponse:
    """The answer."""
    body = error_reply(told, request_id).error
    content = {"error": {"code": body.code, "message": body.message, "request_id": body.request_id}}
    return JSONResponse(content, told.status, dict(told.headers))


async def on_error(request: Request, error: Exception) -> JSONResponse:
    """For errors that are raised on purpose; what is not the caller's doing is logged with its reason."""
    told = telling(error)
    if told.status >= 500 and not isinstance(error, RequestError):
        log.error("request %s failed: %s: %s", request.scope[REQUEST_ID], type(error).__name__, error)
    return as_response(told, request.scope[REQUEST_ID])


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """For paths and methods that there are not."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        message = text("api.method_not_allowed", method=request.method[:20], allowed=headers.get("Allow", ""))
        return as_response(Telling(405, "method_not_allowed", message, headers), request.scope[REQUEST_ID])
    return as_response(Telling(404, "not_found", text("api.not_found")), request.scope[REQUEST_ID])


def _waiting(error: RateExceededError) -> dict[str, str]:
    return rate_headers(error.allowed, 0, error.reset) | {"Retry-After": str(max(math.ceil(error.retry_after), 1))}


def rate_headers(limit: int, remaining: int, reset: float) -> dict[str, str]:
    """What is left to a caller; `reset` in seconds."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(math.ceil(reset)),
        "RateLimit-Policy": f"{limit};w=60",
    }
