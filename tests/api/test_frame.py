"""When something breaks that nobody thought of, it is answered, logged under the request's id, and not told."""

import json
import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from sipd_core.api import create_api
from sipd_core.api.chat import _events
from sipd_core.chat.turn import AnswerPart, Withdrawn
from sipd_core.errors import StoreError
from sipd_core.settings import Settings

SECRET = "/srv/rahasia"


def broken() -> Any:
    raise ValueError(SECRET)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, also once the console's own log has been set up."""
    logger = logging.getLogger("sipd_core.api")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_the_unexpected_is_answered_and_logged(settings: Settings, log: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_api(settings, broken))
    response = client.get("/health", headers={"X-Request-ID": "tiket-0001"})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal" and response.json()["error"]["request_id"] == "tiket-0001"
    assert SECRET not in response.text
    assert "tiket-0001" in log.text and SECRET in log.text
    assert client.get("/health/live").status_code == 200


def test_what_fails_on_purpose_is_logged_with_its_reason_and_told_without(
    settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    def without_store() -> Any:
        raise StoreError(SECRET, reason=SECRET, path=SECRET)

    response = TestClient(create_api(settings, without_store)).get("/health", headers={"X-Request-ID": "tiket-0003"})
    assert response.status_code == 503 and int(response.headers["retry-after"]) >= 1
    assert response.json()["error"]["code"] == "unavailable" and SECRET not in response.text
    assert "tiket-0003" in log.text and SECRET in log.text


@pytest.mark.anyio
async def test_a_stream_that_breaks_ends_with_an_error_in_the_one_shape() -> None:
    async def parts() -> AsyncGenerator[AnswerPart]:
        yield Withdrawn()
        yield ""
        yield "lagi"
        raise StoreError("disk", reason=SECRET, path=SECRET)

    chunks = [chunk async for chunk in _events("Sebelum", parts(), "tiket-0002")]
    told = [chunk.decode().splitlines() for chunk in chunks if chunk]
    assert [lines[0] for lines in told] == ["event: text", "event: withdrawn", "event: text", "event: error"]
    error = json.loads(told[-1][1].removeprefix("data: "))["error"]
    assert (error["code"], error["request_id"]) == ("unavailable", "tiket-0002") and SECRET not in str(error)
