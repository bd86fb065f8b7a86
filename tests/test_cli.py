"""The command line as a person or cron runs it: exit status, one JSON object, clear lines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = (
    "MENU,ISSUE,EXPECTED\n"
    "Login,akun terkunci karena salah sandi,Admin daerah menekan Buka Blokir di menu Pengguna\n"
    "Login,,kosong\n"
    "SP2D,sp2d belum cair,Kuasa BUD menekan Transfer di menu SP2D\n"
)


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "aduan.csv").write_text(ROWS, encoding="utf-8")

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | {"SIPD_DATA_DIR": str(self.folder / "data"), "PYTHONPATH": str(ROOT)} | environment
        command = [sys.executable, "-m", "sipd_core", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=variables, input=stdin, capture_output=True, text=True, check=False
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    made = Shell(tmp_path_factory.mktemp("cli"))
    made.json("index", "aduan.csv")
    return made


def test_index_reports_every_row(tmp_path: Path) -> None:
    told = Shell(tmp_path).json("index", "aduan.csv")
    file = told["files"][0]
    assert (file["accepted"], file["rejected"], file["unchanged"], file["duplicates"]) == (2, 1, 0, 0)
    assert file["reasons"][0]["row"] == 3
    assert told["documents"] == 2
    assert told["embedded_texts"] > 0


def test_a_second_index_embeds_nothing(shell: Shell) -> None:
    told = shell.json("index", "aduan.csv")
    assert (told["files"][0]["unchanged"], told["embedded_texts"], told["documents"]) == (2, 0, 2)


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    told = shell.json("index", "aduan.csv", "--dry-run")
    assert (told["files"][0]["accepted"], told["documents"]) == (2, 0)


def test_ask_has_the_contracted_fields(shell: Shell) -> None:
    told = shell.json("ask", "akun kekunci salah sandi")
    contracted = {
        "response", "intent", "sentiment", "suggestions", "context_used", "should_escalate", "session_id", "verdict", "relevance",
        "sources", "answered_by", "cost_usd", "timings_ms",
    }  # fmt: skip
    assert contracted <= told.keys()
    assert {"id", "menu", "issue", "remedy", "relevance", "file", "row"} <= told["sources"][0].keys()
    assert told["sources"][0]["row"] == 2
    assert (told["answered_by"], told["cost_usd"]) == ("local", 0.0)
    again = shell.json("ask", "masih gagal", "--session", told["session_id"])
    assert again["session_id"] == told["session_id"]


def test_search_lists_hits_with_their_scores(shell: Shell) -> None:
    told = shell.json("search", "sp2d blm cair", "--top-k", "1")
    assert len(told["hits"]) == 1
    assert {"id", "menu", "issue", "relevance", "vector", "lexical", "file", "row"} <= told["hits"][0].keys()
    assert told["hits"][0]["menu"] == "SP2D"
    assert told["verdict"] in {"found", "partial", "not_found"}


def test_rows_imports_usage_and_stats(shell: Shell, tmp_path: Path) -> None:
    assert shell.json("rows", "--export", str(tmp_path / "keluar.csv"))["total"] == 2
    assert (tmp_path / "keluar.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert shell.json("imports")["imports"][-1]["file"] == "aduan.csv"
    assert shell.json("usage")["total_cost"] == 0.0
    assert {"performance", "cache", "knowledge", "cost"} <= shell.json("stats").keys()


def test_what_was_exported_can_be_imported(shell: Shell, tmp_path: Path) -> None:
    shell.run("rows", "--export", str(tmp_path / "keluar.csv"))
    other = Shell(tmp_path)
    told = other.json("index", str(tmp_path / "keluar.csv"), "--dry-run")
    assert (told["files"][0]["accepted"], told["files"][0]["rejected"]) == (2, 0)


def test_an_import_is_undone_by_its_id(tmp_path: Path) -> None:
    own = Shell(tmp_path)
    own.json("index", "aduan.csv")
    id_ = own.json("imports")["imports"][0]["id"]
    assert own.json("undo", id_) == {"undone": id_, "removed": 2, "restored": 0, "changed": 0, "stays": 0}
    assert (own.json("rows")["total"], own.json("imports")["imports"][0]["status"]) == (0, "undone")
    again = own.run("undo", id_)
    assert (again.returncode, "sudah diurungkan" in again.stderr) == (1, True)
    told = own.json("index", "aduan.csv")
    assert (told["files"][0]["accepted"], told["embedded_texts"]) == (2, 0)


def test_mask_is_a_filter(shell: Shell) -> None:
    done = shell.run("mask", stdin="NIP 197705052000121001 lapor\n")
    assert (done.returncode, done.stdout) == (0, "NIP [NIP] lapor\n")


def test_evaluate_prints_every_figure(shell: Shell, eval_dir: Path) -> None:
    """Only the shape and the floors of the issue; the figures themselves are printed by the command."""
    names = {
        "oos": "oos.csv",
        "intents": "intents.csv",
        "sentiment": "sentiment.csv",
        "dialogues": "dialogues.jsonl",
        "pii": "pii.jsonl",
    }
    files = [part for name, file in names.items() for part in (f"--{name}", str(eval_dir / file))]
    told = shell.json("evaluate", "--kb", str(eval_dir / "kb.csv"), "--queries", str(eval_dir / "queries.csv"), *files)
    assert told["retrieval"]["hit@1"] >= 0.66
    assert told["retrieval"]["hit@3"] >= 0.82
    assert told["retrieval"]["mrr@10"] >= 0.74
    assert told["abstention"]["auroc"] >= 0.90
    assert told["intent"]["accuracy"] >= 0.80
    assert told["sentiment"]["accuracy"] >= 0.80
    assert told["escalation"]["f1"] >= 0.80
    assert told["pii"]["recall"] >= 0.97
    assert told["pii"]["false_positive_rate"] == 0.0


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "said"),
    [
        ((), {}, 2, "PERINTAH"),
        (("search", "x", "--top-k", "0"), {}, 2, "bilangan bulat positif"),
        (("index", "tidak-ada.csv"), {}, 1, "tidak-ada.csv"),
        (("ask", "   "), {}, 1, "Pesan masih kosong"),
        (("stats",), {"TOP_K_RESULTS": "0"}, 1, "TOP_K_RESULTS"),
        (("stats",), {"SIPD_DATA_DIR": "/dev/null/x"}, 1, "/dev/null"),
    ],
)
def test_failures_are_one_clear_line(
    shell: Shell, arguments: tuple[str, ...], environment: dict[str, str], status: int, said: str
) -> None:
    done = shell.run(*arguments, **environment)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if status == 1:
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_refused_file_fails_the_command(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "gambar.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    done = shell.run("index", "gambar.csv", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["files"][0]["error"]
