"""The one loop: shared by threads, cancelled with its stream, closed once and for all."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Turn
from sipd_core.errors import StoreError
from sipd_core.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def engine(settings: Settings) -> Iterator[BlockingEngine]:
    made = BlockingEngine(settings)
    yield made
    made.close()


def test_many_threads_share_one_engine(engine: BlockingEngine) -> None:
    turns: list[Turn] = []
    threads = [
        threading.Thread(target=lambda n=n: turns.append(engine.ask(f"kendala {n}", f"sesi-{n}"))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {turn.session_id for turn in turns} == {f"sesi-{n}" for n in range(8)}
    assert len(engine.conversations()) == 8


def test_a_stream_closed_early_stores_nothing_half_done(engine: BlockingEngine) -> None:
    stream = engine.answer("sp2d belum cair", "sesi-putus")
    stream.close()  # type: ignore[attr-defined]
    stream = engine.answer("sp2d belum cair", "sesi-putus")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert engine.ask("sp2d belum cair", "sesi-lain").session_id == "sesi-lain"
    kept = [summary for summary in engine.conversations() if summary.id == "sesi-putus"]
    assert all(len(engine.conversation(summary.id).exchanges) == 1 for summary in kept)


def test_close_is_idempotent_and_final(settings: Settings) -> None:
    made = BlockingEngine(settings)
    made.close()
    made.close()
    with pytest.raises(RuntimeError):
        made.search("apa saja")


def test_closing_while_preparing_is_quick_and_clean(tmp_path: Path) -> None:
    made = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=tmp_path / "data"))
    made.close()
    again = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=tmp_path / "data"))
    again.wait_until_indexed(120)
    assert again.status().sample_cases >= 250
    again.close()


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        BlockingEngine(load_settings(_env_file=None, sipd_data_dir=tmp_path / "file" / "data"))


def test_the_interpreter_does_not_hang_when_nobody_closes(tmp_path: Path) -> None:
    script = (
        "import atexit, sys, pathlib\n"
        "from sipd_core.blocking import BlockingEngine\n"
        "from sipd_core.settings import load_settings\n"
        "engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=pathlib.Path(sys.argv[1]), load_sample_data=False))\n"
        "atexit.register(engine.close)\n"
        "engine.wait_until_prepared()\n"
        "print(engine.status().cases)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "data")],
        cwd=ROOT,
        capture_output=True,
        timeout=90,
        check=True,
        text=True,
    )
    assert done.stdout == "0\n"
