"""The page Belajar, run whole: the work list, one gap, its draft, and what is done about it."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import learning_state
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Feedback
from sipd_core.learning.model import GapFilter, GapState
from sipd_core.texts import text
from sipd_core.tickets import Status, TicketFilter
from tests.ui.console import LOG, ROOT, Opener, as_file, shown

ME = text("people.local")
DISLIKED = "Cetak laporan triwulan **tebal** :red[x] hasilnya kosong"
SOLVED = "NPHD hibah tidak bisa disimpan karena kepanjangan"
NOTE = "Singkat nomor NPHD menjadi 50 karakter."


@pytest.fixture
def learnt(empty_engine: BlockingEngine) -> BlockingEngine:
    """Two gaps: #1 of a thumb that points down, #2 of a solved ticket; one question that is no matter of ours."""
    empty_engine.import_files([("log.csv", as_file(LOG))])
    turn = empty_engine.ask(DISLIKED, empty_engine.new_session_id())
    empty_engine.give_feedback(turn.turn_id, Feedback(False, "tidak cocok"))
    empty_engine.learning.look()
    talk = empty_engine.new_session_id()
    turn = empty_engine.ask(SOLVED, talk)
    empty_engine.escalate(talk, turn.turn_id, "", ME)
    (ticket,) = empty_engine.desk.queue(TicketFilter()).tickets
    empty_engine.desk.move(ticket.id, Status.DONE, seen=Status.NEW, actor="Pak Budi", note=NOTE)
    empty_engine.ask("siapa presiden Amerika sekarang", empty_engine.new_session_id())
    empty_engine.learning.look()
    return empty_engine


def opened(open_page: Opener, gap_id: int) -> AppTest:
    app = open_page("belajar", **{learning_state.GAP_PARAM: str(gap_id)})
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app = app.button(key=key).click().run()
    assert not app.exception
    return app


def problem(app: AppTest) -> str:
    return str(app.error[0].value).replace("\\", "")


def numbers(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value[text("learning.column.number")])


def field(app: AppTest, name: str):  # type: ignore[no-untyped-def]
    """A field of the draft by the start of its key."""
    found = [*app.text_area, *app.selectbox]
    return next(one for one in found if one.key and f".{name}." in one.key and one.key.startswith("learning.draft."))


