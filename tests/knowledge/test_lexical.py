"""Words against rows: exact words, meanings, misspelt words, and the edges of small indexes."""

import numpy as np
import pytest

from sipd_core.knowledge.lexical import LexicalEntry, LexicalIndex, Postings

ROWS = {
    "cair": "SP2D belum cair padahal SPM sudah final",
    "kunci": "Jadwal penganggaran terkunci sebelum RKA selesai",
    "sandi": "Lupa kata sandi akun bendahara",
    "jurnal": "Jurnal umum tidak dapat disimpan karena debet dan kredit tidak seimbang",
}


@pytest.fixture
def index() -> LexicalIndex:
    return LexicalIndex(LexicalEntry(key, ((text, 1.0),)) for key, text in ROWS.items())


def best(index: LexicalIndex, scores: np.ndarray) -> str:
    return index.keys[int(scores.argmax())]


@pytest.mark.parametrize(
    ("question", "key"),
    [("sp2d blm cair", "cair"), ("password hilang ingatan", "sandi"), ("tahapan digembok", "kunci")],
)
def test_words_and_meanings_find_the_row(index: LexicalIndex, question: str, key: str) -> None:
    assert best(index, index.scores(question).share) == key


def test_misspelt_words_are_found_by_their_letters(index: LexicalIndex) -> None:
    assert best(index, index.scores("jurnl umm kredt seimbag").grams) == "jurnal"


def test_scores_are_shares(index: LexicalIndex) -> None:
    scores = index.scores(ROWS["cair"])
    for side in (scores.share, scores.grams):
        assert side.shape == (4,)
        assert 0 <= side.min() and side.max() <= 1.0001
    assert scores.share[0] > 0.3
    assert scores.grams[0] == pytest.approx(1.0, abs=0.05)


def test_unknown_words_lower_the_share(index: LexicalIndex) -> None:
    known = index.scores("sp2d belum cair").share[0]
    assert index.scores("sp2d belum cair xylofon zeppelin").share[0] < known


def test_matched_words_are_those_of_each_row(index: LexicalIndex) -> None:
    rows = np.array([index.row_of["jurnal"], index.row_of["cair"]], np.int32)
    assert index.matched("SPM blm cair, kredit", rows) == [("kredit",), ("spm", "belum", "cair")]


def test_a_weight_makes_a_text_count_more() -> None:
    texts = {"menu": (("sp2d", 1.0), ("saldo bank", 3.0)), "issue": (("sp2d", 3.0), ("saldo bank", 1.0))}
    index = LexicalIndex(LexicalEntry(key, parts) for key, parts in texts.items())
    assert best(index, index.scores("sp2d").share) == "issue"


@pytest.mark.parametrize("question", ["", "ya dong", "xylofon"])
def test_a_question_without_known_words_scores_nothing(index: LexicalIndex, question: str) -> None:
    assert not index.scores(question).share.any()


@pytest.mark.parametrize("texts", [[], [""], ["", "sp2d cair"]])
def test_empty_indexes_and_empty_rows_are_harmless(texts: list[str]) -> None:
    index = LexicalIndex(LexicalEntry(str(at), ((text, 1.0),)) for at, text in enumerate(texts))
    scores = index.scores("sp2d cair")
    assert scores.share.shape == scores.grams.shape == (len(texts),)
    assert np.isfinite(scores.share).all() and np.isfinite(scores.grams).all()


def test_postings_sum_what_each_row_holds() -> None:
    postings = Postings([{"a": 1.0, "b": 2.0}, {"b": 3.0}, {}])
    codes, values = postings.known({"b": 2.0, "a": 1.0, "tidak dikenal": 9.0})
    assert postings.sums(codes, values).tolist() == [5.0, 6.0, 0.0]
