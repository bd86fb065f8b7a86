"""The scripted provider as a process of its own, so that its work is not counted as ours."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def provider(**knobs: object) -> Iterator[str]:
    """Run `python -m tests.provider` with these knobs (`embedding_delay_ms=50` -> `--embedding-delay-ms 50`); yields its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.provider", "--port", str(port)]
    command += [part for name, value in knobs.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


def account(url: str) -> dict[str, Any]:
    """What the provider has served."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/_log", timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the provider did not start")
