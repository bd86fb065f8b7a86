"""The real console as a process of its own on a free port of loopback, stopped by the process id that was started."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120


class Console:
    """`streamlit run app.py` over one data folder; can be stopped, killed and started again."""

    def __init__(self, data: Path, **environment: str) -> None:
        self._data = data
        self._environment = environment
        self._log = data.with_suffix(".log")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, *, wait: bool = True) -> None:
        """Start the process and, if wanted, wait until it can answer questions."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self._port)]
        environment = os.environ | {"SIPD_DATA_DIR": str(self._data)} | self._environment
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        if wait:
            self.wait_for(200)

    def wait_until_it_answers(self) -> None:
        """Wait until pages are served; the engine may still be preparing."""
        self.wait_for(200, 503)

    def wait_for(self, *status: int) -> None:
        """Wait until /health answers with one of `status`."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"the console ended by itself: {self.log()[-2000:]}")
            if self._health() in status:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the console did not become ready: {self.log()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process; does nothing when it is not running."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def has_loaded(self, library: str) -> bool:
        """Whether compiled parts of a library are in the process, as Linux tells."""
        assert self._process is not None
        return f"/site-packages/{library}/" in Path(f"/proc/{self._process.pid}/maps").read_text(encoding="utf-8")

    def log(self) -> str:
        """What the process has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _health(self) -> int:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def free_port() -> int:
    """A port of loopback that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
