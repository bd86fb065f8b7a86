"""Answers that are errors, in both shapes providers use, as the ProviderErrors of errors.py."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sipd_core.client.retry import retry_after
from sipd_core.errors import (
    ProviderDownError,
    ProviderError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    UnknownModelError,
)
from sipd_core.texts import text

LONGEST_MESSAGE = 300
"""Characters of a provider's message that are kept: a proxy's error may be a whole web page."""
_SHORTEST_PRIVATE = 12
"""Characters from which a text of ours is worth taking out of a message that repeats it."""

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: RefusedKeyError,
    403: RefusedKeyError,
    404: UnknownModelError,
    408: ProviderDownError,
    409: ProviderDownError,
    429: RateLimitedError,
}


class Failures:
    """Makes errors; holds the key only to keep it out of them."""

    def __init__(self, api_key: str, *, now: Callable[[], datetime]) -> None:
        """`now` tells the time by which a Retry-After that is a date is read."""
        self._key = api_key
        self._now = now

    def of_answer(self, status: int, headers: Mapping[str, str], body: bytes, private: Sequence[str]) -> ProviderError:
        """The error of an answer with a status of 300 or more; `private` are the texts that were sent."""
        message = message_of(_decoded(body))
        return self._made(
            status,
            f"{status}: {self.cleaned(message, private)}",
            status=status,
            request_id=headers.get("x-request-id"),
            retry_after=retry_after(headers, self._now),
        )

    def of_event(self, event: Mapping[str, Any], private: Sequence[str]) -> ProviderError | None:
        """The error that an event in the midst of a stream reports, or None when it reports none."""
        inner = event.get("error")
        if not inner and not event.get("detail") and event.get("object") != "error":
            return None
        held = inner if isinstance(inner, dict) else event
        status = next((_status(held.get(name)) for name in ("code", "status") if _status(held.get(name))), None)
        return self._made(status, self.cleaned(message_of(event), private), status=status)

    def cleaned(self, message: str, private: Sequence[str] = ()) -> str:
        """`message` without the key and the texts of people, on one line, cut to LONGEST_MESSAGE characters."""
        for secret in (self._key, *(part for part in private if len(part) >= _SHORTEST_PRIVATE)):
            if secret:
                message = message.replace(secret, "***")
        return " ".join(message.split())[:LONGEST_MESSAGE]

    def _made(self, code: int | None, detail: str, **values: Any) -> ProviderError:
        kind = _kind(code)
        if kind is UnknownModelError:
            values |= {"model": "?", "served": text("errors.provider.none_listed")}
        return kind(detail, **values)


def message_of(body: Any) -> str:
    """What an error's body says: {"detail": ...} as FastAPI has it, {"error": ...} as OpenAI has it, or all of it."""
    if not isinstance(body, dict):
        return body if isinstance(body, str) else json.dumps(body)
    said = body.get("detail") or body.get("error") or body.get("message") or body
    if isinstance(said, list):
        return "; ".join(_problem(entry) for entry in said)
    if isinstance(said, dict):
        return str(said.get("message") or said.get("code") or said.get("type") or json.dumps(said))
    return str(said)


def _problem(entry: Any) -> str:
    """One entry of a 422; its `input` repeats what was sent and is left out."""
    if not isinstance(entry, dict):
        return str(entry)
    place = ".".join(str(part) for part in entry.get("loc") or ())
    return f"{place}: {entry.get('msg', '')}"


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _status(code: Any) -> int | None:
    """An HTTP status where the code is one, as a number or as its digits."""
    digits = str(code)
    return int(digits) if len(digits) == 3 and digits.isdecimal() and digits[0] in "45" else None


def _kind(status: int | None) -> type[ProviderError]:
    """The class for a status; an error in mid-stream without one is the provider's own trouble."""
    if status is None or status >= 500:
        return ProviderDownError
    return _BY_STATUS.get(status, RefusedRequestError)
