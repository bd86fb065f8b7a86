"""The OpenAPI document is true: schemathesis tries what it says, and much that it does not, on the real server."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.api.test_door import WANTED
from tests.ui.server import Console

EXAMPLES = int(os.environ.get("SIPD_FUZZ_EXAMPLES", "25"))


def test_the_document_names_every_path_and_its_scope(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == set(WANTED)
    for path, wanted in WANTED.items():
        (operation,) = document["paths"][path].values()
        assert operation.get("x-scope") == (None if wanted == "any" else wanted)
        assert operation["security"] == ([] if wanted is None else [{"key": []}])
    assert document["components"]["schemas"]["ChatRequest"]["properties"]["message"]["maxLength"] == 10_000
    assert client.get("/api/openapi.json").json() == document


def test_schemathesis_finds_nothing(console: Console, client: httpx.Client, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{console.url}/openapi.json",
        "--url", console.url, "--header", f"Authorization: {client.headers['authorization']}",
        "--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "7", "--no-color",
        "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-1_000:]
    assert "No issues found" in done.stdout, done.stdout[-3_000:]
    assert console.log().count("Traceback") == 0
