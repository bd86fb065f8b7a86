"""What a client without a browser gets out of the real console: nothing, until it has signed in."""

import re
import signal
from collections.abc import Iterator

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from pages.shell.signin_cookie import SESSION_COOKIE, is_own_form, local_target
from pages.shell.signin_door import is_from_here, is_loopback_name
from sipd_core.texts import text
from tests.ui.server import Console
from tests.ui.signing_in import PASSWORD, send

HTML = {"Accept": "text/html"}
PAGES = ("/", "/biaya", "/pengguna", "/tidak-ada", "/obrolan?percakapan=x")
MACHINERY = (
    ("PUT", "/_stcore/upload_file/s/f"), ("DELETE", "/_stcore/upload_file/s/f"), ("POST", "/_stcore/upload_file/s/f"),
    ("GET", "/_stcore/host-config"), ("GET", "/_stcore/metrics"), ("GET", "/_stcore/stream"),
    ("GET", "/media/abc.csv"), ("GET", "/component/x/y"), ("POST", "/_stcore/agent/x"), ("GET", "/auth/login"),
    ("GET", "/_stcore/health/../stream"), ("GET", "/app/static/x"), ("POST", "/"),
)  # fmt: skip


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("door") / "data"
    made = Console(folder, LOAD_SAMPLE_DATA="false", SIGN_IN="accounts", BACKUP_TIME="off")
    made.start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture
def client(console: Console) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.url, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def token(console: Console) -> str:
    """The session of the first admin, made with the link that the start printed."""
    [path] = re.findall(r"http://\S+?(/masuk/tautan/\S+)", console.log())
    with httpx.Client(base_url=console.url, timeout=30) as browser:
        browser.get(path)
        named = {"tampilan": "Bu Ani", "nama": "ani", "sandi": PASSWORD, "ulang": PASSWORD}
        made = send(browser, path, named)
        assert (made.status_code, made.headers["location"]) == (303, "/")
        again = browser.get(path)
        assert again.status_code == 410, "a link is used once"
        return str(browser.cookies[SESSION_COOKIE])


@pytest.mark.parametrize("path", PAGES)
def test_a_page_leads_to_the_sign_in(client: httpx.Client, token: str, path: str) -> None:
    told = client.get(path, headers=HTML)
    assert told.status_code == 303 and told.headers["location"].startswith("/masuk")
    assert "no-store" in told.headers["cache-control"]
    inside = client.get(path, headers=HTML, cookies={SESSION_COOKIE: token})
    if path == "/tidak-ada":
        assert inside.status_code == 404 and text("ui.unknown.title") in inside.text and "<script" not in inside.text
        assert "no-store" in inside.headers["cache-control"]
    elif path.startswith("/obrolan"):
        assert (inside.status_code, inside.headers["location"]) == (303, "/?percakapan=x")
    else:
        assert inside.status_code == 200 and "<script" in inside.text
        assert "no-store" in inside.headers["cache-control"]


@pytest.mark.parametrize(("method", "path"), MACHINERY)
def test_no_machinery_without_a_session(client: httpx.Client, token: str, method: str, path: str) -> None:
    told = client.request(method, path, content=b"x" if method != "GET" else None)
    assert told.status_code == 401 and "Sesi" in told.text
    forged = client.request(method, path, cookies={SESSION_COOKIE: "x" * 43})
    assert forged.status_code == 401


def socket_answer(client: httpx.Client, cookies: dict[str, str]) -> int:
    """The status of an attempt to open the socket of the pages."""
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": str(client.base_url).rstrip("/"),
        "Sec-WebSocket-Protocol": "streamlit",
    }  # fmt: skip
    with client.stream("GET", "/_stcore/stream", headers=headers, cookies=cookies) as told:
        return told.status_code


def test_no_socket_without_a_session(client: httpx.Client, token: str) -> None:
    assert socket_answer(client, {}) == 403
    assert socket_answer(client, {SESSION_COOKIE: "x" * 43}) == 403
    assert socket_answer(client, {SESSION_COOKIE: token}) == 101


def test_what_is_free(client: httpx.Client, token: str) -> None:
    for path in ("/health", "/_stcore/health", "/masuk"):
        assert client.get(path).status_code == 200
    assert client.get("/stats").status_code == 401, "programs have a door of their own"
    assert client.get("/stats", cookies={SESSION_COOKIE: token}).status_code == 401, "a session is no key"
    assert client.post("/chat", json={"message": "x"}, cookies={SESSION_COOKIE: token}).status_code == 401


