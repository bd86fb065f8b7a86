"""Who is let in: keys and scopes, pages of other sites, paths and methods that there are not."""

import re
from pathlib import Path

import httpx
import pytest

from sipd_core.api.operations import operations
from sipd_core.api.tally import Tally
from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from tests.api.conftest import SITE, Bearer
from tests.ui.server import Console

ROOT = Path(__file__).resolve().parents[2]
WANTED = {
    "/chat": "chat",
    "/health": None,
    "/health/live": None,
    "/health/ready": "stats",
    "/stats": "stats",
    "/performance-stats": "stats",
    "/cost-report": "costs",
    "/metrics": "metrics",
    "/openapi.json": "any",
}
"""Path -> the scope that its key needs; None: no key."""


def ask(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    if path.partition("?")[0].endswith("/chat"):
        return client.post(path, json={"message": "halo"}, headers=headers)
    return client.get(path, headers=headers)


def error(response: httpx.Response) -> dict[str, str]:
    """The error of an answer in the one shape."""
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    told: dict[str, str] = response.json()["error"]
    assert set(told) == {"code", "message", "request_id"}
    assert told["request_id"] == response.headers["x-request-id"]
    return told


def test_the_table_is_whole() -> None:
    assert {operation.path for operation in operations(Tally())} == set(WANTED)


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_each_key_opens_its_scope_and_no_other(stranger: httpx.Client, bearer: Bearer, prefix: str) -> None:
    for held in Scope:
        headers = bearer(held)
        for path, wanted in WANTED.items():
            response = ask(stranger, prefix + path, headers)
            if wanted in (None, "any", held):
                assert response.status_code == 200, (path, held, response.text)
            else:
                assert response.status_code == 403, (path, held)
                assert error(response)["code"] == "forbidden"
                assert f'scope="{wanted}"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("path", WANTED)
def test_without_a_good_key_only_health_answers(stranger: httpx.Client, client: httpx.Client, path: str) -> None:
    key = client.headers["authorization"]
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": key[:-1]},
        {"Authorization": key.replace("Bearer", "Basic")},
        {"X-API-Key": key},
    ):
        response = ask(stranger, path, headers)
        if WANTED[path] is None:
            assert response.status_code == 200
        else:
            assert response.status_code == 401
            assert error(response)["code"] == "unauthorized"
            assert response.headers["www-authenticate"].startswith("Bearer")
    in_the_address = ask(stranger, f"{path}?key={key.removeprefix('Bearer ')}")
    assert in_the_address.status_code == (200 if WANTED[path] is None else 401)


def test_a_revoked_key_is_dead_at_once(stranger: httpx.Client, keys: ApiKeyStore) -> None:
    made, secret = keys.add("sebentar", {Scope.STATS})
    headers = {"Authorization": f"Bearer {secret}"}
    assert ask(stranger, "/stats", headers).status_code == 200
    keys.revoke(made.id)
    assert "dicabut" in error(ask(stranger, "/stats", headers))["message"]


def test_paths_and_methods_that_there_are_not_are_told_in_json(stranger: httpx.Client) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/chat/", "/chat/more", "/health/other", "/stats/x", "/api/api/chat"):
        for method in ("GET", "POST", "DELETE"):
            response = stranger.request(method, path)
            assert response.status_code == 404, (method, path)
            assert error(response)["code"] == "not_found"
    for method, path, allowed in (
        ("GET", "/chat", "POST"),
        ("PUT", "/api/chat", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/metrics", "GET"),
        ("OPTIONS", "/stats", "GET"),
        ("TRACE", "/stats", "GET"),
    ):
        response = stranger.request(method, path)
        assert response.status_code == 405, (method, path)
        assert error(response)["code"] == "method_not_allowed"
        assert allowed in response.headers["allow"]


def test_pages_are_where_they_were_and_share_no_name_with_us(stranger: httpx.Client) -> None:
    names = {path.split("/")[1] for path in WANTED} | {"api"}
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert names & (pages | {"_stcore", "media", "static", "component"}) == set()
    for path in ("/", "/kinerja", "/_stcore/health"):
        response = stranger.get(path)
        assert response.status_code == 200 and "application/json" not in response.headers["content-type"]


def test_pages_of_other_sites_are_refused_unless_they_are_named(client: httpx.Client, console: Console) -> None:
    for origin in ("https://lain.example", "null", "http://kantor.example", f"{SITE}.lain.example", "http://127.0.0.1"):
        for path in ("/health", "/stats", "/chat"):
            response = ask(client, path, {"Origin": origin})
            assert response.status_code == 403 and error(response)["code"] == "origin"
            assert "access-control-allow-origin" not in response.headers
    assert ask(client, "/stats", {"Origin": console.url}).status_code == 200
    named = ask(client, "/stats", {"Origin": SITE})
    assert named.status_code == 200 and named.headers["access-control-allow-origin"] == SITE
    assert "origin" in named.headers["vary"].lower()
    assert "access-control-allow-credentials" not in named.headers


def test_a_browser_may_ask_first_on_behalf_of_a_named_site(stranger: httpx.Client) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    response = stranger.options("/chat", headers={"Origin": SITE} | asking)
    assert response.status_code == 204 and response.headers["access-control-allow-origin"] == SITE
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"].lower()
    refused = stranger.options("/chat", headers={"Origin": "https://lain.example"} | asking)
    assert refused.status_code == 403


def test_a_request_keeps_the_id_it_was_given_if_it_is_one(client: httpx.Client) -> None:
    assert (
        client.get("/health", headers={"X-Request-ID": "tiket-2026.11_07"}).headers["x-request-id"]
        == "tiket-2026.11_07"
    )
    for wrong in ("x", "a b c d e f g h", "é" * 9, "a" * 65):
        given = client.get("/health", headers=[(b"X-Request-ID", wrong.encode())]).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_answers_say_what_is_left_and_are_not_kept(client: httpx.Client) -> None:
    response = client.get("/stats")
    left = int(response.headers["ratelimit-remaining"])
    assert int(response.headers["ratelimit-limit"]) == 1_000_000 and 0 < left < 1_000_000
    assert int(response.headers["ratelimit-reset"]) >= 0
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    refused = client.post("/chat", json={})
    assert refused.status_code == 422 and "ratelimit-remaining" in refused.headers


def test_neither_keys_nor_addresses_nor_messages_reach_the_log(client: httpx.Client, console: Console) -> None:
    client.post("/chat", json={"message": "kalimat-yang-tidak-boleh-dicatat"})
    client.get("/api/alamat-orang?nama=kalimat-lain")
    log = console.log()
    assert "request " in log
    key = client.headers["authorization"].removeprefix("Bearer ")
    for secret in (key, "kalimat-yang", "alamat-orang", "kalimat-lain"):
        assert secret not in log
