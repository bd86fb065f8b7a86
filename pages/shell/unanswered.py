"""A message that was sent and has no stored answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The turn failed, was stopped, or its page was left."""

    session_id: str
    message: str
    after: str = ""
    """The turn that was the conversation's last when it was sent; a later one is its answer."""
    partial: str = ""
    error: str | None = None
    """What went wrong, in Indonesian; None when the person stopped the answer."""
