"""Escalations become tickets in their own transaction; whatever happens to a ticket is written down beside it."""

import itertools
import json
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from sipd_core.chat.turn import Escalation, EscalationReason, Feedback, Verdict
from sipd_core.errors import NotFoundError, SipdError, StoreError, TicketError
from sipd_core.store.conversations import TURN, ConversationStore
from sipd_core.store.cipher import as_stored
from sipd_core.store.database import Database
from sipd_core.store.schema import conversations, escalations, exchanges, ticket_events, tickets
from sipd_core.store.ticket_rows import Opened
from sipd_core.store.tickets import TicketStore
from sipd_core.tickets import EventKind, Priority, Status, TicketFilter, undoable
from tests.builders import make_case, make_turn
from tests.store.test_database import back_to_the_first_release

START = 1_795_323_600
MONEY = Escalation((EscalationReason.MONEY_AT_RISK,), "Ada uang yang terancam.")
PERSON = Escalation((EscalationReason.WANTS_PERSON,), "Diminta pengguna.")
BY_HAND = Escalation((EscalationReason.BY_OPERATOR,), "Diminta operator.")
NOTHING = Escalation()
EVERYTHING = TicketFilter()


class Desk:
    """Conversations and tickets of one database, on one clock that moves a minute with each look at it."""

    def __init__(self, database: Database) -> None:
        ticks = itertools.count(START, 60)
        self.now: Callable[[], float] = lambda: float(next(ticks))
        self.talks = ConversationStore(database, clock=self.now)
        self.tickets = TicketStore(database, clock=self.now)
        self.turns = itertools.count(1)

    def say(
        self, session: str, escalation: Escalation = MONEY, message: str = "terbayar dua kali", **more: object
    ) -> str:
        """One escalated message; the id of its turn."""
        turn = f"t{next(self.turns)}"
        said = make_turn(session, turn, should_escalate=escalation.needed, escalation=escalation, **more)
        self.talks.add(message, said, "")
        return turn

    def ids(self, **wanted: object) -> list[int]:
        return [ticket.id for ticket in self.tickets.page(TicketFilter(**wanted), 0, 50).tickets]  # type: ignore[arg-type]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_escalation_by_the_policy_opens_a_ticket(desk: Desk) -> None:
    desk.say("a")
    (ticket,) = desk.tickets.page(EVERYTHING, 0, 10).tickets
    assert (ticket.id, ticket.subject, ticket.menu) == (1, "terbayar dua kali", "SP2D - Pencairan")
    assert (ticket.status, ticket.priority, ticket.assignee) == (Status.NEW, Priority.URGENT, "")
    assert ticket.reasons == MONEY.reasons
    assert (ticket.first_action_at, ticket.resolved_at) == (None, None)
    (event,) = desk.tickets.events(1)
    assert (event.kind, event.actor, event.explanation) == (EventKind.OPENED, "", MONEY.explanation)
    assert event.at == ticket.created_at


def test_an_answer_without_escalation_opens_none(desk: Desk) -> None:
    desk.say("a", Escalation())
    assert desk.tickets.page(EVERYTHING, 0, 10).total == 0
    assert desk.tickets.of_conversation("a") == ()


def test_a_further_escalation_is_added_and_may_make_it_more_urgent(desk: Desk) -> None:
    turn = desk.say("a", PERSON, sources=())
    assert (desk.tickets.get(1).priority, desk.tickets.get(1).menu) == (Priority.NORMAL, "")
    desk.talks.escalate("a", turn, BY_HAND, "mohon cepat", "Bu Sri")
    desk.say("a", MONEY)
    ticket = desk.tickets.get(1)
    assert desk.tickets.page(EVERYTHING, 0, 10).total == 1
    assert ticket.reasons == (*PERSON.reasons, *BY_HAND.reasons, *MONEY.reasons)
    assert (ticket.priority, ticket.menu) == (Priority.URGENT, "SP2D - Pencairan")
    told = [(event.kind, event.actor, event.note, event.after) for event in desk.tickets.events(1)]
    assert told == [
        (EventKind.OPENED, "", "", "new"),
        (EventKind.ESCALATED, "Bu Sri", "mohon cepat", ""),
        (EventKind.ESCALATED, "", "", ""),
        (EventKind.PRIORITISED, "", "", "urgent"),
    ]
    assert ticket.first_action_at is None, "handing over is not taking care"


