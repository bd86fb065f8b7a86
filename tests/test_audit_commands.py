"""The command `audit`: what was done last, and exit status 1 for a chain that is broken."""

import json
import sqlite3
from pathlib import Path

import pytest

from sipd_core.cli import main


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIPD_DATA_DIR", str(tmp_path))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    status = main([*arguments, "--json"])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return status, found


def test_a_deed_of_the_command_line_is_there_and_a_broken_chain_fails(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bot", "pemantau"):
        assert main(["keys", "add", name]) == 0
    status, found = told(capsys, "audit", "--verify", "--last", "1")
    (entry,) = found["entries"]  # type: ignore[misc]
    assert (status, found["total"], found["verification"]["whole"]) == (0, 2, True)  # type: ignore[index]
    assert (entry["kind"], entry["place"], entry["details"]["name"]) == ("key_made", "cli", "pemantau")
    assert told(capsys, "audit", "--head", str(found["head"]))[0] == 0
    assert main(["audit", "--head", "bukan"]) == 1
    with sqlite3.connect(data / "sipd.db") as connection:
        connection.execute("UPDATE audit_entries SET actor = 'lain' WHERE seq = 1")
    status, found = told(capsys, "audit", "--verify")
    assert (status, found["verification"]["broken_at"]) == (1, 1)  # type: ignore[index]
    assert main(["audit", "--verify"]) == 1
    assert "putus di catatan nomor 1" in capsys.readouterr().out
