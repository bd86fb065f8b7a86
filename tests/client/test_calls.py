"""Calls answered in one piece: what is sent, what is believed, what each fault becomes."""

import logging
import math
import socket
from decimal import Decimal

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray

from sipd_core.client import ChatRequest, Message, RetryPolicy, ServedModel, Timeouts
from sipd_core.client.api import OpenAIClient
from sipd_core.errors import (
    BadReplyError,
    ProviderDownError,
    ProviderError,
    RateLimitedError,
    RefusedKeyError,
    RefusedRequestError,
    TimedOutError,
    UnknownModelError,
    UnreachableError,
)
from sipd_core.usage import Usage
from tests import provider as p
from tests.client.asking import COMPLAINT, DIMENSION, LIMITS, QUESTION, connected, embed, everything_said
from tests.provider import CHAT_MODEL, EMBEDDING_MODEL, Fault, Provider
from tests.provider.vectors import text_vector

pytestmark = pytest.mark.anyio

TEXTS = [f"gagal login ke-{number}" for number in range(20)]
HASTY = Timeouts(connect=1.0, first_byte=0.15, between=0.15, total=10.0)


def expected(texts: list[str]) -> NDArray[np.float32]:
    return np.array([text_vector(text, DIMENSION) for text in texts])


# -- what is sent and believed -----------------------------------------------------------------------------------------


async def test_many_texts_are_one_call(provider: Provider) -> None:
    async with connected(provider) as client:
        reply = await client.embed(EMBEDDING_MODEL, TEXTS, dimension=DIMENSION)
    assert reply.vectors.dtype == np.float32
    np.testing.assert_allclose(reply.vectors, expected(TEXTS), atol=1e-6)
    assert provider.calls("embeddings") == 1
    assert reply.usage is not None
    assert reply.usage.prompt > 20
    assert (reply.usage.completion, reply.usage.estimated) == (0, False)
    assert (reply.meta.retries, reply.meta.request_id) == (0, provider.requests[0].request_id)
    assert reply.meta.latency_ms > 0


async def test_what_an_embedding_request_holds(provider: Provider) -> None:
    async with connected(provider) as client:
        await client.embed(EMBEDDING_MODEL, ["a"], dimension=DIMENSION)
        await client.embed(EMBEDDING_MODEL, ["a"], dimension=DIMENSION, send_dimension=False)
    sent, plain = provider.requests
    assert sent.body == {"model": EMBEDDING_MODEL, "input": ["a"], "encoding_format": "base64", "dimensions": DIMENSION}
    assert "dimensions" not in plain.body
    assert sent.headers["user-agent"] == "sipd-helpdesk-console"
    assert sent.headers["authorization"] == f"Bearer {provider.key}"


@pytest.mark.parametrize("url", ["{url}", "{url}/"])
async def test_the_base_url_may_end_in_a_slash(provider: Provider, url: str) -> None:
    client = OpenAIClient(
        url.format(url=provider.url), provider.key, chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(0, 0.1)
    )
    await embed(client)
    await client.aclose()
    assert provider.requests[0].path == "/v1/embeddings"


async def test_a_server_without_a_key_is_sent_none() -> None:
    with Provider(key="", dimension=DIMENSION) as provider:
        async with connected(provider) as client:
            await embed(client)
        assert "authorization" not in provider.requests[0].headers


async def test_vectors_as_plain_numbers_become_unit_rows(provider: Provider) -> None:
    rows: list[object] = [{"index": 0, "embedding": [3, 4.0]}, {"index": 1, "embedding": [0, 2e30]}]
    provider.script("embeddings", p.Status(200, {"data": rows}))
    async with connected(provider) as client:
        reply = await client.embed(EMBEDDING_MODEL, ["a", "b"], dimension=2)
    np.testing.assert_allclose(reply.vectors, np.array([[0.6, 0.8], [0.0, 1.0]], np.float32), atol=1e-7)
    assert reply.usage is None


async def test_vectors_out_of_order_are_put_in_order(provider: Provider) -> None:
    provider.script("embeddings", p.WrongOrder())
    async with connected(provider) as client:
        reply = await client.embed(EMBEDDING_MODEL, TEXTS, dimension=DIMENSION)
    np.testing.assert_allclose(reply.vectors, expected(TEXTS), atol=1e-6)


