"""What people do to answers, on the whole engine: edited, approved, served first, stale, doubted, withdrawn, written anew."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.approval import Standing
from sipd_core.chat.turn import AnsweredBy, Exchange, Feedback, Turn, Verdict, VersionKind
from sipd_core.deeds import DeedKind
from sipd_core.documents import ChangeKind
from sipd_core.errors import ApprovalError, NotFoundError
from sipd_core.settings import load_settings
from sipd_core.store.audit import AuditFilter
from sipd_core.store.traces import Mode
from tests.test_engine import csv_file

QUESTION = "SP2D belum cair padahal SPM sudah disetujui"
ALIKE = "selamat pagi min, sp2d blm cair pdhl spm sdh disetujui ya"
OTHER = "SP2D sudah cair padahal SPM belum disetujui"
WORDING = "Bapak/Ibu, silakan minta Kuasa BUD menekan Transfer. NIP 196912311990031001 tidak perlu dikirim."
MASKED = "Bapak/Ibu, silakan minta Kuasa BUD menekan Transfer. NIP [NIP] tidak perlu dikirim."


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    folder = tmp_path_factory.mktemp("answers")
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder), load_samples=False)
    engine.import_files([csv_file()])
    engine.wait_until_indexed(60)
    yield engine
    engine.close()


@pytest.fixture
def engine(prepared: BlockingEngine) -> Iterator[BlockingEngine]:
    """The shared engine with no approved answer left of the test before."""
    yield prepared
    for one in prepared.answers.listed():
        if one.standing is not Standing.WITHDRAWN:
            prepared.answers.withdraw(one.approved.id, actor="uji")


def asked(engine: BlockingEngine, question: str = QUESTION) -> Turn:
    return engine.ask(question, engine.new_session_id())


def approved(engine: BlockingEngine, question: str = QUESTION, wording: str = WORDING) -> str:
    turn = asked(engine, question)
    engine.answers.edit(turn.turn_id, wording, actor="Sari")
    return engine.answers.approve(turn.turn_id, actor="Sari")


def last(engine: BlockingEngine, turn: Turn) -> Exchange:
    return engine.conversation(turn.session_id).exchanges[-1]


def deeds(engine: BlockingEngine, kind: DeedKind) -> int:
    return engine.audit.page(AuditFilter(kinds=(kind,))).total


def test_an_edited_answer_counts_and_the_first_one_stays(engine: BlockingEngine) -> None:
    turn, before = asked(engine), deeds(engine, DeedKind.ANSWER_EDITED)
    engine.answers.edit(turn.turn_id, WORDING, actor="Sari")
    exchange = last(engine, turn)
    assert exchange.answer.response == exchange.answer.for_caller == MASKED
    assert exchange.turn == turn
    (version,) = exchange.versions
    assert (version.actor, version.kind) == ("Sari", VersionKind.EDITED)
    assert MASKED[:60] in engine.handover_text(turn.session_id)
    assert deeds(engine, DeedKind.ANSWER_EDITED) == before + 1
    engine.answers.choose(turn.turn_id, 0)
    assert last(engine, turn).answer == turn
    assert MASKED[:60] not in engine.handover_text(turn.session_id)
    with pytest.raises(NotFoundError):
        engine.answers.choose(turn.turn_id, 7)


def test_what_was_said_is_what_the_next_question_goes_on_from(engine: BlockingEngine) -> None:
    turn = asked(engine)
    for wording in ("Versi satu.", "Versi dua."):
        engine.answers.edit(turn.turn_id, wording, actor="Sari")
    assert [version.seq for version in last(engine, turn).versions] == [1, 2]
    assert last(engine, turn).answer.response == "Versi dua."


@pytest.mark.parametrize(("wording", "key"), [("  \n ", "kosong"), ("x" * 6_001, "panjang")])
def test_no_wording_and_too_much_of_it_are_refused(engine: BlockingEngine, wording: str, key: str) -> None:
    with pytest.raises(ApprovalError) as refused:
        engine.answers.edit(asked(engine).turn_id, wording, actor="Sari")
    assert key in refused.value.user_text


@pytest.mark.parametrize("question", [QUESTION, QUESTION.upper() + "?", ALIKE])
def test_an_approved_answer_is_served_first_with_its_author_and_its_case(engine: BlockingEngine, question: str) -> None:
    id_ = approved(engine)
    turn = asked(engine, question)
    assert turn.answered_by is AnsweredBy.APPROVED and turn.response == MASKED
    assert turn.approval is not None and (turn.approval.id, turn.approval.actor) == (id_, "Sari")
    assert turn.verdict is Verdict.FOUND and turn.cost_usd == 0.0 and not turn.model
    assert turn.sources[0].case.menu == "SP2D - Pencairan" and turn.cited == (turn.sources[0].case.id,)
    assert engine.traces()[-1].mode is Mode.APPROVED
    one = engine.answers.listed_one(id_)
    assert one.standing is Standing.LIVE and one.approved.served == 1 and one.approved.last_served_at is not None


@pytest.mark.parametrize(
    "question",
    [
        OTHER,
        "SP2D belum cair padahal SPM sudah ditolak",
        "SP2D belum cair padahal SPM 2 sudah disetujui",
        "SPM belum cair padahal SP2D sudah disetujui",
        "SP2D GU belum cair padahal SPM sudah disetujui",
        "SP2D belum cair",
        "sp2d belum cair, apa karena SPM belum disetujui?",
    ],
)
def test_another_question_is_not_answered_with_it(engine: BlockingEngine, question: str) -> None:
    approved(engine)
    assert asked(engine, question).answered_by is AnsweredBy.LOCAL


def test_what_a_person_must_decide_is_never_answered_with_it(engine: BlockingEngine) -> None:
    question = "SP2D dobel, uang terbayar dua kali ke rekening rekanan"
    turn = asked(engine, question)
    assert turn.should_escalate
    engine.answers.edit(turn.turn_id, WORDING, actor="Sari")
    with pytest.raises(ApprovalError):
        engine.answers.approve(turn.turn_id, actor="Sari")
    again = asked(engine, question)
    assert again.answered_by is AnsweredBy.LOCAL and again.should_escalate


def test_it_rests_on_a_case_that_must_not_change(engine: BlockingEngine) -> None:
    id_ = approved(engine)
    case = asked(engine).sources[0].case
    change = engine.edit_case(replace(case, expected="Ajukan ulang SPM.", remedy="Ajukan ulang SPM."), "Admin")
    one = engine.answers.listed_one(id_)
    assert one.standing is Standing.STALE and one.changed == {case.id}
    assert asked(engine).answered_by is AnsweredBy.LOCAL
    engine.answers.confirm(id_, actor="Budi")
    turn = asked(engine)
    assert turn.answered_by is AnsweredBy.APPROVED and turn.approval is not None and turn.approval.actor == "Budi"
    engine.undo_change(change.id, "Admin")
    assert engine.answers.listed_one(id_).standing is Standing.STALE
    engine.answers.confirm(id_, actor="Budi")
    disabled = engine.change_cases(ChangeKind.DISABLE, {case.id: replace(case, enabled=False)}, actor="Admin")
    assert asked(engine).answered_by is AnsweredBy.LOCAL
    engine.undo_change(disabled.id, "Admin")
    assert asked(engine).answered_by is AnsweredBy.APPROVED


def test_it_is_withdrawn_and_brought_back(engine: BlockingEngine) -> None:
    id_ = approved(engine)
    engine.answers.withdraw(id_, actor="Sari")
    assert asked(engine).answered_by is AnsweredBy.LOCAL
    with pytest.raises(ApprovalError):
        engine.answers.withdraw(id_, actor="Sari")
    engine.answers.restore(id_, actor="Sari")
    assert asked(engine).answered_by is AnsweredBy.APPROVED
    assert deeds(engine, DeedKind.APPROVAL_WITHDRAWN) and deeds(engine, DeedKind.APPROVAL_RESTORED)


def test_a_better_one_takes_the_place_and_the_old_one_does_not_come_back(engine: BlockingEngine) -> None:
    old = approved(engine)
    turn = asked(engine)
    engine.answers.edit(turn.turn_id, "Lebih baik begini.", actor="Budi")
    new = engine.answers.approve(turn.turn_id, actor="Budi")
    assert engine.answers.listed_one(old).standing is Standing.WITHDRAWN
    assert asked(engine).response == "Lebih baik begini."
    with pytest.raises(ApprovalError):
        engine.answers.restore(old, actor="Sari")
    assert engine.answers.is_approved(turn.turn_id) and engine.answers.listed_one(new).standing is Standing.LIVE


def test_thumbs_of_those_it_was_served_to_count(engine: BlockingEngine) -> None:
    id_ = approved(engine)
    engine.give_feedback(asked(engine).turn_id, Feedback(helpful=True))
    for _ in range(2):
        engine.give_feedback(asked(engine).turn_id, Feedback(helpful=False))
    one = engine.answers.listed_one(id_)
    assert (one.approved.helpful, one.approved.unhelpful, one.standing) == (1, 2, Standing.LIVE)
    engine.give_feedback(asked(engine).turn_id, Feedback(helpful=False))
    assert engine.answers.listed_one(id_).standing is Standing.DOUBTED
    assert asked(engine).answered_by is AnsweredBy.LOCAL
    engine.answers.confirm(id_, actor="Budi")
    assert asked(engine).answered_by is AnsweredBy.APPROVED


def test_an_answer_to_what_the_base_does_not_know_rests_on_a_person_alone(engine: BlockingEngine) -> None:
    question = "Apakah helpdesk SIPD buka pada hari libur nasional?"
    assert asked(engine, question).verdict is Verdict.NOT_FOUND
    approved(engine, question, "Helpdesk tutup pada hari libur nasional.")
    turn = asked(engine, question)
    assert turn.response == "Helpdesk tutup pada hari libur nasional."
    assert turn.verdict is Verdict.NOT_FOUND and not turn.context_used and turn.cited == ()


def test_what_cannot_stand_alone_is_not_approved(engine: BlockingEngine) -> None:
    session = engine.new_session_id()
    engine.ask(QUESTION, session)
    again = engine.ask("sudah dicoba, masih belum bisa", session)
    with pytest.raises(ApprovalError) as refused:
        engine.answers.approve(again.turn_id, actor="Sari")
    assert "menyambung" in refused.value.user_text
    with pytest.raises(ApprovalError):
        engine.answers.approve(asked(engine, "halo selamat pagi").turn_id, actor="Sari")


@pytest.mark.parametrize(
    ("question", "wording"),
    [
        ("Apakah helpdesk SIPD buka pada hari libur nasional?", ""),
        ("min resep soto betawi", ""),
        ("SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang", ""),
        ("SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang", "Minta bank membatalkan SP2D kedua."),
        ("tolong sambungkan saya ke petugas sekarang", "Silakan telepon helpdesk."),
    ],
)
def test_what_would_never_be_served_is_not_approved(engine: BlockingEngine, question: str, wording: str) -> None:
    turn = asked(engine, question)
    if wording:
        engine.answers.edit(turn.turn_id, wording, actor="Sari")
    with pytest.raises(ApprovalError) as refused:
        engine.answers.approve(turn.turn_id, actor="Sari")
    assert ("petugas" if wording or turn.should_escalate else "Ubah") in refused.value.user_text
    assert not any(one.standing is Standing.LIVE for one in engine.answers.listed())


@pytest.mark.parametrize("question", ["SP2D belum cair padahal SPM sudah disetujui!!! PAYAH SEKALI, SAYA MARAH BESAR", QUESTION])
def test_anger_alone_does_not_keep_an_answer_from_being_served(engine: BlockingEngine, question: str) -> None:
    approved(engine, question)
    assert asked(engine, question).answered_by is AnsweredBy.APPROVED


def test_a_retry_is_not_answered_with_what_was_tried(engine: BlockingEngine) -> None:
    approved(engine)
    session = engine.new_session_id()
    engine.ask(QUESTION, session)
    assert engine.ask("masih belum bisa min", session).answered_by is AnsweredBy.LOCAL


def test_an_answer_written_anew_is_the_same_until_the_base_changes(engine: BlockingEngine) -> None:
    turn = asked(engine)
    traces = len(engine.traces())
    *_, again = engine.answer_anew(turn.turn_id)
    assert isinstance(again, Turn) and again.response == turn.response
    assert last(engine, turn).versions == () and len(engine.traces()) == traces + 1
    case = turn.sources[0].case
    change = engine.edit_case(replace(case, expected="Ajukan ulang SPM.", remedy="Ajukan ulang SPM."), "Admin")
    list(engine.answer_anew(turn.turn_id))
    exchange = last(engine, turn)
    assert "Ajukan ulang SPM." in exchange.answer.response and exchange.turn == turn
    assert [version.kind for version in exchange.versions] == [VersionKind.REGENERATED]
    assert len(engine.conversation(turn.session_id).exchanges) == 1
    engine.undo_change(change.id, "Admin")


def test_what_was_approved_is_looked_past_by_an_answer_written_anew(engine: BlockingEngine) -> None:
    approved(engine)
    turn = asked(engine)
    list(engine.answer_anew(turn.turn_id))
    exchange = last(engine, turn)
    assert exchange.turn.answered_by is AnsweredBy.APPROVED and exchange.answer.answered_by is AnsweredBy.LOCAL


def test_the_list_is_searched_and_exported_safely(engine: BlockingEngine) -> None:
    approved(engine, wording="=HYPERLINK(\"http://jahat.test\",\"klik\")")
    assert [one.approved.actor for one in engine.answers.listed("spm sari", (Standing.LIVE,))] == ["Sari"]
    assert engine.answers.listed("kata yang tidak ada") == ()
    rows = list(csv.reader(io.StringIO(engine.answers.export("", (Standing.LIVE,)).decode("utf-8-sig"))))
    assert len(rows) == 2 and rows[1][1].startswith("'=HYPERLINK")


def test_nothing_of_it_lies_in_the_database_in_the_clear(tmp_path: Path) -> None:
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=tmp_path / "data"), load_samples=False)
    try:
        engine.import_files([csv_file()])
        approved(engine, "Anggaran kas tidak sama dengan pagu kelurahan Xanadu", "Samakan dengan pagu Xanadu.")
    finally:
        engine.close()
    held = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("sipd.db*"))
    assert b"Samakan dengan pagu Xanadu" not in held
