"""In front of everything that Streamlit serves: nobody who is not signed in gets a page, a socket, an upload or a file.

One reason to change: what may be asked without being signed in. What somebody who is in may do is decided by the guard
(`sipd_core.guard`), at each call.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.shell import signin_html as html
from pages.shell import signin_oidc as oidc
from pages.shell.signin_cookie import SESSION_COOKIE, TARGET_COOKIE, TARGET_PARAM, drop_cookie, local_target, set_cookie
from pages.shell.signin_routes import LEAVE_PATH, SIGN_IN_PATH, address_of, browser_of, waiting
from sipd_core.deeds import CONSOLE, Source, acting_as
from sipd_core.errors import SignedOutError, SignInError, SipdError
from sipd_core.settings import Settings
from sipd_core.sign_in import Vouched
from sipd_core.texts import text

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

_FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded")
_MACHINERY = ("_stcore", "media", "component", "app")
"""First parts of paths that pages ask for, not people."""
_RECONNECTING = ("/_stcore/host-config",)
"""What a page asks for before it opens its socket again."""
_FREE = frozenset({SIGN_IN_PATH.strip("/"), LEAVE_PATH.strip("/"), "static", "favicon.png"})
_FREE_PATHS = frozenset({"/_stcore/health"})
_PROVIDER_PATHS = frozenset({oidc.LOGIN_PATH, oidc.LOGOUT_PATH, oidc.CALLBACK_PATH})


class Standing(Enum):
    """What is known of who asks."""

    IN = "in"
    WAS_IN = "was_in"
    """Signed in once, not any more: the open page may say so."""
    OUT = "out"
    UNKNOWN = "unknown"
    """There is no engine that could tell."""


class SignInDoor:
    """Plain ASGI, around HTTP and WebSockets alike."""

    def __init__(
        self, app: ASGIApp, *, settings: Settings, engine: "Callable[[], BlockingEngine | None]", programs: Iterable[str]
    ) -> None:
        """`engine` gives None while there is none; `programs`: first parts of paths whose own door asks for keys."""
        self._app = app
        self._settings = settings
        self._engine = engine
        self._programs = frozenset(programs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _first(scope["path"]) in self._programs:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = await self._answer(connection)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    async def _answer(self, connection: HTTPConnection) -> Response | None:
        """What somebody is told who is not let through; None: he is."""
        if self._settings.sign_in == "open":
            return None if self._settings.open_anywhere or is_from_here(connection) else _refused()
        path = connection.url.path
        if _first(path) in _FREE or path in _FREE_PATHS:
            return None
        if self._settings.sign_in == "oidc" and path in _PROVIDER_PATHS:
            return None
        with acting_as(Source(CONSOLE, address_of(connection))):
            standing = await to_thread.run_sync(self._standing, connection.cookies.get(SESSION_COOKIE, ""))
        if standing is Standing.IN or (standing is Standing.WAS_IN and _may_hear_so(connection)):
            return None
        if connection.scope["type"] == "websocket" or not _is_visit(connection):
            return PlainTextResponse(text("people.error.signed_out"), 503 if standing is Standing.UNKNOWN else 401)
        if standing is Standing.UNKNOWN:
            return waiting()
        return await self._to_sign_in(connection)

    def _standing(self, token: str) -> Standing:
        engine = self._engine()
        if engine is None:
            return Standing.UNKNOWN
        try:
            if not token:
                return Standing.OUT
            engine.sign_in.visit(token)
            return Standing.IN
        except SignedOutError:
            return Standing.WAS_IN if engine.sign_in.was_in(token) else Standing.OUT
        except SipdError:
            return Standing.UNKNOWN

    async def _to_sign_in(self, connection: HTTPConnection) -> Response:
        """Somebody wants a page: in, when a provider has just vouched for him, else to the page that asks."""
        said = oidc.vouched(connection, self._settings) if self._settings.sign_in == "oidc" else None
        target = _asked(connection)
        if said is None:
            query = "" if target == "/" else f"?{urlencode({TARGET_PARAM: target})}"
            return _uncached(RedirectResponse(f"{SIGN_IN_PATH}{query}", 303))
        try:
            token = await to_thread.run_sync(self._enter_vouched, connection, said)
        except SignInError as error:
            if error.text_key == "people.error.spent":
                return _uncached(RedirectResponse(SIGN_IN_PATH, 303))
            title = text("people.error.disabled")
            return _uncached(HTMLResponse(html.page(text("sign_in.title"), html.problem(title)), 403))
        answer = _uncached(RedirectResponse(local_target(connection.cookies.get(TARGET_COOKIE)), 303))
        set_cookie(answer, connection, SESSION_COOKIE, token, self._settings.session_hours * 3_600)
        drop_cookie(answer, TARGET_COOKIE)
        return answer

    def _enter_vouched(self, connection: HTTPConnection, said: Vouched) -> str:
        engine = self._engine()
        assert engine is not None  # its standing was told by it
        address = address_of(connection)
        with acting_as(Source(CONSOLE, address)):
            return engine.sign_in.enter_vouched(said, address=address, browser=browser_of(connection.headers))


def is_from_here(connection: HTTPConnection) -> bool:
    """Whether a browser on this computer asks, by a name of this computer, with nobody in between who says otherwise."""
    if any(name in connection.headers for name in _FORWARDED):
        return False
    server = connection.scope.get("server") or ("", 0)
    places = [address_of(connection), str(server[0])]
    return is_loopback_name(connection.headers.get("host", "")) and all(map(_is_loopback, filter(None, places)))


def is_loopback_name(host: str) -> bool:
    """Whether a host, with or without a port, is this computer and no other."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _first(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _asked(connection: HTTPConnection) -> str:
    """The page that was asked for, as an address of this console."""
    query = connection.url.query
    return local_target(quote(connection.url.path, safe="/%-._~") + (f"?{query}" if query else ""))


def _is_visit(connection: HTTPConnection) -> bool:
    """Whether a browser asks for a page to show, not for a part of one."""
    headers: Headers = connection.headers
    is_page = connection.scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")
    return is_page and _first(connection.url.path) not in _MACHINERY


def _may_hear_so(connection: HTTPConnection) -> bool:
    """A page that was open when the session ended connects once more, to say so."""
    return connection.scope["type"] == "websocket" or connection.url.path in _RECONNECTING


def _refused() -> Response:
    title = text("sign_in.open.title")
    told = html.page(title, html.heading(title), html.paragraph(text("sign_in.open.refused")))
    return _uncached(HTMLResponse(told, 403))


def _uncached(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
