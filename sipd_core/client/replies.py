"""Answers, checked, as values. What is not what was asked for raises BadReplyError; nothing is guessed or filled in."""

import base64
import binascii
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sipd_core.client.values import ServedModel
from sipd_core.errors import BadReplyError
from sipd_core.texts import text
from sipd_core.usage import Usage

_MILLION = 1_000_000


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` is."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise bad(text("errors.reply.not_json")) from error
    if not isinstance(value, dict):
        raise bad(text("errors.reply.not_json"))
    return value


def vectors(reply: Mapping[str, Any], count: int, dimension: int) -> NDArray[np.float32]:
    """Unit rows in the order of the texts, shape (count, dimension)."""
    rows = reply.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad(text("errors.reply.shape"))
    if len(rows) != count:
        raise bad(text("errors.reply.count", found=len(rows), expected=count))
    places = [row.get("index") for row in rows]
    if any(type(place) is not int for place in places) or sorted(places) != list(range(count)):
        raise bad(text("errors.reply.order"))
    matrix = np.empty((count, dimension), np.float32)
    for place, row in zip(places, rows, strict=True):
        matrix[place] = _vector(row.get("embedding"), dimension)
    return _unit(matrix)


def usage_of(reply: Mapping[str, Any]) -> Usage | None:
    """Tokens as the provider counted them; None when it did not, or not wholly."""
    counted = reply.get("usage")
    if not isinstance(counted, dict):
        return None
    prompt = _count(counted.get("prompt_tokens"))
    total = _count(counted.get("total_tokens"))
    completion = _count(counted.get("completion_tokens"))
    if completion is None and prompt is not None and total is not None:
        completion = max(0, total - prompt)
    if prompt is None or completion is None:
        return None
    details = counted.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(prompt, completion, min(cached or 0, prompt))


def answer(reply: Mapping[str, Any]) -> tuple[str, str]:
    """Text and finish reason of an answer in one piece; a model that only reasoned has no text."""
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise bad(text("errors.reply.shape"))
    content, reason = message.get("content"), choice.get("finish_reason")
    if not isinstance(content, str | None):
        raise bad(text("errors.reply.shape"))
    if not isinstance(reason, str):
        raise bad(text("errors.reply.unfinished"))
    return content or "", reason


def served(reply: Mapping[str, Any]) -> tuple[ServedModel, ...]:
    """The models of a list, in its order."""
    rows = reply.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise bad(text("errors.reply.shape"))
    return tuple(_served(row) for row in rows)


def bad(reason: str) -> BadReplyError:
    """The error for an answer that cannot be used; `reason` is Indonesian."""
    return BadReplyError(f"bad reply: {reason}", reason=reason)


def _vector(embedding: Any, dimension: int) -> NDArray[np.float32]:
    """One vector as base64 of little-endian float32, or as a list of numbers."""
    try:
        if isinstance(embedding, str):
            values = np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
        else:
            with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is refused below
                values = np.asarray(embedding, np.float32)
    except (binascii.Error, ValueError, TypeError) as error:
        raise bad(text("errors.reply.shape")) from error
    if values.shape != (dimension,):
        raise bad(text("errors.reply.dimension", found=values.size, expected=dimension))
    return values


def _unit(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(matrix).all():
        raise bad(text("errors.reply.not_finite"))
    wide = matrix.astype(np.float64)  # the square of a large float32 would overflow
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    if not (norms > 0).all():
        raise bad(text("errors.reply.zero"))
    return np.asarray(wide / norms, np.float32)


def _served(row: Mapping[str, Any]) -> ServedModel:
    pricing = row.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    lengths = (_count(row.get(name)) for name in ("context_length", "max_model_len"))
    return ServedModel(
        row["id"],
        _per_million(prices.get("prompt")),
        _per_million(prices.get("completion")),
        next((length for length in lengths if length), None),
    )


def _per_million(price: Any) -> Decimal | None:
    """USD per million tokens of a price in USD per token; lists write it as a string to keep it exact."""
    if not isinstance(price, str | int | float) or isinstance(price, bool):
        return None
    try:
        value = Decimal(str(price))
    except InvalidOperation:
        return None
    return value * _MILLION if value.is_finite() and value >= 0 else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
