"""The calls: what is sent, how an answer is read, what is tried again."""

import json
import logging
import ssl
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from random import random as _random
from typing import Any, TypeVar

import anyio

from sipd_core.client import replies
from sipd_core.client.connections import Answer, Connections, Watch
from sipd_core.client.failures import Failures
from sipd_core.client.retry import Retrying, Trip
from sipd_core.client.streaming import ChatStream
from sipd_core.client.values import (
    CallMeta,
    ChatReply,
    ChatRequest,
    EmbeddingReply,
    RetryPolicy,
    ServedModel,
    Timeouts,
)
from sipd_core.errors import (
    BadReplyError,
    ProviderError,
    RefusedKeyError,
    RefusedRequestError,
    UnknownModelError,
)
from sipd_core.texts import text

log = logging.getLogger(__name__)

T = TypeVar("T")

_MODELS_SECONDS = 5.0
"""An unknown model is explained with the list that is served, if it can be had in this time."""
_NAMED_MODELS = 20
"""As many names fit a message on the screen."""


class OpenAIClient:
    """One provider, for the whole process; bound to the event loop that makes the first call.

    Every call raises a ProviderError of errors.py. It holds the provider's message, without the key and the texts of
    people, and `sent` is False only when nothing of any attempt can have reached the provider.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        chat: Timeouts,
        embedding: Timeouts,
        retry: RetryPolicy,
        connections: int = 100,
        verify: ssl.SSLContext | bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        random: Callable[[], float] = _random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` ends in the version, as in `.../v1`; an empty key sends none, for a server that asks for none.

        `now` reads a Retry-After that is a date, where the answer itself does not say what time it is.
        """
        key = api_key.strip()
        # Such a key cannot travel in a header, and the library's complaint about it would repeat it.
        self._key_usable = key.isascii() and key.isprintable()
        self._connections = Connections(
            base_url, key if self._key_usable else "", connections=connections, verify=verify
        )
        self._failures = Failures(key, now=now)
        self._chat = chat
        self._embedding = embedding
        self._clock = clock
        self._retrying = Retrying(retry, clock=clock, sleep=sleep, random=random)
        self._once = Retrying(replace(retry, retries=0), clock=clock, sleep=sleep, random=random)

    async def aclose(self) -> None:
        """Close every connection; idempotent. A later call is a RuntimeError."""
        await self._connections.aclose()

    async def embed(
        self, model: str, texts: Sequence[str], *, dimension: int, send_dimension: bool = True
    ) -> EmbeddingReply:
        """Unit vectors of all `texts` in one call; `send_dimension` asks the model for `dimension` numbers each."""
        body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "base64"}
        if send_dimension:
            body["dimensions"] = dimension
        call = self._call("embeddings", self._embedding, model=model, body=body, private=tuple(texts))

        def read(reply: Mapping[str, Any]) -> EmbeddingReply:
            vectors = replies.vectors(reply, len(texts), dimension)
            return EmbeddingReply(vectors, replies.usage_of(reply), self._meta(call.trip))

        return await self._run(call, lambda: self._attempt(call, read))

    async def chat(self, request: ChatRequest) -> ChatReply:
        """The whole answer in one piece."""
        call = self._asking(request)

        def read(reply: Mapping[str, Any]) -> ChatReply:
            return ChatReply(*replies.answer(reply), replies.usage_of(reply), self._meta(call.trip))

        return await self._run(call, lambda: self._attempt(call, read))

    @asynccontextmanager
    async def chat_stream(self, request: ChatRequest) -> AsyncIterator[ChatStream]:
        """The answer piece by piece; entering waits for the first piece, leaving early stops the provider at once."""
        call = self._asking(request, stream=True, stream_options={"include_usage": True})
        stream = await self._run(call, lambda: self._begin(call))
        try:
            yield stream
        finally:
            await stream.aclose()

    async def models(self) -> tuple[ServedModel, ...]:
        """What the provider serves; prices and context lengths where it tells them."""
        return await self._models(self._retrying)

    async def _models(self, retrying: Retrying) -> tuple[ServedModel, ...]:
        try:
            call = self._call("models?verbose=true", self._embedding)
            return await retrying.run(call.trip, lambda: self._attempt(call, replies.served))
        except (RefusedRequestError, UnknownModelError):
            # Not every server takes the parameter.
            plain = self._call("models", self._embedding)
            return await retrying.run(plain.trip, lambda: self._attempt(plain, replies.served))

    def _asking(self, request: ChatRequest, **more: Any) -> "_Call":
        body = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
        }
        private = tuple(message.content for message in request.messages)
        return self._call("chat/completions", self._chat, model=request.model, body=body | more, private=private)

    def _call(
        self,
        path: str,
        timeouts: Timeouts,
        *,
        model: str = "",
        body: Mapping[str, Any] | None = None,
        private: tuple[str, ...] = (),
    ) -> "_Call":
        if not self._key_usable:
            raise RefusedKeyError("the key holds characters that a header cannot carry", sent=False)
        started = self._clock()
        content = None if body is None else _encoded(body)
        return _Call(path, model, content, private, timeouts, Trip(started, started + timeouts.total))

    async def _run(self, call: "_Call", attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the attempts; a model that is not served is explained with those that are."""
        try:
            return await self._retrying.run(call.trip, attempt)
        except UnknownModelError as error:
            error.values |= {"model": call.model, "served": await self._served(call)}
            raise

    async def _attempt(self, call: "_Call", read: Callable[[Mapping[str, Any]], T]) -> T:
        """One request that is answered in one piece."""
        with self._watched(call) as watch, watch.first_byte():
            answer, body = await self._connections.call(call.path, call.content, watch)
        call.trip.request_id = answer.headers.get("x-request-id")
        if not answer.ok:
            raise self._failures.of_answer(answer.status, answer.headers, body, call.private)
        with _placed(answer):
            return read(replies.json_object(body))

    async def _begin(self, call: "_Call") -> ChatStream:
        """One request that is answered piece by piece, up to its first piece."""
        assert call.content is not None
        with self._watched(call) as watch, watch.first_byte():
            answer = await self._connections.open(call.path, call.content, watch)
            try:
                call.trip.request_id = answer.headers.get("x-request-id")
                if not answer.ok or answer.headers.get("content-type", "").startswith("application/json"):
                    raise self._unstreamed(call, answer, await answer.read_all())
                stream = ChatStream(
                    answer,
                    call.trip,
                    self._failures,
                    between=call.timeouts.between,
                    private=call.private,
                    clock=self._clock,
                )
                await stream.begin()
            except BaseException:
                await answer.aclose()
                raise
        return stream

    def _unstreamed(self, call: "_Call", answer: Answer, body: bytes) -> ProviderError:
        """Why an answer that should be a stream is none."""
        if not answer.ok:
            return self._failures.of_answer(answer.status, answer.headers, body, call.private)
        try:
            reported = self._failures.of_event(replies.json_object(body), call.private)
        except BadReplyError as error:
            return error
        return reported or replies.bad(text("errors.reply.not_stream"))

    @contextmanager
    def _watched(self, call: "_Call") -> Iterator[Watch]:
        watch = Watch(call.timeouts, call.trip.deadline - self._clock())
        try:
            yield watch
        finally:
            call.trip.reached = call.trip.reached or watch.sent

    async def _served(self, call: "_Call") -> str:
        """Names of what is served, the most similar first."""
        models: tuple[ServedModel, ...] = ()
        with anyio.move_on_after(min(_MODELS_SECONDS, call.trip.deadline - self._clock())):
            try:
                models = await self._models(self._once)
            except ProviderError as error:
                log.debug("the list of models could not be had: %s", error)
        likest = sorted((model.id for model in models), key=lambda name: (-_likeness(name, call.model), name))
        return ", ".join(likest[:_NAMED_MODELS]) or text("errors.provider.none_listed")

    def _meta(self, trip: Trip) -> CallMeta:
        return CallMeta((self._clock() - trip.started) * 1_000, trip.retries, trip.request_id, trip.met)


@dataclass(frozen=True, slots=True)
class _Call:
    """What one call sends, and how far it has come."""

    path: str
    model: str
    content: bytes | None
    private: tuple[str, ...]
    """Texts of people, which no error may repeat."""
    timeouts: Timeouts
    trip: Trip


@contextmanager
def _placed(answer: Answer) -> Iterator[None]:
    """Says of a BadReplyError which answer it was."""
    try:
        yield
    except BadReplyError as error:
        error.status = answer.status
        raise


def _encoded(body: Mapping[str, Any]) -> bytes:
    # A half of a surrogate pair, as some clipboards leave behind, is no character: it becomes a question mark.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, name.lower(), wanted.lower()).ratio()
