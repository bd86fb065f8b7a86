"""What the provider answers, byte by byte: the wire format of embeddings, chat and models. Pure functions."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from tests.provider.faults import (
    Empty,
    ErrorInStream,
    Fault,
    Length,
    Malformed,
    NoFinish,
    NotFinite,
    NoUsage,
    WrongCount,
    WrongDimension,
    WrongIndex,
    WrongOrder,
)
from tests.provider.knobs import Chat, Knobs
from tests.provider.refusals import invalid
from tests.provider.steps import (
    End,
    Head,
    Reply,
    Send,
    Step,
    Wait,
    delayed,
    dump,
    place_after,
    plain,
    stream_steps,
)
from tests.provider.vectors import encode, encoded, text_vector

MARKER = re.compile(r'\[(K\d+)\]|id="(K\d+)"')
CREATED = 1_790_000_000
"""One moment for all replies: nothing may depend on it."""
BROKEN_JSON = b'{"id":"x","object":"list","data":[{"index":0,"delta":'


def count_tokens(text: str) -> int:
    """About one for four characters."""
    return -(-len(text) // 4)


# -- embeddings --------------------------------------------------------------------------------------------------------


def embeddings(knobs: Knobs, request: Mapping[str, Any], fault: Fault | None) -> Reply:
    """`input` one text or several; `dimensions` and `encoding_format` honoured."""
    given = request.get("input")
    texts = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else ()
    if not texts or not all(isinstance(text, str) for text in texts):
        return invalid(knobs, "input", "Input should be a valid string or a list of them", "string_type")
    dimension, encoding = request.get("dimensions") or knobs.dimension, request.get("encoding_format") or "float"
    if not isinstance(dimension, int) or dimension < 1:
        return invalid(knobs, "dimensions", "Input should be greater than 0", "greater_than")
    if encoding not in {"float", "base64"}:
        return invalid(knobs, "encoding_format", "Input should be 'float' or 'base64'", "literal_error")
    tokens = sum(count_tokens(text) for text in texts)
    body = BROKEN_JSON if isinstance(fault, Malformed) else vectors_body(request, texts, dimension, encoding, fault)
    delay = knobs.embedding_delay + knobs.per_text_delay * len(texts)
    return Reply(plain(200, body, fault, delay), texts, tokens)


def vectors_body(
    request: Mapping[str, Any], texts: Sequence[str], dimension: int, encoding: str, fault: Fault | None
) -> bytes:
    values = [encoded(text, dimension + isinstance(fault, WrongDimension), encoding) for text in texts]
    if isinstance(fault, NotFinite):
        vector = text_vector(texts[0], dimension)
        vector[0] = np.float32(fault.value)
        values[0] = encode(vector, encoding)
    indices = [0] * len(values) if isinstance(fault, WrongIndex) else list(range(len(values)))
    items = [b'{"object":"embedding","index":%d,"embedding":%b}' % pair for pair in zip(indices, values, strict=True)]
    match fault:
        case WrongCount():
            items = items[:-1]
        case WrongOrder():
            items = items[::-1]
        case Empty():
            items = []
    tokens = sum(count_tokens(text) for text in texts)
    usage = (
        b"" if isinstance(fault, NoUsage) else b',"usage":' + dump({"prompt_tokens": tokens, "total_tokens": tokens})
    )
    return b'{"object":"list","data":[%b],"model":%b%b}' % (b",".join(items), dump(request["model"]), usage)


# -- chat --------------------------------------------------------------------------------------------------------------


def content_of(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def default_answer(messages: Chat) -> str:
    """Steps in Indonesian; the first case marker of the last message that shows one is cited at the end."""
    heard = [content_of(message) for message in reversed(messages) if message.get("role") in {"user", "system"}]
    marker = next((found for found in map(MARKER.search, heard) if found), None)
    cited = f" [{marker[1] or marker[2]}]" if marker else ""
    return f"Langkah yang pernah berhasil: buka menu “Penatausahaan” → pilih datanya → tekan “Kirim ulang” ✅.{cited}"


def pieces_of(knobs: Knobs, request: Mapping[str, Any], fault: Fault | None) -> tuple[list[str], str]:
    """The answer word by word, and its finish_reason: `length` when `max_tokens` (or the fault) cuts it."""
    words = (knobs.answer or default_answer)(request["messages"]).split()
    if knobs.tokens is not None and words:
        words = [words[at % len(words)] for at in range(knobs.tokens - 1)] + words[-1:]
    pieces = [f"{word} " for word in words[:-1]] + words[-1:]
    if isinstance(fault, Empty):
        return [], "stop"
    if isinstance(fault, Length):
        return pieces[: max(1, len(pieces) // 2)], "length"
    limit = request.get("max_completion_tokens") or request.get("max_tokens") or knobs.context_length
    lengths = accumulate(len(piece) for piece in pieces)
    kept = [piece for piece, length in zip(pieces, lengths, strict=True) if length <= 4 * limit]
    return kept, "stop" if len(kept) == len(pieces) else "length"


def chat(knobs: Knobs, request: Mapping[str, Any], number: int, fault: Fault | None) -> Reply:
    """One completion, whole or as a stream."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        return invalid(knobs, "messages", "Field required")
    pieces, finish = pieces_of(knobs, request, fault)
    prompt = sum(count_tokens(content_of(message)) for message in messages)
    completion = count_tokens("".join(pieces)) + count_tokens(knobs.reasoning)
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": min(prompt, knobs.cached_tokens)},
    }
    make = streamed if request.get("stream") else whole
    return Reply(make(knobs, request, f"chatcmpl-{number}", pieces, finish, usage, fault), (), prompt, completion)


