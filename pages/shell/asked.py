"""Messages on their way to an answer, kept by the process: a reload begins a new browser session, which knows nothing of them.

Masked, in memory alone, and gone as soon as the answer is stored.
"""

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from pages.shell.unanswered import Unanswered
from sipd_core.privacy import mask

_MOST: Final = 500
"""Messages kept at once; the oldest goes first."""

_lock = threading.Lock()
_asked: OrderedDict[str, Unanswered] = OrderedDict()


def remember(unanswered: Unanswered) -> None:
    """Keep a message until `forget`, in the place of an earlier one of its conversation."""
    kept = replace(unanswered, message=mask(unanswered.message).text, partial="")
    with _lock:
        _asked.pop(kept.session_id, None)
        _asked[kept.session_id] = kept
        while len(_asked) > _MOST:
            _asked.popitem(last=False)


def forget(session_id: str) -> None:
    """The answer is stored, or the person gave the message up."""
    with _lock:
        _asked.pop(session_id, None)


def find(session_id: str) -> Unanswered | None:
    """The message of this conversation that is still on its way, or was when its page was left."""
    with _lock:
        return _asked.get(session_id)