def test_a_priority_that_a_person_chose_stands_while_the_reasons_are_the_same(desk: Desk) -> None:
    desk.say("a")
    desk.tickets.prioritise(1, Priority.NORMAL, seen=Priority.URGENT, actor="Bu Sri")
    desk.say("a")
    assert desk.tickets.get(1).priority is Priority.NORMAL


def test_the_menu_is_that_of_a_fitting_case_only(desk: Desk) -> None:
    desk.say("a", Escalation(), sources=make_turn().sources)
    desk.say("a", MONEY, verdict=Verdict.NOT_FOUND, sources=(make_turn().sources[0],))
    assert desk.tickets.get(1).menu == "SP2D - Pencairan"
    desk.say("b", MONEY, verdict=Verdict.NOT_FOUND)
    assert desk.tickets.get(2).menu == ""


def test_only_legal_moves_are_made_and_times_follow_from_them(desk: Desk) -> None:
    desk.say("a")
    with pytest.raises(TicketError) as caught:
        desk.tickets.move(1, Status.WAITING, seen=Status.NEW, actor="Bu Sri")
    assert "Baru" in caught.value.user_text and "Menunggu" in caught.value.user_text
    for before, after in itertools.pairwise((Status.NEW, Status.ACTIVE, Status.WAITING, Status.ACTIVE, Status.DONE)):
        desk.tickets.move(1, after, seen=before, actor="Bu Sri", note="sudah dicek" if after is Status.DONE else "")
    ticket, events = desk.tickets.get(1), desk.tickets.events(1)
    assert ticket.status is Status.DONE
    assert (ticket.first_action_at, ticket.resolved_at) == (events[1].at, events[4].at)
    assert (events[4].before, events[4].after, events[4].note) == ("active", "done", "sudah dicek")
    desk.tickets.move(1, Status.ACTIVE, seen=Status.DONE, actor="Bu Sri")
    assert desk.tickets.get(1).resolved_at is None
    desk.tickets.move(1, Status.DONE, seen=Status.ACTIVE, actor="Bu Sri")
    assert desk.tickets.get(1).resolved_at == desk.tickets.events(1)[-1].at


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    desk.say("a")
    desk.tickets.move(1, Status.ACTIVE, seen=Status.NEW, actor="Bu Sri")
    desk.tickets.assign(1, "Bu Sri", seen="", actor="Bu Sri")
    events = desk.tickets.events(1)
    with pytest.raises(TicketError):
        desk.tickets.move(1, Status.DONE, seen=Status.NEW, actor="Pak Budi")
    with pytest.raises(TicketError):
        desk.tickets.assign(1, "Pak Budi", seen="", actor="Pak Budi")
    with pytest.raises(TicketError):
        desk.tickets.prioritise(1, Priority.HIGH, seen=Priority.NORMAL, actor="Pak Budi")
    assert desk.tickets.events(1) == events
    with pytest.raises(NotFoundError):
        desk.tickets.move(9, Status.DONE, seen=Status.NEW, actor="Pak Budi")


def test_nothing_is_written_where_nothing_changes(desk: Desk) -> None:
    desk.say("a")
    desk.tickets.assign(1, "", seen="", actor="Bu Sri")
    assert len(desk.tickets.events(1)) == 1
    with pytest.raises(TicketError):
        desk.tickets.note(1, "  ", actor="Bu Sri")


def test_mistakes_are_taken_back_one_after_the_other(desk: Desk) -> None:
    desk.say("a")
    desk.tickets.assign(1, "Pak Budi", seen="", actor="Bu Sri")
    desk.tickets.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    with pytest.raises(TicketError):
        desk.tickets.undo(1, 2, actor="Bu Sri")
    assert desk.tickets.undo(1, 3, actor="Bu Sri").after == "done"
    ticket = desk.tickets.get(1)
    assert (ticket.status, ticket.assignee, ticket.resolved_at) == (Status.NEW, "Pak Budi", None)
    with pytest.raises(TicketError):
        desk.tickets.undo(1, 3, actor="Bu Sri")
    desk.tickets.undo(1, 2, actor="Bu Sri")
    ticket, events = desk.tickets.get(1), desk.tickets.events(1)
    assert (ticket.assignee, ticket.first_action_at) == ("", None)
    assert [(event.undoes, event.undone_by) for event in events[1:]] == [(None, 5), (None, 4), (3, None), (2, None)]
    assert undoable(events) is None


