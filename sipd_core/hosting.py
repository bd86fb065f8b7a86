"""What a provider brings into the house: one client, its books and breakers, hosted embeddings, hosted answers.

Nothing here is opened where no provider is set.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sipd_core.breaker import BreakerState
from sipd_core.chat.answering import Answerer, AnswerSettings
from sipd_core.client import OpenAIClient, RetryPolicy, Timeouts
from sipd_core.embeddings.hosted import (
    QWEN3_QUERY_PREFIX,
    HostedEmbedder,
    estimate_tokens,
)
from sipd_core.metered import Kind, MeteredClient
from sipd_core.prices import PriceTable
from sipd_core.settings import Settings
from sipd_core.usage import Books, CallRecord, Usage, jakarta_day

CONNECT_SECONDS = 5.0
"""A provider that does not even take the connection within this is away."""


class Hosting:
    """An async context manager; loop-bound things are made on entering, closed on leaving."""

    def __init__(
        self,
        settings: Settings,
        books: Books,
        prices: PriceTable,
        *,
        on_settled: Callable[[CallRecord], None],
        remembered: tuple[str, int] | None = None,
    ) -> None:
        """`remembered`: model and dimension that served before, which may have to serve until the wanted one is whole."""
        self._settings = settings
        self._books = books
        self._prices = prices
        self._on_settled = on_settled
        self._remembered = remembered
        self._stack = AsyncExitStack()
        self._embedders: dict[tuple[str, int], HostedEmbedder] = {}

    async def __aenter__(self) -> Self:
        self._client = self._make_client()
        self._stack.push_async_callback(self._client.aclose)
        self._metered = MeteredClient(
            self._client,
            self._books,
            self._prices,
            count_tokens=estimate_tokens,
            on_settled=self._on_settled,
            send_dimension=self._settings.embedding_send_dimension,
        )
        for model in filter(None, (self._wanted, self._remembered)):
            self._embedders[model] = await self._stack.enter_async_context(self._make_embedder(*model))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def host(self) -> str:
        """Where texts are sent to."""
        return urlsplit(self._settings.nebius_base_url).hostname or ""

    @property
    def wanted_embedder(self) -> HostedEmbedder | None:
        """The one that the settings name; None where embeddings stay in the console."""
        return self._embedders[self._wanted] if self._wanted else None

    def embedder(self, model: str, dimension: int) -> HostedEmbedder | None:
        """The one of this name; None when it is neither wanted nor remembered."""
        return self._embedders.get((model, dimension))

    def embedding_cost(self, model: str, tokens: int) -> Decimal | None:
        """USD for so many tokens today; None when the price is unknown."""
        price = self._prices.price(model, jakarta_day(datetime.now(UTC)))
        return None if price is None else price.cost(Usage(tokens))

    def answerer(self) -> Answerer | None:
        """None where answers stay in the console."""
        settings = self._settings
        if not settings.hosted_answers:
            return None
        models = tuple(filter(None, (settings.nebius_model_id, settings.nebius_fallback_model)))
        figures = AnswerSettings(
            models, settings.max_context_length, settings.response_temperature, settings.max_response_length
        )
        return Answerer(self._metered, figures, count_tokens=estimate_tokens)

    def trouble(self) -> str | None:
        """Why the provider is left alone at the moment, in Indonesian; None when calls are let through."""
        settings = self._settings
        asked = [(Kind.CHAT, settings.nebius_model_id)] if settings.hosted_answers else []
        asked += [(Kind.EMBEDDING, settings.nebius_embedding_model)] if settings.hosted_embeddings else []
        breakers = [self._metered.breaker(*one) for one in asked]
        resting = next((one for one in breakers if one.state is not BreakerState.CLOSED), None)
        return resting.reason.user_text if resting and resting.reason else None

    @property
    def _wanted(self) -> tuple[str, int] | None:
        settings = self._settings
        return (settings.nebius_embedding_model, settings.embedding_dimension) if settings.hosted_embeddings else None

    def _make_client(self) -> OpenAIClient:
        settings = self._settings
        chat = Timeouts(
            CONNECT_SECONDS, settings.chat_first_token_timeout, settings.chat_stall_timeout, settings.chat_timeout
        )
        seconds = settings.embedding_timeout
        return OpenAIClient(
            settings.nebius_base_url,
            settings.nebius_api_key.get_secret_value(),
            chat=chat,
            embedding=Timeouts(min(CONNECT_SECONDS, seconds), seconds, seconds, seconds),
            retry=RetryPolicy(settings.max_retries, settings.retry_delay),
        )

    def _make_embedder(self, model: str, dimension: int) -> HostedEmbedder:
        settings = self._settings
        prefix = settings.embedding_query_prefix
        if prefix is None:
            prefix = QWEN3_QUERY_PREFIX if "qwen3-embedding" in model.casefold() else ""
        return HostedEmbedder(
            self._metered,
            model,
            dimension,
            batch_size=settings.embedding_batch_size,
            concurrency=settings.embedding_concurrency,
            max_tokens=settings.max_embedding_tokens,
            window=settings.embedding_window_ms / 1000,
            query_prefix=prefix,
            passage_prefix=settings.embedding_passage_prefix,
        )
