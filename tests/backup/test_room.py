"""Backups of a running engine: made, tested, restored under the feet of those who use it, by schedule, and kept in order."""

import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from sipd_core.backup import room
from sipd_core.backup.archive import ArchiveReader
from sipd_core.backup.progress import StepName
from sipd_core.backup.questions import expect
from sipd_core.backup.replacing import replace_content
from sipd_core.backup.shelf import LOCK
from sipd_core.backup.snapshot import UNFINISHED
from sipd_core.backup.trial import report_from_json
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import BackupBusyError, BackupError, NotFoundError, RestoringError, StoreDamagedError
from sipd_core.settings import Settings
from sipd_core.store.backups import BackupKind, BackupRecord, BackupStatus
from sipd_core.store.gold import GoldStore
from tests.test_engine import ROWS, csv_file

PATIENCE = 200
"""Seconds after which a busy machine is taken for one that does nothing."""
MORE = "MENU,ISSUE,EXPECTED\nTBP,TBP gagal disimpan saldo kas kurang,Terima SP2D GU dulu di menu Penerimaan\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few rows, everything learnt, the test questions read."""
    from sipd_core.settings import load_settings

    folder = tmp_path_factory.mktemp("cadangan") / "data"
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder), load_samples=False)
    engine.import_files([csv_file()])
    engine.wait_until_indexed(120)
    engine.backups.make("Persiapan", folder.parent / "a.zip")
    engine.close()
    return folder


@pytest.fixture
def settings(settings: Settings, prepared: Path) -> Settings:
    shutil.copytree(prepared, settings.sipd_data_dir)
    return settings


@pytest.fixture
def engine(settings: Settings) -> Iterator[BlockingEngine]:
    made = BlockingEngine(settings)
    made.wait_until_prepared(PATIENCE)
    yield made
    made.close()


def finished(engine: BlockingEngine) -> None:
    """Wait for the work that was started."""
    until(lambda: engine.backups.work is not None and not engine.backups.work.running)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def made(engine: BlockingEngine) -> list[BackupRecord]:
    """What was made in the test itself, newest first."""
    return [entry.record for entry in engine.backups.overview().entries if entry.record.actor != "Persiapan"]


def test_a_backup_is_on_record_with_all_that_it_holds(engine: BlockingEngine) -> None:
    record = engine.backups.make("Bu Admin")
    assert (record.status, record.kind, record.actor) == (BackupStatus.DONE, BackupKind.MANUAL, "Bu Admin")
    assert dict(record.counts)["cases"] == 5
    assert made(engine) == [record]
    path = engine.backups.path(record.id)
    assert path.stat().st_size == record.bytes
    last = engine.backups.overview().last_good
    assert last is not None
    assert last.record == record


def test_no_secret_is_in_an_archive(tmp_path: Path, settings: Settings) -> None:
    secret = "kunci-sangat-rahasia"
    telling = settings.model_copy(
        update={
            "nebius_base_url": f"http://admin:{secret}@127.0.0.1:9/v1?token={secret}",
            "chroma_url": "",
            "nebius_embedding_model": "local",
            "nebius_model_id": "local",
        }
    )
    from pydantic import SecretStr

    engine = BlockingEngine(telling.model_copy(update={"nebius_api_key": SecretStr(secret)}))
    engine.backups.make("Bu Admin", tmp_path / "a.zip")
    engine.close()
    with ArchiveReader(tmp_path / "a.zip") as reader:
        told = reader.read("settings.json")
        assert not any(secret.encode() in line for table in reader.manifest.rows for line in reader.lines(table))
    assert secret.encode() not in told
    assert b'"NEBIUS_BASE_URL": "http://127.0.0.1:9/v1"' in told
    assert b"TOP_K_RESULTS" in told
    assert b"NEBIUS_API_KEY" not in told
    assert b"SIPD_DATA_DIR" not in told


def test_a_restore_test_compares_rows_and_answers_and_is_on_record(engine: BlockingEngine) -> None:
    record = engine.backups.make("Bu Admin")
    report = engine.backups.test(record.id)
    assert report.passed
    assert report.questions == 50
    assert report.rows == sum(dict(record.counts).values())
    kept = made(engine)[0]
    assert kept.tested_at is not None
    assert report_from_json(kept.test or "") == report
    assert engine.status().cases == 5


