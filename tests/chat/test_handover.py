"""The hand-off card says who said what, what was tried and on what it rests."""

from datetime import UTC, datetime

from sipd_core.chat.handover import handover_card
from sipd_core.chat.turn import Conversation, Exchange, Verdict
from tests.builders import make_turn

AT = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_card_holds_reason_note_talk_and_cases() -> None:
    exchanges = (Exchange(AT, "sp2d belum cair", make_turn()), Exchange(AT, "masih gagal", make_turn(turn_id="t2")))
    card = handover_card(Conversation("s1", "sp2d", exchanges, True), [("Diminta operator.", "tolong cepat")])
    for part in (
        "Diminta operator.",
        "tolong cepat",
        "sp2d belum cair",
        "masih gagal",
        "SP2D - Pencairan",
        "uji.csv:2",
        "s1",
    ):
        assert part in card
    assert card.count("Langkah yang sudah disarankan") == 1


def test_a_conversation_without_cases_has_no_empty_lines_of_them() -> None:
    turn = make_turn(sources=(), context_used=False, verdict=Verdict.NOT_FOUND)
    card = handover_card(Conversation("s1", "x", (Exchange(AT, "halo", turn),)), [])
    assert "Kasus rujukan" not in card
    assert "Menu" not in card
