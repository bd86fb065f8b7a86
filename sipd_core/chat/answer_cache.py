"""Hosted answers to first questions, kept for the next person who asks the very same: no call, no cost.

Exact after normalisation of case, width and white space only: one letter can turn a question into its opposite
(*aktifkan*, *nonaktifkan*), so nothing is ever matched by likeness.
"""

import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from sipd_core.knowledge.base import SearchResult

Key = tuple[str, str]
"""(question, state of the knowledge and the settings)."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole, undisturbed answer and the search it rests on."""

    found: SearchResult
    response: str
    cited: tuple[str, ...]
    model: str


class AnswerCache:
    """Bounded and timed; safe from any thread. `timer` in seconds."""

    def __init__(self, size: int, ttl_seconds: float, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._kept: TTLCache[Key, KeptAnswer] = TTLCache(size, ttl_seconds, timer=timer)
        self._lock = threading.Lock()

    def get(self, question: str, state: str) -> KeptAnswer | None:
        """The answer given before to the same question in the same state."""
        with self._lock:
            return self._kept.get((same_question(question), state))

    def put(self, question: str, state: str, answer: KeptAnswer) -> None:
        """Keep an answer."""
        with self._lock:
            self._kept[same_question(question), state] = answer

    def forget(self, response: str) -> None:
        """Never give this answer again: a person said it did not help."""
        with self._lock:
            for key in [key for key, kept in self._kept.items() if kept.response == response]:
                del self._kept[key]


def same_question(question: str) -> str:
    """One form for all spellings of the same words: width (NFKC), case, white space, the stop at the end."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().split()).rstrip(" .?!")
