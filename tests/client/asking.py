"""What the tests of the client share: one with short limits and recorded waits, and a look at all an error says."""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sipd_core.client import ChatRequest, Message, OpenAIClient, RetryPolicy, Timeouts
from sipd_core.errors import ProviderError
from tests.provider import CHAT_MODEL, EMBEDDING_MODEL, Provider

LIMITS = Timeouts(connect=2.0, first_byte=5.0, between=5.0, total=20.0)
COMPLAINT = "SPM atas nama Bapak Fulan ditolak sejak pagi"
QUESTION = ChatRequest(CHAT_MODEL, (Message("system", "Jawab singkat."), Message("user", COMPLAINT)), 500, 0.2)
DIMENSION = 8


class Waits(list[float]):
    """Stands for sleeping: every wait is written down and over at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@asynccontextmanager
async def connected(
    provider: Provider,
    *,
    limits: Timeouts = LIMITS,
    retries: int = 2,
    sleep: Callable[[float], Any] | None = None,
    **more: Any,
) -> AsyncIterator[OpenAIClient]:
    options: dict[str, Any] = {
        "retry": RetryPolicy(retries, 0.01),
        "chat": limits,
        "embedding": limits,
        "sleep": Waits() if sleep is None else sleep,
    }
    client = OpenAIClient(provider.url, provider.key, **(options | more))
    try:
        yield client
    finally:
        await client.aclose()


async def embed(client: OpenAIClient, *texts: str) -> Any:
    return await client.embed(EMBEDDING_MODEL, texts or (COMPLAINT, "gaji belum cair"), dimension=DIMENSION)


async def whole(client: OpenAIClient, request: ChatRequest = QUESTION) -> Any:
    """A stream read to its end."""
    async with client.chat_stream(request) as stream:
        async for delta in stream:
            assert delta
    return stream


async def until_error(client: OpenAIClient) -> tuple[list[str], ProviderError]:
    """The deltas that came and the error that ended them."""
    deltas: list[str] = []
    try:
        async with client.chat_stream(QUESTION) as stream:
            async for delta in stream:
                deltas.append(delta)
    except ProviderError as error:
        return deltas, error
    raise AssertionError("the stream ended normally")


def everything_said(error: BaseException) -> str:
    """Every text that could reach a log or a screen."""
    said = "".join(traceback.format_exception(error))
    while True:
        said += f"{error} {error!r} {error.args!r} {vars(error)!r} {getattr(error, 'user_text', '')}"
        following = error.__cause__ or error.__context__
        if following is None:
            return said
        error = following


def open_connections(client: OpenAIClient) -> list[str]:
    """State of every connection that is held, by kind of pool; requests that wait or are under way come first."""
    held = []
    for pool in (client._connections._streams, client._connections._calls, *client._connections._retired):
        inner = pool.client._transport._pool  # type: ignore[attr-defined]
        held += [repr(request) for request in inner._requests] + [connection.info() for connection in inner.connections]
    return held