def test_without_gaps_it_says_where_they_come_from(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("belajar")
    assert not app.exception
    assert text("learning.empty.title") in shown(app)
    assert not app.metric and not app.dataframe


def test_the_list_shows_gaps_with_figures_and_narrows(learnt: BlockingEngine, open_page: Opener) -> None:
    app = open_page("belajar")
    assert not app.exception
    assert sorted(numbers(app)) == ["#1", "#2"]
    found = {metric.label: metric.value for metric in app.metric}
    assert found[text("learning.state.open")] == "2"
    assert found[text("learning.figure.to_close")] == "—"
    assert set(app.dataframe[0].value[text("learning.column.askers")]) == {"—"}, "in open mode nobody can tell"
    assert text("learning.list.counted") in shown(app)
    app = app.text_input(key="learning.search").set_value("nphd").run()
    assert numbers(app) == ["#2"]
    app = app.switch_page(str(ROOT / "pages" / "impor.py")).run()
    app = app.switch_page(str(ROOT / "pages" / "belajar.py")).run()
    assert numbers(app) == ["#2"]
    app = app.text_input(key="learning.search").set_value("").run()
    app = app.selectbox(key="learning.failure").set_value("thumb_down").run()
    assert numbers(app) == ["#1"]
    app = app.text_input(key="learning.search").set_value("tidak ada kata begini").run()
    assert text("learning.list.no_match") in shown(app)


def test_a_gap_shows_its_questions_as_they_were_written(learnt: BlockingEngine, open_page: Opener) -> None:
    said = shown(opened(open_page, 1)).replace("\\", "")
    for part in (DISLIKED, text("learning.failure.thumb_down"), text("learning.standing.open")):
        assert part in said.replace("\u2060", ""), part
    assert "**tebal**" not in shown(opened(open_page, 1)), "marks of a question are shown, not followed"


@pytest.mark.parametrize("address", ["99", "abc", "99999999999999999999"])
def test_an_address_without_a_gap_does_no_harm(learnt: BlockingEngine, open_page: Opener, address: str) -> None:
    app = open_page("belajar", **{learning_state.GAP_PARAM: address})
    assert not app.exception
    if address == "99":
        assert text("learning.gap") in problem(app)
        app = press(app, "learning.back")
    assert len(numbers(app)) == 2


def test_a_draft_takes_the_operators_words_and_is_published(learnt: BlockingEngine, open_page: Opener) -> None:
    app = press(opened(open_page, 2), "learning.draft")
    assert field(app, "issue").value == SOLVED
    assert field(app, "remedy").value == NOTE
    field(app, "menu").set_value("DPA")
    field(app, "remedy").set_value("")
    app = press(app, "learning.publish")
    assert text("learning.error.no_remedy") in problem(app)
    app = press(app, "learning.use.0")
    field(app, "menu").set_value("DPA")
    app = press(app, "learning.publish")
    gap = learnt.learning.detail(2).gap
    assert gap.state in (GapState.PUBLISHED, GapState.CLOSED) and gap.draft is not None
    row = learnt.learning.row(gap)
    assert row is not None and (row.issue, row.remedy, row.menu) == (SOLVED, NOTE, "DPA")
    learnt.wait_until_indexed(300)
    learnt.learning.look()
    assert text("learning.shortfall.answered") in shown(opened(open_page, 2))
    app = press(opened(open_page, 2), "learning.take_back")
    assert text("learning.reopened.undone") in shown(app)
    assert field(app, "remedy").value == NOTE, "the draft is still there"


def test_what_was_typed_is_there_again_after_another_page(learnt: BlockingEngine, open_page: Opener) -> None:
    app = press(opened(open_page, 2), "learning.draft")
    assert text("learning.draft.unsaved") not in shown(app)
    field(app, "remedy").set_value("Ditulis setengah jalan")
    app = app.run()
    assert text("learning.draft.unsaved") in shown(app)
    app = app.switch_page(str(ROOT / "pages" / "eskalasi.py")).run()
    app = app.switch_page(str(ROOT / "pages" / "belajar.py"))
    app.query_params[learning_state.GAP_PARAM] = "2"
    app = app.run()
    assert field(app, "remedy").value == "Ditulis setengah jalan"
    app = press(app, "learning.discard")
    assert field(app, "remedy").value == NOTE
    field(app, "remedy").set_value("Jadi")
    app = press(app, "learning.save")
    draft = learnt.learning.detail(2).gap.draft
    assert draft is not None and draft.remedy == "Jadi"
    assert text("learning.draft.unsaved") not in shown(app)


def test_a_gap_is_ignored_taken_up_again_and_merged(learnt: BlockingEngine, open_page: Opener) -> None:
    app = press(press(opened(open_page, 1), "learning.ignore_button"), "learning.ignore_yes")
    assert text("learning.error.no_reason") in problem(app)
    app = press(app, "learning.ignore_button")
    app.text_area(key="learning.ignore_reason.1").set_value("sudah ada surat edaran")
    app = press(app, "learning.ignore_yes")
    assert learnt.learning.detail(1).gap.state is GapState.IGNORED
    assert "sudah ada surat edaran" in shown(opened(open_page, 1))
    app = press(opened(open_page, 1), "learning.undo")
    assert learnt.learning.detail(1).gap.state is GapState.OPEN
    app = press(app, "learning.merge_button")
    app.selectbox(key="learning.merge_into.1").set_value(2)
    app = press(app, "learning.merge_yes")
    assert learnt.learning.detail(2).gap.questions == 2
    assert [gap.id for gap in learnt.learning.gaps(GapFilter()).gaps] == [2]
    app = press(opened(open_page, 1), "learning.follow")
    assert "#2" in shown(app).replace("\\", "")


def test_a_question_is_moved_and_set_aside_and_an_outsider_let_in(learnt: BlockingEngine, open_page: Opener) -> None:
    (question,) = learnt.learning.detail(1).questions
    app = press(press(opened(open_page, 1), f"learning.move.{question.turn_id}"), "learning.move_yes")
    assert learnt.learning.detail(1).gap.state is GapState.EMPTY
    assert learnt.learning.detail(3).gap.questions == 1
    app = press(opened(open_page, 3), f"learning.aside.{question.turn_id}")
    assert learnt.learning.figures().outside == 2
    app = open_page("belajar")
    (outsider,) = [one for one in learnt.learning.outside() if one.turn_id != question.turn_id]
    app = press(app, f"learning.take_in.{outsider.turn_id}")
    assert learnt.learning.detail(4).gap.title == outsider.text
