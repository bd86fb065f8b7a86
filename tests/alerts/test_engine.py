"""The room inside the real engine: what it is given to look at, and that messages leave by themselves."""

import time
from pathlib import Path

from sqlalchemy import update

from sipd_core.alerts.model import EventKind, Kind, Standing, State
from sipd_core.blocking import BlockingEngine
from sipd_core.settings import Settings, load_settings
from sipd_core.store.schema import imports
from tests.alerts.receiver import listening
from tests.provider import Provider, Status
from tests.test_hosting import KEY, QUESTION, desk

SECRET = "rahasia-untuk-tanda-tangan"


def standing_of(engine: BlockingEngine, kind: Kind) -> Standing:
    found = next(one.standing for one in engine.alerts.watched() if one.rule.kind is kind)
    assert found is not None
    return found


def look(engine: BlockingEngine) -> None:
    """What the engine does every minute."""
    assert engine._portal.call(engine.alerts.pass_by)


def test_a_console_sends_by_itself_and_a_silent_receiver_keeps_no_turn_waiting(settings: Settings) -> None:
    with listening(0, 204) as receiver:
        receiver.silence = 15.0  # longer than an attempt may take
        webhook = {"alert_webhook_url": receiver.url, "alert_webhook_secret": SECRET}
        told = {"sipd_data_dir": settings.sipd_data_dir, "load_sample_data": False, **webhook}
        engine = BlockingEngine(load_settings(_env_file=None, **told), console=True)
        try:
            engine.wait_until_prepared(120)
            engine.alerts.send_test("uji")
            until = time.monotonic() + 60
            while not receiver.received and time.monotonic() < until:
                time.sleep(0.05)
            engine.ask("SP2D belum cair", engine.new_session_id())
            (waiting,) = engine.alerts.deliveries()
            assert (waiting.event, waiting.delivered_at) == (EventKind.TEST, None)
            while engine.alerts.deliveries()[0].delivered_at is None and time.monotonic() < until:
                time.sleep(0.05)
            assert engine.alerts.deliveries()[0].delivered_at is not None
        finally:
            engine.close()
    assert {got.headers["x-sipd-event"] for got in receiver.received} == {waiting.id}


def test_what_the_engine_has_around_it_is_seen(tmp_path: Path) -> None:
    with Provider(key=KEY, dimension=64) as provider, desk(tmp_path, provider) as engine:
        look(engine)
        assert standing_of(engine, Kind.PROVIDER).state is State.OK
        assert (standing_of(engine, Kind.DISK).reading.value or 0) > 0
        provider.script("chat", Status(401, {"detail": "no"}))
        provider.script("chat", Status(401, {"detail": "no"}))
        engine.ask(QUESTION, engine.new_session_id())
        look(engine)
        hosted = engine.status().hosted
        assert hosted is not None
        assert hosted.trouble
        assert standing_of(engine, Kind.PROVIDER).reading.detail == hosted.trouble


def test_a_backup_of_the_engine_counts(tmp_path: Path) -> None:
    with Provider(key=KEY, dimension=64) as provider, desk(tmp_path, provider) as engine:
        with engine._engine._database.write() as connection:
            connection.execute(update(imports).values(at=time.time() - 5 * 86_400))
        look(engine)
        assert standing_of(engine, Kind.BACKUP).state is State.FIRING
        engine.backups.make("uji")
        look(engine)
        assert (standing_of(engine, Kind.BACKUP).reading.value or 9) < 1
