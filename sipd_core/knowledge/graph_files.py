"""Whether the files of one HNSW graph hold together, looked at without the library that would follow them blindly.

It trusts every offset and every neighbour that a file names, so a torn file ends the process, sometimes and sometimes
not: trying it out is no proof. The layout is that of chroma-hnswlib's version 1; a graph of another one counts as unsound.
"""

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEADER, LEVEL0, LENGTHS, LINKS, METADATA = (
    "header.bin",
    "data_level0.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
)
_FIELDS = struct.Struct("<i6QiI3QdQ")
_MOST_LINKS, _MOST_LEVELS, _MOST_TRIED = 4_096, 64, 100_000
_LEAST_CAPACITY = 16_384
"""Room is made for four times this many elements at most before there are any: memory is taken as the header says."""
_ROWS = 10_000
"""Elements looked at together."""


class _Header(NamedTuple):
    version: int
    offset: int
    capacity: int
    elements: int
    size: int
    """Bytes of one element: links, vector, label."""
    label_at: int
    vector_at: int
    top: int
    entry: int
    links: int
    links_below: int
    """Of the lowest level."""
    links_chosen: int
    level_factor: float
    tried: int
    """Candidates for the links of a new element."""


def is_sound(folder: Path) -> bool:
    """Whether every number in the graph's files leads to where something is."""
    try:
        header = _Header(*_FIELDS.unpack((folder / HEADER).read_bytes()))
        if not header.elements and not (folder / METADATA).exists():
            return _shape_fits(header)  # made, and never written since: Chroma's log holds the vectors
        return (
            (folder / METADATA).stat().st_size > 0
            and _shape_fits(header)
            and (folder / LEVEL0).stat().st_size == header.elements * header.size
            and (folder / LENGTHS).stat().st_size == header.elements * 4
            and _lowest_fits(header, folder)
            and _upper_fits(header, (folder / LINKS).read_bytes())
        )
    except (OSError, struct.error):
        return False


def _shape_fits(header: _Header) -> bool:
    h = header
    vector_bytes = h.label_at - h.vector_at
    return (
        (h.version, h.offset) == (1, 0)
        and h.elements <= h.capacity <= 4 * max(h.elements, _LEAST_CAPACITY)
        and 0 < h.links <= h.links_below <= _MOST_LINKS
        and h.links_chosen == h.links
        and math.isclose(h.level_factor, 1 / math.log(max(h.links, 2)), rel_tol=1e-6)
        and 0 < h.tried <= _MOST_TRIED
        and h.vector_at == 4 + 4 * h.links_below
        and vector_bytes > 0
        and vector_bytes % 4 == 0
        and h.size == h.label_at + 8
        and -1 <= h.top <= _MOST_LEVELS
        and (not h.elements or (h.entry < h.elements and h.top >= 0))
    )


def _lowest_fits(header: _Header, folder: Path) -> bool:
    if not header.elements:
        return True
    data = np.memmap(folder / LEVEL0, np.uint8, "r", shape=(header.elements, header.size))
    places = np.arange(header.links_below)
    for start in range(0, header.elements, _ROWS):
        part = data[start : start + _ROWS]
        counts = _numbers(part, 0, 1)[:, 0] & 0xFFFF  # the upper half holds the mark of a deleted element
        neighbours = _numbers(part, 4, header.links_below)
        vectors = np.ascontiguousarray(part[:, header.vector_at : header.label_at]).view(np.float32)
        if (counts > header.links_below).any() or not np.isfinite(vectors).all():
            return False
        if (neighbours[places < counts[:, np.newaxis]] >= header.elements).any():
            return False
    return True


def _upper_fits(header: _Header, raw: bytes) -> bool:
    """Lists of the levels above the lowest: of each element its bytes, then level by level a count and neighbours."""
    step = 4 + 4 * header.links
    lists: list[tuple[int, int]] = []
    at = 0
    for _ in range(header.elements):
        if at + 4 > len(raw):
            return False
        (size,) = struct.unpack_from("<I", raw, at)
        if size % step or at + 4 + size > len(raw):
            return False
        lists.append((at + 4, size // step))
        at += 4 + size
    levels = np.array([level for _, level in lists], np.int64)
    if at != len(raw) or (header.elements and (levels.max() > header.top or levels[header.entry] != header.top)):
        return False
    return all(
        _links_fit(raw, place + level * step, level + 1, header, levels) for place, n in lists for level in range(n)
    )


def _links_fit(raw: bytes, at: int, level: int, header: _Header, levels: NDArray[np.int64]) -> bool:
    """That the neighbours in one list are there, and on this level themselves."""
    count = int(np.frombuffer(raw, np.uint32, 1, at)[0]) & 0xFFFF
    if count > header.links:
        return False
    neighbours = np.frombuffer(raw, np.uint32, count, at + 4)
    return bool((neighbours < header.elements).all() and (levels[neighbours] >= level).all())


def _numbers(part: NDArray[np.uint8], at: int, count: int) -> NDArray[np.uint32]:
    return np.ascontiguousarray(part[:, at : at + 4 * count]).view(np.uint32)
