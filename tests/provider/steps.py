"""A reply as a list of steps: what is written, when, and how it ends. Faults are pure changes of such a list."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.provider.faults import (
    Fault,
    NoDone,
    NoFinish,
    NoUsage,
    OddLines,
    ResetMidStream,
    SlowFirstByte,
    SplitBytes,
    Stall,
    Truncate,
)

Part = Literal["body", "role", "reasoning", "delta", "finish", "usage", "done"]


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; `length` None means chunked."""

    status: int
    content_type: str
    length: int | None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """A piece of the body; pieces with no `Wait` between them share one TCP write."""

    data: bytes
    part: Part = "body"


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds after the step before it was due, so that delays do not add up to more than was asked for."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection goes: by RST, or by FIN."""

    reset: bool


@dataclass(frozen=True, slots=True)
class End:
    """The body ends as HTTP wants it; `whole` is False when something is missing all the same."""

    whole: bool = True


Step = Head | Send | Wait | Cut | End

Cutter = Callable[[bytes], list[bytes]]

APART = Wait(0.002)
"""Long enough for the other side to read what came before as a piece of its own."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The steps, and what the account says of them."""

    steps: list[Step]
    texts: tuple[str, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0


def dump(value: object) -> bytes:
    """Multi-byte characters stay what they are, as in most servers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def plain(
    status: int,
    body: bytes,
    fault: Fault | None = None,
    delay: float = 0.0,
    headers: tuple[tuple[str, str], ...] = (),
) -> list[Step]:
    """A JSON reply."""
    head = Head(status, "application/json", len(body), headers)
    return delayed([Wait(delay), head, *body_steps(body, fault)], fault)


def delayed(steps: list[Step], fault: Fault | None) -> list[Step]:
    """`SlowFirstByte` holds back everything."""
    return [Wait(fault.seconds), *steps] if isinstance(fault, SlowFirstByte) else steps


def body_steps(body: bytes, fault: Fault | None) -> list[Step]:
    """A body that is not a stream, with what the fault does to it."""
    first, rest = Send(body[: len(body) // 2]), Send(body[len(body) // 2 :])
    match fault:
        case ResetMidStream():
            return [first, APART, Cut(reset=True)]
        case Truncate():
            return [first, APART, Cut(reset=False)]
        case Stall():
            return [first, Wait(fault.seconds), rest, End()]
        case SplitBytes():
            return [*apart(split_characters(body), "body"), End()]
    return [Send(body), End()]


def stream_steps(steps: list[Step], fault: Fault | None) -> list[Step]:
    """A stream of server-sent events, with what the fault does to it."""
    match fault:
        case NoDone():
            return without(steps, "done")
        case NoFinish():
            return without(steps, "finish")
        case NoUsage():
            return without(steps, "usage")
        case SplitBytes():
            return [new for step in steps for new in recut(step, split_characters)]
        case OddLines():
            return [new for step in steps for new in recut(step, odd_lines)]
        case Stall():
            at = place_after(steps, fault.after)
            return [*steps[:at], Wait(fault.seconds), *steps[at:]]
        case ResetMidStream():
            return [*steps[: place_after(steps, fault.after)], APART, Cut(reset=True)]
        case Truncate():
            end = Cut(reset=False) if fault.abrupt else End(whole=False)
            return [*steps[: place_after(steps, fault.after)], APART, end]
    return steps


def place_after(steps: list[Step], deltas: int) -> int:
    """Index behind that many content deltas (0: before the first one; more than there are: behind the last one)."""
    places = [at for at, step in enumerate(steps) if isinstance(step, Send) and step.part == "delta"]
    if deltas and places:
        return places[min(deltas, len(places)) - 1] + 1
    return places[0] if places else len(steps) - 1


def without(steps: list[Step], part: Part) -> list[Step]:
    return [step for step in steps if not (isinstance(step, Send) and step.part == part)]


def recut(step: Step, cutter: Cutter) -> Iterator[Step]:
    if isinstance(step, Send):
        yield from apart(cutter(step.data), step.part)
    else:
        yield step


def apart(pieces: list[bytes], part: Part) -> list[Step]:
    """Each piece in a TCP write of its own; only the last one counts as the part."""
    early: list[Step] = [new for piece in pieces[:-1] for new in (Send(piece), APART)]
    return [*early, Send(pieces[-1], part), APART]


def split_characters(data: bytes) -> list[bytes]:
    """Cut behind the first byte of every multi-byte character; pure ASCII is cut at half."""
    cuts = [at + 1 for at, byte in enumerate(data) if byte >= 0xC0] or [len(data) // 2]
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def odd_lines(event: bytes) -> list[bytes]:
    """The same event as SSE also allows it: a comment first, no space, CRLF; cut at half and inside the last CRLF."""
    odd = b": ping\r\n\r\n" + event.replace(b"data: ", b"data:", 1).replace(b"\n\n", b"\r\n\r\n")
    return [odd[: len(odd) // 2], odd[len(odd) // 2 : -1], odd[-1:]]
