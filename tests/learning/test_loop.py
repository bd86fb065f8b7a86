"""From a question that failed to a gap that is closed, on a whole console: what opens, closes and reopens gaps."""

import time
from dataclasses import replace

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Feedback, Verdict
from sipd_core.documents import CaseFilter, ChangeKind
from sipd_core.errors import CaseError, GapError
from sipd_core.learning.learner import Learner
from sipd_core.learning.model import (
    Draft,
    Failure,
    Gap,
    GapEventKind,
    GapFilter,
    GapState,
    RemedyOrigin,
    Reopening,
    Shortfall,
)
from sipd_core.tickets import Status, TicketFilter
from tests.ui.console import as_file

ME, ADMIN = "Operator Uji", "Admin Uji"
OTP = (
    "Kode OTP untuk tanda tangan elektronik tidak pernah masuk ke email bendahara.",
    "otp tte ga masuk2 ke email min",
    "kode otp tanda tangan elektronik tidak terkirim ke email",
)
NPHD = "nomor nphd hibah kepanjangan kata sistem ga bs simpan"
REMEDY = "Perbarui alamat email bendahara di menu Profil, lalu tekan Kirim Ulang OTP."


def ask(engine: BlockingEngine, question: str, session: str = "") -> tuple[str, str, Verdict]:
    """Conversation, turn and verdict of one question."""
    talk = session or engine.new_session_id()
    turn = engine.ask(question, talk)
    return talk, turn.turn_id, turn.verdict


def gaps(engine: BlockingEngine, **wanted: object) -> tuple[Gap, ...]:
    engine.learning.look()
    return engine.learning.gaps(GapFilter(**wanted)).gaps  # type: ignore[arg-type]


def kinds(engine: BlockingEngine, gap_id: int) -> list[GapEventKind]:
    return [event.kind for event in engine.learning.detail(gap_id).events]


def publish(engine: BlockingEngine, gap: Gap, remedy: str = REMEDY, **changes: str) -> str:
    """Publish what is suggested with this remedy; the id of the change."""
    draft = engine.learning.draft(gap.id, actor=ME)
    change = engine.learning.publish(gap.id, replace(draft, remedy=remedy, **changes), actor=ADMIN)
    engine.wait_until_indexed(300)
    engine.learning.look()
    return change.id


def test_questions_of_one_meaning_are_one_gap_and_chatter_is_none(engine: BlockingEngine) -> None:
    talk, turn, verdict = ask(engine, OTP[0])
    assert verdict is Verdict.NOT_FOUND
    for question in (
        *OTP[1:],
        NPHD,
        "halo",
        "resep nasi goreng kampung yang enak dong",
        "siapa presiden Amerika sekarang",
    ):
        ask(engine, question)
    ask(engine, OTP[0])
    otp, nphd = gaps(engine)
    assert (otp.conversations, otp.questions, otp.state) == (4, 4, GapState.OPEN)
    assert otp.failures == {Failure.NOT_FOUND} and otp.title in OTP
    assert (nphd.conversations, nphd.title) == (1, NPHD)
    assert otp.menu, "a menu is guessed"
    assert engine.learning.figures().outside == 2, "a greeting is no question at all"
    detail = engine.learning.detail(otp.id)
    assert turn in {question.turn_id for question in detail.questions}
    assert {event.questions for event in detail.events} and kinds(engine, otp.id)[0] is GapEventKind.OPENED


