"""Words against rows: exact words, meanings, misspelt words, and the edges of small indexes."""

import math

import numpy as np
import pytest

from sipd_core.knowledge.lexical import LexicalEntry, LexicalIndex, question_terms
from sipd_core.knowledge.lexical.index import CONCEPT_WEIGHT, K1, B

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


def test_the_share_is_bm25_over_the_best_attainable_and_weights_count_as_repetitions() -> None:
    rows = ((("xylo", 1.5), ("yeti", 1.0)), (("yeti", 1.0),), (("zeppelin yeti", 1.0),))
    index = LexicalIndex(LexicalEntry(str(at), texts) for at, texts in enumerate(rows))
    norm = K1 * (1 - B + B * 2.5 / ((2.5 + 1 + 2) / 3))
    xylo, yeti = (math.log(1 + (3 - count + 0.5) / (count + 0.5)) for count in (1, 3))
    reached = xylo * 1.5 / (1.5 + norm) + yeti * 1 / (1 + norm)
    assert index.scores("xylo yeti").share[0] == pytest.approx(reached / (xylo + yeti), rel=1e-5)


def test_a_meaning_counts_by_its_own_weight() -> None:
    index = LexicalIndex(LexicalEntry(text, ((text, 1.0),)) for text in ("kata sandi", "yeti"))
    found, meanings = question_terms("password yeti")
    assert (len(found), len(meanings)) == (3, 2)
    matching, all_terms = 2 + 2 * CONCEPT_WEIGHT, 3 + 2 * CONCEPT_WEIGHT
    saturation = 1 / (1 + K1 * (1 - B + B * 4 / 2.5))
    assert index.scores("password yeti").share[0] == pytest.approx(saturation * matching / all_terms, rel=1e-5)


def test_unknown_words_lower_the_share(index: LexicalIndex) -> None:
    known = index.scores("sp2d belum cair").share[0]
    assert index.scores("sp2d belum cair xylofon zeppelin").share[0] < known


def test_unknown_letters_lower_the_likeness(index: LexicalIndex) -> None:
    assert index.scores("jurnal xyqxyq").grams[3] < 0.8 * index.scores("jurnal").grams[3]


def test_matched_words_are_those_of_each_row(index: LexicalIndex) -> None:
    rows = np.array([index.row_of["jurnal"], index.row_of["cair"]], np.int32)
    assert index.matched("SPM blm cair, kredit", rows) == [("kredit",), ("spm", "belum", "cair")]


def test_a_weight_makes_a_text_count_more() -> None:
    texts = {"menu": (("sp2d", 1.0), ("saldo bank", 3.0)), "issue": (("sp2d", 3.0), ("saldo bank", 1.0))}
    index = LexicalIndex(LexicalEntry(key, parts) for key, parts in texts.items())
    scores = index.scores("sp2d")
    assert best(index, scores.share) == best(index, scores.grams) == "issue"


@pytest.mark.parametrize("question", ["", "ya dong", "xylofon"])
def test_a_question_without_known_words_scores_nothing(index: LexicalIndex, question: str) -> None:
    assert not index.scores(question).share.any()


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["", "sp2d cair"], ["sp2d", "cair"]])
def test_empty_indexes_and_empty_rows_are_harmless(texts: list[str]) -> None:
    index = LexicalIndex(LexicalEntry(str(at), ((text, 1.0),)) for at, text in enumerate(texts))
    scores = index.scores("sp2d cair")
    assert scores.share.shape == scores.grams.shape == (len(texts),)
    assert np.isfinite(scores.share).all() and np.isfinite(scores.grams).all()
