import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from pages.shell import asked, session
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Feedback
from sipd_core.errors import StoreFullError
from sipd_core.texts import text
from sipd_core.tickets import Status
from tests.ui.console import Opener, shown

COMPLAINT = "SP2D belum cair padahal SPM sudah final"


def test_empty_console_says_what_to_do(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    assert not app.exception
    assert text("chat.empty_title") in shown(app)
    assert text("chat.empty_no_cases") in shown(app)
    assert app.sidebar.caption[0].value == text("chat.no_conversations")


def test_a_complaint_is_answered_with_verdict_grounds_and_address(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    app.chat_input[0].set_value(COMPLAINT).run()
    assert not app.exception
    page = shown(app)
    assert text("chat.verdict.found") in page
    assert "Setujui ulang SPM" in page
    assert "log\\.csv" in page
    assert app.query_params["percakapan"] == engine.conversations()[0].id


def test_a_shared_link_continues_the_conversation(engine: BlockingEngine, open_page: Opener) -> None:
    session_id = engine.new_session_id()
    engine.ask(COMPLAINT, session_id)
    app = open_page(percakapan=session_id)
    assert len(app.chat_message) == 2
    app.chat_input[0].set_value("sudah dicoba, masih belum bisa").run()
    assert len(app.chat_message) == 4


def test_an_unknown_link_starts_afresh_and_says_so(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page(percakapan="tidak-ada")
    assert len(app.warning) == 1
    assert "percakapan" not in app.query_params
    assert text("chat.empty_title") in shown(app)


def test_what_was_typed_comes_back_when_the_turn_fails(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreFullError(path="/data")

    app = open_page()
    with monkeypatch.context() as broken:
        broken.setattr(engine, "answer", full)
        app.chat_input[0].set_value(COMPLAINT).run()
    assert text("errors.store_full", path="")[:20] in app.error[0].value
    assert app.chat_input[0].proto.value == COMPLAINT
    app.button(key="chat.resend").click().run()
    assert not app.error
    assert len(app.chat_message) == 2


def test_a_message_that_is_too_long_is_refused_in_words(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    app.chat_input[0].set_value("sp2d " * 20_000).run()
    assert not app.exception
    assert "terlalu panjang" in app.error[0].value


def test_marks_in_a_complaint_do_not_act(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    app.chat_input[0].set_value("![g](http://a.example/x.png) **tebal** <b>x</b>").run()
    assert app.chat_message[0].markdown[0].value.startswith(r"\!\[g\]\(")


def test_a_new_conversation_leaves_the_old_one_in_the_list(engine: BlockingEngine, open_page: Opener) -> None:
    session_id = engine.new_session_id()
    engine.ask("Tidak bisa login, akun tidak aktif", session_id)
    app = open_page(percakapan=session_id)
    app.button(key="chat.new").click().run()
    assert "percakapan" not in app.query_params
    assert len(app.chat_message) == 0
    app.button(key=f"chat.open.{session_id}").click().run()
    assert len(app.chat_message) == 2


def test_the_list_can_be_searched(engine: BlockingEngine, open_page: Opener) -> None:
    engine.ask(COMPLAINT, engine.new_session_id())
    app = open_page()
    app.text_input(key="chat.search").set_value("kata yang tidak ada").run()
    assert app.sidebar.caption[0].value == text("chat.no_match")


def test_a_thumb_down_asks_why_and_stores_it(engine: BlockingEngine, open_page: Opener) -> None:
    session_id = engine.new_session_id()
    turn = engine.ask(COMPLAINT, session_id)
    app = open_page(percakapan=session_id)
    app.feedback(key=f"chat.thumbs.{turn.turn_id}").set_value(0).run()
    app.text_input(key=f"chat.words.{turn.turn_id}").set_value("menunya beda")
    next(b for b in app.button if b.label == text("chat.feedback_send")).click().run()
    assert engine.conversation(session_id).exchanges[0].feedback == Feedback(helpful=False, reason="menunya beda")
    assert not app.exception


def test_escalating_needs_a_confirmation_and_ends_with_a_card(engine: BlockingEngine, open_page: Opener) -> None:
    session_id = engine.new_session_id()
    turn = engine.ask(COMPLAINT, session_id)
    app = open_page(percakapan=session_id)
    app.button(key=f"chat.escalate.{turn.turn_id}").click().run()
    assert not engine.conversation(session_id).escalated
    app.button(key=f"chat.yes.{turn.turn_id}").click().run()
    assert engine.conversation(session_id).escalated
    assert text("chat.escalated_banner") in shown(app)
    assert any(engine.handover_text(session_id) == code.value for code in app.code)


def test_an_example_is_sent_by_a_click(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    app.button(key="chat.example.one").click().run()
    assert len(app.chat_message) == 2


def test_a_greeting_has_no_verdict(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page()
    app.chat_input[0].set_value("halo selamat pagi").run()
    assert text("chat.verdict.not_found") not in shown(app)


def test_the_address_is_there_while_the_first_answer_is_written_and_a_reload_loses_nothing(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def left(*_: object) -> object:
        import streamlit as st

        seen.append(st.query_params["percakapan"])
        raise RerunException(RerunData())  # what Streamlit raises in a run whose page is left

    app = open_page()
    with monkeypatch.context() as broken:
        broken.setattr(engine, "answer", left)
        broken.setattr(session, "take_rewrite", lambda: None)
        app.chat_input[0].set_value("SP2D belum cair, hubungi 081234567890").run()
    assert seen and len(seen) == 1
    again = open_page(percakapan=seen[0])
    assert not again.exception and not again.warning
    assert "SP2D belum cair" in shown(again) and "081234567890" not in shown(again)
    again.button(key="chat.resend").click().run()
    assert len(again.chat_message) == 2 and engine.conversation(seen[0]).exchanges
    assert asked.find(seen[0]) is None


def test_the_list_follows_the_state_of_a_ticket(engine: BlockingEngine, open_page: Opener) -> None:
    session_id = engine.new_session_id()
    turn = engine.ask(COMPLAINT, session_id)
    engine.escalate(session_id, turn.turn_id, "", "Sari")
    ticket = engine.desk.of_conversation(session_id)
    assert ticket is not None
    line = open_page().button(key=f"chat.open.{session_id}")
    assert "confirmation_number" in line.label and "check_circle" not in line.label
    assert f"tiket #{ticket.id} · Baru" in line.label.replace("\\", "") and text("chat.list.open") in line.help.replace("\\", "")
    engine.desk.move(ticket.id, Status.DONE, seen=Status.NEW, actor="Sari")
    app = open_page(percakapan=session_id)
    line = app.button(key=f"chat.open.{session_id}")
    assert f"tiket #{ticket.id} · Selesai" in line.label.replace("\\", "") and text("chat.list.done") in line.help
    assert text("chat.settled_banner") in shown(app)
