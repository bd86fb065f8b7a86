"""The double speaks the real wire format (the official client reads it), and each fault is on the wire as named."""

import base64
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests import provider as p
from tests.provider import CHAT_MODEL, EMBEDDING_MODEL, Fault, Provider

openai = pytest.importorskip("openai")

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = [
    {"role": "system", "content": 'Kasus: <case id="K2">SPM ditolak</case>'},
    {"role": "user", "content": "Kenapa ditolak?"},
]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as made:
        yield made


@pytest.fixture
def client(provider: Provider) -> Iterator[Any]:
    with openai.OpenAI(api_key=provider.key, base_url=provider.url, max_retries=0) as made:
        yield made


def ask(client: Any, **more: object) -> Any:
    return client.chat.completions.create(model=CHAT_MODEL, messages=MESSAGES, **more)


# -- the wire, read byte by byte ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wire:
    """All that came back on a connection, piece by piece, and how it ended."""

    pieces: list[bytes]
    ended: str

    @property
    def raw(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def body(self) -> bytes:
        rest = self.raw.partition(b"\r\n\r\n")[2]
        if "chunked" not in self.headers:
            return rest
        return b"".join(self.chunks)

    @property
    def chunks(self) -> list[bytes]:
        """The chunks of HTTP, without the empty one that ends them."""
        found, rest = [], self.raw.partition(b"\r\n\r\n")[2]
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            found.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return [chunk for chunk in found if chunk]

    @property
    def events(self) -> list[str]:
        return [line.removeprefix("data: ") for line in self.body.decode().split("\n") if line.startswith("data: ")]

    @property
    def deltas(self) -> list[str]:
        return [part["delta"]["content"] for part in self.choices if part["delta"].get("content")]

    @property
    def finishes(self) -> list[str]:
        return [part["finish_reason"] for part in self.choices if part["finish_reason"]]

    @property
    def choices(self) -> list[Any]:
        parsed = [json.loads(event) for event in self.events if event != "[DONE]"]
        return [choice for event in parsed for choice in event.get("choices", ())]


def open_request(provider: Provider, path: str, body: dict[str, object], timeout: float = 10) -> socket.socket:
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/{path} HTTP/1.1\r\nhost: loopback\r\nauthorization: Bearer {provider.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", provider.port), timeout=timeout)
    connection.sendall(head.encode() + content)
    return connection


def exchange(provider: Provider, path: str, body: dict[str, object], timeout: float = 10) -> Wire:
    pieces: list[bytes] = []
    with open_request(provider, path, body, timeout) as connection:
        try:
            while piece := connection.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            return Wire(pieces, "reset")
        except TimeoutError:
            return Wire(pieces, "silence")
    return Wire(pieces, "closed")


def stream(provider: Provider, *faults: Fault, timeout: float = 10) -> Wire:
    provider.script("chat", *faults)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    return exchange(provider, "chat/completions", {"model": CHAT_MODEL, "messages": MESSAGES, **options}, timeout)


def embed(provider: Provider, *faults: Fault, texts: int = 3, timeout: float = 10, **more: object) -> Wire:
    provider.script("embeddings", *faults)
    inputs = [f"teks {number}" for number in range(texts)]
    body = {"model": EMBEDDING_MODEL, "input": inputs, "encoding_format": "base64", "dimensions": 8, **more}
    return exchange(provider, "embeddings", body, timeout)


def vectors(wire: Wire) -> list[Any]:
    data = json.loads(wire.body)["data"]
    return [np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in data]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


# -- the official client -----------------------------------------------------------------------------------------------


def test_official_client_reads_base64_vectors_that_know_shared_words(client: Any) -> None:
    reply = client.embeddings.create(
        model=EMBEDDING_MODEL, input=["SP2D belum cair", "SP2D tidak cair", "lupa kata sandi"]
    )
    found = np.array([item.embedding for item in reply.data])
    assert found.shape == (3, 1024)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert found[0] @ found[1] > 0.5 and abs(found[0] @ found[2]) < 0.2
    assert [item.index for item in reply.data] == [0, 1, 2]
    assert reply.usage.prompt_tokens == reply.usage.total_tokens == 4 + 4 + 4


def test_floats_are_the_same_vectors_and_dimensions_are_honoured(client: Any) -> None:
    def raw(encoding: str) -> Any:
        reply = client.embeddings.with_raw_response.create(
            model=EMBEDDING_MODEL, input="SP2D", dimensions=16, encoding_format=encoding
        )
        return json.loads(reply.text)["data"][0]["embedding"]

    unpacked = np.frombuffer(base64.b64decode(raw("base64")), "<f4")
    assert len(unpacked) == 16 and raw("float") == pytest.approx(unpacked.tolist(), abs=1e-6)


def test_official_client_reads_an_answer_that_cites_the_case_it_was_shown(client: Any) -> None:
    reply = ask(client)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].message.content.endswith("[K2]")
    assert reply.usage.completion_tokens == -(-len(reply.choices[0].message.content) // 4)
    assert reply.usage.prompt_tokens == 10 + 4


def test_official_client_streams_with_usage_in_the_last_chunk(client: Any) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ask(client).choices[0].message.content
    assert (chunks[0].choices[0].delta.role, chunks[-2].choices[0].finish_reason) == ("assistant", "stop")
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 14
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_no_usage_unless_asked_for(client: Any) -> None:
    assert all(chunk.usage is None and chunk.choices for chunk in ask(client, stream=True))


@pytest.mark.parametrize("shape", ["nebius", "openai"])
def test_official_client_knows_the_errors(client: Any, provider: Provider, shape: str) -> None:
    provider.error_shape = shape  # type: ignore[assignment]
    with pytest.raises(openai.AuthenticationError) as refused:
        ask(client.with_options(api_key="salah"))
    assert refused.value.request_id == provider.requests[-1].request_id
    with pytest.raises(openai.NotFoundError) as unknown:
        client.embeddings.create(model="mistral-7b-instruct", input="x")
    assert "`mistral-7b-instruct` does not exist" in unknown.value.response.text
    provider.script("chat", p.RateLimit("7"), p.ServerError(503))
    with pytest.raises(openai.RateLimitError) as limited:
        ask(client)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.InternalServerError):
        ask(client)
    invalid = openai.UnprocessableEntityError if shape == "nebius" else openai.BadRequestError
    with pytest.raises(invalid):
        client.chat.completions.create(model=CHAT_MODEL, messages=[])
    assert [reply.status for reply in provider.served[:4]] == [401, 404, 429, 503]


def test_errors_have_the_shape_of_the_provider(provider: Provider) -> None:
    headers = {"authorization": "Bearer salah"}
    assert "Couldn't authenticate." in httpx.get(f"{provider.url}/models", headers=headers).json()["detail"]
    headers = {"authorization": f"Bearer {provider.key}"}
    missing = httpx.post(f"{provider.url}/embeddings", headers=headers, json={"model": EMBEDDING_MODEL}).json()
    assert missing["detail"][0].keys() == {"type", "loc", "msg"}
    provider.error_shape = "openai"
    reply = httpx.get(f"{provider.url}/models", headers={"authorization": "Bearer salah"})
    assert reply.json()["error"].keys() == {"message", "type", "param", "code"}


def test_official_client_lists_models_and_verbose_adds_prices(client: Any, provider: Provider) -> None:
    assert [model.id for model in client.models.list()] == list(provider.models)
    entries = client.models.list(extra_query={"verbose": "true"}).data
    chat = next(entry for entry in entries if entry.id == CHAT_MODEL)
    assert chat.pricing == {"prompt": "0.0000001", "completion": "0.0000003"}
    assert chat.context_length == 40_960


def test_reasoning_comes_before_the_content(client: Any, provider: Provider) -> None:
    provider.reasoning = "Saya pikir dulu"
    parts = [chunk.choices[0].delta for chunk in ask(client, stream=True)]
    thoughts = [at for at, part in enumerate(parts) if getattr(part, "reasoning_content", None)]
    words = [at for at, part in enumerate(parts) if part.content]
    assert len(thoughts) == 3 and max(thoughts) < min(words)
    assert ask(client).choices[0].message.reasoning_content == "Saya pikir dulu"


def test_tokens_fix_the_deltas_and_max_tokens_cut_them(client: Any, provider: Provider) -> None:
    provider.tokens = 60
    assert len(stream(provider).deltas) == 60
    assert stream(provider).deltas[-1] == "[K2]"
    short = ask(client, max_tokens=5)
    assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens <= 5
    provider.answer = lambda messages: f"{messages[-1]['content']} satu dua"
    provider.tokens = None
    assert ask(client).choices[0].message.content == "Kenapa ditolak? satu dua"


@pytest.mark.parametrize(("place", "last"), [("last", []), ("bare", None)])
def test_usage_chunk_with_empty_choices_or_none(provider: Provider, place: str, last: object) -> None:
    provider.usage_in = place  # type: ignore[assignment]
    assert json.loads(stream(provider).events[-2]).get("choices") == last


def test_usage_on_the_finish_chunk(provider: Provider) -> None:
    provider.usage_in, provider.cached_tokens = "finish", 3
    end = json.loads(stream(provider).events[-2])
    assert end["choices"][0]["finish_reason"] == "stop"
    assert end["usage"]["prompt_tokens_details"] == {"cached_tokens": 3}


# -- connections, delays, dice, account --------------------------------------------------------------------------------


def test_a_connection_is_reused_and_the_account_shows_it(provider: Provider) -> None:
    options = {"model": CHAT_MODEL, "messages": MESSAGES, "stream": True}
    with httpx.Client(headers={"authorization": f"Bearer {provider.key}"}) as client:
        for _ in range(3):
            client.post(f"{provider.url}/chat/completions", json=options)
    httpx.get(f"{provider.url}/models")
    assert [request.connection for request in provider.requests] == [1, 1, 1, 2]
    first = provider.requests[0]
    assert (first.kind, first.path, first.http_version) == ("chat", "/v1/chat/completions", "1.1")
    assert first.body == options and first.headers["authorization"] == f"Bearer {provider.key}"
    assert (provider.calls("chat"), provider.calls("models"), provider.calls("embeddings")) == (3, 1, 0)


def test_requests_sent_ahead_are_answered_in_their_order(provider: Provider) -> None:
    provider.key = ""
    ask_models = (
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", provider.port), timeout=10) as connection:
        connection.sendall(ask_models + b"\r\n" + ask_models + b"connection: close\r\n\r\n")
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    assert raw.count(b"HTTP/1.1 200") == 2
    assert raw.index(b"req-000001") < raw.index(b"req-000002")


def test_headers_of_the_provider(provider: Provider) -> None:
    headers = embed(provider).headers
    assert "x-request-id: req-000001" in headers
    assert "x-ratelimit-remaining-requests: 599" in headers and "x-ratelimit-reset-tokens: 1s" in headers


def test_delays_are_kept_and_do_not_add_up(provider: Provider) -> None:
    """Lower bounds only: a busy machine may be later, the server is never early."""
    provider.embedding_delay, provider.per_text_delay = 0.05, 0.01
    started = time.monotonic()
    embed(provider, texts=5)
    assert time.monotonic() - started >= 0.099
    provider.first_token_delay, provider.token_delay, provider.tokens = 0.05, 0.002, 26
    started = time.monotonic()
    assert len(stream(provider).deltas) == 26
    assert time.monotonic() - started >= 0.099


def test_dice_give_the_shares_and_the_same_run_for_the_same_seed() -> None:
    def run(seed: int) -> list[int]:
        with Provider(rate_429=0.2, rate_500=0.1, seed=seed, retry_after="0.01") as provider:
            return [embed(provider, texts=1).status for _ in range(200)]

    first = run(7)
    assert first == run(7) != run(8)
    assert 20 <= first.count(429) <= 60 and 8 <= first.count(500) <= 35


def test_a_client_that_leaves_in_mid_stream_is_noticed(provider: Provider) -> None:
    provider.script("chat", p.Stall(after=4, seconds=60))
    options = {"model": CHAT_MODEL, "messages": MESSAGES, "stream": True}
    connection = open_request(provider, "chat/completions", options)
    until(lambda: provider.served and provider.served[0].deltas == 4)
    connection.close()
    until(lambda: provider.cancelled)
    assert [(gone.kind, gone.sent) for gone in provider.cancelled] == [("chat", 4)]
    assert provider.served[0].ended == "cancelled"


def test_scripts_are_used_up_or_stand_until_cleared(provider: Provider) -> None:
    provider.script("embeddings", p.ServerError(), p.RateLimit())
    assert [embed(provider).status for _ in range(3)] == [500, 429, 200]
    provider.script("embeddings", p.RateLimit(), p.ServerError(502), forever=True)
    assert [embed(provider).status for _ in range(4)] == [429, 502, 502, 502]
    assert stream(provider).status == 200
    provider.clear()
    assert embed(provider).status == 200
    with pytest.raises(ValueError):
        provider.script("chat", p.WrongCount())


def test_log_tells_the_same_to_another_process(provider: Provider) -> None:
    embed(provider, texts=4)
    embed(provider, p.RateLimit())
    stream(provider, p.ResetMidStream(2))
    log = httpx.get(f"http://127.0.0.1:{provider.port}/_log").json()
    assert log["requests"] == 3 and log["texts"] == 4 == len(provider.texts)
    assert log["by_status"] == {"embeddings": {"200": 1, "429": 1}, "chat": {"200": 1}}
    assert [reply["ended"] for reply in log["served"]] == ["whole", "whole", "reset"]
    httpx.delete(f"http://127.0.0.1:{provider.port}/_log")
    embed(provider)
    assert [request.request_id for request in provider.requests] == ["req-000004"]
    httpx.delete(f"http://127.0.0.1:{provider.port}/_log")
    assert provider.requests == [] and httpx.get(f"http://127.0.0.1:{provider.port}/_log").json()["served"] == []


def test_close_leaves_nothing_behind_and_may_be_called_twice() -> None:
    before = threading.active_count()
    provider = Provider()
    provider.script("chat", p.Stall(after=1, seconds=60))
    options = {"model": CHAT_MODEL, "messages": MESSAGES, "stream": True}
    with open_request(provider, "chat/completions", options) as connection:
        until(lambda: provider.served and provider.served[0].deltas == 1)
        provider.close()
        provider.close()
        rest = b"".join(iter(lambda: connection.recv(65536), b""))
        assert rest.startswith(b"HTTP/1.1 200") and b"[DONE]" not in rest
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", provider.port))
    with Provider(port=provider.port) as again:
        assert embed(again).status == 200


def test_a_fault_of_the_double_itself_is_loud() -> None:
    def fails(messages: object) -> str:
        raise KeyError("bug of a test")

    provider = Provider(answer=fails)
    assert stream(provider).raw == b""
    with pytest.raises(RuntimeError):
        provider.close()


def test_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.provider", "--tokens", "7", "--dimension", "12", "--seed", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"authorization": "Bearer kunci-uji"}
            sent = {"model": EMBEDDING_MODEL, "input": ["a"]}
            reply = httpx.post(f"{url}/embeddings", headers=headers, json=sent).json()
            assert len(reply["data"][0]["embedding"]) == 12
            assert httpx.get(f"{url.removesuffix('/v1')}/_log").json()["texts"] == 1
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


# -- every fault is on the wire as named -------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["1", "Wed, 25 Nov 2026 08:00:00 GMT", None])
def test_rate_limit_says_when_to_come_back(provider: Provider, said: str | None) -> None:
    wire = embed(provider, p.RateLimit(said))
    assert wire.status == 429
    assert (f"retry-after: {said}".lower() in wire.headers) if said else ("retry-after" not in wire.headers)
    assert "x-ratelimit-over-limit" in wire.headers


def test_status_sends_any_body(provider: Provider) -> None:
    page = embed(provider, p.Status(502, "<html>gerbang</html>"))
    assert (page.status, page.body) == (502, b"<html>gerbang</html>") and "text/html" in page.headers
    assert json.loads(embed(provider, p.Status(413, {"detail": "too long"})).body) == {"detail": "too long"}


def test_reset_answers_nothing(provider: Provider) -> None:
    wire = stream(provider, p.Reset())
    assert (wire.raw, wire.ended) == (b"", "reset")
    assert provider.served[0].status == 0


def test_reset_in_mid_stream(provider: Provider) -> None:
    wire = stream(provider, p.ResetMidStream(2))
    assert (len(wire.deltas), wire.ended) == (2, "reset")
    body = embed(provider, p.ResetMidStream())
    assert (body.status, body.ended) == (200, "reset") and 0 < len(body.body) < len(embed(provider).body)


def test_slow_first_byte(provider: Provider) -> None:
    assert stream(provider, p.SlowFirstByte(60), timeout=0.2) == Wire([], "silence")
    late = embed(provider, p.SlowFirstByte(0.05))
    assert len(vectors(late)) == 3


def test_stall_in_mid_stream(provider: Provider) -> None:
    wire = stream(provider, p.Stall(3, 60), timeout=1)
    assert (len(wire.deltas), wire.ended) == (3, "silence")
    whole = stream(provider, p.Stall(3, 0.05))
    assert (whole.finishes, whole.events[-1]) == (["stop"], "[DONE]")
    assert embed(provider, p.Stall(0, 60), timeout=1).ended == "silence"


def test_truncated_stream_ends_as_http_wants_it_but_without_its_end(provider: Provider) -> None:
    wire = stream(provider, p.Truncate(4))
    assert (len(wire.deltas), wire.finishes, wire.ended) == (4, [], "closed")
    assert "[DONE]" not in wire.events and wire.raw.endswith(b"0\r\n\r\n")
    assert provider.served[0].ended == "cut"
    abrupt = stream(provider, p.Truncate(4, abrupt=True))
    assert (len(abrupt.deltas), abrupt.ended) == (4, "closed") and not abrupt.raw.endswith(b"0\r\n\r\n")


def test_truncated_body_is_shorter_than_it_said(provider: Provider) -> None:
    wire = embed(provider, p.Truncate())
    assert wire.ended == "closed" and f"content-length: {len(wire.body)}" not in wire.headers
    assert "content-length" in wire.headers


def test_missing_ends(provider: Provider) -> None:
    no_done = stream(provider, p.NoDone())
    assert no_done.finishes == ["stop"] and "[DONE]" not in no_done.events
    no_finish = stream(provider, p.NoFinish())
    assert no_finish.finishes == [] and no_finish.events[-1] == "[DONE]"


def test_characters_are_split_over_writes(provider: Provider) -> None:
    wire = stream(provider, p.SplitBytes())
    text = "".join(stream(provider).deltas)
    assert "".join(wire.deltas) == text
    broken = [chunk for chunk in wire.chunks if chunk[-1] >= 0xC0]
    assert len(broken) == sum(ord(character) > 127 for character in text) > 5
    assert any(piece.rstrip(b"\r\n")[-1] >= 0xC0 for piece in wire.pieces), "none arrived by itself"


def test_odd_lines_are_the_same_stream_by_the_letter_of_sse(provider: Provider) -> None:
    odd = stream(provider, p.OddLines()).body
    assert odd.count(b": ping\r\n\r\n") > 10 and b"data: " not in odd and odd.endswith(b"data:[DONE]\r\n\r\n")
    assert odd.replace(b": ping\r\n\r\n", b"").replace(b"\r\n", b"\n").replace(
        b"data:", b"data: "
    ) == stream(provider).body.replace(b"chatcmpl-2", b"chatcmpl-1")  # fmt: skip


def test_malformed_json(provider: Provider) -> None:
    with pytest.raises(ValueError):
        json.loads(embed(provider, p.Malformed()).body)
    events = stream(provider, p.Malformed()).events
    with pytest.raises(ValueError):
        json.loads(events[2])
    assert json.loads(events[1])["choices"][0]["delta"]["content"] and events[-1] == "[DONE]"


def test_error_in_a_stream_that_said_200(provider: Provider, client: Any) -> None:
    wire = stream(provider, p.ErrorInStream(2))
    assert (wire.status, len(wire.deltas), wire.finishes) == (200, 2, [])
    assert "error" in json.loads(wire.events[-2])
    provider.script("chat", p.ErrorInStream(2))
    with pytest.raises(openai.APIError, match="Engine is dead"):
        list(ask(client, stream=True))


def test_wrong_vectors(provider: Provider) -> None:
    right = vectors(embed(provider))
    assert len(vectors(embed(provider, p.WrongCount()))) == 2
    assert vectors(embed(provider, p.Empty())) == []
    assert [len(vector) for vector in vectors(embed(provider, p.WrongDimension()))] == [9, 9, 9]
    turned = embed(provider, p.WrongOrder())
    assert [item["index"] for item in json.loads(turned.body)["data"]] == [2, 1, 0]
    assert np.array_equal(vectors(turned), right[::-1])
    assert [item["index"] for item in json.loads(embed(provider, p.WrongIndex()).body)["data"]] == [0, 0, 0]


def test_not_finite_vectors(provider: Provider) -> None:
    assert np.isnan(vectors(embed(provider, p.NotFinite()))[0][0])
    assert np.isinf(vectors(embed(provider, p.NotFinite(float("inf"))))[0][0])
    assert b"[NaN," in embed(provider, p.NotFinite(), encoding_format="float").body


def test_usage_missing(provider: Provider) -> None:
    assert "usage" not in json.loads(embed(provider, p.NoUsage()).body)
    wire = stream(provider, p.NoUsage())
    assert b'"usage"' not in wire.body and wire.finishes == ["stop"] and wire.events[-1] == "[DONE]"


def test_answer_cut_by_its_token_limit_and_answer_without_a_word(provider: Provider) -> None:
    cut = stream(provider, p.Length())
    assert cut.finishes == ["length"] and 0 < len(cut.deltas) < len(stream(provider).deltas)
    empty = stream(provider, p.Empty())
    assert (empty.deltas, empty.finishes, empty.events[-1]) == ([], ["stop"], "[DONE]")
