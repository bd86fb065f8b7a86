"""Suggestions fit the case at hand; templates come only when there is nothing better."""

from sipd_core.chat.suggestions import LENGTH, MOST, suggest
from sipd_core.chat.turn import Intent, Verdict
from sipd_core.documents import Hit
from tests.builders import make_case


def hits(*cases: tuple[str, float], note_qa: str = "", note_dev: str = "") -> list[Hit]:
    first, *others = cases
    lead = Hit(make_case(first[0], note_qa=note_qa, note_dev=note_dev), first[1], 0.8, 0.5)
    return [lead, *(Hit(make_case(issue), relevance, 0.8, 0.5) for issue, relevance in others)]


def test_checks_of_the_notes_come_first_then_close_cases() -> None:
    found = hits(
        ("satu", 0.9), ("dua", 0.8), ("jauh", 0.1), note_qa="Sering awal tahun. Periksa TMT jangan tumpang tindih."
    )
    made = suggest(Intent.DPA_ISSUE, Verdict.FOUND, found)
    assert (made.ask_caller, made.other_cases) == (("Periksa TMT jangan tumpang tindih",), ("dua",))


def test_templates_of_the_intent_when_there_is_nothing_better() -> None:
    alone = suggest(Intent.LOGIN_ISSUE, Verdict.FOUND, hits(("satu", 0.9)))
    assert alone == suggest(Intent.LOGIN_ISSUE, Verdict.NOT_FOUND, [])
    assert alone != suggest(Intent.LAPORAN_ISSUE, Verdict.NOT_FOUND, [])


def test_every_intent_has_something_to_suggest() -> None:
    assert all(suggest(intent, Verdict.NOT_FOUND, []).ask_caller for intent in Intent)


def test_a_precedent_is_no_next_step() -> None:
    found = [*hits(("satu", 0.9)), Hit(make_case("preseden", remedy=""), 0.85, 0.8, 0.5)]
    assert suggest(Intent.DPA_ISSUE, Verdict.FOUND, found).other_cases == ()


def test_suggestions_are_few_short_and_different() -> None:
    found = hits(
        ("satu", 0.9),
        ("dua " * 100, 0.9),
        ("tiga", 0.9),
        ("empat", 0.9),
        note_qa="Cek A. Cek B. Cek C.",
        note_dev="Cek A.",
    )
    made = suggest(Intent.DPA_ISSUE, Verdict.PARTIAL, found)
    everything = (*made.ask_caller, *made.other_cases)
    assert len(everything) == len(set(everything)) <= MOST
    assert all(len(one) <= LENGTH + 1 for one in everything)
