"""The OpenAPI 3.1 document, made of the table of operations and the very types that are read and written."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from sipd_core.api.chat import ChatRequest
from sipd_core.api.health import HealthReply, LiveReply, ReadyReply
from sipd_core.api.operations import Operation
from sipd_core.api.problems import ErrorReply
from sipd_core.api.reports import DAYS, MOST_DAYS
from sipd_core.settings import Settings
from sipd_core.texts import text
from sipd_core.wire import ChatReply, CostReply, PerformanceReply, StatsReply

_REF = "#/components/schemas/{model}"
_REPLIES: dict[str, type] = {
    "chat": ChatReply,
    "health": HealthReply,
    "live": LiveReply,
    "ready": ReadyReply,
    "stats": StatsReply,
    "performance": PerformanceReply,
    "costs": CostReply,
}
_TEXTS = {"type": "string"}
_COUNT = {"type": "integer"}
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["text", "withdrawn", "turn", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
"""One server-sent event."""
_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def document(operations: Iterable[Operation], settings: Settings) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": text("api.document.title"), "version": "1", "description": text("api.document.about")},
        "servers": [{"url": "/"}, {"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(settings),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(settings: Settings) -> dict[str, Any]:
    kinds: list[Any] = [(kind, "serialization", TypeAdapter(kind)) for kind in {*_REPLIES.values(), ErrorReply}]
    kinds.append((ChatRequest, "validation", TypeAdapter(ChatRequest)))
    _, described = TypeAdapter.json_schemas(kinds, ref_template=_REF)
    schemas: dict[str, Any] = described["$defs"]
    schemas["ChatRequest"]["properties"]["message"]["maxLength"] = settings.max_message_length
    return schemas


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": text(f"api.document.{operation.name}"),
        "responses": _responses(operation),
        "security": [] if operation.is_open else [{"key": []}],
    }
    if operation.scope is not None:
        told["x-scope"] = operation.scope
    if operation.name == "chat":
        told["description"] = text("api.document.chat_about")
        body = {"application/json": {"schema": _ref(ChatRequest)}}
        told["requestBody"] = {"required": True, "content": body}
    if operation.name == "costs":
        days = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": DAYS}
        told["parameters"] = [
            {"name": "days", "in": "query", "description": text("api.document.costs_days"), "schema": days}
        ]
    return told


def _responses(operation: Operation) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": text("api.document.answered"), "content": _content(operation)}
    if not operation.is_open:
        answered["headers"] = {name: {"schema": _COUNT} for name in _HEADERS}
    responses = {"200": answered} | {str(status): _refused(status) for status in _refusals(operation)}
    if operation.name == "health":
        responses["503"]["content"] = _content(operation)
    if operation.name == "ready":  # while there is no engine, nobody can look at a key
        either = [_ref(ReadyReply), _ref(ErrorReply)]
        responses["503"]["content"] = {"application/json": {"schema": {"anyOf": either}}}
    return responses


def _refusals(operation: Operation) -> list[int]:
    """The statuses of all that can go wrong as long as nothing is broken."""
    statuses = [403]  # pages of other sites
    if not operation.is_open:
        statuses += [401, 429]
    if operation.name != "live":
        statuses.append(503)
    statuses += {"chat": [400, 408, 413, 415, 422], "costs": [422]}.get(operation.name, [])
    return sorted(statuses)


def _refused(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(ErrorReply)}}
    told: dict[str, Any] = {"description": text(f"api.document.status.{status}"), "content": content}
    if status in {429, 503}:
        told["headers"] = {"Retry-After": {"schema": _COUNT}}
    return told


def _content(operation: Operation) -> dict[str, Any]:
    if operation.name == "metrics":
        return {
            "text/plain": {"schema": _TEXTS},
            "application/openmetrics-text": {"schema": _TEXTS},
        }
    if operation.name == "openapi":
        return {"application/json": {"schema": {"type": "object"}}}
    content: dict[str, Any] = {"application/json": {"schema": _ref(_REPLIES[operation.name])}}
    if operation.name == "chat":
        content["text/event-stream"] = {"schema": _EVENT}
    return content


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _REF.format(model=kind.__name__)}
