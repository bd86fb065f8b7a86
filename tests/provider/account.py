"""What the provider saw and what it did about it. Written by the server's thread alone, read by any."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Ended = Literal["open", "whole", "cut", "reset", "cancelled"]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    kind: str
    """`embeddings`, `chat`, `models`, or the path of anything else."""
    path: str
    """With its query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: Any
    """The parsed JSON; None where there was none."""
    at: float
    """`time.monotonic()` when its last byte was read."""
    http_version: str
    connection: int
    """Number of the TCP connection, from 1: the same number means it was reused."""
    number: int
    """From 1, in the order of arrival; `request_id` is made of it."""

    @property
    def request_id(self) -> str:
        return f"req-{self.number:06d}"


@dataclass(slots=True)
class Served:
    """What became of one request. Complete before the last byte of its reply is written."""

    request_id: str
    kind: str
    status: int = 0
    """0: not even a status line was sent."""
    texts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ended: Ended = "open"
    deltas: int = 0
    """Content deltas written so far."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A client that left before its reply was whole."""

    request_id: str
    kind: str
    sent: int
    """Content deltas that had been written by then."""


@dataclass(slots=True)
class Account:
    """All of it, in order; appending to a list needs no lock."""

    requests: list[Received] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    cancelled: list[Cancelled] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Texts whose embedding was answered with 200."""
    arrived: int = 0
    """Requests ever, also those of an account that was begun anew: request ids do not come twice."""
    connections: int = 0

    def summary(self) -> dict[str, object]:
        """For `GET /_log`: counts by kind and status, texts, tokens, connections, and each reply with its id."""
        by_status: dict[str, Counter[str]] = {}
        for reply in self.served:
            by_status.setdefault(reply.kind, Counter())[str(reply.status)] += 1
        good = [reply for reply in self.served if reply.status == 200]
        return {
            "requests": len(self.requests),
            "by_status": by_status,
            "texts": len(self.texts),
            "prompt_tokens": sum(reply.prompt_tokens for reply in good),
            "completion_tokens": sum(reply.completion_tokens for reply in good),
            "connections": self.connections,
            "cancelled": [{"id": gone.request_id, "kind": gone.kind, "sent": gone.sent} for gone in self.cancelled],
            "served": [_line(reply) for reply in self.served],
        }


def _line(reply: Served) -> dict[str, object]:
    return {
        "id": reply.request_id,
        "kind": reply.kind,
        "status": reply.status,
        "texts": reply.texts,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "ended": reply.ended,
    }
