"""One signed message to a receiver of people's own. One reason to change: how such a message is signed and sent.

X-SIPD-Event      id of the event: the same message may come twice, always with the same id
X-SIPD-Timestamp  Unix seconds of this attempt
X-SIPD-Signature  sha256=HMAC-SHA256(secret, timestamp + "." + body), in hex
"""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from sipd_core.client.connections import USER_AGENT
from sipd_core.errors import WebhookError
from sipd_core.texts import text

SECONDS = 10.0
"""For one attempt, from the connection to the head of the answer."""
ATTEMPTS = 3
FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
"""Seconds between attempts."""
WHOLE_SECONDS = ATTEMPTS * (SECONDS + LONGEST_WAIT + 1)
"""`send` has ended by then."""
_PASSING = {408, 425, 429}
"""Refusals that another attempt may not meet, as those from 500 on."""

for _name in ("httpx", "httpcore"):  # their messages name the whole address, which may hold a key
    logging.getLogger(_name).setLevel(logging.WARNING)


class _PassingError(WebhookError):
    """Another attempt may not meet this."""


class Webhook:
    """The receiver; nothing is opened before a message is sent."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._seconds = seconds
        self._first_wait = first_wait

    @property
    def host(self) -> str:
        """All of the address that may be shown: the rest of it can hold a key."""
        return urlsplit(self._url).hostname or ""

    async def send(self, id_: str, body: bytes) -> None:
        """Return when the receiver has answered with 2xx; raises WebhookError after ATTEMPTS, or a refusal for good."""
        retrying = AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_exception_type(_PassingError),
            wait=wait_exponential_jitter(multiplier=self._first_wait, max=LONGEST_WAIT, jitter=self._first_wait),
            stop=stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        await retrying(self._attempt, id_, body)

    async def _attempt(self, id_: str, body: bytes) -> None:
        try:
            with anyio.fail_after(self._seconds):
                status = await self._status(id_, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _PassingError(type(error).__name__, reason=text("alerts.webhook.slow")) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # their messages can name the address
            raise _PassingError(type(error).__name__, reason=text("alerts.webhook.unreachable")) from None
        if not 200 <= status < 300:
            kind = _PassingError if status in _PASSING or status >= 500 else WebhookError
            raise kind(f"status {status}", reason=text("alerts.webhook.refused", status=status))

    async def _status(self, id_: str, body: bytes) -> int:
        """The answer's body is not read, and no redirection is followed."""
        stamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "X-SIPD-Event": id_,
            "X-SIPD-Timestamp": stamp,
            "X-SIPD-Signature": f"sha256={signature(self._secret, stamp, body)}",
        }
        encrypted = self._url.startswith("https")  # plain HTTP goes to this computer alone, past every proxy
        tls = httpx.create_ssl_context(verify=encrypted)  # reading the certificates takes some 20 ms
        async with (
            httpx.AsyncClient(timeout=self._seconds, trust_env=encrypted, verify=tls) as client,
            client.stream("POST", self._url, content=body, headers=headers) as answer,
        ):
            return answer.status_code


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What a receiver computes anew to know that the message is ours; it must also refuse old timestamps."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
