"""An OpenAI-compatible provider: embeddings, answers, the list of models. One reason to change: the protocol.

It knows no ledger, no price and no cache. Everything public is here:

api.py          OpenAIClient: the calls
streaming.py    ChatStream: one streamed answer
connections.py  the pooled connections and the time limits of one request
retry.py        what is tried again, and when
failures.py     answers that are errors -> the ProviderErrors of errors.py
replies.py      answers -> checked values
sse.py          bytes -> server-sent events
values.py       what goes in and what comes out
webhook.py      signed messages to a receiver of people's own
"""

from sipd_core.client.api import OpenAIClient
from sipd_core.client.streaming import ChatStream
from sipd_core.client.values import (
    CallMeta,
    ChatReply,
    ChatRequest,
    EmbeddingReply,
    Message,
    RetryPolicy,
    ServedModel,
    Timeouts,
)
from sipd_core.client.webhook import Webhook

__all__ = [
    "CallMeta",
    "ChatReply",
    "ChatRequest",
    "ChatStream",
    "EmbeddingReply",
    "Message",
    "OpenAIClient",
    "RetryPolicy",
    "ServedModel",
    "Timeouts",
    "Webhook",
]
