"""How the provider says no: FastAPI's shape of errors, as Nebius has it, or OpenAI's."""

from tests.provider.faults import RateLimit, ServerError, Status
from tests.provider.knobs import Knobs
from tests.provider.steps import End, Head, Reply, Send, dump, plain


def error(knobs: Knobs, status: int, message: str, type_: str, code: str) -> bytes:
    """FastAPI's shape, as Nebius has it, or OpenAI's."""
    if knobs.error_shape == "nebius":
        return dump({"detail": message})
    return dump({"error": {"message": message, "type": type_, "param": None, "code": code}})


def refusal(knobs: Knobs, fault: RateLimit | ServerError | Status) -> Reply:
    match fault:
        case RateLimit():
            body = error(knobs, 429, "Rate limit exceeded for requests per minute.", "requests", "rate_limit_exceeded")
            waits = () if fault.retry_after is None else (("retry-after", fault.retry_after),)
            return Reply(plain(429, body, headers=(("x-ratelimit-over-limit", "yes"), *waits)))
        case ServerError():
            return Reply(plain(fault.code, error(knobs, fault.code, "Internal Server Error", "server_error", "server")))
        case Status():
            if not isinstance(fault.body, str):
                return Reply(plain(fault.code, dump(fault.body)))
            page = fault.body.encode()
            return Reply([Head(fault.code, "text/html; charset=utf-8", len(page)), Send(page), End()])


def wrong_key(knobs: Knobs) -> Reply:
    message = "Couldn't authenticate. Please check that the API key is right."
    return Reply(plain(401, error(knobs, 401, message, "invalid_request_error", "invalid_api_key")))


def not_found(knobs: Knobs) -> Reply:
    return Reply(plain(404, error(knobs, 404, "Not Found", "invalid_request_error", "not_found")))


def unknown_model(knobs: Knobs, model: str) -> Reply:
    message = f"The model `{model}` does not exist."
    return Reply(plain(404, error(knobs, 404, message, "invalid_request_error", "model_not_found")))


def invalid(knobs: Knobs, field: str, message: str, type_: str = "missing") -> Reply:
    """422 with a list of what is wrong, or OpenAI's 400."""
    if knobs.error_shape == "openai":
        return Reply(plain(400, error(knobs, 400, f"{field}: {message}", "invalid_request_error", type_)))
    return Reply(plain(422, dump({"detail": [{"type": type_, "loc": ["body", field], "msg": message}]})))