def test_a_gap_closes_when_its_questions_are_answered_by_its_row_and_not_before(engine: BlockingEngine) -> None:
    for question in (*OTP, NPHD):
        ask(engine, question)
    gap, other = gaps(engine)
    draft = engine.learning.draft(gap.id, actor=ME)
    assert draft.issue in OTP and draft.remedy == "", "a remedy is never made up"
    assert engine.learning.detail(gap.id).gap.state is GapState.DRAFT
    with pytest.raises(CaseError):
        engine.learning.publish(gap.id, draft, actor=ADMIN)
    change_id = publish(engine, gap)
    detail = engine.learning.detail(gap.id)
    assert detail.gap.state is GapState.CLOSED, [question.proof for question in detail.questions]
    assert detail.gap.answered == 3 and not detail.gap.unproven
    assert kinds(engine, gap.id)[-3:] == [GapEventKind.PUBLISHED, GapEventKind.ASKED, GapEventKind.CLOSED]
    turn = engine.ask(OTP[1], engine.new_session_id())
    assert turn.verdict is Verdict.FOUND and turn.sources[0].case.remedy == REMEDY
    (change, *_) = engine.changes(5)
    assert (change.id, change.kind, change.actor) == (change_id, ChangeKind.LEARN, ADMIN)
    assert f"#{gap.id}" in change.note
    (version,) = engine.case_history(detail.gap.case_id)
    assert version.change.id == change_id
    assert not engine.imports(), "a row that a person wrote is no upload"
    assert engine.learning.figures().closed_this_week == 1
    assert engine.learning.detail(other.id).gap.state is GapState.OPEN


def test_undo_reopens_the_gap_with_its_draft_and_redo_closes_it_again(engine: BlockingEngine) -> None:
    ask(engine, OTP[0])
    (gap,) = gaps(engine)
    change_id = publish(engine, gap)
    engine.undo_change(change_id, ADMIN)
    (again,) = gaps(engine)
    assert (again.state, again.reopening) == (GapState.OPEN, Reopening.UNDONE)
    assert again.draft is not None and again.draft.remedy == REMEDY
    assert engine.learning.row(again) is None
    engine.redo_change(change_id, ADMIN)
    engine.wait_until_indexed(300)
    (back,) = gaps(engine)
    engine.learning.look()
    assert engine.learning.detail(back.id).gap.state is GapState.CLOSED
    assert GapEventKind.RETURNED in kinds(engine, gap.id)
    engine.learning.undo_publication(gap.id, actor=ADMIN)
    assert engine.learning.detail(gap.id).gap.reopening is Reopening.UNDONE
    publish(engine, again)
    assert engine.learning.detail(gap.id).gap.state is GapState.CLOSED


@pytest.mark.parametrize(
    ("kind", "why"), [(ChangeKind.DISABLE, Reopening.DISABLED), (ChangeKind.DELETE, Reopening.GONE)]
)
def test_a_row_that_is_switched_off_or_deleted_reopens_its_gap(
    engine: BlockingEngine, kind: ChangeKind, why: Reopening
) -> None:
    ask(engine, OTP[0])
    (gap,) = gaps(engine)
    publish(engine, gap)
    row = engine.learning.row(engine.learning.detail(gap.id).gap)
    assert row is not None
    state = replace(row, enabled=False) if kind is ChangeKind.DISABLE else None
    engine.change_cases(kind, {row.id: state}, actor=ADMIN)
    (again,) = gaps(engine)
    assert (again.state, again.reopening) == (GapState.OPEN, why)


def test_a_row_that_does_not_answer_leaves_the_gap_open_and_says_which_question_and_why(engine: BlockingEngine) -> None:
    for question in OTP[:2]:
        ask(engine, question)
    (gap,) = gaps(engine)
    publish(
        engine,
        gap,
        "Ganti peramban, lalu cetak ulang.",
        issue="Berita acara penutupan kas bulanan tidak dapat dicetak",
        menu="Kas",
    )
    detail = engine.learning.detail(gap.id)
    assert detail.gap.unproven and detail.gap.state is GapState.PUBLISHED
    assert {question.shortfall(detail.gap.published_at) for question in detail.questions} <= {
        Shortfall.NOT_FOUND, Shortfall.PARTIAL, Shortfall.OTHER_ROW,
    }  # fmt: skip
    for question in detail.questions:
        engine.learning.add_wording(gap.id, question.turn_id, actor=ME)
    with pytest.raises(GapError):
        engine.learning.add_wording(gap.id, detail.questions[0].turn_id, actor=ME)
    draft = engine.learning.detail(gap.id).gap.draft
    assert draft is not None and all(question.text in draft.issue for question in detail.questions)
    issue = draft.issue.split("\n", 1)[1]
    engine.learning.publish(gap.id, replace(draft, issue=issue, menu="TTE", remedy=REMEDY), actor=ADMIN)
    engine.wait_until_indexed(300)
    engine.learning.look()
    after = engine.learning.detail(gap.id).gap
    assert after.state is GapState.CLOSED and after.case_id == detail.gap.case_id, "it is the same row, edited"