async def test_usage_that_is_missing_is_unknown(provider: Provider) -> None:
    provider.script("embeddings", p.NoUsage())
    provider.script("chat", p.NoUsage())
    async with connected(provider) as client:
        assert (await embed(client)).usage is None
        assert (await client.chat(QUESTION)).usage is None


async def test_an_answer_in_one_piece(provider: Provider) -> None:
    provider.cached_tokens = 7
    async with connected(provider) as client:
        reply = await client.chat(QUESTION)
        provider.script("chat", p.Length())
        cut = await client.chat(QUESTION)
    assert reply.text.startswith("Langkah yang pernah berhasil: buka menu “Penatausahaan” →")
    assert (reply.finish_reason, cut.finish_reason) == ("stop", "length")
    assert reply.usage is not None
    assert reply.usage.cached == 7
    assert reply.usage.prompt > 7 < reply.usage.completion
    sent = provider.requests[0].body
    assert sent["messages"][1] == {"role": "user", "content": COMPLAINT}
    assert (sent["max_tokens"], sent["temperature"], sent["model"]) == (500, 0.2, CHAT_MODEL)
    assert "stream" not in sent


async def test_half_a_surrogate_pair_is_no_reason_to_fail(provider: Provider) -> None:
    async with connected(provider) as client:
        await embed(client, "rusak \ud83d di sini")
    assert provider.requests[0].body["input"] == ["rusak ? di sini"]


async def test_a_model_that_only_reasoned_has_no_text(provider: Provider) -> None:
    choice = {"message": {"content": None, "reasoning_content": "hmm"}, "finish_reason": "length"}
    counted = {"prompt_tokens": 5, "total_tokens": 9, "prompt_tokens_details": None}
    provider.script("chat", p.Status(200, {"choices": [choice], "usage": counted}))
    async with connected(provider) as client:
        reply = await client.chat(QUESTION)
    assert (reply.text, reply.finish_reason, reply.usage) == ("", "length", Usage(5, 4))


# -- models ------------------------------------------------------------------------------------------------------------


async def test_models_with_their_prices(provider: Provider) -> None:
    async with connected(provider) as client:
        served = await client.models()
    assert served[1] == ServedModel(CHAT_MODEL, Decimal("0.10"), Decimal("0.30"), 40_960)
    assert served[0].prompt_price == Decimal("0.01")
    assert [request.path for request in provider.requests] == ["/v1/models?verbose=true"]


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_server_that_refuses_the_parameter_is_asked_plainly(provider: Provider, status: int) -> None:
    provider.script("models", p.Status(status, {"detail": "verbose?"}))
    async with connected(provider) as client:
        served = await client.models()
    assert served[0] == ServedModel(EMBEDDING_MODEL, None, None, None)
    assert provider.requests[1].path == "/v1/models"


async def test_prices_that_make_no_sense_are_unknown(provider: Provider) -> None:
    rows = [
        {"id": "a", "pricing": {"prompt": "murah", "completion": "-1"}, "max_model_len": 4096},
        {"id": "b", "pricing": None, "context_length": "besar"},
        {"id": "c", "pricing": {"prompt": 1e-7, "completion": True}},
    ]
    provider.script("models", p.Status(200, {"data": rows}))
    async with connected(provider) as client:
        served = await client.models()
    assert served == (
        ServedModel("a", None, None, 4096),
        ServedModel("b", None, None, None),
        ServedModel("c", Decimal("0.1"), None, None),
    )


# -- faults ------------------------------------------------------------------------------------------------------------

