"""The escalation desk as a room of the engine: masked, exported safely, told to the webhook, nothing lost by a kill."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sipd_core.alerts.model import EventKind as Message
from sipd_core.chat.turn import Escalation, EscalationReason
from sipd_core.desk import EscalationDesk, escalation_notice
from sipd_core.errors import NotFoundError
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.store.outbox import Outbox
from sipd_core.texts import text
from sipd_core.tickets import Priority, Status, TicketFilter, menu_of, more_urgent, priority_of
from tests.builders import make_turn

MONEY = Escalation((EscalationReason.MONEY_AT_RISK,), "Ada uang yang terancam.")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def talks(database: Database) -> ConversationStore:
    return ConversationStore(database, announce=escalation_notice(database))


@pytest.fixture
def desk(database: Database, talks: ConversationStore) -> EscalationDesk:
    return EscalationDesk(database, talks, history=50)


def escalated(
    talks: ConversationStore, message: str = "terbayar dua kali", session: str = "a", turn: str = "t1"
) -> None:
    talks.add(message, make_turn(session, turn, should_escalate=True, escalation=MONEY), "")


def test_security_data_and_money_come_first() -> None:
    reasons = EscalationReason
    for reason in (reasons.SECURITY, reasons.DATA_AT_RISK, reasons.MONEY_AT_RISK):
        assert priority_of((reasons.WANTS_PERSON, reason)) is Priority.URGENT
    for reason in (reasons.VERY_NEGATIVE, reasons.REPEATED_COMPLAINT, reasons.STILL_UNSOLVED):
        assert priority_of((reasons.BY_OPERATOR, reason)) is Priority.HIGH
    assert priority_of((reasons.BY_OPERATOR, reasons.WANTS_PERSON)) is Priority.NORMAL
    assert more_urgent(Priority.URGENT, Priority.HIGH) and not more_urgent(Priority.HIGH, Priority.HIGH)
    assert menu_of(()) == ""


def test_a_ticket_comes_with_its_conversation_cases_and_history(talks: ConversationStore, desk: EscalationDesk) -> None:
    talks.add("sp2d belum cair", make_turn("a", "t0"), "")
    escalated(talks)
    desk.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri", note="dibatalkan bank")
    escalated(talks, turn="t2")
    detail = desk.detail(2)
    assert [exchange.message for exchange in detail.conversation.exchanges] == [
        "sp2d belum cair",
        "terbayar dua kali",
        "terbayar dua kali",
    ]
    assert [case.remedy for case in detail.cases] == ["Kuasa BUD menekan Transfer."]
    assert [ticket.id for ticket in detail.others] == [1]
    assert detail.undoable is None
    undoable = desk.detail(1).undoable
    assert undoable and undoable.note == "dibatalkan bank"
    newest = desk.of_conversation("a")
    assert newest and newest.id == 2
    assert desk.of_conversation("b") is None
    with pytest.raises(NotFoundError) as caught:
        desk.detail(3)
    assert "Tiket" in caught.value.user_text


def test_what_people_write_is_masked(talks: ConversationStore, desk: EscalationDesk) -> None:
    escalated(talks)
    desk.note(1, "hubungi 081234567890, password: Rahasia#2025", actor="Bu Sri")
    desk.assign(1, "  Bu Sri\n081234567890 ", seen="", actor="Bu Sri")
    desk.move(1, Status.DONE, seen=Status.NEW, actor="Bu Sri", note="NIP 198501012010011001 sudah benar")
    said = repr(desk.detail(1)) + desk.card(1) + desk.export(TicketFilter()).decode()
    for secret in ("081234567890", "Rahasia#2025", "198501012010011001"):
        assert secret not in said
    assert desk.detail(1).ticket.assignee == "Bu Sri [NOMOR HP]"


def test_the_card_says_all_that_the_next_desk_needs(talks: ConversationStore, desk: EscalationDesk) -> None:
    escalated(talks)
    desk.assign(1, "Bu Sri", seen="", actor="Bu Sri")
    desk.note(1, "sudah ditelepon", actor="Bu Sri")
    card = desk.card(1)
    said = (
        "#1",
        "Mendesak",
        "Baru",
        "Bu Sri",
        MONEY.explanation,
        "SP2D - Pencairan",
        "terbayar dua kali",
        "sudah ditelepon",
    )
    for part in (*said, "Kuasa BUD menekan Transfer.", "uji.csv:2"):
        assert part in card, part


def test_the_export_is_safe_and_whole(talks: ConversationStore, desk: EscalationDesk) -> None:
    escalated(talks, '=HYPERLINK("http://jahat")')
    escalated(talks, "selesai cepat", "b", "t2")
    desk.assign(1, "+Bu Sri", seen="", actor="Bu Sri")
    desk.move(2, Status.DONE, seen=Status.NEW, actor="Bu Sri")
    rows = list(csv.DictReader(io.StringIO(desk.export(TicketFilter()).decode("utf-8-sig"))))
    assert [row["Nomor"] for row in rows] == ["1", "2"]
    assert rows[0]["Aduan"].startswith("'=") and rows[0]["Penanggung jawab"] == "'+Bu Sri"
    assert (rows[0]["Alasan"], rows[0]["Prioritas"], rows[0]["Selesai (WIB)"]) == ("uang terancam", "Mendesak", "")
    assert rows[0]["Menit sampai selesai"] == ""
    assert float(rows[1]["Menit sampai selesai"]) >= 0 and rows[1]["Selesai (WIB)"][:2] == "20"
    only = desk.export(TicketFilter(statuses=(Status.DONE,))).decode("utf-8-sig")
    assert len(only.strip().splitlines()) == 2


def test_a_new_ticket_is_told_to_the_webhook_once_and_nothing_of_the_conversation(
    database: Database, talks: ConversationStore
) -> None:
    escalated(talks, "terbayar dua kali di SKPD kami")
    escalated(talks, turn="t2")
    (parcel,) = Outbox(database).take(60)
    body = json.loads(parcel.body)
    assert (body["event"], body["ticket"], body["priority"]) == ("escalation", 1, "urgent")
    assert (body["reasons"], body["message"]) == (["money_at_risk"], MONEY.explanation)
    assert body["id"] == parcel.id and "#1" in body["title"]
    assert "SKPD" not in parcel.body
    (delivery,) = Outbox(database).deliveries()
    assert delivery.event is Message.ESCALATION
    assert text(f"alerts.event.{delivery.event}")


def test_a_killed_process_loses_no_ticket_that_was_acknowledged(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from sipd_core.store.conversations import ConversationStore\n"
        "from sipd_core.store.database import Database\n"
        "from sipd_core.store.ticket_rows import Opened\n"
        "from tests.test_desk import escalated\n"
        "def kill(_connection, opened):\n"
        "    if opened.id == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "talks = ConversationStore(Database(sys.argv[1]), announce=kill)\n"
        "escalated(talks)\n"
        "escalated(talks, session='b', turn='t2')\n"
    )
    url = f"sqlite:///{tmp_path / 'sipd.db'}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, url], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    database = Database(url)
    desk = EscalationDesk(database, ConversationStore(database), history=50)
    assert [ticket.conversation_id for ticket in desk.queue(TicketFilter()).tickets] == ["a"]
    with pytest.raises(NotFoundError):
        ConversationStore(database).get("b", 50)
    database.close()
