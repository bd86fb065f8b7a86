"""Coming in and going out over plain HTTP: only an answer of the server can set a cookie that no script can read.

One reason to change: the steps of a sign-in in the browser. Whether somebody is let in is decided by `sipd_core.sign_in`.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pages.shell import signin_html as html
from pages.shell import signin_oidc as oidc
from pages.shell.signin_cookie import (
    FORM_COOKIE,
    FORM_SECONDS,
    SESSION_COOKIE,
    TARGET_COOKIE,
    TARGET_PARAM,
    drop_cookie,
    is_own_form,
    leave_token,
    local_target,
    set_cookie,
)
from sipd_core.deeds import CONSOLE, Source, acting_as
from sipd_core.errors import PeopleError, SignedOutError, SignInError, SipdError, UpgradingError
from sipd_core.locale_id import number
from sipd_core.passwords import SHORTEST
from sipd_core.settings import Settings
from sipd_core.sign_in import LINK_PATH
from sipd_core.store.people import Account
from sipd_core.store.upgrading import under_way
from sipd_core.texts import text

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

SIGN_IN_PATH, LEAVE_PATH = "/masuk", "/keluar"
PROVIDER_PATH = "/masuk/instansi"
LEFT = "keluar"
"""In the address of the sign-in page: somebody has just signed out."""
_LONGEST_FORM = 8_192
"""Bytes."""
_THREADS = 8
"""Calls at once: whoever floods the door with passwords keeps no thread from those who are in."""

Result = TypeVar("Result")


class SignInPages:
    """The routes of `/masuk` and `/keluar`."""

    def __init__(self, settings: Settings, engine: "Callable[[], BlockingEngine | None]") -> None:
        """`engine` gives None while there is none."""
        self._settings = settings
        self._engine = engine
        self._threads = CapacityLimiter(_THREADS)

    def routes(self) -> list[BaseRoute]:
        """For the application of the pages."""
        return [
            Route(SIGN_IN_PATH, self._guarded(self._show), methods=["GET"]),
            Route(SIGN_IN_PATH, self._guarded(self._enter), methods=["POST"]),
            Route(PROVIDER_PATH, self._guarded(self._to_provider), methods=["GET"]),
            Route(f"{LINK_PATH}/{{token}}", self._guarded(self._show_link), methods=["GET"]),
            Route(f"{LINK_PATH}/{{token}}", self._guarded(self._use_link), methods=["POST"]),
            Route(LEAVE_PATH, self._guarded(self._ask_to_leave), methods=["GET"]),
            Route(LEAVE_PATH, self._guarded(self._leave), methods=["POST"]),
        ]

    def _guarded(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """In open mode there is nothing to sign in to; while there is no engine, nobody who could decide."""

        async def handle(request: Request) -> Response:
            if self._settings.sign_in == "open":
                return RedirectResponse("/", 303)
            if self._engine() is None:
                return waiting()
            try:
                answer: Response = await handler(request)
            except SignInError as error:
                answer = _dead_end(error.user_text, 410)
            except SipdError as error:
                answer = _dead_end(error.user_text, 503)
            answer.headers["Cache-Control"] = "no-store"
            return answer

        return handle

    async def _show(self, request: Request) -> Response:
        target = local_target(request.query_params.get(TARGET_PARAM))
        if await self._is_in(request):
            return RedirectResponse(target, 303)
        said = html.notice(text("sign_in.left")) if LEFT in request.query_params else ""
        return await self._sign_in_page(request, target, said=said)

    async def _sign_in_page(
        self, request: Request, target: str, *, said: str = "", login: str = "", status: int = 200
    ) -> Response:
        if self._settings.sign_in == "oidc":
            address = f"{PROVIDER_PATH}?{urlencode({TARGET_PARAM: target})}"
            parts = html.paragraph(text("sign_in.sso_intro"), soft=True), html.button_link(text("sign_in.sso"), address)
            return _page(text("sign_in.title"), html.heading(text("sign_in.heading")), said, *parts, status=status)
        token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
        fields = (
            html.Field("nama", text("sign_in.login"), "text", "username", login),
            html.Field("sandi", text("sign_in.password"), "password", "current-password"),
        )
        form = html.form(html.Form(SIGN_IN_PATH, token, text("sign_in.button"), fields, target))
        has_admin = await self._call(lambda engine: engine.sign_in.has_admin())
        hint = "" if has_admin else html.notice(text("sign_in.no_admin"))
        forgotten = html.paragraph(text("sign_in.forgotten"), soft=True).replace("soft", "soft below", 1)
        heading = html.heading(text("sign_in.heading"))
        answer = _page(text("sign_in.title"), heading, hint, said, form, forgotten, status=status)
        set_cookie(answer, request, FORM_COOKIE, token, FORM_SECONDS)
        return answer

    async def _enter(self, request: Request) -> Response:
        sent = await _form(request)
        target, login = local_target(sent.get(TARGET_PARAM)), sent.get("nama", "")[:300]
        if self._settings.sign_in != "accounts":
            return RedirectResponse(SIGN_IN_PATH, 303)
        if not _is_ours(request, sent):
            said = html.problem(text("sign_in.form_old"))
            return await self._sign_in_page(request, target, said=said, login=login, status=403)
        try:
            return await self._let_in(request, login, sent.get("sandi", ""), target)
        except SignInError as error:
            status = 429 if error.text_key == "people.error.wait" else 401
            said = html.problem(error.user_text)
            return await self._sign_in_page(request, target, said=said, login=login, status=status)

    async def _let_in(self, request: Request, login: str, password: str, target: str) -> Response:
        where = {"address": address_of(request), "browser": browser_of(request.headers)}
        token = await self._call(lambda engine: engine.sign_in.enter(login, password, **where), request)
        answer = RedirectResponse(target, 303)
        set_cookie(answer, request, SESSION_COOKIE, token, self._settings.session_hours * 3_600)
        drop_cookie(answer, FORM_COOKIE)
        return answer

    async def _to_provider(self, request: Request) -> Response:
        if self._settings.sign_in != "oidc":
            return RedirectResponse(SIGN_IN_PATH, 303)
        answer = RedirectResponse(oidc.login_path(self._settings), 303)
        set_cookie(answer, request, TARGET_COOKIE, local_target(request.query_params.get(TARGET_PARAM)), FORM_SECONDS)
        return answer

    async def _show_link(self, request: Request) -> Response:
        token = request.path_params["token"]
        account = await self._call(lambda engine: engine.sign_in.link_for(token))
        return self._link_page(request, token, account)

    def _link_page(
        self, request: Request, link: str, account: Account | None, *, said: str = "", sent: Mapping[str, str] = {}
    ) -> Response:
        token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
        made = html.Form(f"{LINK_PATH}/{link}", token, text("sign_in.link.save"), _link_fields(account, sent))
        if account is None:
            title, intro = text("sign_in.link.first_title"), text("sign_in.link.first_intro")
        else:
            title, intro = text("sign_in.link.title"), text("sign_in.link.intro", name=account.name, login=account.login)
        parts = html.heading(title), html.paragraph(intro, soft=True), html.problem(said), html.form(made)
        answer = _page(title, *parts, status=422 if said else 200)
        set_cookie(answer, request, FORM_COOKIE, token, FORM_SECONDS)
        return answer

    async def _use_link(self, request: Request) -> Response:
        link, sent = request.path_params["token"], await _form(request)
        account = await self._call(lambda engine: engine.sign_in.link_for(link))
        show = partial(self._link_page, request, link, account, sent=sent)
        if not _is_ours(request, sent):
            return show(said=text("sign_in.form_old"))
        password = sent.get("sandi", "")
        if password != sent.get("ulang"):
            return show(said=text("sign_in.link.differ"))
        named = {"login": sent.get("nama", ""), "name": sent.get("tampilan", "")}
        try:
            made = await self._call(lambda engine: engine.sign_in.use_link(link, password, **named), request)
        except PeopleError as error:
            return show(said=error.user_text)
        return await self._let_in(request, made.login, password, "/")

    async def _ask_to_leave(self, request: Request) -> Response:
        token = request.cookies.get(SESSION_COOKIE, "")
        if not await self._is_in(request):
            return RedirectResponse(SIGN_IN_PATH, 303)
        form = html.form(html.Form(LEAVE_PATH, leave_token(token), text("sign_in.leave.button")))
        stay = html.button_link(text("sign_in.leave.stay"), "/", second=True)
        return _page(text("sign_in.leave.title"), html.heading(text("sign_in.leave.heading")), form, stay)

    async def _leave(self, request: Request) -> Response:
        """Sessions of a provider end there too: the next one at this computer must not get in with a click."""
        sent, token = await _form(request), request.cookies.get(SESSION_COOKIE, "")
        if not is_own_form(request.headers) or not secrets.compare_digest(
            sent.get(html.FORM_FIELD, "").encode(), leave_token(token).encode()
        ):
            return RedirectResponse(LEAVE_PATH, 303)
        await self._call(lambda engine: engine.sign_in.leave(token), request)
        is_vouched = self._settings.sign_in == "oidc"
        answer = RedirectResponse(oidc.LOGOUT_PATH if is_vouched else f"{SIGN_IN_PATH}?{LEFT}", 303)
        drop_cookie(answer, SESSION_COOKIE)
        return answer

    async def _is_in(self, request: Request) -> bool:
        token = request.cookies.get(SESSION_COOKIE, "")
        try:
            await self._call(lambda engine: engine.sign_in.visit(token))
        except SignedOutError:
            return False
        return True

    async def _call(self, work: "Callable[[BlockingEngine], Result]", request: Request | None = None) -> Result:
        """A call of the engine, which blocks; the audit knows where it comes from."""
        engine = self._engine()
        if engine is None:
            raise SipdError(text_key="backup.error.restoring")
        with acting_as(Source(CONSOLE, address_of(request) if request else "")):
            return await to_thread.run_sync(work, engine, limiter=self._threads)


def address_of(connection: HTTPConnection) -> str:
    """Of the network, as the server tells it; behind a proxy on this computer, that of whoever asked the proxy."""
    return connection.client.host if connection.client else ""


def browser_of(headers: Headers) -> str:
    """Which browser on which system, as far as it says so: enough to know one's own sessions apart."""
    agent = headers.get("user-agent", "")
    names = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux"}
    found = [next((name for mark, name in known.items() if mark in agent), "") for known in (names, systems)]
    return " · ".join(filter(None, found))


