"""Which texts of a case are embedded."""

import pytest

from sipd_core.knowledge.views import MAX_CHUNKS, chunks, passages_of
from tests.builders import make_case

SP2D = "surat perintah pencairan dana"


def test_an_ordinary_case_has_two_views_in_plain_words() -> None:
    assert passages_of(make_case("SP2D blm cair"), 1000, 150) == [
        f"{SP2D} - pencairan. {SP2D} belum cair kuasa bendahara umum daerah menekan transfer.",
        f"{SP2D} belum cair",
    ]


def test_a_long_complaint_is_cut_and_bounded() -> None:
    views = passages_of(make_case("saldo bank " * 2000), 500, 100)
    assert len(views) == MAX_CHUNKS + 1
    assert max(map(len, views)) <= 500


@pytest.mark.parametrize(("size", "overlap"), [(200, 0), (200, 50), (300, 299)])
def test_chunks_lose_no_word_and_never_exceed_their_size(size: int, overlap: int) -> None:
    text = " ".join(f"kata{number}" for number in range(300))
    pieces = chunks(text, size, overlap)
    assert all(0 < len(piece) <= size for piece in pieces)
    assert {word for piece in pieces for word in piece.split()} >= set(text.split())


def test_a_text_without_spaces_is_cut_hard() -> None:
    assert chunks("x" * 450, 200, 0) == ["x" * 200, "x" * 200, "x" * 50]


def test_an_empty_text_has_no_chunk() -> None:
    assert chunks("", 200, 10) == []
