"""Vectors that mean a little: texts that share words are near, the same text has the same vector everywhere."""

import base64
import json
import re
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

WORD = re.compile(r"\w+")


@lru_cache(maxsize=50_000)
def word_vector(word: str, dimension: int) -> Vector:
    """Shape (dimension,): normal numbers seeded by the word, so different words are near to orthogonal."""
    return np.random.default_rng(crc32(word.encode())).standard_normal(dimension, dtype=np.float32)


def text_vector(text: str, dimension: int) -> Vector:
    """Shape (dimension,), length 1: the sum of the words' vectors."""
    words = WORD.findall(text.lower()) or [""]
    total = np.sum([word_vector(word, dimension) for word in words], axis=0, dtype=np.float32)
    unit: Vector = (total / np.linalg.norm(total)).astype("<f4")
    return unit


@lru_cache(maxsize=20_000)
def encoded(text: str, dimension: int, encoding: str) -> bytes:
    """The JSON value of a text's vector, kept: benchmarks share their cores with this server."""
    return encode(text_vector(text, dimension), encoding)


def encode(vector: Vector, encoding: str) -> bytes:
    """`base64` of little-endian float32 as OpenAI does it, or an array of numbers (NaN as the bare word)."""
    if encoding == "base64":
        return b'"' + base64.b64encode(vector.astype("<f4").tobytes()) + b'"'
    return json.dumps(vector.tolist(), separators=(",", ":")).encode()
