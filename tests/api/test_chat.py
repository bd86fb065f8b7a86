"""POST /chat: the reply, the stream, what is refused, and that whoever leaves stops the work."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.schema import exchange_marks
from sipd_core.wire import ChatReply
from tests.api.test_door import error
from tests.provider import Provider, ServerError

SEVEN = ("response", "intent", "sentiment", "suggestions", "context_used", "should_escalate", "session_id")
QUESTION = "sp2d belum cair padahal spm sudah final"


@pytest.fixture(autouse=True)
def quick(provider: Provider) -> Iterator[None]:
    yield
    provider.clear()
    provider.token_delay, provider.first_token_delay, provider.tokens = 0.0, 0.0, None


@pytest.fixture
def conversations(keys: ApiKeyStore) -> ConversationStore:
    return ConversationStore(keys._database)


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """(name, data) of each event as it comes."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_reply_has_the_seven_fields_and_what_they_rest_on(client: httpx.Client, keys: ApiKeyStore) -> None:
    reply = client.post("/chat", json={"message": QUESTION})
    assert reply.status_code == 200
    told = reply.json()
    assert list(told)[:7] == list(SEVEN)
    assert set(told) == {field.name for field in fields(ChatReply)}
    assert told["verdict"] == "found" and told["context_used"] is True and told["answered_by"] == "hosted"
    marks = select(exchange_marks.c.asker).where(exchange_marks.c.conversation_id == told["session_id"])
    [asked_with] = [key.id for key in keys.list() if key.name == "semua"]
    with keys._database.read() as connection:
        assert list(connection.execute(marks).scalars()) == [f"http/{asked_with}"]
    assert told["sources"][0]["menu"] == "SP2D - Pencairan" and told["sources"][0]["file"] == "log.csv"


def test_a_conversation_goes_on_under_its_id(client: httpx.Client, conversations: ConversationStore) -> None:
    first = client.post("/chat", json={"message": QUESTION}).json()
    second = client.post("/chat", json={"message": "masih belum bisa", "session_id": first["session_id"]}).json()
    assert second["session_id"] == first["session_id"]
    own = client.post("/chat", json={"message": "halo", "session_id": "tiket-77", "stream": False}).json()
    assert own["session_id"] == "tiket-77"
    assert len(conversations.get(first["session_id"], 10).exchanges) == 2


