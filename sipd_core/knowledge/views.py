"""Which texts of a case are compared with a question. One reason to change: how a case is cut into searchable texts."""

from typing import Protocol

from sipd_core.documents import Case
from sipd_core.knowledge.lexical import LexicalEntry
from sipd_core.language import expand, with_full_names

MAX_CHUNKS = 4
"""Chunks embedded of one complaint: the matter stands at the beginning, the tail of a long cell is a pasted log."""


class EmbeddingModel(Protocol):
    """What an embedding model is known by."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...


def model_name(embedder: EmbeddingModel) -> str:
    """`name/dimension`: by this the views, the calibration and the collection of a model are told from another's."""
    return f"{embedder.model}/{embedder.dimension}"


def view_id(case_id: str, position: int) -> str:
    """Id of one view in the index."""
    return f"{case_id}:{position}"


def view_ids(case_id: str, start: int = 0) -> list[str]:
    """The ids of all views that a case may have, from a position on."""
    return [view_id(case_id, at) for at in range(start, MAX_CHUNKS + 1)]


def case_of(view: str) -> str:
    """Id of the case of a view."""
    return view.rpartition(":")[0]


def is_whole(view: str) -> bool:
    """Whether a view is the whole case instead of its complaint."""
    return view.endswith(":0")


def passages_of(case: Case, chunk_size: int, chunk_overlap: int) -> list[str]:
    """The texts to embed, at most `chunk_size` characters each: the whole case first, then its complaint in chunks.

    The whole case is menu, complaint and what is expected; the complaint alone answers the short question. Two texts
    for nearly every case, never more than MAX_CHUNKS + 1. Short forms are expanded, as they are in the question.
    """
    remedy = case.remedy or case.expected
    whole = _plain(f"{case.menu}. {case.issue} {remedy}")[:chunk_size]
    return [whole, *chunks(_plain(case.issue), chunk_size, chunk_overlap)[:MAX_CHUNKS]]


def lexical_entry(case: Case) -> LexicalEntry:
    """The texts of a case for the lexical index; the complaint counts twice, notes half."""
    remedy, notes = case.remedy or case.expected, f"{case.note_dev} {case.note_qa}"
    return LexicalEntry(case.id, ((case.menu, 1.0), (case.issue, 2.0), (remedy, 1.0), (notes, 0.5)))


def chunks(text: str, size: int, overlap: int) -> list[str]:
    """`text` in pieces of at most `size` characters, cut at spaces, each repeating up to `overlap` of the one before."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _cut(text, start, size)
        pieces.append(text[start:end].strip())
        if end == len(text):
            break
        start = max(end - overlap, start + 1)
    return pieces


def _cut(text: str, start: int, size: int) -> int:
    if start + size >= len(text):
        return len(text)
    space = text.rfind(" ", start + size // 2, start + size)
    return space if space > start else start + size


def _plain(text: str) -> str:
    return " ".join(with_full_names(expand(text.casefold())).split())