NEVER_AGAIN: list[tuple[Fault, type[ProviderError]]] = [
    (p.Status(400, {"detail": "no"}), RefusedRequestError),
    (p.Status(401, {"detail": "no"}), RefusedKeyError),
    (p.Status(403, {"detail": "no"}), RefusedKeyError),
    (p.Status(404, {"detail": "no"}), UnknownModelError),
    (p.Status(413, {"detail": "no"}), RefusedRequestError),
    (p.Status(422, {"detail": "no"}), RefusedRequestError),
    (p.Status(418, {"detail": "no"}), RefusedRequestError),
    (p.Status(301, {"detail": "no"}), RefusedRequestError),
    (p.Malformed(), BadReplyError),
    (p.Status(200, "<html>masuk dulu</html>"), BadReplyError),
    (p.Status(200, ["a"]), BadReplyError),
    (p.Status(200, {}), BadReplyError),
]
ONCE_MORE: list[tuple[Fault, type[ProviderError]]] = [
    (p.RateLimit(None), RateLimitedError),
    (p.RateLimit("0"), RateLimitedError),
    (p.ServerError(500), ProviderDownError),
    (p.ServerError(503), ProviderDownError),
    (p.Status(408, {"detail": "no"}), ProviderDownError),
    (p.Status(409, {"detail": "no"}), ProviderDownError),
    (p.Reset(), ProviderDownError),
    (p.ResetMidStream(), ProviderDownError),
    (p.Truncate(), ProviderDownError),
]
ONLY_VECTORS: list[tuple[Fault, str]] = [
    (p.WrongCount(), "jumlah vektor 1, seharusnya 2"),
    (p.Empty(), "jumlah vektor 0, seharusnya 2"),
    (p.WrongIndex(), "urutan vektor"),
    (p.WrongDimension(), "panjang vektor 9, seharusnya 8"),
    (p.NotFinite(math.nan), "angka yang tidak sah"),
    (p.NotFinite(math.inf), "angka yang tidak sah"),
    (p.NotFinite(-math.inf), "angka yang tidak sah"),
]
BAD_ROWS = [
    [{"embedding": [1.0, 0.0]}, {"embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": [1.0, 0.0]}, {"index": 2, "embedding": [1.0, 0.0]}],
    [{"index": False, "embedding": [1.0, 0.0]}, {"index": True, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": [0.0, 0.0]}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": [1e39, 0.0]}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": "no base64"}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": ["x", "y"]}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": [[1.0, 0.0]]}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0, "embedding": None}, {"index": 1, "embedding": [1.0, 0.0]}],
    [{"index": 0}, {"index": 1, "embedding": [1.0, 0.0]}],
    ["x", "y"],
]


@pytest.mark.parametrize("kind", ["embeddings", "chat", "models"])
@pytest.mark.parametrize(
    ("fault", "error", "requests"), [(*pair, 1) for pair in NEVER_AGAIN] + [(*pair, 3) for pair in ONCE_MORE]
)
async def test_what_each_fault_becomes(
    provider: Provider, kind: p.Kind, fault: Fault, error: type[ProviderError], requests: int
) -> None:
    provider.script(kind, fault, forever=True)
    async with connected(provider) as client:
        call = {"embeddings": lambda: embed(client), "chat": lambda: client.chat(QUESTION), "models": client.models}
        with pytest.raises(ProviderError) as raised:
            await call[kind]()
    assert type(raised.value) is error
    asked_twice = kind == "models" and error in (RefusedRequestError, UnknownModelError)
    assert provider.calls(kind) == requests + asked_twice
    assert raised.value.retries == requests - 1
    assert raised.value.sent
    assert raised.value.user_text
    assert provider.key not in everything_said(raised.value)


@pytest.mark.parametrize(("fault", "reason"), ONLY_VECTORS)
async def test_vectors_that_cannot_be_right_are_refused(provider: Provider, fault: Fault, reason: str) -> None:
    provider.script("embeddings", fault)
    async with connected(provider) as client:
        with pytest.raises(BadReplyError) as raised:
            await embed(client)
    assert reason in raised.value.user_text
    assert provider.calls("embeddings") == 1
    assert (raised.value.status, raised.value.request_id) == (200, provider.requests[0].request_id)


@pytest.mark.parametrize("rows", BAD_ROWS)
async def test_rows_that_cannot_be_right_are_refused(provider: Provider, rows: object) -> None:
    provider.script("embeddings", p.Status(200, {"data": rows}))
    async with connected(provider) as client:
        with pytest.raises(BadReplyError):
            await client.embed(EMBEDDING_MODEL, ["a", "b"], dimension=2)


@pytest.mark.parametrize("reason", [None, 1])
@pytest.mark.parametrize("content", ["ya", 5])
async def test_an_answer_without_its_end_or_text_is_refused(
    provider: Provider, content: object, reason: object
) -> None:
    choice = {"message": {"content": content}, "finish_reason": reason}
    provider.script("chat", p.Status(200, {"choices": [choice]}), p.NoFinish(), p.Status(200, {"choices": []}))
    async with connected(provider) as client:
        for _ in range(3):
            with pytest.raises(BadReplyError):
                await client.chat(QUESTION)


