"""Conversations survive, in order; what people say of them is kept once."""

import itertools

import pytest

from sipd_core.chat.turn import Escalation, EscalationReason, Feedback, Verdict
from sipd_core.errors import NotFoundError
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from tests.builders import make_turn


@pytest.fixture
def store(database: Database) -> ConversationStore:
    ticks = itertools.count(1_700_000_000)
    return ConversationStore(database, clock=lambda: float(next(ticks)))


def test_a_turn_comes_back_as_it_was(store: ConversationStore) -> None:
    turn = make_turn()
    store.add("sp2d belum cair", turn, '{"failed": 1}')
    exchanges, state = store.history("s1", 10)
    assert exchanges[0].turn == turn
    assert state == '{"failed": 1}'


def test_history_is_limited_and_oldest_first(store: ConversationStore) -> None:
    for n in range(5):
        store.add(f"pesan {n}", make_turn(turn_id=f"t{n}"), f'{{"failed": {n}}}')
    exchanges, state = store.history("s1", 2)
    assert [exchange.message for exchange in exchanges] == ["pesan 3", "pesan 4"]
    assert state == '{"failed": 4}'
    assert store.get("s1", 10).title == "pesan 0"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (("Assalamualaikum min, selamat pagi", "mau tanya, sp2d kami belum cair"), "sp2d kami belum cair"),
        (("[26/11 08.12] Bu Rina: pagi min\n[26/11 08.13] Bu Rina: spm ga bisa dicetak",), "spm ga bisa dicetak"),
        (("selamat siang. SP2D belum cair, SPM sudah", "lupa sandi"), "SP2D belum cair, SPM sudah"),
        (("pagi min",), "pagi min"),
    ],
)
def test_the_title_is_the_first_complaint(store: ConversationStore, said: tuple[str, ...], title: str) -> None:
    for place, message in enumerate(said):
        store.add(message, make_turn(turn_id=f"t{place}"), "")
    assert store.get("s1", 10).title == title


def test_an_unknown_conversation_is_said_so(store: ConversationStore) -> None:
    with pytest.raises(NotFoundError):
        store.get("tidak-ada", 10)
    assert store.history("tidak-ada", 10) == ((), None)


def test_the_list_is_searched_and_last_active_first(store: ConversationStore) -> None:
    store.add("sp2d belum cair", make_turn("a", "t1"), "")
    store.add("login gagal", make_turn("b", "t2", verdict=Verdict.PARTIAL), "")
    store.add("terima kasih", make_turn("a", "t3"), "")
    assert [(s.id, s.turns, s.title) for s in store.list("", 10)] == [
        ("a", 2, "sp2d belum cair"),
        ("b", 1, "login gagal"),
    ]
    assert [s.id for s in store.list("LOGIN", 10)] == ["b"]
    assert store.list("LOGIN", 10)[0].last_verdict is Verdict.PARTIAL
    assert store.list("100%", 10) == ()


def test_the_last_feedback_counts(store: ConversationStore) -> None:
    store.add("x", make_turn(), "")
    store.set_feedback("t1", Feedback(False, "kurang jelas"))
    store.set_feedback("t1", Feedback(True))
    assert store.get("s1", 10).exchanges[0].feedback == Feedback(True)
    with pytest.raises(NotFoundError):
        store.set_feedback("tidak-ada", Feedback(True))


def test_escalations_by_policy_and_by_hand(store: ConversationStore) -> None:
    escalation = Escalation((EscalationReason.MONEY_AT_RISK,), "Ada uang yang berisiko.")
    store.add("terbayar dua kali", make_turn(should_escalate=True, escalation=escalation), "")
    store.escalate("s1", "t1", Escalation((EscalationReason.BY_OPERATOR,), "Diminta operator."), "mohon cepat")
    assert store.get("s1", 10).escalated
    assert store.escalations("s1") == (("Ada uang yang berisiko.", ""), ("Diminta operator.", "mohon cepat"))
    with pytest.raises(NotFoundError):
        store.escalate("s1", "tidak-ada", escalation, "")
