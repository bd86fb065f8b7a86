"""The command `people` as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SIPD_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sipd_core", "people", *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False}
    return subprocess.run(command, cwd=folder, env=environment, **pipes)  # type: ignore[call-overload, no-any-return]


def told(folder: Path, *arguments: str) -> Any:
    done = run(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_somebody_is_added_given_other_roles_and_disabled(tmp_path: Path) -> None:
    assert run(tmp_path, "list").stdout.strip() == "Belum ada pengguna."
    made = told(tmp_path, "add", "ani", "--role", "admin", "--role", "operator", "--name", "Bu Ani")
    assert (made["roles"], made["state"]) == (["admin", "operator"], "invited")
    assert made["link"].startswith("/masuk/tautan/")
    assert told(tmp_path, "roles", "ani", "--role", "manager")["roles"] == ["manager"]
    assert told(tmp_path, "link", "ANI")["link"] != made["link"]
    assert told(tmp_path, "disable", "ani")["state"] == "disabled"
    assert told(tmp_path, "enable", "Bu Ani")["state"] == "invited"
    listed = run(tmp_path, "list").stdout
    assert "Bu Ani" in listed and "Manajer" in listed and "belum memilih kata sandi" in listed


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    unknown = run(tmp_path, "add", "ani", "--role", "raja")
    assert unknown.returncode == 2 and "raja" in unknown.stderr and "operator, admin, manager" in unknown.stderr
    assert run(tmp_path, "add", "ani").returncode == 2
    bad = run(tmp_path, "add", "a b", "--role", "admin")
    assert bad.returncode == 1 and bad.stderr.strip().startswith("Nama masuk terdiri")
    missing = run(tmp_path, "disable", "nobody")
    assert missing.returncode == 1 and "tidak ditemukan" in missing.stderr
