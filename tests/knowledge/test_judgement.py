import pytest

from sipd_core.knowledge.judgement import Reason, judgements_of
from tests.builders import make_case


@pytest.mark.parametrize(
    ("text", "reason", "part"),
    [
        ("sudah selesai saat di cek", Reason.REPORT, "sudah selesai saat di cek"),
        ("done", Reason.REPORT, "done"),
        ("confirm https://contoh.test/bukti/17", Reason.REPORT, "confirm"),
        ("https://contoh.test/bukti/17", Reason.LINK, ""),
        ("cek berkala", Reason.SILENT, "cek berkala"),
        ("rekening aktif", Reason.WISH, "rekening aktif"),
        ("bisa login", Reason.WISH, "bisa login"),
        ("Terkirim. Mohon dibantu", Reason.REQUEST, "mohon dibantu"),
        ("hapus data ganda", Reason.BRIEF, "hapus data ganda"),
        ("...", Reason.NO_WORDS, ""),
    ],
)
def test_it_says_why_a_text_solves_nothing(text: str, reason: Reason, part: str) -> None:
    (judged,) = judgements_of(make_case(expected="", note_qa=text, remedy="", status="DONE"))
    assert (judged.field, judged.text, judged.reason, judged.part) == ("note_qa", text, reason, part)


def test_a_case_with_a_remedy_and_empty_texts_are_not_judged() -> None:
    assert judgements_of(make_case()) == ()
    assert judgements_of(make_case(expected="", remedy="")) == ()
