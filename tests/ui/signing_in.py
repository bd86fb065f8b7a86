"""People who sign in, for the tests of pages: accounts, the cookie of a browser, and the forms of the real console."""

from collections.abc import Mapping
from html.parser import HTMLParser

import httpx
import pytest
from argon2 import PasswordHasher
from streamlit.runtime.context import ContextProxy

from pages.shell.signin_cookie import SESSION_COOKIE
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import Source, acting_as
from sipd_core.passwords import Passwords
from sipd_core.permissions import Role

PASSWORD = "kereta pagi ke bandung"
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


def account_of(engine: BlockingEngine, login: str, *roles: Role) -> str:
    """A new account that has chosen its password; its id."""
    with acting_as(Source()):
        engine.sign_in._stores.passwords = Passwords(QUICK)
        account, link = engine.people.invite(login, login.title(), roles)
        engine.sign_in.use_link(link, PASSWORD)
        return account.id


def token_of(engine: BlockingEngine, login: str) -> str:
    """What the browser of somebody holds who signs in."""
    with acting_as(Source()):
        return engine.sign_in.enter(login, PASSWORD, address="", browser="Firefox · Linux")


def carry(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """Let the browser of the next pages send this session's cookie; what Streamlit hands on of it is all that is replaced."""
    cookies = {SESSION_COOKIE: token} if token else {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: cookies))


class _Inputs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag == "input" and held.get("name"):
            self.values[str(held["name"])] = held.get("value") or ""


def inputs(page: str) -> dict[str, str]:
    """The inputs of a form with their values."""
    parser = _Inputs()
    parser.feed(page)
    return parser.values


def send(client: httpx.Client, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
    """Fill in the form of a page as a browser does, and send it."""
    form = inputs(client.get(path, headers={"Accept": "text/html"}).text)
    origin = {"Origin": str(client.base_url).rstrip("/")} | headers
    return client.post(path.partition("?")[0], data=form | dict(fields), headers=origin)
