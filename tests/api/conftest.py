"""One real console on loopback for all tests of the HTTP interface, over a scripted provider that can be slow."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.store.database import Database
from tests.provider import Provider
from tests.ui.console import LOG, as_file, started
from tests.ui.server import Console

SITE = "https://kantor.example"


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider(key="") as made:
        yield made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three cases, indexed."""
    made = tmp_path_factory.mktemp("api") / "data"
    engine = started(made)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.wait_until_indexed(300)
    engine.close()
    return made


@pytest.fixture(scope="session")
def console(folder: Path, provider: Provider) -> Iterator[Console]:
    made = Console(
        folder,
        NEBIUS_BASE_URL=provider.url,
        NEBIUS_EMBEDDING_MODEL="local",
        LOAD_SAMPLE_DATA="false",
        API_CHAT_PER_MINUTE="1000000",
        API_READS_PER_MINUTE="1000000",
        API_ORIGINS=SITE,
        ENABLE_DEBUG_LOGGING="true",
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def keys(console: Console, folder: Path) -> Iterator[ApiKeyStore]:
    database = Database(f"sqlite:///{folder / 'sipd.db'}")
    yield ApiKeyStore(database)
    database.close()


@pytest.fixture(scope="session")
def whole_key(keys: ApiKeyStore) -> str:
    """A key for everything."""
    return keys.add("semua", set(Scope))[1]


@pytest.fixture
def stranger(console: Console) -> Iterator[httpx.Client]:
    """A program without a key."""
    with httpx.Client(base_url=console.url, timeout=60) as made:
        yield made


@pytest.fixture
def client(console: Console, whole_key: str) -> Iterator[httpx.Client]:
    """A program with a key for everything."""
    with httpx.Client(base_url=console.url, timeout=60, headers={"Authorization": f"Bearer {whole_key}"}) as made:
        yield made


Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def bearer(keys: ApiKeyStore) -> Bearer:
    """Headers with a new key for these scopes."""
    return lambda *scopes: {"Authorization": f"Bearer {keys.add('uji', set(scopes))[1]}"}