def test_a_restore_test_says_which_questions_find_other_cases(engine: BlockingEngine, tmp_path: Path) -> None:
    """Two rows have changed places in the archive."""
    import json

    from tests.backup.filling import rewritten

    record = engine.backups.make("Bu Admin")
    first = engine.search("akun terkunci").hits[0].case.id
    second = engine.search("anggaran kas tidak sama dengan pagu").hits[0].case.id

    def swap(members: dict[str, bytes], _manifest: object) -> None:
        cipher = engine._engine._database.cipher
        told = json.loads(cipher.open(members["questions.json"].decode()))
        for answer in told["answers"]:
            answer["hits"] = [{first: second, second: first}.get(hit, hit) for hit in answer["hits"]]
        members["questions.json"] = json.dumps(told).encode()

    path = engine.backups.path(record.id)
    rewritten(path, tmp_path / "lain.zip", swap)
    (tmp_path / "lain.zip").replace(path)
    report = engine.backups.test(record.id)
    assert not report.passed
    assert report.differences
    assert {first, second} & {*report.differences[0].expected, *report.differences[0].found}


def test_a_restore_brings_the_old_base_back_and_can_be_undone(engine: BlockingEngine) -> None:
    record = engine.backups.make("Bu Admin")
    engine.import_files([csv_file(MORE, "b.csv")])
    engine.wait_until_indexed(PATIENCE)
    turn = engine.ask("tbp gagal disimpan", engine.new_session_id())
    engine.backups.start_restoring(record.id, "Pak Admin")
    finished(engine)
    assert engine.backups.work is not None
    assert engine.backups.work.error is None
    engine.wait_until_indexed(PATIENCE)
    assert (engine.status().cases, engine.embedded_texts()) == (5, 0)
    assert engine.conversations() == ()
    assert engine.search("akun terkunci salah sandi").hits[0].vector > 0.5
    assert all(hit.case.menu != "TBP" for hit in engine.search("tbp gagal disimpan").hits)
    safety, restored = made(engine)
    assert (safety.kind, restored.restored_by) == (BackupKind.SAFETY, "Pak Admin")
    engine.backups.start_restoring(safety.id, "Pak Admin")
    finished(engine)
    engine.wait_until_indexed(PATIENCE)
    assert (engine.status().cases, engine.embedded_texts()) == (6, 0)
    assert engine.search("tbp gagal disimpan").hits[0].vector > 0.5
    assert engine.conversation(turn.session_id).exchanges[0].turn.response == turn.response


def test_the_index_gets_the_vectors_of_the_restored_texts(engine: BlockingEngine) -> None:
    """The same row under the same id, with another remedy and so with another vector, before and after."""
    record = engine.backups.make("Bu Admin")
    other = ROWS.replace("membuka Pengguna lalu menekan Buka Blokir", "memanen padi di sawah setelah musim hujan")
    engine.import_files([csv_file(other)])
    engine.wait_until_indexed(PATIENCE)
    engine.backups.start_restoring(record.id, "Bu Admin")
    finished(engine)
    engine.wait_until_indexed(PATIENCE)
    side = engine._engine.base.serving
    assert side is not None
    stored = dict(zip(*side.vectors_of([case.id for case in engine.cases().cases]), strict=True))
    there = side.index.vectors(sorted(stored))
    assert there.keys() == stored.keys()
    assert min(float(there[id_] @ stored[id_]) for id_ in stored) > 0.999


