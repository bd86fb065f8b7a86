"""POST /chat: one message in, one answer out, at once or as it comes."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sipd_core.api.bodies import most_bytes, read_json
from sipd_core.api.desk import Desk
from sipd_core.api.problems import REQUEST_ID, error_reply, preparing, telling
from sipd_core.api.streaming import EventStream, event, parts_of
from sipd_core.chat.turn import AnswerPart, Turn, Withdrawn

log = logging.getLogger(__name__)

GONE = 499
"""What the log says of a caller who left; nobody gets it."""
SESSION = r"^[A-Za-z0-9_-]{1,32}$"
SPOKEN = r"[^\s\x00-\x1f]"
"""At least one character that is not blank."""


class ChatRequest(BaseModel):
    """One message to the help desk."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    message: Annotated[str, Field(min_length=1, pattern=SPOKEN)]
    session_id: Annotated[str, Field(pattern=SESSION)] | None = None
    stream: bool = False


REQUEST = TypeAdapter(ChatRequest)


async def chat(desk: Desk, request: Request) -> Response:
    """Raises RequestError, MessageError, StoreError; a caller who leaves cancels the work."""
    asked = await read_json(request, REQUEST, most_bytes(desk.settings.max_message_length))
    engine = desk.engine
    if (await desk.call(engine.status)).preparing:
        raise preparing()
    message = asked.message.replace("\0", " ")  # PostgreSQL stores no text with it
    source = engine.answer(message, asked.session_id or engine.new_session_id())
    parts = parts_of(source, desk.threads)
    if not asked.stream:
        return await _whole(parts, request)
    first = await anext(parts)  # what is refused at once still gets a status of its own
    return EventStream(_events(first, parts, request.scope[REQUEST_ID]), parts)


async def _whole(parts: AsyncGenerator[AnswerPart], request: Request) -> Response:
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Turn):
                return JSONResponse(_told(part))
            if await request.is_disconnected():
                break
    return Response(status_code=GONE)


async def _events(first: AnswerPart, parts: AsyncGenerator[AnswerPart], request_id: str) -> AsyncGenerator[bytes]:
    async with aclosing(parts):
        try:
            yield _event(first)
            async for part in parts:
                yield _event(part)
        except Exception as error:
            log.log(logging.WARNING, "request %s failed while it was answered: %s", request_id, error)
            yield event("error", asdict(error_reply(telling(error), request_id)))


def _event(part: AnswerPart) -> bytes:
    if isinstance(part, Turn):
        return event("turn", _told(part))
    if isinstance(part, Withdrawn):
        return event("withdrawn", {})
    return event("text", {"text": part}) if part else b""


def _told(turn: Turn) -> dict[str, Any]:
    from sipd_core.wire import as_json, chat_reply  # what it needs is loaded by the engine, not by the server's start

    return as_json(chat_reply(turn))
