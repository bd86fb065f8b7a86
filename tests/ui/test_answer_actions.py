"""The row beneath an answer and the page of approved answers, in the running pages."""

import pytest
from streamlit.testing.v1 import AppTest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.approval import Standing
from sipd_core.chat.turn import AnsweredBy, Turn, VersionKind
from sipd_core.texts import text
from tests.ui.console import LOG, Opener, as_file, shown

COMPLAINT = "SP2D belum cair padahal SPM sudah final"
WORDING = "Silakan minta Kuasa BUD menekan Transfer."


@pytest.fixture
def desk(empty_engine: BlockingEngine) -> BlockingEngine:
    empty_engine.import_files([("log.csv", as_file(LOG))])
    return empty_engine


@pytest.fixture
def turn(desk: BlockingEngine) -> Turn:
    return desk.ask(COMPLAINT, desk.new_session_id())


def edited(app: AppTest, turn: Turn, wording: str = WORDING, chosen: int = 0) -> AppTest:
    app.button(key=f"chat.edit.{turn.turn_id}").click().run()
    app.text_area(key=f"chat.wording.{turn.turn_id}.{chosen}").set_value(wording)
    return app.button(key=f"chat.save.{turn.turn_id}").click().run()


def test_an_edited_answer_is_shown_and_copied_and_the_first_one_is_one_click_away(
    desk: BlockingEngine, turn: Turn, open_page: Opener
) -> None:
    app = edited(open_page(percakapan=turn.session_id), turn)
    assert not app.exception and WORDING in shown(app).replace("\\", "")
    assert any(code.value == WORDING for code in app.code)
    assert "Setujui ulang SPM" not in "".join(str(one.value) for one in app.chat_message[1].markdown[:4])
    control = app.segmented_control(key=f"chat.version.{turn.turn_id}.1")
    assert control.value == 1
    control.set_value(0).run()
    assert desk.conversation(turn.session_id).exchanges[-1].chosen == 0
    assert WORDING not in shown(app).replace("\\", "")


def test_an_answer_is_approved_after_a_look_at_it_and_served_the_next_time(
    desk: BlockingEngine, turn: Turn, open_page: Opener
) -> None:
    app = edited(open_page(percakapan=turn.session_id), turn)
    app.button(key=f"chat.use.{turn.turn_id}").click().run()
    assert not app.exception and text("approved.use_body") in shown(app)
    app.button(key=f"chat.approve.{turn.turn_id}").click().run()
    assert text("approved.in_use") in [button.label for button in app.button]
    app.button(key="chat.new").click().run()
    app.chat_input[0].set_value(COMPLAINT + "!").run()
    page = shown(app).replace("\\", "")
    assert "Jawaban disetujui oleh" in page and WORDING in page and text("chat.verdict.found") in page
    assert "log.csv" in page, "its source stays shown"


def test_a_follow_up_says_why_it_cannot_be_approved(desk: BlockingEngine, turn: Turn, open_page: Opener) -> None:
    again = desk.ask("sudah dicoba, masih belum bisa", turn.session_id)
    app = edited(open_page(percakapan=turn.session_id), again)
    app.button(key=f"chat.use.{again.turn_id}").click().run()
    assert "menyambung" in app.error[0].value
    assert not desk.answers.listed()


@pytest.mark.parametrize(
    "question", ["SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang", "min resep soto betawi"]
)
def test_nothing_is_offered_that_would_never_be_served(
    desk: BlockingEngine, open_page: Opener, question: str
) -> None:
    turn = desk.ask(question, desk.new_session_id())
    app = open_page(percakapan=turn.session_id)
    assert not app.exception
    assert f"chat.edit.{turn.turn_id}" in keys(app) and f"chat.use.{turn.turn_id}" not in keys(app)
    app = edited(app, turn)
    grave = turn.should_escalate
    assert (f"chat.use.{turn.turn_id}" in keys(app)) is not grave