def test_others_are_told_while_the_console_gives_way(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    record = engine.backups.make("Bu Admin")
    heard: list[Exception] = []
    inside, go_on = threading.Event(), threading.Event()

    def slow(*arguments: object, **named: object) -> object:
        inside.set()
        go_on.wait(30)
        return replace_content(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("sipd_core.backup.restoring.replace_content", slow)
    engine.backups.start_restoring(record.id, "Bu Admin")
    assert inside.wait(30)
    for call in (engine.status, engine.conversations, lambda: engine.search("apa saja"), engine.backups.overview):
        with pytest.raises(RestoringError) as caught:
            call()
        heard.append(caught.value)
    with pytest.raises(BackupBusyError):
        engine.backups.start_making("Pak Lain")
    go_on.set()
    finished(engine)
    assert engine.status().cases == 5
    assert "terbuka kembali sendiri" in heard[0].user_text  # type: ignore[attr-defined]


def test_a_damaged_archive_changes_nothing_and_the_console_goes_on(engine: BlockingEngine) -> None:
    record = engine.backups.make("Bu Admin")
    path = engine.backups.path(record.id)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    engine.backups.start_restoring(record.id, "Bu Admin")
    finished(engine)
    assert engine.backups.work is not None
    assert "rusak" in (engine.backups.work.error or "")
    assert engine.status().cases == 5
    assert len(made(engine)) == 1
    with pytest.raises(BackupError):
        engine.backups.test(record.id)


def test_rows_and_answers_of_an_archive_are_of_one_state(
    engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone imports after the questions were asked: they are asked again."""
    asked = 0

    async def slow(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        found = await expect(*arguments)  # type: ignore[arg-type]
        if asked == 1:
            await engine._engine.import_files([csv_file(MORE, "b.csv")])
        return found

    monkeypatch.setattr(room, "expect", slow)
    record = engine.backups.make("Bu Admin")
    assert asked >= 2
    assert dict(record.counts)["cases"] == 6


def test_two_at_once_are_refused(engine: BlockingEngine, settings: Settings) -> None:
    with FileLock(settings.sipd_data_dir / LOCK), pytest.raises(BackupBusyError) as caught:
        engine.backups.make("Bu Admin")
    assert "sedang berjalan" in caught.value.user_text
    assert engine.backups.make("Bu Admin").status is BackupStatus.DONE


def test_an_archive_that_a_person_brings_is_looked_at_first(engine: BlockingEngine, settings: Settings) -> None:
    path = engine.backups.path(engine.backups.make("Bu Admin").id)
    raw = path.read_bytes()
    with pytest.raises(BackupError):
        engine.backups.receive(io.BytesIO(raw[:-100]), "Bu Admin")
    brought = engine.backups.receive(io.BytesIO(raw), "Bu Admin")
    assert (brought.kind, dict(brought.counts)["cases"]) == (BackupKind.UPLOADED, 5)
    assert engine.backups.path(brought.id).read_bytes() == raw
    assert len(list(settings.backup_folder.iterdir())) == 2
    engine.backups.remove(brought.id)
    assert len(list(settings.backup_folder.iterdir())) == 1
    with pytest.raises(NotFoundError):
        engine.backups.path(brought.id)


def test_a_backup_that_fails_is_on_record_with_its_reason(engine: BlockingEngine, settings: Settings) -> None:
    settings.backup_folder.write_text("in the way")
    with pytest.raises(BackupError):
        engine.backups.make("Bu Admin")
    failed = made(engine)[0]
    assert failed.status is BackupStatus.FAILED
    assert "BACKUP_DIR" in failed.problem
    assert engine.backups.overview().last_good is not None  # the one of the preparation


def test_an_archive_is_asked_the_questions_of_the_gold_sets(engine: BlockingEngine, tmp_path: Path) -> None:
    gold = GoldStore(engine._engine._database)
    made_set = gold.create("Milik kami", actor="Bu Admin")
    gold.add_question(made_set.id, "kenapa akun terkunci terus", [])
    record = engine.backups.make("Bu Admin")
    with ArchiveReader(engine.backups.path(record.id)) as reader:
        told = reader.read("questions.json")
    assert b"kenapa akun" not in told
    assert "kenapa akun terkunci terus" in engine._engine._database.cipher.open(told.decode())
    report = engine.backups.test(record.id)
    assert (report.passed, report.questions) == (True, 1)


# --- the schedule -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SETTLING_SECONDS", 0.0)
    monkeypatch.setattr(room, "POLL_SECONDS", 0.05)


def test_a_missed_schedule_is_made_up_for_at_the_start_once(settings: Settings, hasty: None) -> None:
    console = BlockingEngine(settings, console=True)
    until(lambda: any(record.status is BackupStatus.DONE for record in scheduled(console)))
    time.sleep(0.5)
    console.close()
    again = BlockingEngine(settings, console=True)
    again.wait_until_prepared(PATIENCE)
    time.sleep(0.5)
    assert len(scheduled(again)) == 1
    assert scheduled(again)[0].slot is not None
    again.close()


def test_until_it_is_made_or_fails_to_come_it_is_known_to_be_due(
    settings: Settings, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SETTLING_SECONDS", 3_600.0)
    console = BlockingEngine(settings, console=True)
    until(lambda: console._engine.backups.is_catching_up())
    monkeypatch.setattr(room, "STARTING_SECONDS", 0.0)
    assert not console._engine.backups.is_catching_up(), "what does not come hides no alarm"
    monkeypatch.setattr(room, "STARTING_SECONDS", 3_600.0)
    monkeypatch.setattr(room, "SETTLING_SECONDS", 0.0)
    until(lambda: any(record.status is BackupStatus.DONE for record in scheduled(console)))
    assert not console._engine.backups.is_catching_up()
    console.close()


def scheduled(engine: BlockingEngine) -> list[BackupRecord]:
    return [record for record in made(engine) if record.kind is BackupKind.SCHEDULED]


@pytest.fixture(autouse=True)
def forget_the_preparation(settings: Settings, prepared: Path) -> None:
    """The backup of the preparation is older than any schedule."""
    import sqlite3

    with sqlite3.connect(settings.sipd_data_dir / "sipd.db") as connection:
        connection.execute("UPDATE backups SET at = at - 1000000")


def test_nothing_is_scheduled_when_it_is_off_or_a_command_runs(settings: Settings, hasty: None) -> None:
    for console, moment in ((True, "off"), (False, "02:00")):
        engine = BlockingEngine(settings.model_copy(update={"backup_time": moment}), console=console)
        engine.wait_until_prepared(PATIENCE)
        time.sleep(0.5)
        assert scheduled(engine) == [] and not engine._engine.backups.is_catching_up()
        engine.close()


def test_a_scheduled_moment_has_one_claimer(engine: BlockingEngine) -> None:
    shelf = engine._engine.backups.shelf
    limits = {"dead_after": 3_600.0, "again_after": 60.0}
    one, two = (shelf.begun(BackupKind.SCHEDULED, "jadwal", slot="2026-11-22T02:00") for _ in range(2))
    assert shelf.records.claim(one, **limits)
    assert not shelf.records.claim(two, **limits)
    shelf.records.finish(replace(one, status=BackupStatus.FAILED, at=datetime.now(UTC) - timedelta(seconds=90)))
    assert shelf.records.claim(two, **limits)
    assert not shelf.records.claim(replace(one, id="ketiga"), **limits)


def test_a_start_puts_the_folder_in_order(settings: Settings) -> None:
    """What a killed process left goes, what nobody recorded is taken in, what is no archive is said to be none."""
    first = BlockingEngine(settings)
    path = first.backups.path(first.backups.make("Bu Admin").id)
    first.close()
    (path.parent / "salinan.zip").write_bytes(path.read_bytes())
    (path.parent / "rusak.zip").write_bytes(b"PK nothing")
    (path.parent / f"{UNFINISHED}abc").write_bytes(b"half")
    (settings.sipd_data_dir / "pemulihan-abc").mkdir()
    console = BlockingEngine(settings, console=True)
    running = console._engine.backups.shelf.begun(BackupKind.MANUAL, "Terputus")
    console._engine.backups.shelf.records.add(running)
    console.close()
    console = BlockingEngine(settings, console=True)
    until(lambda: len(made(console)) == 4 and not any(one.status is BackupStatus.RUNNING for one in made(console)))
    by_file = {record.file: record for record in made(console)}
    assert by_file["salinan.zip"].kind is BackupKind.FOUND
    assert dict(by_file["salinan.zip"].counts)["cases"] == 5
    assert by_file["rusak.zip"].status is BackupStatus.FAILED
    assert "Terputus" in by_file[running.file].problem
    assert not list(path.parent.glob(f"{UNFINISHED}*"))
    assert not (settings.sipd_data_dir / "pemulihan-abc").exists()
    console.close()


# --- others -----------------------------------------------------------------------------------------------------------


def test_an_engine_whose_base_another_process_replaced_starts_anew(settings: Settings, tmp_path: Path) -> None:
    from sipd_core.backup.restoring import Order, restore_staged
    from sipd_core.backup.staging import staged

    engine = BlockingEngine(settings)
    engine.wait_until_prepared(PATIENCE)
    engine.backups.make("Bu Admin", tmp_path / "a.zip")
    engine.import_files([csv_file(MORE, "b.csv")])
    engine.wait_until_indexed(PATIENCE)
    before = engine._engine
    with staged(tmp_path / "a.zip", settings.sipd_data_dir, lambda _: None) as unpacked:
        restore_staged(unpacked, settings, Order("lain"), lambda _: None)

    def is_back() -> bool:
        try:
            return engine._engine is not before and not engine.status().preparing
        except RestoringError:
            return False

    until(is_back)
    assert engine.status().cases == 5
    assert engine.search("akun terkunci salah sandi").hits[0].vector > 0.5
    engine.close()


def test_an_emptied_database_is_never_taken_for_a_new_one(settings: Settings) -> None:
    engine = BlockingEngine(settings)
    archive = engine.backups.path(engine.backups.make("Bu Admin").id)
    engine.close()
    (settings.sipd_data_dir / "sipd.db").write_bytes(b"")
    with pytest.raises(StoreDamagedError) as caught:
        BlockingEngine(settings)
    assert str(settings.sipd_data_dir / "sipd.db") in caught.value.user_text
    assert f"restore {archive}" in caught.value.user_text
    assert (settings.sipd_data_dir / "sipd.db").read_bytes() == b""


def test_the_steps_of_a_restore_are_told(engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    record = engine.backups.make("Bu Admin")
    told: list[StepName] = []
    board = engine._duties.board
    monkeypatch.setattr(board, "step", lambda step: told.append(step.name))
    engine.backups.start_restoring(record.id, "Bu Admin")
    finished(engine)
    assert list(dict.fromkeys(told)) == [
        StepName.READING,
        StepName.ASKING,
        StepName.SAFETY,
        StepName.WRITING,
        StepName.CHECKING,
        StepName.REPLACING,
        StepName.OPENING,
    ]
