"""Reading what a request says: its size is limited while it comes, its kind and shape are checked before it is used."""

import json
from typing import Any, TypeVar

import anyio
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect, Request

from sipd_core.api.problems import RequestError
from sipd_core.locale_id import file_size
from sipd_core.texts import text

READ_SECONDS = 30.0
"""A body of some kilobytes that takes longer does not want to arrive."""
ESCAPED = 12
"""Bytes that one character takes at most: a pair of `\\u` escapes."""
FRAME_BYTES = 2_048
"""Room for all that is not the message."""

Value = TypeVar("Value")


def most_bytes(characters: int) -> int:
    """Size of the largest body that can hold a message of so many characters."""
    return characters * ESCAPED + FRAME_BYTES


async def read_json(request: Request, kind: TypeAdapter[Value], limit: int) -> Value:
    """The body as a value of `kind`; raises RequestError, and reads no further than `limit` bytes."""
    _check_kind(request)
    body = await _read(request, limit)
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None  # pydantic's text holds what a person wrote


def _check_kind(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise RequestError(415, "media_type")
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise RequestError(415, "encoding")


async def _read(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > limit):
        raise _too_large(limit)
    body = bytearray()
    try:
        with anyio.fail_after(READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise RequestError(408, "too_slow", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "not_json") from None
    return bytes(body)


def _too_large(limit: int) -> RequestError:
    """The connection is closed: nobody wants to read the rest."""
    return RequestError(413, "too_large", headers={"Connection": "close"}, limit=file_size(limit))


def _refusal(error: ValidationError) -> RequestError:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return RequestError(400, "not_json")
    return RequestError(422, "invalid", fields=", ".join(sorted({_told(dict(fault)) for fault in faults[:10]})))


def _told(fault: dict[str, Any]) -> str:
    if not fault["loc"]:
        return text("api.field.whole")
    kinds = {"missing": "missing", "extra_forbidden": "unknown"}
    name = json.dumps(str(fault["loc"][0])[:40], ensure_ascii=False)
    return text(f"api.field.{kinds.get(fault['type'], 'wrong')}", field=name)
