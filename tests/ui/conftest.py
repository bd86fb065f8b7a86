"""Pages run whole: the entry script, the real engine on a folder of its own, no browser."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from streamlit.testing.v1 import AppTest

from pages.shell import resources
from sipd_core.blocking import BlockingEngine
from tests.ui.chromium import ARGUMENTS, CHROMIUM
from tests.ui.console import ENTRY, LOG, ROOT, Opener, as_file, started
from tests.ui.server import Console


@pytest.fixture(autouse=True)
def no_component_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit searches every installed distribution at the first run of each AppTest; there is nothing to find."""
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", lambda *_, **__: [])


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder without rows, whose classifiers have learnt: the slow part of a first start, done once."""
    folder = tmp_path_factory.mktemp("ui") / "prepared"
    started(folder).close()
    return folder


@pytest.fixture
def folder(prepared_folder: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return shutil.copytree(prepared_folder, tmp_path / "data")


@pytest.fixture(scope="session")
def shared_engine(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    """One engine for the tests that only add to it."""
    engine = started(shutil.copytree(prepared_folder, tmp_path_factory.mktemp("ui") / "shared"))
    engine.import_files([("log.csv", as_file(LOG))])
    yield engine
    engine.close()


@pytest.fixture
def engine(shared_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> BlockingEngine:
    """The shared engine, put where the pages look for theirs."""
    monkeypatch.setattr(resources, "_engine", shared_engine)
    return shared_engine


@pytest.fixture
def empty_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingEngine]:
    """An engine that has seen nothing yet."""
    engine = started(folder)
    monkeypatch.setattr(resources, "_engine", engine)
    yield engine
    engine.close()


@pytest.fixture
def open_page() -> Opener:
    """Run the console on one of its pages, as a visitor with this address would."""

    def opened(page: str = "obrolan", **query: str) -> AppTest:
        app = AppTest.from_file(str(ENTRY), default_timeout=30)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app if page == "obrolan" else app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()

    return opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: apt-get install chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path / "data", LOAD_SAMPLE_DATA="false")
    made.start()
    yield made
    made.stop(signal.SIGKILL)
