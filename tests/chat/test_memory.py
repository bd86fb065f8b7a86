"""What goes on about the problem at hand, what settles it, what is remembered; the whole turn on real parts is in tests/test_engine.py."""

from datetime import UTC, datetime

import pytest

from sipd_core.chat.escalation import ConversationState
from sipd_core.chat.memory import (
    Memory,
    looked_up,
    may_follow_up,
    must_follow_up,
    only_settles,
    remembered,
    same_problem,
)
from sipd_core.chat.signals import read_signals
from sipd_core.chat.turn import Exchange, Verdict
from sipd_core.documents import Hit
from sipd_core.knowledge.base import SearchResult
from tests.builders import make_case, make_turn

PROBLEM = Memory(ConversationState(turns=1, topics=frozenset({"sp2d"})), "sp2d belum cair", ("kasus-1",))


def test_memory_survives_the_store() -> None:
    assert Memory.from_json(PROBLEM.to_json()) == PROBLEM
    assert Memory.from_json(None) == Memory()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("masih gagal min", True),
        (
            "sudah dicoba tetap belum bisa juga padahal semua langkah sudah kami ikuti satu per satu dari awal sampai akhir",
            True,
        ),
        ("tanggalnya 4 September", True),
        ("cara cetak DPA gimana ya", False),
        ("terus kalo pph nya gmn?", True),
        ("Ini pertanyaan lain, neraca kami tidak seimbang setelah diposting", False),
    ],
)
def test_what_goes_on_about_the_problem_at_hand(text: str, expected: bool) -> None:
    assert may_follow_up(read_signals(text), PROBLEM) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("masih gagal min", True), ("oh 4juta", True), ("resep nasi goreng kambing", False)]
)
def test_what_makes_no_sense_alone(text: str, expected: bool) -> None:
    assert must_follow_up(read_signals(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sudah bisa, makasih", True), ("sudah bisa masuk tapi spp masih gagal", False), ("apa sudah bisa?", False)],
)
def test_whatonly_settles(text: str, expected: bool) -> None:
    memory = Memory(ConversationState(turns=1), "tidak bisa masuk", ())
    assert only_settles(read_signals(text), memory) is expected


def test_a_step_that_was_done_is_no_solution() -> None:
    spp = Memory(ConversationState(turns=1, topics=frozenset({"spp", "gu"})), "SPP GU tidak bisa dibuat", ())
    assert not only_settles(read_signals("LPJ nya sudah disahkan"), spp)


def test_thesame_problem_is_told_by_its_cases() -> None:
    case, other = make_case("satu"), make_case("dua")
    before = (Exchange(datetime(2026, 11, 22, tzinfo=UTC), "x", make_turn(sources=(Hit(case, 0.9, 0.8, 0.5),))),)

    def found(best: object) -> SearchResult:
        return SearchResult((Hit(best, 0.9, 0.8, 0.5),), Verdict.FOUND, 0.9)  # type: ignore[arg-type]

    assert same_problem(found(case), before) is True
    assert same_problem(found(other), before) is False
    assert same_problem(found(case), ()) is None


def test_tried_remedies_add_up_and_a_new_problem_forgets_them() -> None:
    turn = make_turn()
    case = turn.sources[0].case.id
    followed = remembered(PROBLEM, ConversationState(), "masih gagal", turn, follow_up=True)
    assert (followed.problem, followed.tried) == ("sp2d belum cair", ("kasus-1", case))
    fresh = remembered(PROBLEM, ConversationState(), "login gagal", turn, follow_up=False)
    assert (fresh.problem, fresh.tried) == ("login gagal", (case,))


@pytest.mark.parametrize(
    ("message", "looked"),
    [
        ("masih sama min", "sp2d belum cair"),
        ("udah dicoba tetep gak bisa juga", "sp2d belum cair"),
        ("tulisannya SPM belum lengkap", "sp2d belum cair\ntulisannya SPM belum lengkap"),
    ],
)
def test_a_message_that_adds_nothing_leaves_the_question_as_it_was(message: str, looked: str) -> None:
    assert looked_up(PROBLEM, message, read_signals(message)) == looked


def test_a_success_without_a_problem_at_hand_settles_all_the_same() -> None:
    assert only_settles(read_signals("sudah bisa"), Memory())


def test_a_vague_message_leaves_no_problem_to_go_on_about() -> None:
    policy = ConversationState(turns=1)
    turn = make_turn("masih belum bisa min", verdict=Verdict.NOT_FOUND)
    assert remembered(Memory(), policy, "masih belum bisa min", turn, follow_up=False, vague=True) == Memory(policy)
