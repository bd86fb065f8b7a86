"""Open mode: one person on his own computer, and nobody from anywhere else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.texts import text
from tests.ui.console import Opener, shown
from tests.ui.server import ROOT, Console, free_port

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("page", ["obrolan", "audit", "pengguna", "akun"])
def test_every_page_says_that_nobody_signs_in(engine: BlockingEngine, open_page: Opener, page: str) -> None:
    app = open_page(page)
    assert not app.exception and text("sign_in.open.notice") in shown(app)


def test_requests_from_elsewhere_are_refused(console: Console) -> None:
    with httpx.Client(base_url=console.url, timeout=30) as client:
        assert client.get("/", headers=HTML).status_code == 200
        assert client.get("/masuk").headers["location"] == "/"
        for headers in ({"X-Forwarded-For": "10.0.0.9"}, {"Host": "konsol.example"}, {"Forwarded": "for=10.0.0.9"}):
            told = client.get("/", headers=HTML | headers)
            assert told.status_code == 403 and "mode terbuka" in told.text
            assert client.put("/_stcore/upload_file/s/f", headers=headers).status_code == 403
        assert client.get("/health", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 200


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "SIGN_IN=open hanya melayani komputer ini sendiri"),
        ({"SIGN_IN": "oidc"}, "membutuhkan bagian [auth]"),
        ({"SIGN_IN": "tutup"}, "SIGN_IN bernilai 'tutup'"),
        ({"OIDC_ROLE_MAP": "sipd=raja"}, "OIDC_ROLE_MAP"),
    ],
)
def test_a_start_that_would_let_everybody_or_nobody_in_is_refused(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port())]
    around = os.environ | {"SIPD_DATA_DIR": str(tmp_path / "data")} | environment
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr


def test_open_anywhere_must_be_said(tmp_path: Path) -> None:
    console = Console(tmp_path / "data", LOAD_SAMPLE_DATA="false", OPEN_ANYWHERE="true", STREAMLIT_SERVER_ADDRESS="0.0.0.0")
    console.start(wait=False)
    try:
        console.wait_until_it_answers()
        assert httpx.get(console.url, headers=HTML | {"X-Forwarded-For": "10.0.0.9"}).status_code == 200
    finally:
        console.stop(signal.SIGKILL)  # it may be loading its models still