def whole(
    knobs: Knobs,
    request: Mapping[str, Any],
    id: str,
    pieces: list[str],
    finish: str,
    usage: Mapping[str, object],
    fault: Fault | None,
) -> list[Step]:
    message = {"role": "assistant", "content": "".join(pieces)}
    if knobs.reasoning:
        message["reasoning_content"] = knobs.reasoning
    reason = None if isinstance(fault, NoFinish) else finish
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    head = {"id": id, "object": "chat.completion", "created": CREATED, "model": request["model"], "choices": [choice]}
    body = dump(head if isinstance(fault, NoUsage) else head | {"usage": usage})
    delay = knobs.first_token_delay + knobs.token_delay * len(pieces)
    return plain(200, BROKEN_JSON if isinstance(fault, Malformed) else body, fault, delay)


def streamed(
    knobs: Knobs,
    request: Mapping[str, Any],
    id: str,
    pieces: list[str],
    finish: str,
    usage: Mapping[str, object],
    fault: Fault | None,
) -> list[Step]:
    """Role, reasoning, content, finish, usage (when asked for), [DONE]; the head comes with the first token."""
    head: dict[str, object] = {
        "id": id,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": request["model"],
    }
    wanted = bool((request.get("stream_options") or {}).get("include_usage")) and not isinstance(fault, NoUsage)
    steps: list[Step] = [Wait(knobs.first_token_delay), Head(200, "text/event-stream; charset=utf-8", None)]
    steps += [Send(event(head | choices({"role": "assistant", "content": ""})), "role")]
    steps += deltas(head, knobs, pieces)
    steps += closing(knobs, head, finish, usage if wanted else None)
    steps += [Send(b"data: [DONE]\n\n", "done"), End()]
    match fault:
        case Malformed():
            at = place_after(steps, 1)
            steps[at:at] = [Send(b"data: " + BROKEN_JSON + b"\n\n")]
        case ErrorInStream():
            failed = {
                "error": {"message": "Engine is dead.", "type": "InternalServerError", "param": None, "code": 500}
            }
            steps = [*steps[: place_after(steps, fault.after)], Send(event(failed)), *steps[-2:-1], End(whole=False)]
    return delayed(stream_steps(steps, fault), fault)


def deltas(head: Mapping[str, object], knobs: Knobs, pieces: list[str]) -> list[Step]:
    """Only the words differ from chunk to chunk, so the rest is encoded once."""
    before = b"data: " + dump(head)[:-1] + b',"choices":[{"index":0,"delta":'
    after = b',"logprobs":null,"finish_reason":null}]}\n\n'
    thoughts = [f"{word} " for word in knobs.reasoning.split()]
    sends = [Send(before + delta("reasoning_content", word) + after, "reasoning") for word in thoughts]
    sends += [Send(before + delta("content", word) + after, "delta") for word in pieces]
    pause: list[Step] = [Wait(knobs.token_delay)] if knobs.token_delay else []
    return [step for send in sends for step in (*pause, send)][len(pause) :]


@lru_cache(maxsize=10_000)
def delta(field: str, word: str) -> bytes:
    return dump({field: word})


def closing(knobs: Knobs, head: dict[str, object], finish: str, usage: Mapping[str, object] | None) -> Sequence[Send]:
    last = head | choices({}, finish)
    if usage is None:
        return [Send(event(last), "finish")]
    if knobs.usage_in == "finish":
        return [Send(event(last | {"usage": usage}), "finish")]
    bare: dict[str, object] = {} if knobs.usage_in == "bare" else {"choices": []}
    return [Send(event(last), "finish"), Send(event(head | bare | {"usage": usage}), "usage")]


def choices(delta: Mapping[str, object], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def event(value: object) -> bytes:
    return b"data: " + dump(value) + b"\n\n"


# -- models ------------------------------------------------------------------------------------------------------------


def models(knobs: Knobs, verbose: bool, fault: Fault | None) -> Reply:
    """The list; `verbose` adds context length, modality, and prices as strings in USD per token."""
    served = [model_entry(knobs, id, verbose) for id in knobs.models]
    body = dump({"object": "list", "data": [] if isinstance(fault, Empty) else served})
    return Reply(plain(200, BROKEN_JSON if isinstance(fault, Malformed) else body, fault))


def model_entry(knobs: Knobs, id: str, verbose: bool) -> dict[str, object]:
    entry: dict[str, object] = {"id": id, "object": "model", "created": CREATED, "owned_by": "system"}
    if not verbose:
        return entry
    modality = "text->embedding" if "Embedding" in id else "text->text"
    entry |= {"context_length": knobs.context_length, "architecture": {"modality": modality}}
    if id in knobs.prices:
        prompt, completion = (format(Decimal(price) / 1_000_000, "f") for price in knobs.prices[id])
        entry["pricing"] = {"prompt": prompt, "completion": completion}
    return entry
