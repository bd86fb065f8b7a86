"""Signed messages to a real HTTP server: what they carry, what is tried again, and what never shows in a message."""

import hashlib
import hmac
import logging
from pathlib import Path

import pytest

from sipd_core.client import Webhook
from sipd_core.client.webhook import ATTEMPTS
from sipd_core.errors import WebhookError
from tests.alerts.receiver import Receiver, listening

pytestmark = pytest.mark.anyio
SECRET = "rahasia-untuk-tanda-tangan"
BODY = '{"pesan": "galat 5%"}'.encode()


def hook(receiver: Receiver, seconds: float = 5.0) -> Webhook:
    return Webhook(receiver.url, SECRET, clock=lambda: 1_795_323_600.9, seconds=seconds, first_wait=0.001)


async def test_a_message_is_signed_over_its_time_and_body() -> None:
    with listening(204) as receiver:
        await hook(receiver).send("e1", BODY)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/kait/kunci-di-alamat?k=1", BODY)
    assert (got.headers["x-sipd-event"], got.headers["x-sipd-timestamp"]) == ("e1", "1795323600")
    expected = hmac.new(SECRET.encode(), b"1795323600." + BODY, hashlib.sha256).hexdigest()
    assert got.headers["x-sipd-signature"] == f"sha256={expected}"
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize("first", [500, 503, 429, 408, 1])
async def test_what_may_pass_is_tried_again(first: int) -> None:
    with listening(first, first, 200) as receiver:
        await hook(receiver).send("e1", BODY)
    assert [got.headers["x-sipd-event"] for got in receiver.received] == ["e1"] * 3


async def test_it_gives_up_after_some_attempts() -> None:
    with listening(500) as receiver, pytest.raises(WebhookError) as caught:
        await hook(receiver).send("e1", BODY)
    assert len(receiver.received) == ATTEMPTS
    assert "500" in caught.value.user_text


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410])
async def test_a_refusal_and_a_redirection_are_not_tried_again_at_once(status: int) -> None:
    with listening(status) as receiver, pytest.raises(WebhookError) as caught:
        await hook(receiver).send("e1", BODY)
    assert len(receiver.received) == 1
    assert str(status) in caught.value.user_text


async def test_a_silent_receiver_costs_a_limited_time() -> None:
    with listening(0, 204) as receiver:
        receiver.silence = 3.0
        await hook(receiver, seconds=1.5).send("e1", BODY)
    assert len(receiver.received) == 2


async def test_neither_address_nor_secret_shows_in_errors_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(500) as receiver:
        with pytest.raises(WebhookError) as refused:
            await hook(receiver).send("e1", BODY)
        url = receiver.url
    with pytest.raises(WebhookError) as unreachable:
        await Webhook(url, SECRET, first_wait=0.001).send("e2", BODY)
    told = caplog.text + "".join(
        f"{e.value!r} {e.value.user_text} {e.value.__cause__!r}" for e in (refused, unreachable)
    )
    assert "kunci-di-alamat" not in told
    assert SECRET not in told
    assert Webhook(url, SECRET).host == "127.0.0.1"


async def test_certificates_that_cannot_be_read_are_a_failed_attempt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever keeps a message from leaving, the engine that sends it must live on."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(WebhookError):
        await Webhook("https://127.0.0.1:9/x", SECRET, first_wait=0.001).send("e1", BODY)
