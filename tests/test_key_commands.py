"""The command `keys` as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SIPD_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sipd_core", "keys", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def told(folder: Path, *arguments: str) -> Any:
    done = run(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_a_key_is_made_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    assert run(tmp_path, "list").stdout.strip() == "Belum ada kunci."
    made = told(tmp_path, "add", "bot WhatsApp", "--scopes", "chat, stats", "--days", "30")
    assert made["scopes"] == ["chat", "stats"] and made["state"] == "active" and made["key"].startswith("sipd_")
    listed = run(tmp_path, "list")
    assert "bot WhatsApp" in listed.stdout and made["id"] in listed.stdout and "aktif" in listed.stdout
    assert made["key"] not in listed.stdout and made["key"][14:] not in listed.stdout
    assert told(tmp_path, "revoke", made["id"])["state"] == "revoked"
    [left] = told(tmp_path, "list")["keys"]
    assert (left["state"], left["name"], left["used_at"], "key" in left) == ("revoked", "bot WhatsApp", None, False)


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    unknown = run(tmp_path, "add", "bot", "--scopes", "chat,semua")
    assert unknown.returncode == 2 and "semua" in unknown.stderr and "chat, stats, costs, metrics" in unknown.stderr
    assert run(tmp_path, "add", "bot", "--days", "0").returncode == 2
    missing = run(tmp_path, "revoke", "00000000")
    assert missing.returncode == 1 and missing.stderr.strip().startswith("Kunci 00000000 tidak ditemukan")
