"""An address that no page has: one sentence and the way back, instead of Streamlit's English dialog over another page.

The first page answers to `/` alone; its own name leads there.
"""

from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.shell import signin_html as html
from pages.shell.places import ACCOUNT, GROUPS
from sipd_core.texts import text

_FIRST = GROUPS["desk"][0].file
_PAGES = frozenset({"", ACCOUNT.file, *(place.file for places in GROUPS.values() for place in places)}) - {_FIRST}
_MACHINERY = frozenset({"_stcore", "app", "auth", "component", "media", "oauth2callback", "static"})
"""First parts of what Streamlit serves besides pages."""


class UnknownPaths:
    """Plain ASGI, behind the door: who is not in is asked to sign in first, whatever the address."""

    def __init__(self, app: ASGIApp, *, others: Iterable[str]) -> None:
        """`others`: first parts of paths that have routes of their own."""
        self._app = app
        self._others = _MACHINERY | frozenset(others)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["type"] == "http" and self._is_unknown(connection := HTTPConnection(scope)):
            answer = _first(connection) if connection.url.path.strip("/") == _FIRST else _told()
        await answer(scope, receive, send)

    def _is_unknown(self, connection: HTTPConnection) -> bool:
        """Whether a browser asks for a page that does not exist."""
        path = connection.url.path.strip("/")
        is_page = connection.scope["method"] in ("GET", "HEAD") and "text/html" in connection.headers.get("accept", "")
        return is_page and path not in _PAGES and path.split("/", 1)[0] not in self._others and "." not in path


def _first(connection: HTTPConnection) -> RedirectResponse:
    query = connection.url.query
    return RedirectResponse(f"/?{query}" if query else "/", 303)


def _told() -> HTMLResponse:
    title = text("ui.unknown.title")
    back = html.button_link(text("ui.unknown.back"), "/")
    return HTMLResponse(html.page(title, html.heading(title), html.paragraph(text("ui.unknown.body")), back), 404)