def test_signing_in_with_a_form(client: httpx.Client, token: str) -> None:
    wrong = send(client, "/masuk?ke=/audit", {"nama": "ani", "sandi": "salah sekali"})
    assert wrong.status_code == 401 and 'value="ani"' in wrong.text and "salah sekali" not in wrong.text
    done = send(client, "/masuk?ke=/audit%3Fx%3D1", {"nama": "ani", "sandi": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/audit?x=1")
    cookie = next(one for one in done.headers.get_list("set-cookie") if one.startswith(SESSION_COOKIE))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")} and "Secure" not in cookie
    assert client.get("/masuk", headers=HTML).headers["location"] == "/"


def test_behind_tls_the_cookie_is_secure(client: httpx.Client, token: str) -> None:
    done = send(client, "/masuk", {"nama": "ani", "sandi": PASSWORD}, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in next(one for one in done.headers.get_list("set-cookie") if one.startswith(SESSION_COOKIE))


def test_another_site_signs_nobody_in_or_out(client: httpx.Client, token: str) -> None:
    named = {"nama": "ani", "sandi": PASSWORD}
    assert send(client, "/masuk", named, Origin="https://jahat.example").status_code == 403
    assert client.post("/masuk", data=named, headers={"Origin": str(client.base_url).rstrip("/")}).status_code == 403
    assert send(client, "/masuk", named | {"tanda": "ditebak"}).status_code == 403
    assert send(client, "/masuk", named, Origin="null").status_code == 403
    client.cookies[SESSION_COOKIE] = token
    for headers in ({"Origin": "https://jahat.example"}, {}):
        assert client.post("/keluar", data={"tanda": "ditebak"}, headers=headers).headers["location"] == "/keluar"
    assert client.get("/", headers=HTML).status_code == 200


def test_signing_out_ends_the_session_everywhere(client: httpx.Client, token: str) -> None:
    send(client, "/masuk", {"nama": "ani", "sandi": PASSWORD})
    held = client.cookies[SESSION_COOKIE]
    done = send(client, "/keluar", {})
    assert done.headers["location"] == "/masuk?keluar" and SESSION_COOKIE not in client.cookies
    assert client.get("/", headers=HTML, cookies={SESSION_COOKIE: held}).status_code == 303
    assert client.put("/_stcore/upload_file/s/f", cookies={SESSION_COOKIE: held}).status_code == 401
    assert socket_answer(client, {SESSION_COOKIE: held}) == 101, "an open page connects once more, to say so"


def test_a_session_outlives_the_process(console: Console, client: httpx.Client, token: str) -> None:
    console.stop(signal.SIGKILL)
    console.start()
    assert client.get("/audit", headers=HTML, cookies={SESSION_COOKIE: token}).status_code == 200
    assert "/masuk/tautan/" not in console.log().rpartition("tautan ini")[0].partition("tautan ini")[2], "no second link"


def test_guessing_is_throttled(client: httpx.Client, token: str) -> None:
    status = [send(client, "/masuk", {"nama": "tebak", "sandi": f"salah {n}"}).status_code for n in range(7)]
    assert status == [401] * 5 + [429] * 2


def test_a_form_that_is_too_long_or_odd(client: httpx.Client, token: str) -> None:
    assert send(client, "/masuk", {"nama": "ani", "sandi": "x" * 20_000}).status_code == 403
    origin = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/masuk", content=b"&".join([b"a=b"] * 200), headers=origin).status_code == 403
    assert client.post("/masuk", content=b"\xff\xfe%%%", headers=origin).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/audit?x=1#y", "/audit?x=1#y"), (None, "/"), ("", "/"), ("//jahat.example", "/"), ("/\\jahat.example", "/"),
        ("https://jahat.example/", "/"), ("javascript:alert(1)", "/"), ("/a\nb", "/"), ("/\tx", "/"), ("audit", "/"),
        ("/masuk?ke=/x", "/"), ("/keluar", "/"), ("/auth/logout", "/"), ("/x" * 600, "/"), ("/masukan", "/masukan"),
    ],
)  # fmt: skip
def test_where_somebody_may_be_led_to(wanted: str | None, target: str) -> None:
    assert local_target(wanted) == target


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"origin": "http://a.example", "host": "a.example"}, True), ({"origin": "http://b.example", "host": "a.example"}, False),
        ({"origin": "null", "host": "a.example"}, False), ({"host": "a.example"}, False),
        ({"host": "a.example", "sec-fetch-site": "same-origin"}, True), ({"origin": "http://[", "host": "a.example"}, False),
    ],
)  # fmt: skip
def test_where_a_form_comes_from(headers: dict[str, str], own: bool) -> None:
    assert is_own_form(Headers(headers)) is own


def asked(host: str = "localhost:8501", client: str = "127.0.0.1", server: str = "127.0.0.1", **more: str) -> HTTPConnection:
    headers = [(b"host", host.encode()), *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items())]
    return HTTPConnection({"type": "http", "headers": headers, "client": (client, 1), "server": (server, 8501)})


def test_who_is_on_this_computer() -> None:
    assert is_from_here(asked()) and is_from_here(asked("[::1]:8501", "::1", "::1")) and is_from_here(asked("127.0.0.1"))
    for other in (
        asked("jahat.example:8501"), asked("192.168.1.5"), asked(""), asked(client="192.168.1.9"), asked(server="10.0.0.2"),
        asked(x_forwarded_for="10.0.0.9"), asked(forwarded="for=10.0.0.9"), asked(x_real_ip="10.0.0.9"),
    ):  # fmt: skip
        assert not is_from_here(other)
    assert not is_loopback_name("0.0.0.0") and not is_loopback_name("") and not is_loopback_name("localhost.jahat.example")
