"""Pages run whole: the entry script, the real engine on a folder of its own, no browser."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import resources
from sipd_core.blocking import BlockingEngine
from sipd_core.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "pages" / "shell" / "main.py"
LOG = (
    "MENU,ISSUE,EXPECTED,NOTE BY DEV,NOTE BY QA\n"
    '"SP2D - Pencairan","SP2D belum cair padahal SPM sudah final",'
    '"1. Buka menu Pencairan.\n2. Setujui ulang SPM.",,\n'
    'Login,"Tidak bisa login, akun tidak aktif",,"Aktifkan kembali akun di menu Pengguna",\n'
    'DPA,"DPA tidak bisa dicetak, halaman kosong **tebal** :red[x]",DPA bisa dicetak,,\n'
).encode()
"""Two complaints with a remedy, one precedent whose text is full of marks."""

Opener = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def no_component_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit looks through every installed distribution at the first run of each AppTest; there is nothing to find."""
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", lambda *_, **__: [])


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    """One started engine for the tests that only add to it; starting takes seconds."""
    engine = started(tmp_path_factory.mktemp("ui"))
    engine.import_files([("log.csv", _file(LOG))])
    yield engine
    engine.close()


@pytest.fixture
def engine(shared_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> BlockingEngine:
    """The shared engine, put where the pages look for theirs."""
    monkeypatch.setattr(resources, "_engine", shared_engine)
    return shared_engine


@pytest.fixture
def empty_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingEngine]:
    """An engine that has seen nothing yet."""
    engine = started(tmp_path)
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


def started(folder: Path) -> BlockingEngine:
    """An engine on this folder, without sample rows, ready to answer."""
    engine = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder / "data", load_sample_data=False))
    engine.wait_until_prepared(60)
    return engine


def shown(app: AppTest) -> str:
    """Every Markdown text on the page, for a look at what a visitor reads."""
    parts = [*app.markdown, *app.caption, *app.subheader, *app.title, *app.info, *app.success, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts)


def _file(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)
