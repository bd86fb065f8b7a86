"""What the scripted provider can be told to do wrong, one frozen value each; how it looks on the wire is in `steps.py`.

`after` counts content deltas of a stream. In a reply that is not a stream any `after` means: after half of its body.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429; `retry_after` goes out as it stands: seconds, an HTTP date, or no header at all."""

    retry_after: str | None = "1"


@dataclass(frozen=True, slots=True)
class ServerError:
    """A 5xx with the provider's usual error body."""

    code: int = 500


@dataclass(frozen=True, slots=True)
class Status:
    """Any status with any body; a `str` goes out as `text/html`, anything else as JSON."""

    code: int
    body: object


@dataclass(frozen=True, slots=True)
class Reset:
    """The request is read whole, then the connection is reset (RST) with no answer."""


@dataclass(frozen=True, slots=True)
class ResetMidStream:
    """The connection is reset (RST) in the middle of the body."""

    after: int = 3


@dataclass(frozen=True, slots=True)
class SlowFirstByte:
    """Not even the status line comes for that long; then all is well."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """The body stops in its middle for that long, then goes on to its end."""

    after: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Truncate:
    """The body stops for good, with neither finish_reason nor [DONE].

    A stream ends as HTTP wants it (its last chunk is sent), so that only the missing end tells; with `abrupt` the
    connection is closed (FIN) before it, as always in a reply that is not a stream.
    """

    after: int = 3
    abrupt: bool = False


@dataclass(frozen=True, slots=True)
class NoDone:
    """A stream with its finish_reason and usage, but no [DONE]."""


@dataclass(frozen=True, slots=True)
class NoFinish:
    """[DONE] comes, but no finish_reason did (null where the reply is not a stream)."""


@dataclass(frozen=True, slots=True)
class SplitBytes:
    """Every multi-byte character is cut in two between TCP writes (and HTTP chunks)."""


@dataclass(frozen=True, slots=True)
class OddLines:
    """A stream that is right by the letter of SSE only: CRLF, comments, `data:` without a space, events cut."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """JSON that does not parse: the whole body, or the event after the first content delta."""


@dataclass(frozen=True, slots=True)
class ErrorInStream:
    """A stream that says 200, then `data: {"error": …}` and ends, as vLLM does when it fails on the way."""

    after: int = 3


@dataclass(frozen=True, slots=True)
class WrongCount:
    """One vector fewer than texts were sent."""


@dataclass(frozen=True, slots=True)
class WrongOrder:
    """The vectors come last first, each with its true `index`: whoever trusts the position mixes up the texts."""


@dataclass(frozen=True, slots=True)
class WrongIndex:
    """Every vector says it is the first: nobody can tell which is which."""


@dataclass(frozen=True, slots=True)
class WrongDimension:
    """Vectors one number longer than asked for."""


@dataclass(frozen=True, slots=True)
class NotFinite:
    """The first number of the first vector is NaN or infinite."""

    value: float = float("nan")


@dataclass(frozen=True, slots=True)
class NoUsage:
    """All is well, but nobody says what it cost."""


@dataclass(frozen=True, slots=True)
class Length:
    """The answer is cut at half by its token limit: finish_reason `length`, and the stream ends as it should."""


@dataclass(frozen=True, slots=True)
class Empty:
    """200 with nothing in it: no vectors, or an answer without a word."""


Fault = (
    RateLimit
    | ServerError
    | Status
    | Reset
    | ResetMidStream
    | SlowFirstByte
    | Stall
    | Truncate
    | NoDone
    | NoFinish
    | SplitBytes
    | OddLines
    | Malformed
    | ErrorInStream
    | WrongCount
    | WrongOrder
    | WrongIndex
    | WrongDimension
    | NotFinite
    | NoUsage
    | Length
    | Empty
)

Kind = Literal["embeddings", "chat", "models"]