@pytest.mark.parametrize("fault", [fault for fault, _ in ONCE_MORE])
async def test_a_passing_fault_is_not_noticed(provider: Provider, fault: Fault) -> None:
    provider.script("embeddings", fault, fault)
    async with connected(provider) as client:
        reply = await embed(client)
    assert reply.meta.retries == 2
    assert reply.meta.request_id == provider.requests[-1].request_id


@pytest.mark.parametrize("fault", [p.SlowFirstByte(5), p.Stall(1, 5)])
async def test_an_answer_that_does_not_come_in_time(provider: Provider, fault: Fault) -> None:
    provider.script("embeddings", fault, forever=True)
    async with connected(provider, limits=HASTY, retries=1) as client:
        with pytest.raises(TimedOutError) as raised:
            await embed(client)
    assert (provider.calls("embeddings"), raised.value.retries, raised.value.sent) == (2, 1, True)


async def test_the_deadline_is_for_all_attempts_together(provider: Provider) -> None:
    provider.script("embeddings", p.SlowFirstByte(5), forever=True)
    limits = Timeouts(connect=1.0, first_byte=0.2, between=1.0, total=0.5)
    async with connected(provider, limits=limits, retries=50) as client:
        with anyio.fail_after(3), pytest.raises(TimedOutError) as raised:
            await embed(client)
    assert provider.calls("embeddings") <= 4
    assert raised.value.retries <= 3


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = OpenAIClient(f"http://127.0.0.1:{port}/v1", "k", chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(2, 0.0))
    with pytest.raises(UnreachableError) as raised:
        await embed(client)
    assert (raised.value.retries, raised.value.sent, raised.value.status) == (2, False, None)
    await client.aclose()


@pytest.mark.parametrize("url", ["http://[rusak/v1", "http://:port/v1", "http:///v1", "https://tidak.ada.invalid/v1"])
async def test_an_address_that_leads_nowhere(url: str) -> None:
    client = OpenAIClient(url, "k", chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(0, 0.0))
    with pytest.raises(UnreachableError) as raised:
        await embed(client)
    assert not raised.value.sent
    await client.aclose()


async def test_a_connection_that_never_stands_was_never_sent_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        limits = Timeouts(connect=0.1, first_byte=5.0, between=5.0, total=5.0)
        client = OpenAIClient(
            f"https://127.0.0.1:{port}/v1", "k", chat=limits, embedding=limits, retry=RetryPolicy(1, 0.0), verify=False
        )
        with pytest.raises(TimedOutError) as raised:
            await embed(client)
        assert (raised.value.retries, raised.value.sent) == (1, False)
        await client.aclose()


async def test_an_earlier_attempt_that_was_sent_counts(provider: Provider) -> None:
    provider.script("embeddings", p.ServerError())

    async def close_the_door(_: float) -> None:
        provider.close()

    async with connected(provider, sleep=close_the_door) as client:
        with pytest.raises((UnreachableError, ProviderDownError)) as raised:
            await embed(client)
    assert raised.value.sent


# -- what is said ------------------------------------------------------------------------------------------------------

BODIES = [
    ({"detail": "Rusak."}, "Rusak."),
    (
        {"detail": [{"type": "missing", "loc": ["body", "input"], "msg": "Rusak.", "input": "RAHASIA"}]},
        "body.input: Rusak.",
    ),
    ({"error": {"message": "Rusak.", "type": "server_error", "code": 500}}, "Rusak."),
    ({"error": {"message": "Rusak.", "type": "x", "code": "rusak"}}, "Rusak."),
    ({"error": {"code": "rusak"}}, "rusak"),
    ({"error": "Rusak."}, "Rusak."),
    ({"object": "error", "message": "Rusak."}, "Rusak."),
    ("<html>\n <b>Rusak.</b>\n</html>", "<html> <b>Rusak.</b> </html>"),
    (["Rusak."], '["Rusak."]'),
]


@pytest.mark.parametrize(("body", "message"), BODIES)
async def test_every_shape_of_error_is_read(provider: Provider, body: object, message: str) -> None:
    provider.script("embeddings", p.Status(500, body))
    async with connected(provider, retries=0) as client:
        with pytest.raises(ProviderDownError) as raised:
            await embed(client)
    assert str(raised.value) == f"500: {message}"
    assert (raised.value.status, raised.value.request_id) == (500, provider.requests[0].request_id)


