"""The figures that a search can be given. One reason to change: what of the search an admin may choose."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Self

CALIBRATED_VECTOR = 0.1
CALIBRATED_GRAMS = 0.15
"""Weights beside BM25's share (1.0): one background spread of vector similarity, and n-grams. Measured on two bases with
120 and 235 questions; .08-.12 and .10-.20 do equally well on both. The relevance was learnt for just these two."""


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How one search finds, orders and judges; a value, so that two of them can be compared on the same base."""

    threshold: float = 0.5
    """Calibrated relevance (0..1) from which the best case counts as found."""
    top_k: int = 5
    """Cases that come with an answer."""
    order_vector: float = CALIBRATED_VECTOR
    """What one background spread of vector similarity adds to a case's order; BM25's share counts 1."""
    order_grams: float = CALIBRATED_GRAMS
    """What the cosine of character n-grams adds to it."""
    vector_candidates: int = 200
    """Views asked of the index: all of a small base, more than any answer needs of a large one."""
    use_vectors: bool = True
    """False: words alone are compared."""
    sureness: float = 1.0
    """Factor on the differences between cases before they are judged: other weights stretch or shrink all of them."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the relevance was learnt for these weights; words alone have a relevance of their own."""
        vector = self.order_vector == CALIBRATED_VECTOR or not self.use_vectors
        return vector and self.order_grams == CALIBRATED_GRAMS

    @property
    def fingerprint(self) -> str:
        """Ten hex digits: two settings share them only if every figure is the same."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:10]

    def to_json(self) -> str:
        """One JSON object with every figure, in one order."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote; figures that it did not know yet have their defaults, unknown ones are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})
