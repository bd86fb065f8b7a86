"""Server-sent events out of bytes as they come off the wire (WHATWG HTML, "Server-sent events")."""

DONE = b"[DONE]"


class EventReader:
    """Cuts a byte stream into the data of its events.

    Works on bytes: both line ends are ASCII, so a character of several bytes that a packet cuts in two is whole again
    before anything decodes it.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that `chunk` completes; comments and the other fields are left out."""
        lines = (self._rest + chunk).splitlines(keepends=True)
        # A line that ends in a bare CR may yet turn out to end in CRLF.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        return [event for line in lines if (event := self._line(line.rstrip(b"\r\n"))) is not None]

    def end(self) -> list[bytes]:
        """What the end of the stream completes: some servers leave out the blank line after `[DONE]`.

        Any other event without its blank line was cut off, and is dropped as the standard asks.
        """
        return [event for event in self.feed(b"\n\n") if event == DONE]

    def _line(self, line: bytes) -> bytes | None:
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        event, self._data = b"\n".join(self._data), []
        return event or None
