"""Rows come and go in small parts, and every score is that of an index built whole; BM25 is that of another library."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest
from bm25s import BM25  # type: ignore[import-untyped]

from sipd_core.knowledge.lexical import LexicalEntry, LexicalIndex, question_terms
from sipd_core.knowledge.lexical.entries import WEIGHT_STEPS, row_terms
from sipd_core.knowledge.lexical.index import CONCEPT_WEIGHT, K1, B
from sipd_core.knowledge.lexical.segments import JOINED_SHARE

WORDS = (
    "sp2d spm spp cair final jurnal neraca saldo rekening bendahara verifikasi jadwal kunci login sandi akun pegawai dpa rka"
    " pagu pajak kontrak termin penyedia laporan cetak unduh gagal lambat tolak setuju validasi bank koran selisih hibah"
).split()
STEPS = 60
QUESTIONS = (
    "sp2d blm cair",
    "jurnl tdk balance",
    "pasword lupa login",
    "xyzzy",
    "saldo bank selisih rekening koran",
    "5.1.02",
)


def told(dice: random.Random) -> tuple[tuple[str, float], ...]:
    """Texts of a row as people write them: short, repeated, misspelt, sometimes empty."""
    words = [dice.choice(WORDS) for _ in range(dice.choice((0, 1, 3, 8, 20)))]
    at = dice.randrange(len(words)) if words else 0
    if words and dice.random() < 0.3:
        words[at] = words[at][1:] + str(dice.randrange(30))
    return (dice.choice(WORDS), 1.0), (" ".join(words), 2.0), (dice.choice(WORDS), 0.5)


@dataclass
class Base:
    """What the index should hold, beside the index that was led there step by step."""

    dice: random.Random
    rows: dict[str, LexicalEntry] = field(default_factory=dict)
    index: LexicalIndex = field(default_factory=LexicalIndex)

    def step(self) -> None:
        keys = [f"k{self.dice.randrange(400)}" for _ in range(self.dice.choice((1, 1, 1, 2, 10, 80)))]
        new = {key: LexicalEntry(key, told(self.dice)) for key in keys}
        gone = {
            key for key in self.rows.keys() - new.keys() if self.dice.random() < self.dice.choice((0, 0, 0.02, 0.5))
        }
        self.index = self.index.updated(new.values(), gone)
        self.rows = {key: entry for key, entry in (self.rows | new).items() if key not in gone}


def assert_same(index: LexicalIndex, entries: Iterable[LexicalEntry]) -> None:
    """The scores, and the words a row is said to share, are those of an index built whole."""
    whole = LexicalIndex(entries)
    assert sorted(index.keys) == sorted(whole.keys)
    rows = np.array([index.row_of[key] for key in whole.keys], np.int32)
    for question in QUESTIONS:
        ours, expected = index.scores(question), whole.scores(question)
        np.testing.assert_allclose(ours.share[rows], expected.share, atol=1e-6)
        np.testing.assert_allclose(ours.grams[rows], expected.grams, atol=1e-6)
        assert index.matched(question, rows) == whole.matched(question, np.arange(len(rows), dtype=np.int32))


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_an_index_built_whole_whatever_came_and_went(seed: int) -> None:
    base = Base(random.Random(seed))
    for step in range(STEPS):
        base.step()
        if step % 6 == 5:
            assert_same(base.index, base.rows.values())
    assert_same(LexicalIndex(rows=base.index.rows.whole()), base.rows.values())


def test_an_earlier_state_still_answers_as_it_did() -> None:
    base = Base(random.Random(9))
    base.step()
    before, rows = base.index, dict(base.rows)
    for _ in range(20):
        base.step()
    assert_same(before, rows.values())


def test_parts_stay_few_and_a_small_change_is_a_small_part() -> None:
    dice = random.Random(1)
    index = LexicalIndex(LexicalEntry(f"k{n}", told(dice)) for n in range(2_000))
    large = index.rows.parts[0]
    for n in range(200):
        index = index.updated([LexicalEntry(f"k{n}", told(dice))])
        sizes = [part.count for part in index.rows.parts]
        assert index.rows.parts[0].terms is large.terms
        assert len(sizes) < 8
        assert all(before > JOINED_SHARE * after for before, after in zip(sizes, sizes[1:], strict=False))


def test_a_part_that_is_mostly_dead_gives_its_room_back() -> None:
    dice = random.Random(2)
    index = LexicalIndex(LexicalEntry(f"k{n}", told(dice)) for n in range(100))
    index = index.updated((), [f"k{n}" for n in range(60)])
    (part,) = index.rows.parts
    assert len(part.keys) == part.terms.size == 40


def test_the_same_texts_again_change_nothing() -> None:
    entries = [LexicalEntry("a", (("sp2d cair", 1.0),)), LexicalEntry("b", (("jurnal", 1.0),))]
    index = LexicalIndex(entries)
    assert index.updated(entries, ["tidak ada"]) is index
    assert index.updated([LexicalEntry("a", (("sp2d cair", 2.0),))]) is not index


def test_an_index_that_lost_every_row_finds_nothing_and_takes_new_ones() -> None:
    index = LexicalIndex([LexicalEntry("a", (("sp2d cair", 1.0),))]).updated((), ["a"])
    assert index.scores("sp2d").share.shape == (0,)
    again = index.updated([LexicalEntry("b", (("sp2d cair", 1.0),))])
    assert again.keys == ("b",)
    assert again.scores("sp2d cair").share[0] > 0


def test_bm25_is_that_of_bm25s() -> None:
    """The library with which this index was first built, and its weights were learnt."""
    dice = random.Random(3)
    entries = [LexicalEntry(f"k{n}", told(dice)) for n in range(300)]
    other = BM25(k1=K1 * WEIGHT_STEPS, b=B, method="lucene", backend="numpy", csc_backend="numpy")
    other.index([list(row_terms(entry)[0].elements()) for entry in entries], show_progress=False)
    index = LexicalIndex(entries)
    found, meanings = question_terms("saldo rekening bank selisih")

    def reached(terms: list[str]) -> np.ndarray:
        return np.asarray(other.get_scores_from_ids(other.get_tokens_ids(terms)))

    expected = reached(found) + CONCEPT_WEIGHT * reached(meanings)
    share = index.scores("saldo rekening bank selisih").share
    np.testing.assert_allclose(share / share.max(), expected / expected.max(), atol=1e-6)
