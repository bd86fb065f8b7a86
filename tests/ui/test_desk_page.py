"""The page of escalations, run whole: the queue, one ticket, what is done about it, and the way there from the chat."""

from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import desk_state, resources
from pages.shell.desk_words import short_span
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import NotFoundError
from sipd_core.permissions import Role
from sipd_core.settings import load_settings
from sipd_core.texts import text
from sipd_core.tickets import EventKind, Priority, Status, TicketFilter
from tests.ui.console import LOG, ROOT, Opener, as_file, shown
from tests.ui.signing_in import account_of, carry, token_of

ME = text("people.local")
GRAVE = "SP2D terbayar dua kali ke rekening penyedia, uang daerah hilang"


@pytest.fixture
def desk_engine(empty_engine: BlockingEngine) -> BlockingEngine:
    """Two tickets: #1 by the operator, #2 by the policy."""
    empty_engine.import_files([("log.csv", as_file(LOG))])
    asked = empty_engine.new_session_id()
    turn = empty_engine.ask("SP2D belum cair padahal SPM sudah final", asked)
    empty_engine.escalate(asked, turn.turn_id, "jatuh tempo sore ini, hubungi 081234567890", ME)
    assert empty_engine.ask(GRAVE, empty_engine.new_session_id()).should_escalate
    return empty_engine


def press(app: AppTest, key: str) -> AppTest:
    app = app.button(key=key).click().run()
    assert not app.exception
    return app


def subjects(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value[text("desk.column.number")])


def choose(app: AppTest, key: str, value: str | None) -> AppTest:
    return app.selectbox(key=key).set_value(value).run()


