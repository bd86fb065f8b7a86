"""Server-sent events come out the same however the bytes are cut."""

import random

import pytest

from sipd_core.client.sse import EventReader

WIRE = (
    ": hello\n\n"
    'data: {"a": "menu “Penatausahaan” → ✅"}\n\n'
    "event: message\r\nid: 7\r\ndata:{}\r\n\r\n"
    "data: baris satu\ndata: baris dua\n\n"
    "data: baris satu\r\ndata: baris dua\r\n\r\n"
    "retry: 100\n\n: ping\r\n\r\n"
    "data\n\ndata:\n\n"
    "data:  dua spasi\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    '{"a": "menu “Penatausahaan” → ✅"}',
    "{}",
    "baris satu\nbaris dua",
    "baris satu\nbaris dua",
    " dua spasi",
    "[DONE]",
]


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    return [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]


def read(chunks: list[bytes]) -> list[str]:
    reader = EventReader()
    return [event.decode() for chunk in chunks for event in reader.feed(chunk)]


def test_events_of_one_piece() -> None:
    assert read([WIRE]) == EVENTS


def test_events_byte_by_byte() -> None:
    assert read(cut(WIRE, list(range(1, len(WIRE))))) == EVENTS


def test_events_cut_anywhere() -> None:
    dice = random.Random(3)
    for _ in range(300):
        places = sorted(dice.sample(range(1, len(WIRE)), dice.randrange(1, 40)))
        assert read(cut(WIRE, places)) == EVENTS


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    assert read([b"data: a\n\n"]) == ["a"]
    assert read([b"data: a\r\n\r\n"]) == ["a"]
    assert read([b"data: a\n"]) == []


@pytest.mark.parametrize("rest", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n", b"data: [DONE]\n\n"])
def test_done_at_the_end_needs_no_blank_line(rest: bytes) -> None:
    reader = EventReader()
    assert reader.feed(b"data: {}\n\n" + rest) + reader.end() == [b"{}", b"[DONE]"]


def test_an_event_that_was_cut_is_dropped() -> None:
    reader = EventReader()
    assert reader.feed(b'data: {"a": 1}\n') + reader.end() == []
