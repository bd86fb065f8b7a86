"""The escalation policy, on single rules and on labelled dialogues."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sipd_core.chat.escalation import ConversationState, EscalationSettings, decide
from sipd_core.chat.signals import Signals, read_signals
from sipd_core.chat.turn import Escalation, EscalationReason

OWN = Path(__file__).parent / "data" / "dialogues.jsonl"
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "eval" / "dialogues.jsonl"
SETTINGS = EscalationSettings()
R = EscalationReason


def talk(
    *messages: str,
    sentiment: float = 0.0,
    same_problem: bool | float | None = None,
    settings: EscalationSettings = SETTINGS,
) -> list[Escalation]:
    state = ConversationState()
    decisions = []
    for message in messages:
        decision, state = decide(
            state, read_signals(message), sentiment=sentiment, same_problem=same_problem, settings=settings
        )
        decisions.append(decision)
    return decisions


def needed(*messages: str, **options: Any) -> list[bool]:
    return [decision.needed for decision in talk(*messages, **options)]


def read_dialogues(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def scores(dialogues: Iterable[dict[str, Any]]) -> tuple[float, float, float]:
    """Precision, recall and F1 of `escalate` over all user turns."""
    pairs = [
        (turn["escalate"], decision.needed)
        for dialogue in dialogues
        for turn, decision in zip(dialogue["turns"], talk(*(turn["user"] for turn in dialogue["turns"])), strict=True)
    ]
    hits = sum(truth and said for truth, said in pairs)
    precision = hits / max(1, sum(said for _, said in pairs))
    recall = hits / max(1, sum(truth for truth, _ in pairs))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


FAILING = ("SPP tidak bisa disimpan", "Sudah, masih gagal.", "Tetap.", "sm aja min", "belum bisa juga")


def test_the_third_failed_attempt_escalates_and_says_so() -> None:
    decisions = talk(*FAILING)
    assert [decision.needed for decision in decisions] == [False, False, False, True, True]
    assert decisions[3].reasons == (R.STILL_UNSOLVED,)
    assert decisions[3].explanation == "Kendala yang sama belum selesai setelah 3 kali dicoba."
    assert decisions[2].explanation == ""


def test_the_number_of_attempts_is_a_setting() -> None:
    assert needed(*FAILING, settings=replace(SETTINGS, max_failed_attempts=2)) == [False, False, True, True, True]


def test_short_failures_are_the_same_problem_whatever_the_similarity() -> None:
    assert needed(*FAILING, same_problem=False) == needed(*FAILING)
    assert needed(*FAILING, same_problem=0.1) == needed(*FAILING)


def test_a_solution_starts_the_count_again() -> None:
    assert not any(needed(*FAILING[:3], "Sudah bisa sekarang.", "SPM tidak muncul", "masih belum muncul"))


def test_another_topic_starts_the_count_again() -> None:
    assert not any(needed(*FAILING[:3], "Pertanyaan lain, cara cetak DPA?", "masih gagal", "tetap gagal"))
    assert not any(needed(*FAILING[:3], "NPD saya ditolak sistem siang ini", "masih gagal", "tetap gagal"))


def test_a_vague_opening_is_asked_for_details_and_that_is_no_attempt() -> None:
    messages = ("gabisa min", "npd, gak tersimpan", "saldo cukup kok masih gak bisa", "masih gagal")
    assert not any(needed(*messages))


def test_long_conversations_thanks_and_questions_never_escalate() -> None:
    questions = ("Cara cetak DPA?", "tanggalnya bebas?", "oke", "Kalau adminnya cuti?", "WIB ya?", "makasih min") * 4
    assert not any(needed(*questions))


def test_a_grave_matter_stays_open_until_it_is_solved() -> None:
    messages = (
        "SP2D kami terbayar dua kali!",
        "Tolong cepat, penyedianya tidak bisa dihubungi.",
        "Kapan uangnya kembali?",
        "oke, makasih",
        "bagaimana kelanjutannya",
        "Uangnya sudah dikembalikan, beres.",
        "Kapan laporannya dibuat?",
    )
    assert needed(*messages) == [True, True, True, False, True, False, False]


def test_what_stays_open_is_explained_as_such() -> None:
    explanation = talk("SP2D kami terbayar dua kali!", "tolong cepat")[1].explanation
    assert explanation == "Perkara yang sudah diteruskan masih terbuka: uang yang terancam."


def test_a_grave_matter_ends_with_the_topic() -> None:
    first = "Akun kami diretas."
    assert needed(first, "Ngomong-ngomong, cara cetak neraca?") == [True, False]
    another = "Siapa yang mengesahkan DPA perubahan?"
    assert needed(first, another) == [True, True]
    assert needed(first, another, same_problem=False) == [True, False]
    assert needed(first, another, same_problem=0.2) == [True, False]
    assert needed(first, "Kepala dinas kami minta penjelasan tertulis", same_problem=False) == [True, True]


def test_a_wish_for_a_person_can_be_taken_back() -> None:
    messages = ("sambungkan ke petugas", "mana kok belum", "tidak jadi deh", "jadwal bimtek belum ada")
    assert needed(*messages) == [True, True, False, False]


def test_a_question_of_its_own_does_not_keep_a_lighter_reason() -> None:
    assert needed("sambungkan ke petugas", "apakah layanan ini buka sampai malam?") == [True, False]


def test_an_apology_ends_the_anger() -> None:
    assert needed("Server kalian sampah!!!", "cepat!", "maaf tadi emosi, ini soal SPP") == [True, True, False]


@pytest.mark.parametrize(
    ("sentiment", "message", "expected"),
    [
        (-0.6, "capek begini dari pagi", True),
        (-0.59, "capek begini dari pagi", False),
        (-0.79, "unggahan saya dibuang sistem lagi pagi ini", False),
        (-0.8, "unggahan saya dibuang sistem lagi pagi ini", True),
        (-0.9, "Bukannya saya marah, tapi tolong dijawab.", False),
        (-0.9, "Oke, thanks min.", False),
    ],
)
def test_sentiment_counts_at_the_threshold(sentiment: float, message: str, expected: bool) -> None:
    assert needed(message, sentiment=sentiment) == [expected]


def test_a_mood_without_words_of_anger_counts_for_its_turn_only() -> None:
    state = ConversationState()
    first, state = decide(
        state, read_signals("memalukan sistem ini"), sentiment=-0.9, same_problem=None, settings=SETTINGS
    )
    second, _ = decide(state, read_signals("SPP belum tersimpan"), sentiment=0.0, same_problem=None, settings=SETTINGS)
    assert (first.reasons, second.needed) == ((R.VERY_NEGATIVE,), False)


def test_all_reasons_are_named_in_one_decision() -> None:
    (decision,) = talk("Akun kami diretas dan uang kas hilang, sambungkan ke petugas!")
    assert set(decision.reasons) == {R.SECURITY, R.MONEY_AT_RISK, R.WANTS_PERSON}
    assert decision.explanation.count(".") == 3


def test_the_state_survives_the_store() -> None:
    state = ConversationState(3, 2, (R.MONEY_AT_RISK, R.SECURITY), frozenset({"spp", "dpa"}))
    assert ConversationState.from_json(json.loads(json.dumps(state.as_json()))) == state


def test_a_damaged_state_is_refused() -> None:
    with pytest.raises(ValueError):
        ConversationState.from_json({"turns": 1, "failed_attempts": 0, "open_reasons": ["nonsense"], "topics": []})


def test_small_talk_leaves_the_state_alone() -> None:
    state = ConversationState(turns=2, failed_attempts=2)
    decision, after = decide(state, Signals(small_talk="thanks"), sentiment=-1.0, same_problem=None, settings=SETTINGS)
    assert (decision.needed, after) == (False, state)


def test_own_dialogues_are_varied_enough() -> None:
    dialogues = read_dialogues(OWN)
    turns: Sequence[dict[str, Any]] = [turn for dialogue in dialogues for turn in dialogue["turns"]]
    assert len(dialogues) >= 45
    assert len(turns) >= 170
    assert 0.25 <= sum(turn["escalate"] for turn in turns) / len(turns) <= 0.45


@pytest.mark.parametrize("half", [0, 1])
def test_own_dialogues(half: int) -> None:
    precision, recall, f1 = scores(read_dialogues(OWN)[half::2])
    assert min(precision, recall, f1) >= 0.95


@pytest.mark.skipif(not SHARED.exists(), reason="the shared development cases are not here")
def test_shared_dialogues() -> None:
    assert scores(read_dialogues(SHARED))[2] >= 0.9