def test_a_further_failure_joins_and_a_closed_gap_is_asked_again(engine: BlockingEngine) -> None:
    ask(engine, OTP[0])
    (gap,) = gaps(engine)
    publish(engine, gap)
    talk, turn, verdict = ask(engine, OTP[0])
    assert verdict is Verdict.FOUND
    engine.give_feedback(turn, Feedback(False, "sudah dicoba, tetap tidak masuk"))
    (again,) = gaps(engine)
    engine.learning.look()
    detail = engine.learning.detail(gap.id)
    assert (again.id, detail.gap.state, detail.gap.questions) == (gap.id, GapState.PUBLISHED, 2)
    judged = next(question for question in detail.questions if question.turn_id == turn)
    assert judged.failures == {Failure.THUMB_DOWN}
    assert judged.shortfall(detail.gap.published_at) is Shortfall.NOT_HELPFUL
    row = engine.learning.row(detail.gap)
    assert row is not None
    engine.edit_case(replace(row, remedy="Hubungi admin daerah agar nomor OTP disetel ulang."), ADMIN)
    engine.wait_until_indexed(300)
    engine.learning.look()
    assert engine.learning.detail(gap.id).gap.state is GapState.CLOSED, "a better row is a proof again"
    engine.give_feedback(turn, Feedback(True))
    engine.learning.look()
    assert engine.learning.detail(gap.id).gap.questions == 1, "who takes the thumb back takes the question back"


def test_a_solved_ticket_brings_its_question_and_the_words_that_solved_it(engine: BlockingEngine) -> None:
    talk, turn, _ = ask(engine, OTP[0])
    engine.escalate(talk, turn, "tolong dibantu", ME)
    (ticket,) = engine.desk.queue(TicketFilter()).tickets
    engine.desk.move(ticket.id, Status.DONE, seen=ticket.status, actor=ADMIN, note=f"{REMEDY} Hubungi 081234567890")
    (gap,) = gaps(engine)
    assert gap.failures == {Failure.NOT_FOUND, Failure.TICKET}
    draft = engine.learning.draft(gap.id, actor=ME)
    assert draft.remedy.startswith(REMEDY) and "0812" not in draft.remedy
    assert (draft.origin, draft.source) == (RemedyOrigin.TICKET, str(ticket.id))
    publish(engine, gap, draft.remedy)
    assert engine.learning.detail(gap.id).gap.state is GapState.CLOSED


def test_a_follow_up_stands_for_the_question_it_goes_on_about(engine: BlockingEngine) -> None:
    talk, turn, _ = ask(engine, NPHD)
    _, later, _ = ask(engine, "sudah dicoba tetap tidak bisa", talk)
    engine.give_feedback(later, Feedback(False))
    (gap,) = gaps(engine)
    (question,) = engine.learning.detail(gap.id).questions
    assert (question.turn_id, question.text) == (turn, NPHD)
    assert question.failures == {Failure.NOT_FOUND, Failure.THUMB_DOWN}


def test_a_start_looks_at_all_questions_anew_only_when_some_came_in(engine: BlockingEngine) -> None:
    inside = engine._engine

    def started() -> Learner:
        """What a start makes, after its first look."""
        ready = inside.wait_until_prepared
        made = Learner(inside.gap_work, inside.cases, inside.base, inside.courtesy, ready=ready)
        engine._portal.call(made.look)
        return made

    inside.learner._regrouped_at = time.time()  # the console's own turn to do so is not now
    _, turn, _ = ask(engine, NPHD)
    gaps(engine)
    assert turn in started()._known, "a question came in, so all are compared"
    assert started()._known == {}, "nothing came in since: no question is opened"
    _, other, _ = ask(engine, OTP[0])
    gaps(engine)
    assert {turn, other} <= started()._known.keys()