def test_a_stream_is_the_answer_piece_by_piece_and_then_whole(client: httpx.Client, provider: Provider) -> None:
    provider.tokens = 40
    with client.stream("POST", "/chat", json={"message": f"{QUESTION} di kabupaten", "stream": True}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        came = list(events(response.iter_lines()))
    names = [name for name, _ in came]
    assert names == ["text"] * (len(came) - 1) + ["turn"] and len(came) >= 3
    said = "".join(data["text"] for name, data in came if name == "text")
    assert came[-1][1]["response"].split()[:5] == said.split()[:5]
    assert set(came[-1][1]) == {field.name for field in fields(ChatReply)}


def test_pieces_come_before_the_answer_is_whole(client: httpx.Client, provider: Provider) -> None:
    provider.token_delay, provider.tokens = 0.05, 60
    with client.stream("POST", "/chat", json={"message": f"{QUESTION} di provinsi", "stream": True}) as response:
        told = events(response.iter_lines())
        assert next(told)[0] == "text"
        assert provider.served[-1].ended == "open", "the model was still writing"
        assert [name for name, _ in told][-1] == "turn"


def test_leaving_a_stream_stops_the_model_and_keeps_what_came(
    client: httpx.Client, provider: Provider, conversations: ConversationStore
) -> None:
    before = len(provider.cancelled)
    provider.token_delay, provider.tokens = 0.05, 400
    body = {"message": f"{QUESTION} di kota", "stream": True, "session_id": "pergi-1"}
    with client.stream("POST", "/chat", json=body) as response:
        told = events(response.iter_lines())
        said = "".join(next(told)[1]["text"] for _ in range(3))
    wait(lambda: len(provider.cancelled) > before)
    assert provider.cancelled[-1].sent < 400
    wait(lambda: any(one.id == "pergi-1" for one in conversations.list("", 50)))
    (exchange,) = conversations.get("pergi-1", 10).exchanges
    assert exchange.turn.stopped and exchange.turn.response.split()[0] == said.split()[0]


def test_leaving_without_a_stream_stops_the_model_too(console: Any, client: httpx.Client, provider: Provider) -> None:
    before = len(provider.cancelled)
    provider.token_delay, provider.tokens = 0.05, 400
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat", json={"message": f"{QUESTION} di kecamatan"}, timeout=2)
    wait(lambda: len(provider.cancelled) > before)
    provider.token_delay, provider.tokens = 0.0, None
    assert client.post("/chat", json={"message": QUESTION}).status_code == 200, "the next one is not harmed"


def test_a_provider_that_fails_is_stood_in_for(client: httpx.Client, provider: Provider) -> None:
    provider.script("chat", ServerError(), forever=True)
    told = client.post("/chat", json={"message": f"{QUESTION} di desa"}).json()
    assert told["answered_by"] == "local" and told["degraded"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "bukan JSON"),
        (b"{", 400, "bukan JSON"),
        (b"\xff\xfe{}", 400, "bukan JSON"),
        (b'{"message": "\xff"}', 400, "bukan JSON"),
        (b'{"message": "\\ud800"}', 400, "bukan JSON"),
        (b"[" * 100_000, 400, "bukan JSON"),
        (b'{"message": "a", "message2": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400, "bukan JSON"),
        (b"null", 422, "satu objek"),
        (b"[]", 422, "satu objek"),
        (b"{}", 422, '"message" wajib'),
        (b'{"message": ""}', 422, '"message" tidak sesuai'),
        (b'{"message": " \\n\\t "}', 422, '"message" tidak sesuai'),
        (b'{"message": "\\u0000"}', 422, '"message" tidak sesuai'),
        (b'{"message": 7}', 422, '"message" tidak sesuai'),
        (b'{"message": "a", "stream": "ya"}', 422, '"stream" tidak sesuai'),
        (b'{"message": "a", "session_id": ""}', 422, '"session_id" tidak sesuai'),
        (b'{"message": "a", "session_id": "../x"}', 422, '"session_id" tidak sesuai'),
        (b'{"message": "a", "session_id": "' + b"a" * 33 + b'"}', 422, '"session_id" tidak sesuai'),
        (b'{"message": "a", "mesage": 1}', 422, '"mesage" tidak dikenal'),
        (json.dumps({"message": "a" * 10_001}).encode(), 422, "10"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(client: httpx.Client, body: bytes, status: int, said: str) -> None:
    response = client.post("/chat", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert said in error(response)["message"]


def test_the_longest_message_fits_however_it_is_written(client: httpx.Client) -> None:
    longest = ("sp2d belum cair " * 700)[:9_990] + "\U0001f600" * 10
    for written in (json.dumps({"message": longest}), json.dumps({"message": longest}, ensure_ascii=False)):
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        assert client.post("/chat", content=written.encode(), headers=headers).status_code == 200


def test_a_null_character_within_a_message_is_harmless(client: httpx.Client) -> None:
    assert client.post("/chat", json={"message": "sp2d\0belum cair"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "APPLICATION/JSON;charset=utf-8"}, 200),
    ],
)
def test_only_json_is_read(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    assert client.post("/chat", content=b'{"message": "halo"}', headers=headers).status_code == status


def test_a_body_without_end_is_not_read_to_its_end(client: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2**27:
            sent += 2**16
            yield b" " * 2**16

    try:
        response = client.post("/chat", content=endless(), headers={"Content-Type": "application/json"})
        assert response.status_code == 413 and error(response)["code"] == "too_large"
    except httpx.WriteError:
        pass  # it was cut off while it still talked
    assert sent < 2**25


def test_a_body_that_is_announced_too_large_is_not_waited_for(client: httpx.Client) -> None:
    head = f"POST /chat HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {10**12}\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 30) as connection:
        connection.sendall(head.encode())
        told = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert told.startswith(b"HTTP/1.1 413") and b"connection: close" in told.lower()
