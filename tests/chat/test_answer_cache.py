"""The same question, and only the same one, in the same state of the knowledge."""

import pytest

from sipd_core.chat.answer_cache import AnswerCache, KeptAnswer, same_question
from sipd_core.chat.turn import Verdict
from sipd_core.knowledge.base import SearchResult
from tests.clock import Clock

KEPT = KeptAnswer(SearchResult((), Verdict.FOUND, 0.9), "Tekan Transfer [K1].", ("kasus-1",), "model-a")


def cache(size: int = 10, clock: Clock | None = None) -> AnswerCache:
    made = AnswerCache(size, 60, timer=clock or Clock(0.0))
    made.put("Cara aktifkan akun?", "7", KEPT)
    return made


@pytest.mark.parametrize("asked", ["cara  aktifkan akun", "CARA AKTIFKAN AKUN ?", "cara\naktifkan akun."])
def test_spelling_alone_makes_no_other_question(asked: str) -> None:
    assert cache().get(asked, "7") == KEPT


@pytest.mark.parametrize(
    "asked", ["cara nonaktifkan akun", "cara aktifkan akun saya", "aktifkan cara akun", "cara aktifkan akun 2"]
)
def test_one_word_makes_another_question(asked: str) -> None:
    assert cache().get(asked, "7") is None


def test_another_state_of_the_knowledge_is_another_question() -> None:
    assert cache().get("cara aktifkan akun", "8") is None


def test_it_forgets_in_time_and_by_size() -> None:
    clock = Clock(0.0)
    kept = cache(2, clock)
    clock.now = 61
    assert kept.get("cara aktifkan akun", "7") is None
    small = cache(2)
    for number in range(2):
        small.put(f"soal {number}", "7", KEPT)
    assert small.get("cara aktifkan akun", "7") is None and small.get("soal 1", "7") == KEPT


def test_an_answer_that_did_not_help_is_not_given_again() -> None:
    kept = cache()
    kept.forget("lain")
    assert kept.get("cara aktifkan akun", "7") == KEPT
    kept.forget(KEPT.response)
    assert kept.get("cara aktifkan akun", "7") is None


def test_width_is_no_difference() -> None:
    assert same_question("ＳＰ２Ｄ belum cair") == "sp2d belum cair"
