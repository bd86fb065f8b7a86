"""The ordinary conduct of the scripted provider: what it serves, how fast, and how often it refuses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

EMBEDDING_MODEL = "Qwen/Qwen3-Embedding-8B"
CHAT_MODEL = "Qwen/Qwen3-30B-A3B-Instruct-2507"
FALLBACK_MODEL = "openai/gpt-oss-120b"

Chat = Sequence[Mapping[str, Any]]
"""The `messages` of a request as they came."""

PRICES: Mapping[str, tuple[str, str]] = {
    EMBEDDING_MODEL: ("0.01", "0"),
    CHAT_MODEL: ("0.10", "0.30"),
    FALLBACK_MODEL: ("0.15", "0.60"),
}
"""USD per million tokens, prompt and completion; as seen at Nebius in autumn 2026."""


@dataclass(kw_only=True, eq=False)
class Knobs:
    """May be turned while the server runs; a request under way keeps what it began with. Delays in seconds."""

    key: str = "kunci-uji"
    """The one bearer key that is let in; an empty one lets everybody in."""
    models: tuple[str, ...] = (EMBEDDING_MODEL, CHAT_MODEL, FALLBACK_MODEL)
    prices: Mapping[str, tuple[str, str]] = field(default_factory=lambda: dict(PRICES))
    """Model -> (prompt, completion), USD per million tokens; a model without one is listed without a price."""
    context_length: int = 40_960
    dimension: int = 1024
    """Length of a vector where the request does not say `dimensions`."""
    answer: Callable[[Chat], str] | None = None
    """What the chat model says; by default some Indonesian steps that end with the first case marker it was shown."""
    tokens: int | None = None
    """Number of content deltas: the answer's words over and over, its last word at the end."""
    reasoning: str = ""
    """Said word by word as `reasoning_content` before the answer."""
    cached_tokens: int = 0
    """`prompt_tokens_details.cached_tokens`, at most the whole prompt."""
    usage_in: Literal["last", "bare", "finish"] = "last"
    """Usage of a stream: in a last chunk with empty `choices`, in one without `choices`, or on the finish chunk."""
    error_shape: Literal["nebius", "openai"] = "nebius"
    embedding_delay: float = 0.0
    per_text_delay: float = 0.0
    first_token_delay: float = 0.0
    token_delay: float = 0.0
    rate_429: float = 0.0
    """Share of the embedding and chat requests refused with 429 and `retry_after`."""
    rate_500: float = 0.0
    retry_after: str | None = "1"
    seed: int = 0
