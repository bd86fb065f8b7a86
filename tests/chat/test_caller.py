"""What the caller is sent: the number of a ticket that is there, an apology to who is cross, and a person's words untouched."""

from dataclasses import replace
from datetime import UTC, datetime

from sipd_core.chat.answers import for_caller, held
from sipd_core.chat.caller import for_sending
from sipd_core.chat.turn import AnswerVersion, Escalation, EscalationReason, Exchange, Turn, Verdict, VersionKind
from sipd_core.texts import text
from sipd_core.tickets import Priority, Status, Ticket
from tests.builders import make_turn

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ANGRY = Escalation((EscalationReason.VERY_NEGATIVE,), "Pengguna sangat kecewa.")
TICKET = Ticket(7, "a", "keluhan", NOW, NOW, Status.NEW, Priority.HIGH, "", "", (EscalationReason.VERY_NEGATIVE,))


def exchange(**more: object) -> Exchange:
    said = {"for_caller": for_caller(Verdict.NOT_FOUND, ()), "sentiment": 0.0} | more
    return Exchange(NOW, "keluhan", replace(make_turn("a", "t1"), **said))  # type: ignore[arg-type]


def test_without_a_ticket_a_calm_caller_gets_the_answer_as_it_is() -> None:
    assert for_sending(exchange(), None) == text("answer.caller.not_found")


def test_an_open_ticket_is_named_instead_of_promised() -> None:
    said = for_sending(exchange(), TICKET)
    assert "tiket #7" in said and "bila belum ada" not in said and "kami teruskan kepada petugas dengan" in said
    assert "agar kami teruskan" not in for_sending(exchange(for_caller=text("answer.caller.precedent")), TICKET)
    assert for_sending(exchange(), replace(TICKET, status=Status.DONE)) == text("answer.caller.not_found")


def test_what_is_said_already_is_not_said_twice() -> None:
    for words in (text("answer.wants_person"), held("Ada uang yang terancam.")):
        said = for_sending(exchange(for_caller=words), TICKET)
        assert "tiketnya #7" in said and said.count("teruskan kepada petugas") == 1


def test_who_is_cross_is_asked_for_pardon_first() -> None:
    for angry in (exchange(escalation=ANGRY), exchange(sentiment=-0.9)):
        assert for_sending(angry, TICKET).startswith(text("answer.caller.sorry"))
    assert text("answer.caller.sorry") not in for_sending(exchange(sentiment=-0.3), TICKET)


def test_a_persons_words_and_small_talk_stand() -> None:
    turn: Turn = exchange(escalation=ANGRY).turn
    own = AnswerVersion(1, NOW, "Sari", VersionKind.EDITED, replace(turn, for_caller="Sudah kami proses."))
    assert for_sending(Exchange(NOW, "keluhan", turn, None, (own,), 1), TICKET) == "Sudah kami proses."
    assert for_sending(exchange(searched=False, for_caller="Sama-sama."), TICKET) == "Sama-sama."


def test_the_catalogue_still_holds_the_promises_that_are_taken_out() -> None:
    assert text("answer.caller.hand_on") in text("answer.caller.not_found")
    assert text("answer.caller.hand_on_then") in text("answer.caller.precedent")
