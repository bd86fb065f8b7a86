"""Figures over HTTP: those of the engine, in the shape of the command line; Prometheus can read them."""

import time
from dataclasses import fields
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from sipd_core.alerts.model import Kind
from sipd_core.store.alerts import AlertStore
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.wire import CostReply, PerformanceReply, StatsReply
from tests.api.test_door import error


def series(client: httpx.Client, accept: str = "text/plain") -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """(name, labels) -> value of everything on /metrics."""
    response = client.get("/metrics", headers={"Accept": accept})
    assert response.status_code == 200
    read = openmetrics if "openmetrics" in response.headers["content-type"] else prometheus
    families = list(read(response.text))
    assert all(family.documentation for family in families)
    return {
        (sample.name, frozenset(sample.labels.items())): float(sample.value)
        for family in families
        for sample in family.samples
    }


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_the_reports_have_their_fields(client: httpx.Client) -> None:
    client.post("/chat", json={"message": "akun tidak aktif"})
    stats = client.get("/stats").json()
    assert set(stats) == {field.name for field in fields(StatsReply)}
    assert stats["knowledge"]["cases"] == 3 and stats["knowledge"]["mode"] == "hosted"
    performance = client.get("/performance-stats").json()
    assert set(performance) == {field.name for field in fields(PerformanceReply)} == set(stats["performance"])
    assert performance["total_requests"] == stats["performance"]["total_requests"] > 0
    report = client.get("/cost-report").json()
    assert set(report) == {field.name for field in fields(CostReply)} and report["period_days"] == 7
    assert client.get("/cost-report", params={"days": 1}).json()["period_days"] == 1
    assert {total["operation"] for total in report["totals"]} >= {"chat", "query_embedding"}
    assert report["total_tokens"] == sum(total["tokens"] for total in report["totals"])


@pytest.mark.parametrize("days", ["0", "401", "-1", "1.5", "x", "", "٣", "99999999999999999999"])
def test_a_period_that_is_none_is_refused(client: httpx.Client, days: str) -> None:
    response = client.get("/cost-report", params={"days": days})
    assert response.status_code == 422 and "1 sampai 400" in error(response)["message"]


def test_metrics_are_the_figures_of_the_reports(client: httpx.Client) -> None:
    for message in ("sp2d belum cair", "sp2d belum cair", "tidak bisa login"):
        client.post("/chat", json={"message": message})
    before = client.get("/stats").json()
    found = series(client)
    performance, stats = client.get("/performance-stats").json(), client.get("/stats").json()
    assert value(found, "sipd_turns_total") == performance["total_requests"] >= 3
    assert value(found, "sipd_turn_duration_seconds_count") == performance["total"]["count"]
    assert value(found, "sipd_turn_duration_seconds_sum") == pytest.approx(
        performance["avg_response_time"] * performance["total"]["count"] / 1_000
    )
    assert value(found, "sipd_turn_duration_seconds_bucket", le="+Inf") == performance["total"]["count"]
    assert 0 < value(found, "sipd_turn_first_token_seconds_count") <= performance["total"]["count"]
    slow = value(found, "sipd_turn_duration_seconds_bucket", le="60.0")
    assert 0 < slow <= performance["total"]["count"]
    assert value(found, "sipd_embedding_lookups_total", result="hit") == performance["cache_hits"]
    assert value(found, "sipd_embedding_lookups_total", result="miss") == performance["cache_misses"] > 0
    assert value(found, "sipd_cases") == stats["knowledge"]["cases"]
    assert value(found, "sipd_ready") == 1 == value(found, "sipd_part_up", part="sql")
    kept = [told["cache"]["durable_entries"] for told in (before, stats)]  # the learning loop reads questions meanwhile
    assert kept[0] <= value(found, "sipd_embedding_cache_entries", place="durable") <= kept[1]
    today = client.get("/cost-report", params={"days": 1}).json()
    assert value(found, "sipd_cost_usd", period="day") == pytest.approx(today["today_usd"])
    assert value(found, "sipd_cost_usd", period="month") == pytest.approx(today["month_usd"])
    for total in today["totals"]:
        labels = {"operation": total["operation"], "model": total["model"]}
        assert value(found, "sipd_model_calls_today", **labels) == total["calls"]
        assert value(found, "sipd_model_tokens_today", kind="prompt", **labels) == total["prompt_tokens"]


def test_both_formats_say_the_same(client: httpx.Client) -> None:
    plain = series(client)
    modern = series(client, "application/openmetrics-text; version=1.0.0")
    names = {name for name, _ in plain}
    assert names <= {name for name, _ in modern} and "process_resident_memory_bytes" in names
    assert value(plain, "sipd_cases") == value(modern, "sipd_cases")


def test_requests_are_counted_by_how_they_ended(client: httpx.Client) -> None:
    before = series(client)
    for _ in range(3):
        client.get("/stats")
    client.get("/api/seseorang")
    client.post("/chat", json={})
    after = series(client)

    def more(**labels: str) -> float:
        wanted = ("sipd_http_requests_total", frozenset(labels.items()))
        return after.get(wanted, 0) - before.get(wanted, 0)

    assert more(method="GET", path="/stats", status="200") == 3
    assert more(method="POST", path="/chat", status="422") == 1
    assert more(method="", path="", status="404") == 1
    assert more(method="GET", path="/metrics", status="200") == 1
    assert value(after, "sipd_http_request_duration_seconds_count", method="GET", path="/stats") >= 3
    assert not any("seseorang" in str(labels) for _, labels in after)


def test_health_tells_the_parts_and_ready_the_reasons(client: httpx.Client, stranger: httpx.Client) -> None:
    health = stranger.get("/health")
    assert health.status_code == 200 and health.json()["status"] == "ok"
    assert health.json()["parts"] | {"disk": "ok", "provider": "ok"} == {
        "sql": "ok", "chroma": "ok", "model": "ok", "provider": "ok", "disk": "ok",
    }  # fmt: skip
    assert stranger.get("/health/live").json() == {"status": "ok"}
    ready = client.get("/health/ready").json()
    assert ready["parts"]["sql"]["milliseconds"] >= 0
    assert {name: part["status"] for name, part in ready["parts"].items()} == stranger.get("/health").json()["parts"]


def test_open_alerts_are_there_to_be_seen(client: httpx.Client, keys: ApiKeyStore) -> None:
    """The console looks at its rules every minute; what it saw is in SQL."""
    store = AlertStore(keys._database, accompany=lambda *_: None)
    deadline = time.monotonic() + 120
    while not (standings := store.standings()) and time.monotonic() < deadline:
        time.sleep(0.5)
    found = series(client).items()
    told = {dict(labels)["rule"]: held for (name, labels), held in found if name == "sipd_alert_open"}
    assert told and set(told) <= set(standings)
    assert told == {rule: float(bool(standings[Kind(rule)].incident)) for rule in told}