def test_without_tickets_it_says_where_they_come_from(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("eskalasi")
    assert not app.exception
    assert text("desk.empty.title") in shown(app)
    assert not app.metric and not app.dataframe


def test_the_queue_shows_what_is_urgent_first_with_its_figures(desk_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("eskalasi")
    assert not app.exception
    assert subjects(app) == ["#2", "#1"]
    assert "Mendesak" in app.dataframe[0].value[text("desk.column.priority")][0]
    found = {metric.label: metric.value for metric in app.metric}
    assert found[text("desk.status.new")] == found[text("desk.figure.unassigned")] == "2"
    assert found[text("desk.figure.first_action")] == "—"


def test_filters_narrow_the_queue_and_are_kept_over_other_pages(desk_engine: BlockingEngine, open_page: Opener) -> None:
    app = choose(open_page("eskalasi"), "desk.priority", Priority.NORMAL.value)
    assert subjects(app) == ["#1"]
    app = app.switch_page(str(ROOT / "pages" / "impor.py")).run()
    app = app.switch_page(str(ROOT / "pages" / "eskalasi.py")).run()
    assert app.selectbox(key="desk.priority").value == Priority.NORMAL.value
    assert subjects(app) == ["#1"]
    app = choose(app, "desk.priority", None)
    app = app.text_input(key="desk.search").set_value("jatuh tempo").run()
    assert subjects(app) == ["#1"]
    app = choose(app.text_input(key="desk.search").set_value("").run(), "desk.age", "4h")
    assert text("desk.queue.no_match") in shown(app) and not app.dataframe


def test_a_ticket_shows_the_masked_conversation_what_was_tried_and_its_history(
    desk_engine: BlockingEngine, open_page: Opener
) -> None:
    app = open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"})
    assert not app.exception
    said = shown(app).replace("\\", "")
    for part in (
        "SP2D belum cair padahal SPM sudah final",
        "Setujui ulang SPM",
        "SP2D - Pencairan",
        "log.csv",
        text("answer.card.by_operator"),
        "jatuh tempo sore ini",
        text("desk.event.opened"),
        ME,
    ):
        assert part in said, part
    assert "081234567890" not in said
    app = press(app, "desk.card_button")
    assert "081234567890" not in app.code[0].value and "#1" in app.code[0].value
    app = press(app, "desk.back")
    assert subjects(app) == ["#2", "#1"]


@pytest.mark.parametrize("address", ["99", "abc", "99999999999999999999"])
def test_an_address_without_a_ticket_does_no_harm(desk_engine: BlockingEngine, open_page: Opener, address: str) -> None:
    app = open_page("eskalasi", **{desk_state.TICKET_PARAM: address})
    assert not app.exception
    if address == "99":
        assert "Tiket" in app.error[0].value
        app = press(app, "desk.back")
    assert subjects(app) == ["#2", "#1"]


def test_a_ticket_is_taken_moved_noted_and_finished(desk_engine: BlockingEngine, open_page: Opener) -> None:
    app = press(open_page("eskalasi", **{desk_state.TICKET_PARAM: "2"}), "desk.take")
    app = press(app, f"desk.move.{Status.ACTIVE}")
    ticket = desk_engine.desk.detail(2).ticket
    assert (ticket.assignee, ticket.status) == (ME, Status.ACTIVE)
    assert "desk.take" not in [button.key for button in app.button]
    app = press(press(app, "desk.note_button"), "desk.note_yes")
    assert "masih kosong" in app.error[0].value
    app = press(app, "desk.note_button")
    app.text_area(key="desk.note.2").set_value("bank sudah ditelepon")
    app = press(app, "desk.note_yes")
    app = press(app, f"desk.move.{Status.DONE}")
    app.text_area(key=f"desk.move_note.2.{Status.DONE}").set_value("dana dikembalikan")
    app = press(app, "desk.move_yes")
    detail = desk_engine.desk.detail(2)
    assert detail.ticket.status is Status.DONE and detail.ticket.resolved_at
    assert [event.kind for event in detail.events] == [
        EventKind.OPENED,
        EventKind.ASSIGNED,
        EventKind.MOVED,
        EventKind.NOTED,
        EventKind.MOVED,
    ]
    said = shown(app).replace("\\", "")
    assert "bank sudah ditelepon" in said and "dana dikembalikan" in said
    app = press(app, "desk.back")
    assert subjects(app) == ["#1"]


def test_a_mistaken_move_is_taken_back(desk_engine: BlockingEngine, open_page: Opener) -> None:
    app = press(open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"}), f"desk.move.{Status.ACTIVE}")
    app = press(app, "desk.undo")
    assert desk_engine.desk.detail(1).ticket.status is Status.NEW
    assert "desk.undo" not in [button.key for button in app.button]
    assert "Diurungkan" in shown(app)


def test_somebody_elses_change_is_shown_not_overwritten(desk_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"})
    desk_engine.desk.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    app = press(app, "desk.move.active")
    assert desk_engine.desk.detail(1).ticket.status is Status.DONE
    assert "diubah orang lain" in app.error[0].value


def test_it_is_given_to_somebody_and_its_priority_is_changed(desk_engine: BlockingEngine, open_page: Opener) -> None:
    desk_engine.desk.assign(2, "Bu Sri", seen="", actor=ME)
    app = press(open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"}), "desk.assign_button")
    app.selectbox(key="desk.assign_name.1").set_value("Bu Sri")
    app = press(app, "desk.assign_yes")
    app = press(app, "desk.priority_button")
    app.radio(key="desk.priority_choice.1").set_value(Priority.HIGH)
    app = press(app, "desk.priority_yes")
    ticket = desk_engine.desk.detail(1).ticket
    assert (ticket.assignee, ticket.priority) == ("Bu Sri", Priority.HIGH)
    app = choose(press(app, "desk.back"), "desk.assignee", "Bu Sri")
    assert subjects(app) == ["#2", "#1"]
    app = choose(app, "desk.assignee", "")
    assert text("desk.queue.no_match") in shown(app)


def test_marks_in_what_people_wrote_are_shown_as_written(desk_engine: BlockingEngine, open_page: Opener) -> None:
    nasty = "<script>alert(1)</script> :red[x] ![](http://jahat/x.png) **tebal**"
    desk_engine.desk.assign(1, nasty, seen="", actor=ME)
    desk_engine.desk.note(1, f"> {nasty}\n# judul", actor=ME)
    app = open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"})
    assert not app.exception
    drawn = [part.value for part in app.markdown if "jahat" in part.value or "tebal" in part.value]
    assert drawn and all("**tebal**" not in part and ":red[x]" not in part and "![]" not in part for part in drawn)


def test_the_chat_leads_to_the_ticket(desk_engine: BlockingEngine, open_page: Opener) -> None:
    session = desk_engine.desk.detail(1).ticket.conversation_id
    app = open_page(percakapan=session)
    assert not app.exception
    (link,) = [found.proto for found in app.get("page_link") if "#1" in found.proto.label]
    assert link.page.endswith("eskalasi") and "tiket=1" in link.query_string
    desk_engine.desk.move(1, Status.DONE, seen=Status.NEW, actor=ME)
    app = open_page(percakapan=session)
    assert any("Selesai" in found.proto.label for found in app.get("page_link"))


def test_an_escalation_by_the_dialog_names_who_made_it(desk_engine: BlockingEngine, open_page: Opener) -> None:
    session = desk_engine.new_session_id()
    turn = desk_engine.ask("DPA tidak bisa dicetak, halaman kosong", session)
    app = open_page(percakapan=session)
    app = press(app, f"chat.escalate.{turn.turn_id}")
    app = press(app, f"chat.yes.{turn.turn_id}")
    assert desk_engine.desk.queue(TicketFilter()).total == 3
    assert [event.actor for event in desk_engine.desk.detail(3).events] == [ME]


def test_many_tickets_come_page_by_page(desk_engine: BlockingEngine, open_page: Opener) -> None:
    for n in range(26):
        session = desk_engine.new_session_id()
        turn = desk_engine.ask("Tidak bisa login, akun tidak aktif", session)
        desk_engine.escalate(session, turn.turn_id, f"catatan {n}", ME)
    app = open_page("eskalasi")
    assert len(subjects(app)) == 25
    app.session_state[desk_state.PAGE] = 2
    app = app.run()
    assert subjects(app) == ["#26", "#27", "#28"]
    app = app.text_input(key="desk.search").set_value("catatan 25").run()
    assert subjects(app) == ["#28"], "a new filter starts at its first page"


def test_a_figure_with_little_room_is_one_figure() -> None:
    spans = [timedelta(seconds=30), timedelta(minutes=59), timedelta(hours=17, minutes=30), timedelta(days=8, hours=8)]
    assert [short_span(took) for took in (None, *spans)] == ["—", "< 1 menit", "59 menit", "17,5 jam", "8,3 hari"]


def test_the_conversation_of_a_ticket_is_deleted_after_a_question_and_its_frame_stays(
    desk_engine: BlockingEngine, open_page: Opener
) -> None:
    talk = desk_engine.desk.detail(1).ticket.conversation_id
    app = press(open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"}), "desk.erase")
    told = shown(app)
    assert text("retention.tickets", n="1", open="1") in told and text("retention.irreversible") in told
    app = press(app, "desk.erase.cancel")
    assert desk_engine.conversation(talk).exchanges
    app = press(press(app, "desk.erase"), "desk.erase.yes")
    with pytest.raises(NotFoundError):
        desk_engine.conversation(talk)
    said = shown(app).replace("\\", "")
    assert text("retention.erased_title") in said and text("desk.event.opened") in said
    assert text("desk.reason.by_operator")[1:] in said and "Isi, catatan, dan menunya tidak ada lagi" in said
    assert "jatuh tempo" not in said and "SP2D belum cair" not in said
    offered = {button.key for button in app.button}
    assert not offered & {"desk.note_button", "desk.card_button", "desk.erase"}
    app = press(app, f"desk.move.{Status.DONE}")
    assert desk_engine.desk.detail(1).ticket.status is Status.DONE
    app = app.button(key="desk.back").click().run()
    app = app.switch_page(str(ROOT / "pages" / "obrolan.py")).run()
    assert not app.exception and not app.warning


def test_that_it_works_now_is_seen_in_the_queue_and_at_the_ticket(desk_engine: BlockingEngine, open_page: Opener) -> None:
    talk = desk_engine.desk.detail(1).ticket.conversation_id
    desk_engine.ask("alhamdulillah sudah bisa min, terima kasih", talk)
    app = open_page("eskalasi")
    marked = list(app.dataframe[0].value[text("desk.column.subject")])
    assert [one.startswith("[Sudah bisa?]") for one in marked] == [False, True]
    said = shown(open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"})).replace("\\", "")
    assert text("desk.heard") in said and text("desk.event.said_solved_words") in said
    assert text("desk.history.heard") in said


def test_with_accounts_a_ticket_is_given_to_those_who_may_take_it(
    folder: Path, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = BlockingEngine(
        load_settings(_env_file=None, sipd_data_dir=folder, load_sample_data=False, sign_in="accounts")
    )
    monkeypatch.setattr(resources, "_engine", engine)
    try:
        engine.wait_until_prepared(300)
        engine.ask(GRAVE, engine.new_session_id())
        engine.desk.assign(1, "Orang Luar", seen="", actor=ME)
        account_of(engine, "citra", Role.MANAGER)
        account_of(engine, "ani", Role.ADMIN)
        engine.people.disable(account_of(engine, "dedi", Role.OPERATOR))
        account_of(engine, "budi", Role.OPERATOR)
        carry(monkeypatch, token_of(engine, "budi"))
        app = press(open_page("eskalasi", **{desk_state.TICKET_PARAM: "1"}), "desk.assign_button")
        choice = app.selectbox(key="desk.assign_name.1")
        assert choice.options == ["Budi", "Ani"] and not choice.proto.accept_new_options
    finally:
        engine.close()