def test_a_file_that_says_the_same_never_replaces_what_a_person_wrote(engine: BlockingEngine) -> None:
    ask(engine, NPHD)
    (gap,) = gaps(engine)
    publish(engine, gap, "Singkat nomor NPHD menjadi paling banyak 50 karakter.", menu="Hibah")
    row = engine.learning.row(engine.learning.detail(gap.id).gap)
    assert row is not None
    (report,) = engine.import_files([("lain.csv", as_file(f'MENU,ISSUE,EXPECTED\nHibah,"{NPHD}",\n'.encode()))])
    assert (report.unchanged, report.kept) == (1, 1)
    assert engine.case(row.id) == row


def test_a_draft_can_complete_a_row_that_is_there(engine: BlockingEngine) -> None:
    ask(engine, "Cetak SP2D hanya halaman putih kosong")
    (gap,) = gaps(engine)
    near = engine.learning.neighbour(gap)
    assert near is not None and near.remedy == "" and gap.failures == {Failure.PARTIAL}
    draft = Draft(near.menu, near.issue, "Ganti peramban lalu cetak ulang.", near.id)
    engine.learning.publish(gap.id, draft, actor=ADMIN)
    engine.wait_until_indexed(300)
    engine.learning.look()
    detail = engine.learning.detail(gap.id)
    assert (detail.gap.state, detail.gap.case_id) == (GapState.CLOSED, near.id)
    assert engine.case(near.id).remedy == "Ganti peramban lalu cetak ulang."
    engine.learning.undo_publication(gap.id, actor=ADMIN)
    assert engine.case(near.id).remedy == ""
    assert engine.learning.detail(gap.id).gap.state is GapState.OPEN


def test_merged_rows_go_on_answering_for_their_gap(engine: BlockingEngine) -> None:
    ask(engine, OTP[0])
    (gap,) = gaps(engine)
    publish(engine, gap)
    row = engine.learning.row(engine.learning.detail(gap.id).gap)
    assert row is not None
    other = next(case for case in engine.cases(CaseFilter(has_remedy=True)).cases if case.id != row.id)
    kept = replace(other, issue=row.issue, menu=row.menu, remedy=row.remedy)
    engine.change_cases(ChangeKind.MERGE, {row.id: None, other.id: kept}, actor=ADMIN, redirects={row.id: other.id})
    engine.wait_until_indexed(300)
    engine.learning.look()
    after = engine.learning.detail(gap.id).gap
    assert (after.state, after.case_id) == (GapState.CLOSED, other.id)


def test_answers_that_operators_worded_or_approved_become_the_remedy(engine: BlockingEngine) -> None:
    _, turn, _ = ask(engine, NPHD)
    engine.answers.edit(turn, "Singkat nomor NPHD, hubungi 081234567890.", actor=ME)
    (gap,) = gaps(engine)
    detail = engine.learning.detail(gap.id)
    suggested = engine.learning.suggested(detail)
    assert suggested.origin is RemedyOrigin.EDITED and suggested.remedy.startswith("Singkat nomor NPHD")
    assert "0812" not in suggested.remedy
    approved = engine.answers.approve(turn, actor=ADMIN)
    (remedy,) = engine.learning.remedies(detail)
    assert (remedy.origin, remedy.source, remedy.actor) == (RemedyOrigin.APPROVED, approved, ADMIN)
    engine.answers.withdraw(approved, actor=ADMIN)
    (remedy,) = engine.learning.remedies(detail)
    assert remedy.origin is RemedyOrigin.EDITED


def test_a_deleted_conversation_takes_its_question_along_for_good(engine: BlockingEngine) -> None:
    talk, _, _ = ask(engine, NPHD)
    (gap,) = gaps(engine)
    engine.learning.draft(gap.id, actor=ME)
    engine.retention.erase(talk, ADMIN)
    assert gaps(engine) == ()
    detail = engine.learning.detail(gap.id)
    assert (detail.gap.state, detail.gap.draft, detail.questions) == (GapState.EMPTY, None, ())
    assert kinds(engine, gap.id)[:2] == [GapEventKind.OPENED, GapEventKind.DRAFTED], "the trail stays"
