"""`backup` and `restore` as a person or cron runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.test_cli import Shell

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    made = Shell(tmp_path_factory.mktemp("cli"))
    made.json("index", "aduan.csv")
    told = made.json("backup", "a.zip")
    assert told["rows"]["cases"] == 2
    assert (made.folder / "a.zip").stat().st_size == told["bytes"]
    return made


def test_a_restore_test_changes_nothing(shell: Shell) -> None:
    before = _files(shell.folder)
    told = shell.json("restore", "a.zip", "--test")
    assert (told["passed"], told["questions"], told["table_differences"]) == (True, 50, [])
    assert _files(shell.folder) == before


def _files(folder: Path) -> dict[str, int]:
    data = folder / "data"
    return {str(path): path.stat().st_size for path in data.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_a_restore_beside_a_running_console_is_refused(shell: Shell) -> None:
    with FileLock(shell.folder / "data" / "konsol.lock"):
        done = shell.run("restore", "a.zip")
    assert done.returncode == 1
    assert "Konsol sedang berjalan" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_no_archive_is_refused_in_one_line(shell: Shell) -> None:
    for file in ("aduan.csv", "tidak-ada.zip"):
        done = shell.run("restore", file)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1


def test_a_restore_into_an_empty_folder_and_onto_a_damaged_one(shell: Shell, tmp_path: Path) -> None:
    other = Shell(tmp_path)
    archive = str(shell.folder / "a.zip")
    told = other.json("restore", archive)
    assert (told["damaged"], told["left"]["texts"]) == (None, 0)
    keys = [folder / "data" / "kunci-data" for folder in (shell.folder, tmp_path)]
    assert keys[0].read_bytes() != keys[1].read_bytes(), "the archive's key is needed nowhere any more"
    found = other.json("search", "akun terkunci salah sandi")
    assert found["hits"][0]["vector"] > 0.5
    assert other.json("index", "aduan.csv")["embedded_texts"] == 0
    file = tmp_path / "data" / "sipd.db"
    file.write_bytes(b"damaged" * 1_000)
    failed = other.run("stats")
    assert failed.returncode == 1
    assert f"{file} rusak" in failed.stderr
    assert "restore" in failed.stderr
    assert file.read_bytes() == b"damaged" * 1_000
    told = other.json("restore", archive)
    assert Path(told["damaged"]).read_bytes() == b"damaged" * 1_000
    assert other.json("rows")["total"] == 2


def test_the_console_names_the_damaged_file_and_the_way_back(shell: Shell, tmp_path: Path) -> None:
    """What a person reads who starts the console."""
    (tmp_path / "data" / "cadangan").mkdir(parents=True)
    (tmp_path / "data" / "sipd.db").write_bytes(b"damaged" * 1_000)
    newest = tmp_path / "data" / "cadangan" / "sipd-1.zip"
    newest.write_bytes((shell.folder / "a.zip").read_bytes())
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    environment = os.environ | {"SIPD_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"{tmp_path / 'data' / 'sipd.db'} rusak" in done.stderr
    assert f"python -m sipd_core restore {newest}" in done.stderr


def test_json_is_what_the_documents_say(shell: Shell) -> None:
    done = shell.run("restore", "a.zip", "--test", "--json")
    told = json.loads(done.stdout)
    told_of = {"passed", "tables", "rows", "table_differences", "questions", "differences", "settings", "unasked", "left"}
    assert told.keys() == told_of
