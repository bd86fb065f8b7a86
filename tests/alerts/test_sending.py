"""From an alarm to its receiver: entered with the event, sent by one process, again after a failure or a kill."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from sipd_core.alerts.model import EventKind, Kind, LogFilter
from sipd_core.client import Webhook
from sipd_core.errors import AlertError
from sipd_core.store.database import Database
from sipd_core.store.outbox import FIRST_WAIT, GIVEN_UP_AFTER, Outbox
from tests.alerts.conftest import NOON, Desk, happened, only
from tests.alerts.receiver import Receiver, listening

pytestmark = pytest.mark.anyio
SECRET = "rahasia-untuk-tanda-tangan"


def alarmed(desk: Desk, receiver: Receiver | None) -> None:
    """An alarm is given while this webhook is set."""
    desk.webhook = Webhook(receiver.url, SECRET, clock=desk.clock, first_wait=0.001) if receiver else None
    room = desk.room()
    only(room, Kind.ERROR_RATE)
    desk.turns(40, failed=10)
    room.look()


async def test_an_alarm_is_told_in_words_and_codes(desk: Desk) -> None:
    with listening() as receiver:
        alarmed(desk, receiver)
        await desk.room().deliver()
        await desk.room().deliver()
    (got,) = receiver.received
    told = json.loads(got.body)
    (event,) = desk.room().events(LogFilter(NOON))
    assert told["id"] == got.headers["x-sipd-event"] == event.id
    assert (told["event"], told["rule"], told["value"], told["threshold"]) == ("fired", "error_rate", 25.0, 5.0)
    assert told["unit"] == "percent"
    assert "25%, melewati batas 5%. Buka Kinerja" in told["message"]
    (delivery,) = desk.room().deliveries()
    assert (delivery.delivered_at, delivery.attempts, delivery.problem) == (desk.now, 1, "")


async def test_what_is_sent_of_an_incident(desk: Desk) -> None:
    with listening() as receiver:
        alarmed(desk, receiver)
        room = desk.room()
        room.acknowledge(Kind.ERROR_RATE, actor="Sari")
        desk.pass_minutes(16)
        room.look()
        desk.turns(40)
        for _ in range(3):
            room.look()
        desk.pass_minutes(16)
        room.look()
        desk.turns(40)
        room.look()
        await room.deliver()
    assert happened(room.events(LogFilter(NOON))) == [
        "data",
        "no_data",
        "recovered",
        "no_data",
        "acknowledged",
        "fired",
    ]
    sent = {json.loads(got.body)["event"] for got in receiver.received}
    assert (sent, len(receiver.received)) == ({"fired", "acknowledged", "no_data", "recovered"}, 4)


async def test_without_a_webhook_nothing_is_entered(desk: Desk) -> None:
    alarmed(desk, None)
    assert desk.room().deliveries() == ()
    assert desk.room().webhook_host is None
    with pytest.raises(AlertError):
        desk.room().send_test("Sari")


async def test_a_receiver_that_is_away_gets_it_later_with_the_same_id(desk: Desk) -> None:
    with listening(503, 503, 503, 200) as receiver:
        alarmed(desk, receiver)
        room = desk.room()
        await room.deliver()
        (waiting,) = room.deliveries()
        assert (waiting.due_at, waiting.delivered_at) == (desk.now + FIRST_WAIT, None)
        assert "503" in waiting.problem
        await room.deliver()
        assert len(receiver.received) == 3
        desk.pass_minutes(1)
        await room.deliver()
    assert {got.headers["x-sipd-event"] for got in receiver.received} == {waiting.id}
    (done,) = room.deliveries()
    assert (done.delivered_at, done.attempts, done.problem) == (desk.now, 2, "")


async def test_it_waits_longer_each_time_and_gives_up_at_last(desk: Desk) -> None:
    with listening(404) as receiver:
        alarmed(desk, receiver)
        room = desk.room()
        waits = []
        while (due := room.deliveries()[0].due_at) is not None:
            waits.append(due - desk.now)
            desk.now = max(due, desk.now)
            await room.deliver()
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes[:9] == [0, 0.5, 1, 2, 4, 8, 16, 32, 60]
    assert GIVEN_UP_AFTER - timedelta(hours=1) <= desk.now - NOON <= GIVEN_UP_AFTER
    (lost,) = room.deliveries()
    assert (lost.delivered_at, lost.attempts) == (None, len(receiver.received))


def test_two_processes_never_send_the_same_at_the_same_time(desk: Desk) -> None:
    with listening() as receiver:
        alarmed(desk, receiver)
    first, second = Outbox(desk.database, clock=desk.clock), Outbox(desk.database, clock=desk.clock)
    (parcel,) = first.take(60)
    assert second.take(60) == ()
    desk.pass_minutes(2)  # the first one was killed
    (again,) = second.take(60)
    assert (again.id, again.body, again.attempts) == (parcel.id, parcel.body, 2)
    first.arrived(parcel)
    second.failed(again, "terlambat")
    assert second.deliveries()[0].delivered_at == desk.now


async def test_a_test_message_arrives_and_is_no_event(desk: Desk) -> None:
    with listening() as receiver:
        desk.webhook = Webhook(receiver.url, SECRET, clock=desk.clock)
        room = desk.room()
        room.send_test("Bu Sari")
        await room.deliver()
    assert json.loads(receiver.received[0].body)["event"] == "test"
    assert (room.deliveries()[0].event, room.deliveries()[0].rule) == (EventKind.TEST, None)
    assert room.events(LogFilter(NOON)) == ()


async def test_an_alarm_given_before_a_kill_is_sent_after_it(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from sipd_core.client import Webhook\n"
        "from sipd_core.store.database import Database\n"
        "from tests.alerts.conftest import Desk\n"
        "from tests.alerts.test_sending import SECRET, alarmed\n"
        "from tests.alerts.receiver import Receiver\n"
        "folder = Path(sys.argv[1])\n"
        "desk = Desk(Database(f'sqlite:///{folder}/sipd.db'), folder)\n"
        "alarmed(desk, Receiver(int(sys.argv[2])))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with listening() as receiver:
        command = [sys.executable, "-c", script, str(tmp_path), str(receiver.port)]
        done = subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=False)
        assert done.returncode == -signal.SIGKILL
        assert receiver.received == []
        desk = Desk(Database(f"sqlite:///{tmp_path}/sipd.db"), tmp_path)
        desk.webhook = Webhook(receiver.url, SECRET, clock=desk.clock)
        await desk.room().deliver()
    assert [json.loads(got.body)["event"] for got in receiver.received] == ["fired"]