@pytest.mark.parametrize("shape", ["nebius", "openai"])
async def test_a_wrong_key_is_told_from_other_trouble(provider: Provider, shape: str) -> None:
    provider.error_shape = shape  # type: ignore[assignment]
    client = OpenAIClient(provider.url, "salah", chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(2, 0.0))
    with pytest.raises(RefusedKeyError, match="Couldn't authenticate"):
        await embed(client)
    await client.aclose()


async def test_a_page_of_error_is_cut(provider: Provider) -> None:
    provider.script("embeddings", p.Status(502, "gagal " * 1_000))
    async with connected(provider, retries=0) as client:
        with pytest.raises(ProviderDownError) as raised:
            await embed(client)
    assert len(str(raised.value)) <= 310


async def test_neither_key_nor_complaint_is_repeated(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"{'x' * 290}{provider.key} {COMPLAINT} {provider.key}"
    bodies = (
        {"detail": echo},
        {"error": {"message": echo}},
        echo,
        {"detail": [{"loc": [provider.key], "msg": COMPLAINT}]},
        f"{provider.key} {COMPLAINT}",
    )
    async with connected(provider, retries=0) as client:
        for body in bodies:
            provider.script("embeddings", p.Status(401, body))
            with pytest.raises(RefusedKeyError) as raised:
                await embed(client)
            said = everything_said(raised.value)
            assert provider.key not in said
            assert provider.key[:8] not in str(raised.value)
            assert COMPLAINT not in said
        assert provider.key not in repr(client) + str(client)
    assert provider.key not in caplog.text
    assert COMPLAINT not in caplog.text


@pytest.mark.parametrize("key", ["kunci\nrahasia", "kunci-rahasia-🔑", "kunci\x00rahasia"])
async def test_a_key_that_no_header_can_carry_is_refused_without_a_call(provider: Provider, key: str) -> None:
    client = OpenAIClient(provider.url, key, chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(2, 0.0))
    for call in (lambda: embed(client), lambda: client.chat(QUESTION), client.models):
        with pytest.raises(RefusedKeyError) as raised:
            await call()
        assert not raised.value.sent
        assert "rahasia" not in everything_said(raised.value)
    await client.aclose()
    assert provider.requests == []


async def test_a_key_with_a_line_end_around_it_works(provider: Provider) -> None:
    client = OpenAIClient(provider.url, f" {provider.key}\n", chat=LIMITS, embedding=LIMITS, retry=RetryPolicy(0, 0.0))
    assert (await embed(client)).vectors.shape == (2, DIMENSION)
    await client.aclose()


async def test_an_unknown_model_is_explained(provider: Provider) -> None:
    async with connected(provider) as client:
        with pytest.raises(UnknownModelError) as raised:
            await client.embed("text-embedding-ada-002", ["a"], dimension=DIMENSION)
    assert str(raised.value) == "404: The model `text-embedding-ada-002` does not exist."
    assert raised.value.values["served"].startswith(f"{EMBEDDING_MODEL}, ")  # type: ignore[attr-defined]
    assert "text-embedding-ada-002" in raised.value.user_text
    assert CHAT_MODEL in raised.value.user_text
    assert (provider.calls("embeddings"), provider.calls("models")) == (1, 1)


async def test_twenty_names_at_most_the_most_similar_first(provider: Provider) -> None:
    provider.models = (*(f"vendor/other-{number:02}" for number in range(30)), "mistralai/Mistral-7B-Instruct-v0.3")
    async with connected(provider) as client:
        with pytest.raises(UnknownModelError) as raised:
            await client.chat(ChatRequest("mistral-7b-instruct", (Message("user", "a"),), 5, 0.0))
    names = str(raised.value.values["served"]).split(", ")
    assert (len(names), names[0]) == (20, "mistralai/Mistral-7B-Instruct-v0.3")


async def test_an_unknown_model_without_a_list_is_still_one(provider: Provider) -> None:
    provider.script("models", p.ServerError(), forever=True)
    async with connected(provider) as client:
        with pytest.raises(UnknownModelError) as raised:
            await client.embed("lama", ["a"], dimension=DIMENSION)
    assert provider.calls("models") == 1
    assert "daftarnya tidak dapat diambil" in raised.value.user_text
    assert (raised.value.status, raised.value.request_id) == (404, provider.requests[0].request_id)