def test_what_the_policy_did_is_not_taken_back(desk: Desk) -> None:
    desk.say("a", PERSON)
    desk.tickets.prioritise(1, Priority.HIGH, seen=Priority.NORMAL, actor="Bu Sri")
    desk.say("a", MONEY)
    assert undoable(desk.tickets.events(1)) is None


def test_a_conversation_has_one_open_ticket(desk: Desk) -> None:
    desk.say("a")
    desk.tickets.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    desk.say("a")
    assert [ticket.id for ticket in desk.tickets.of_conversation("a")] == [2, 1]
    with pytest.raises(TicketError) as caught:
        desk.tickets.move(1, Status.ACTIVE, seen=Status.DONE, actor="Bu Sri")
    assert "#2" in caught.value.user_text
    with pytest.raises(TicketError):
        desk.tickets.undo(1, 2, actor="Bu Sri")
    desk.tickets.move(2, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    desk.tickets.move(1, Status.ACTIVE, seen=Status.DONE, actor="Bu Sri")
    with pytest.raises(TicketError):
        desk.tickets.undo(2, 2, actor="Bu Sri")
    assert [desk.tickets.get(id_).status for id_ in (1, 2)] == [Status.ACTIVE, Status.DONE]


def test_the_queue_begins_with_what_is_urgent_and_old_and_ends_with_what_is_done(desk: Desk) -> None:
    for session, escalation in (("a", PERSON), ("b", MONEY), ("c", MONEY), ("d", BY_HAND)):
        desk.say(session, escalation)
    desk.tickets.move(2, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    assert desk.ids() == [3, 1, 4, 2]
    assert [ticket.id for ticket in desk.tickets.page(EVERYTHING, 1, 2).tickets] == [1, 4]
    assert desk.tickets.page(EVERYTHING, 1, 2).total == 4


def test_the_queue_is_filtered(desk: Desk) -> None:
    login = make_turn().sources[0].__class__(make_case("Tidak bisa login", "Login"), 0.9, 0.9, 0.9)
    desk.say("a", PERSON, "SP2D belum cair 100%")
    desk.say("b", MONEY, "akun dipakai orang", sources=(login,))
    turn = desk.say("c", PERSON, "saldo hilang", sources=())
    desk.talks.escalate("c", turn, BY_HAND, "jatuh tempo sore ini", "Bu Sri")
    desk.tickets.assign(1, "Bu Sri", seen="", actor="Bu Sri")
    desk.tickets.move(1, Status.ACTIVE, seen=Status.NEW, actor="Bu Sri")
    desk.tickets.note(2, "sudah ditelepon", actor="Bu Sri")
    assert desk.ids(statuses=(Status.NEW,)) == [2, 3]
    assert desk.ids(statuses=(Status.ACTIVE, Status.DONE)) == [1]
    assert desk.ids(priority=Priority.URGENT) == [2]
    assert desk.ids(assignee="Bu Sri") == [1]
    assert desk.ids(assignee="") == [2, 3]
    assert desk.ids(menu="Login") == [2]
    assert desk.ids(menu="") == [3]
    assert desk.ids(search="CAIR 100%") == [1]
    assert desk.ids(search="cai") == [1], "a word is found while it is typed"
    assert desk.ids(search="air") == []
    assert desk.ids(search="ditelepon") == [2]
    assert desk.ids(search="jatuh tempo") == [3]
    assert desk.ids(search="#3") == desk.ids(search="3") == [3]
    assert desk.ids(search="cair 3") == [], "a number beside a word is a word"
    assert desk.ids(search="cair #1") == [1]
    assert desk.ids(search="orang", priority=Priority.NORMAL) == []
    assert desk.ids(older_than=timedelta(days=1)) == []
    made = desk.tickets.get(2).created_at
    old = timedelta(seconds=desk.now() + 60 - made.timestamp())
    assert desk.ids(older_than=old) == [2, 1]
    assert desk.tickets.assignees() == ("Bu Sri",)
    assert desk.tickets.menus() == (("", 1), ("Login", 1), ("SP2D - Pencairan", 1))


def test_the_figures_of_the_desk(desk: Desk) -> None:
    figures = desk.tickets.figures()
    assert (figures.total, figures.oldest_at, figures.to_first_action) == (0, None, None)
    for session in "abc":
        desk.say(session)
    desk.tickets.assign(1, "Bu Sri", seen="", actor="Bu Sri")
    desk.tickets.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    figures = desk.tickets.figures()
    assert figures.by_status == {Status.NEW: 2, Status.DONE: 1}
    assert (figures.total, figures.open, figures.unassigned) == (3, 2, 2)
    assert figures.oldest_at == desk.tickets.get(2).created_at
    one = desk.tickets.get(1)
    assert one.first_action_at and one.resolved_at
    assert figures.to_first_action == one.first_action_at - one.created_at
    assert figures.to_resolution == one.resolved_at - one.created_at > figures.to_first_action


def test_a_turn_and_its_ticket_are_stored_together_or_not_at_all(database: Database) -> None:
    def refuse(_connection: object, _opened: Opened) -> None:
        raise StoreError("the disk is full", reason="uji", path="uji")

    talks = ConversationStore(database, announce=refuse)
    with pytest.raises(SipdError):
        talks.add("terbayar dua kali", make_turn(should_escalate=True, escalation=MONEY), "")
    with database.read() as connection:
        for table in (conversations, exchanges, escalations, tickets, ticket_events):
            assert connection.execute(select(table)).first() is None, table.name


def test_only_a_new_ticket_is_announced(database: Database) -> None:
    heard: list[Opened] = []
    talks = ConversationStore(database, announce=lambda _, opened: heard.append(opened))
    for n in range(2):
        talks.add("x", make_turn("a", f"t{n}", should_escalate=True, escalation=MONEY), "")
    assert [(opened.id, opened.priority, opened.handover.explanation) for opened in heard] == [
        (1, Priority.URGENT, MONEY.explanation)
    ]


def test_conversations_that_escalate_at_once_get_a_ticket_each_and_one_gets_one(database: Database) -> None:
    gate = threading.Barrier(8)

    def talk(number: int) -> None:
        store = ConversationStore(database)
        gate.wait()
        said = make_turn("same" if number % 2 else f"s{number}", f"t{number}", should_escalate=True, escalation=MONEY)
        store.add("x", said, "")

    ConversationStore(database).add("x", make_turn("same", "t"), "")
    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = TicketStore(database).page(EVERYTHING, 0, 50).tickets
    assert sorted(ticket.id for ticket in found) == [1, 2, 3, 4, 5]
    assert sorted(ticket.conversation_id for ticket in found) == ["s0", "s2", "s4", "s6", "same"]
    same = next(ticket.id for ticket in found if ticket.conversation_id == "same")
    assert len(TicketStore(database).events(same)) == 4


def test_tickets_go_with_their_conversation(database: Database) -> None:
    desk = Desk(database)
    desk.say("a")
    with database.write() as connection:
        connection.execute(delete(conversations))
        assert connection.execute(select(ticket_events)).first() is None


def test_escalations_of_an_earlier_release_become_tickets(database: Database) -> None:
    back_to_the_first_release(database)
    turns = (
        make_turn("late", "t1"),
        make_turn("early", "t2"),
        make_turn("early", "t3", verdict=Verdict.NOT_FOUND),
        make_turn("none", "t4", sources=()),
    )
    with database.write() as connection:
        for session in ("late", "early", "none"):
            head = {
                "id": session,
                "title": session,
                "created_at": 1.0,
                "updated_at": 1.0,
                "turns": 1,
                "escalated": True,
            }
            connection.execute(insert(as_stored(conversations)), head)
        for n, turn in enumerate(turns):
            row = {"turn_id": turn.turn_id, "conversation_id": turn.session_id, "position": n, "at": 1.0, "state": ""}
            said = {"message": "m", "answer": "a", "turn": TURN.dump_json(turn).decode()}
            connection.execute(insert(as_stored(exchanges)), row | said)
        for n, (session, turn_id, at, reasons) in enumerate(
            (
                ("late", "t1", 30.0, ["by_operator"]),
                ("early", "t2", 10.0, ["still_unsolved"]),
                ("early", "t3", 40.0, ["still_unsolved", "security"]),
                ("none", "t4", 50.0, ["very_negative"]),
            )
        ):
            row = {"id": f"e{n}", "conversation_id": session, "turn_id": turn_id, "at": at}
            said = {"reasons": json.dumps(reasons), "explanation": f"sebab {n}", "note": f"catatan {n}"}
            connection.execute(insert(as_stored(escalations)), row | said)
    database._migrate()
    store = TicketStore(database)
    found = sorted(store.page(EVERYTHING, 0, 9).tickets, key=lambda ticket: ticket.id)
    assert [(t.id, t.conversation_id, t.priority, t.menu, t.status) for t in found] == [
        (1, "early", Priority.URGENT, "SP2D - Pencairan", Status.NEW),
        (2, "late", Priority.NORMAL, "SP2D - Pencairan", Status.NEW),
        (3, "none", Priority.HIGH, "", Status.NEW),
    ]
    assert found[0].reasons == (EscalationReason.STILL_UNSOLVED, EscalationReason.SECURITY)
    assert (found[0].created_at.timestamp(), found[0].updated_at.timestamp()) == (10, 40)
    assert [(e.kind, e.explanation, e.note) for e in store.events(1)] == [
        (EventKind.OPENED, "sebab 1", "catatan 1"),
        (EventKind.ESCALATED, "sebab 2", "catatan 2"),
    ]
    ConversationStore(database).add("x", make_turn("early", "t9", should_escalate=True, escalation=MONEY), "")
    ConversationStore(database).add("x", make_turn("new", "t10", should_escalate=True, escalation=MONEY), "")
    assert [t.id for t in store.of_conversation("early")] == [1]
    assert [t.id for t in store.of_conversation("new")] == [4]


SOLVED = "alhamdulillah sudah bisa min, terima kasih"


def kinds(desk: Desk) -> list[EventKind]:
    return [event.kind for event in desk.tickets.events(1)]


def test_that_it_works_now_is_written_beside_the_open_ticket_and_changes_nothing_else(desk: Desk) -> None:
    desk.say("a")
    desk.say("b", NOTHING, SOLVED)
    assert kinds(desk) == [EventKind.OPENED], "another conversation"
    desk.say("a", NOTHING, SOLVED)
    desk.say("a", NOTHING, SOLVED)
    ticket = desk.tickets.get(1)
    assert kinds(desk) == [EventKind.OPENED, EventKind.SAID_SOLVED]
    assert ticket.said_solved and ticket.status is Status.NEW and ticket.first_action_at is None
    assert undoable(desk.tickets.events(1)) is None
    [listed] = desk.tickets.page(EVERYTHING, 0, 50).tickets
    assert listed.said_solved and desk.tickets.of_conversations(["a", "b"]) == {"a": listed}


def test_a_thumb_up_says_so_too_and_one_turned_down_takes_it_back(desk: Desk) -> None:
    turn = desk.say("a")
    desk.talks.set_feedback(turn, Feedback(helpful=False))
    assert kinds(desk) == [EventKind.OPENED]
    desk.talks.set_feedback(turn, Feedback(helpful=True))
    assert desk.tickets.get(1).said_solved
    desk.talks.set_feedback(turn, Feedback(helpful=False))
    assert kinds(desk)[1:] == [EventKind.SAID_SOLVED, EventKind.SAID_UNSOLVED] and not desk.tickets.get(1).said_solved


def test_a_further_escalation_and_an_end_take_the_mark_away(desk: Desk) -> None:
    desk.say("a")
    desk.say("a", NOTHING, SOLVED)
    desk.say("a")
    assert not desk.tickets.get(1).said_solved
    desk.say("a", NOTHING, SOLVED)
    desk.tickets.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    assert not desk.tickets.get(1).said_solved
    told = len(kinds(desk))
    desk.say("a", NOTHING, SOLVED)
    assert len(kinds(desk)) == told, "a ticket that is done hears nothing more"
    desk.tickets.move(1, Status.ACTIVE, seen=Status.DONE, actor="Bu Sri")
    assert not desk.tickets.get(1).said_solved