def test_what_would_be_masked_is_shown_before_it_is_stored(desk: BlockingEngine, turn: Turn, open_page: Opener) -> None:
    app = opened_again(edited(open_page(percakapan=turn.session_id), turn, "Hubungi helpdesk di 081234567890 **ya**."), turn)
    said = shown(app).replace("\\", "")
    assert not app.exception and "1 nomor" in said.lower() and "081234567890" not in said and "**ya**" in said
    assert not desk.conversation(turn.session_id).exchanges[-1].versions, "nothing is stored by then"
    app.button(key=f"chat.edit_again.{turn.turn_id}").click().run()
    opened_again(app, turn)
    area = app.text_area(key=f"chat.wording.{turn.turn_id}.0")
    assert area.value == "Hubungi helpdesk di 081234567890 **ya**."
    area.set_value("Hubungi 081234567890.")
    app.button(key=f"chat.save.{turn.turn_id}").click().run()
    opened_again(app, turn)
    app.button(key=f"chat.save_masked.{turn.turn_id}").click().run()
    [version] = desk.conversation(turn.session_id).exchanges[-1].versions
    assert not app.exception and version.turn.response == "Hubungi [NOMOR HP]."


def test_a_wording_that_was_left_is_there_again_until_it_is_given_up(
    desk: BlockingEngine, turn: Turn, open_page: Opener
) -> None:
    app = open_page(percakapan=turn.session_id)
    app.button(key=f"chat.edit.{turn.turn_id}").click().run()
    first = app.text_area(key=f"chat.wording.{turn.turn_id}.0").value
    app.text_area(key=f"chat.wording.{turn.turn_id}.0").set_value(WORDING).run()
    app.run()
    assert not app.text_area, "the dialog is closed"
    app.button(key=f"chat.edit.{turn.turn_id}").click().run()
    assert app.text_area(key=f"chat.wording.{turn.turn_id}.0").value == WORDING
    app.button(key=f"chat.reset.{turn.turn_id}").click().run()
    opened_again(app, turn)
    assert app.text_area(key=f"chat.wording.{turn.turn_id}.0").value == first


def opened_again(app: AppTest, turn: Turn) -> AppTest:
    """A click in a dialog leaves it open in a browser; here it runs the whole page, which closes it."""
    return app.button(key=f"chat.edit.{turn.turn_id}").click().run()


def test_without_a_model_nothing_is_written_anew(desk: BlockingEngine, turn: Turn, open_page: Opener) -> None:
    app = open_page(percakapan=turn.session_id)
    assert not app.exception and f"chat.more.{turn.turn_id}" not in menus(app)
    desk.answers.edit(turn.turn_id, WORDING, actor="Sari")
    desk.answers.approve(turn.turn_id, actor="Sari")
    served = desk.ask(COMPLAINT, desk.new_session_id())
    assert f"chat.more.{served.turn_id}" in menus(open_page(percakapan=served.session_id))


def menus(app: AppTest) -> set[str]:
    return {one.key for one in app.get("menu_button")}


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def test_the_local_mode_says_that_a_new_answer_is_the_same(
    desk: BlockingEngine, turn: Turn, open_page: Opener
) -> None:
    app = open_page(percakapan=turn.session_id)
    app.session_state["chat.rewrite"] = ("anew", turn.turn_id)
    app.run()
    assert not app.exception and app.toast[0].value.replace("\\", "") == text("approved.anew_same")
    assert not desk.conversation(turn.session_id).exchanges[-1].versions


def test_the_list_shows_withdraws_and_brings_back(desk: BlockingEngine, turn: Turn, open_page: Opener) -> None:
    app = open_page("jawaban")
    assert text("approved.list.empty_title") in shown(app)
    desk.answers.edit(turn.turn_id, WORDING, actor="Sari")
    id_ = desk.answers.approve(turn.turn_id, actor="Sari")
    assert desk.ask(COMPLAINT, desk.new_session_id()).answered_by is AnsweredBy.APPROVED
    app = open_page("jawaban")
    assert not app.exception and len(app.dataframe) == 1
    row = app.dataframe[0].value.iloc[0].to_dict()
    assert row[text("approved.list.actor")] == "Sari" and row[text("approved.list.served")] == 1
    app.text_input(key="approved.search").set_value("kata yang tidak ada").run()
    assert text("approved.list.no_match") in shown(app)
    desk.answers.withdraw(id_, actor="Sari")
    assert desk.answers.listed_one(id_).standing is Standing.WITHDRAWN
    assert [version.kind for version in desk.conversation(turn.session_id).exchanges[0].versions] == [VersionKind.EDITED]
