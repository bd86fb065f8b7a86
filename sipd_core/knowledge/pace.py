"""How fast models read, as measured on this machine and with this provider, for honest estimates."""

import hashlib

from sipd_core.store.cases import CaseStore

LEAST_TEXTS = 16
"""Texts from which a measurement says anything."""
_NEWEST_SHARE = 0.5


class Pace:
    """Texts a second by model; durable, so that the first estimate after a start is not a guess."""

    def __init__(self, cases: CaseStore) -> None:
        self._cases = cases
        self._open: dict[str, tuple[int, float]] = {}

    def note(self, model: str, texts: int, seconds: float) -> None:
        """A round in which the model really had to read `texts`; small rounds are added up first."""
        before_texts, before_seconds = self._open.get(model, (0, 0.0))
        texts, seconds = texts + before_texts, seconds + before_seconds
        if texts < LEAST_TEXTS or seconds <= 0:
            self._open[model] = texts, seconds
            return
        self._open.pop(model, None)
        known, measured = self.texts_per_second(model), texts / seconds
        kept = measured if known is None else known + (measured - known) * _NEWEST_SHARE
        self._cases.set_state(_name(model), f"{kept:.4f}")

    def suppose(self, model: str, texts_per_second: float) -> None:
        """A first impression, which counts until something was measured."""
        if self.texts_per_second(model) is None:
            self._cases.set_state(_name(model), f"{texts_per_second:.4f}")

    def texts_per_second(self, model: str) -> float | None:
        """The measured rate; None while nothing was measured."""
        stored = self._cases.state(_name(model))
        return float(stored) if stored else None


def _name(model: str) -> str:
    return f"pace.{hashlib.sha256(model.encode()).hexdigest()[:12]}"
