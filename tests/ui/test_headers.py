"""Security headers go with every answer, and the policy knows the scripts of the installed Streamlit."""

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.shell.headers import SecurityHeaders, content_security_policy


def test_every_response_carries_the_headers() -> None:
    app = SecurityHeaders(Starlette(routes=[Route("/", lambda _: PlainTextResponse("ya"))]))
    client = TestClient(app)
    for path in ("/", "/tidak-ada"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_page_is_not_kept_by_the_browser_but_its_parts_may_be() -> None:
    routes = [Route("/", lambda _: HTMLResponse("ya")), Route("/gaya.css", lambda _: PlainTextResponse("ya"))]
    client = TestClient(SecurityHeaders(Starlette(routes=routes)))
    assert client.get("/").headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/gaya.css").headers


def test_inline_scripts_of_streamlit_are_allowed_by_hash_alone() -> None:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in content_security_policy()
    assert "unsafe-eval" not in content_security_policy()
