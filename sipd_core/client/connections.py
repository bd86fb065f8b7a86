"""The pooled connections of one provider, and the time limits of one request.

Calls answered in one piece use HTTP/2 where it is offered, streams always HTTP/1.1, for three reasons seen in
httpcore 1.0. Its HTTP/2 never tells the server that a stream was left, so the tokens nobody reads go on being paid for.
Every request left early takes one of the connection's 100 places for ever (encode/httpcore #943, #1022). And each delta
takes a fifth to a half more processor time (60 deltas over TLS: 19-26 ms against 15-17). Leaving an HTTP/1.1 stream
closes its connection, which every server understands. For the second reason, an HTTP/2 connection on which a call was
left early gets no further calls; those under way on it end well, for no write is cut off (whole_writes.py).
"""

import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
import httpx

from sipd_core.client.values import Timeouts
from sipd_core.client.whole_writes import finish_writes
from sipd_core.errors import (
    BadReplyError,
    ProviderDownError,
    ProviderError,
    TimedOutError,
    UnreachableError,
)
from sipd_core.texts import text

USER_AGENT = "sipd-helpdesk-console"
_KEEP_ALIVE_SECONDS = 120.0
"""A connection waits this long for its next call: an operator asks every minute or so, a new one takes three round
trips."""
_CLOSING_SECONDS = 1.0
"""Closing waits no longer than this, whoever is being cancelled."""

# At debug level hpack writes every header it packs to the log, the key among them.
logging.getLogger("hpack").setLevel(logging.INFO)


class Watch:
    """The time limits of one attempt, and whether any of it was sent."""

    def __init__(self, timeouts: Timeouts, left: float) -> None:
        """`left`: seconds until the whole call must end."""
        self.timeouts = timeouts
        self.sent = False
        self._ends = anyio.current_time() + left
        self._scope = anyio.CancelScope(deadline=self._ends)

    @contextmanager
    def first_byte(self) -> Iterator[None]:
        """Until the answer, or the first text of a stream, is there; raises TimedOutError."""
        with self._scope:
            yield
        if self._scope.cancelled_caught:
            whole = self._scope.deadline >= self._ends
            raise TimedOutError("the whole call took too long" if whole else "no answer in time")

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        """What httpcore reports of a request under way: the time to the first byte runs from the last byte sent."""
        if event.endswith("send_request_headers.started"):
            self.sent = True
        elif event.endswith("send_request_body.complete"):
            self._scope.deadline = min(self._ends, anyio.current_time() + self.timeouts.first_byte)


class Answer:
    """An answer whose body is still to come."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()

    @property
    def ok(self) -> bool:
        return self._response.is_success

    async def read(self) -> bytes | None:
        """What came next, or None at the end; raises ProviderDownError when the connection broke."""
        try:
            return await anext(self._chunks, None)
        except httpx.HTTPError as error:
            raise _translated(error) from error

    async def read_all(self) -> bytes:
        """The rest of the body."""
        parts = []
        while (part := await self.read()) is not None:
            parts.append(part)
        return b"".join(parts)

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it, at once and even when cancelled."""
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            if isinstance(self._chunks, AsyncGenerator):
                await self._chunks.aclose()
            await self._response.aclose()


class _Pool:
    """One httpx client and the calls under way on it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.calls = 0
        self.http2 = False

    async def aclose(self) -> None:
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await self.client.aclose()


class Connections:
    """Requests to one provider over kept connections; proxies and certificates as the environment names them."""

    def __init__(self, base_url: str, api_key: str, *, connections: int, verify: ssl.SSLContext | bool) -> None:
        """At most `connections` of either kind are open at once. Nothing is opened before the first call."""
        # Made once: reading the certificates takes some 20 ms. Without TLS none are read.
        self._tls = httpx.create_ssl_context(verify=verify if base_url.startswith("https") else False)
        self._base_url = base_url.rstrip("/") + "/"
        self._headers = {"User-Agent": USER_AGENT} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        self._limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_KEEP_ALIVE_SECONDS
        )
        self._streams = _Pool(self._client(http2=False))
        self._calls = _Pool(self._client(http2=True))
        self._retired: set[_Pool] = set()

    async def aclose(self) -> None:
        """Close every connection; idempotent."""
        for pool in (self._streams, self._calls, *self._retired):
            await pool.aclose()
        self._retired.clear()

    async def call(self, path: str, body: bytes | None, watch: Watch) -> tuple[Answer, bytes]:
        """An answer in one piece, its head and its whole body; without a body to send it is a GET."""
        pool = self._calls
        pool.calls += 1
        try:
            answer = await self._send(pool, path, body, watch)
            try:
                return answer, await answer.read_all()
            finally:
                await answer.aclose()
        except BaseException:
            self._retire(pool)
            raise
        finally:
            pool.calls -= 1
            await self._close_retired()

    async def open(self, path: str, body: bytes, watch: Watch) -> Answer:
        """An answer that comes piece by piece; whoever opened it closes it."""
        return await self._send(self._streams, path, body, watch)

    async def _send(self, pool: _Pool, path: str, body: bytes | None, watch: Watch) -> Answer:
        # No limit on single reads: on HTTP/2, httpcore lets one that runs out fail every call of the connection.
        limits = watch.timeouts
        timeout = httpx.Timeout(None, connect=limits.connect, write=limits.first_byte, pool=limits.first_byte)
        try:
            request = pool.client.build_request(
                "GET" if body is None else "POST",
                self._base_url + path,
                content=body,
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=timeout,
                extensions={"trace": watch.trace},
            )
            response = await pool.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _translated(error) from error
        pool.http2 = pool.http2 or response.http_version == "HTTP/2"
        return Answer(response)

    def _client(self, *, http2: bool) -> httpx.AsyncClient:
        client = httpx.AsyncClient(http2=http2, verify=self._tls, limits=self._limits, headers=self._headers)
        return finish_writes(client) if http2 else client

    def _retire(self, pool: _Pool) -> None:
        """Let the calls under way end on an HTTP/2 connection that has a call left early; send no others there."""
        if pool.http2 and pool is self._calls and not pool.client.is_closed:
            self._retired.add(pool)
            self._calls = _Pool(self._client(http2=True))

    async def _close_retired(self) -> None:
        for pool in [pool for pool in self._retired if not pool.calls]:
            self._retired.discard(pool)
            await pool.aclose()


def _translated(error: httpx.HTTPError | httpx.InvalidURL) -> ProviderError:
    """httpx's error as ours; none of its messages holds a header."""
    detail = f"{type(error).__name__} {error}".strip()
    if isinstance(error, httpx.TimeoutException):
        return TimedOutError(detail)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        return UnreachableError(detail)
    if isinstance(error, httpx.DecodingError):
        return BadReplyError(detail, reason=text("errors.reply.encoding"))
    return ProviderDownError(detail)
