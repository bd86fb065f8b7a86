"""What goes into a call of the provider and what comes out of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sipd_core.usage import Usage


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase of a call may take, in seconds."""

    connect: float
    """Until the connection stands, TLS included."""
    first_byte: float
    """From the request sent to the whole answer of a plain call, or to the first text of a stream."""
    between: float
    """From one event of a stream to the next; a server's comments to keep the line open do not count."""
    total: float
    """For the whole call, every attempt and every wait between attempts included."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how many seconds a call is tried again."""

    retries: int
    delay: float
    """The first wait is between zero and this; the upper end doubles with every attempt."""
    longest: float = 20.0
    """No wait is longer; a provider that asks for more gets no further attempt."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as the model reads it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A question for an answering model."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float


@dataclass(frozen=True, slots=True)
class CallMeta:
    """How a call went."""

    latency_ms: float
    """From the call to its end so far, retries and waits included."""
    retries: int
    request_id: str | None
    """The provider's own name of the call (x-request-id), for a question to its support."""
    retried_for: tuple[str, ...] = ()
    """What each attempt before the last one met: class names of errors.py."""


@dataclass(frozen=True, slots=True)
class EmbeddingReply:
    """Vectors of one call, in the order of its texts."""

    vectors: NDArray[np.float32]
    """Shape (n, dimension), rows of unit length."""
    usage: Usage | None
    """None when the provider did not say."""
    meta: CallMeta


@dataclass(frozen=True, slots=True)
class ChatReply:
    """An answer that came in one piece."""

    text: str
    finish_reason: str
    usage: Usage | None
    meta: CallMeta


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model the provider lists."""

    id: str
    prompt_price: Decimal | None
    """USD per million tokens; None when the list does not say."""
    completion_price: Decimal | None
    context_length: int | None
    """Tokens."""
