"""Around every request: its id, who may ask from where, headers on the answer, a line in the log, and no error unanswered."""

import logging
import re
import time
import uuid
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sipd_core.api.desk import HEADERS, KEY_ID
from sipd_core.api.problems import REQUEST_ID, RequestError, as_response, telling
from sipd_core.api.tally import Tally
from sipd_core.deeds import HTTP, Source, act_as

log = logging.getLogger(__name__)

OPERATION = "sipd.operation"
"""Where the path of the operation is in the scope; a path nobody knows is not for logs and figures."""
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "X-Request-ID, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy, WWW-Authenticate"


class Frame:
    """Plain ASGI, so that streams pass through it as they come."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str], tally: Tally) -> None:
        """`origins`: web sites besides our own whose pages may ask."""
        self._app = app
        self._origins = origins
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        act_as(Source(HTTP, str((scope.get("client") or ("",))[0])))
        try:
            answer = self._before(scope, request)
            await (answer or self._app)(scope, receive, request.send)
        except Exception as error:
            log.exception("request %s failed", scope[REQUEST_ID])
            if request.status is not None:
                raise  # the answer has begun: all that is left is to break it off
            await as_response(telling(error), scope[REQUEST_ID])(scope, receive, request.send)
        finally:
            self._tally.add(*request.label, request.status or 0, request.seconds)
            request.log()

    def _before(self, scope: Scope, request: "_Request") -> Response | None:
        """The answer to pages of other sites, None for everybody else."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or _is_own(origin, headers.get("host", "")):
            return None
        if origin.lower() not in self._origins:
            return as_response(telling(RequestError(403, "origin")), scope[REQUEST_ID])
        scope[HEADERS] |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return Response(status_code=204, headers=_ALLOWED)
        return None


class _Request:
    """What becomes of one request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        self.status: int | None = None
        given = Headers(scope=scope).get("x-request-id", "")
        scope[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        scope[HEADERS] = {"X-Request-ID": scope[REQUEST_ID], "Cache-Control": "no-store", "Vary": "Origin"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in self._scope[HEADERS].items():
                headers.setdefault(name, value)
        await self._send(message)

    @property
    def label(self) -> tuple[str, str]:
        """Method and path, as far as they are ours."""
        known = self._scope.get(OPERATION)
        return (self._scope["method"], known) if known else ("", "")

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def log(self) -> None:
        """Neither the address nor the body: either may hold what a person typed."""
        method, path = self.label
        told = (self._scope[REQUEST_ID], method, path or "?", self.status, self.seconds * 1_000)
        log.info("request %s: %s %s -> %s in %.0f ms, key %s", *told, self._scope.get(KEY_ID, "-"))


def _is_own(origin: str, host: str) -> bool:
    """A page of ours: the host alone counts, for a proxy in front may speak TLS where we do not.

    A name that was bent to this computer (DNS rebinding) passes, and gains nothing: no cookie and no place opens anything.
    """
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False
