"""Lets no call that is left cut off what it is sending: the connection may be shared.

On HTTP/2, httpcore takes a request's bytes out of its state and hands them to TLS before they are written. A caller who
leaves in between takes them along, and every other call of the connection fails, for the rest no longer makes sense to the
server. So a write that has begun is finished, within its own time limit; whoever was cancelled leaves after it.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import anyio
import httpcore
import httpx


def finish_writes(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, proxies included, whose future connections finish every write."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.AsyncHTTPTransport):
            pool: Any = transport._pool  # httpx has no parameter for it
            pool._network_backend = _Network(pool._network_backend)
    return client


class _Network(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with anyio.CancelScope(shield=True):
            await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
