"""Time that passes when a test says so."""


class Clock:
    """Gives the Unix time, or the seconds, that `now` was set to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