def waiting() -> Response:
    """Until there is an engine."""
    title, said = text("sign_in.wait.title"), text("sign_in.wait.body")
    if upgrade := under_way():
        said = UpgradingError(done=number(upgrade.done), total=number(upgrade.total)).user_text
    answer = _page(title, html.heading(title), html.paragraph(said), status=503, refresh=2)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(title: str, *parts: str, status: int = 200, refresh: int = 0) -> Response:
    return HTMLResponse(html.page(title, *parts, refresh=refresh), status)


def _dead_end(said: str, status: int) -> Response:
    title, way = text("sign_in.link.dead"), html.button_link(text("sign_in.link.to_sign_in"), SIGN_IN_PATH)
    shown = title if status == 410 else text("ui.status.unavailable")
    return _page(shown, html.heading(shown), html.paragraph(said), way, status=status)


def _link_fields(account: Account | None, sent: Mapping[str, str]) -> tuple[html.Field, ...]:
    told = text("sign_in.link.new_help", least=SHORTEST)
    new = html.Field("sandi", text("sign_in.link.new"), "password", "new-password", help=told)
    again = html.Field("ulang", text("sign_in.link.again"), "password", "new-password")
    if account is not None:
        return new, again
    name = text("sign_in.link.name"), "text", "name", sent.get("tampilan", ""), text("sign_in.link.name_help")
    login = text("sign_in.login"), "text", "username", sent.get("nama", ""), text("sign_in.link.login_help")
    return html.Field("tampilan", *name), html.Field("nama", *login), new, again


async def _form(request: Request) -> dict[str, str]:
    """What a form sent, the first of each name; nothing of one that is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            return {}
    sent: dict[str, str] = {}
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    for name, value in fields:
        sent.setdefault(name, value)
    return sent


def _is_ours(request: Request, sent: Mapping[str, str]) -> bool:
    """Whether our own page sent the form: it comes from here, and knows what the cookie says."""
    known = request.cookies.get(FORM_COOKIE, "")
    same = secrets.compare_digest(known.encode(), sent.get(html.FORM_FIELD, "").encode())
    return bool(known) and same and is_own_form(request.headers)
