"""How long the pages that look back take to draw on 90 days of replayed traffic: `python -m tests.benchmarks.pages [DATA_DIR]`.

Two figures for each page and period: the script alone (its queries and everything that is sent), and a click in the menu of a
real browser until the script has ended and every chart is painted. A DATA_DIR that was replayed before is used as it is.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest

from pages.shell import charts, resources
from sipd_core.blocking import BlockingEngine
from sipd_core.settings import load_settings
from sipd_core.store.database import Database
from sipd_core.texts import text
from sipd_core.usage import jakarta_day
from tests.benchmarks.report import print_latencies
from tests.replay import DAYS, replay
from tests.ui.chromium import ARGUMENTS, CHROMIUM
from tests.ui.console import ENTRY, ROOT
from tests.ui.server import Console

PAGES = {"kinerja": "performance", "biaya": "cost", "nilai": "value"}
ROUNDS = 5
GOAL = "<= 1500"
_PAINTED = """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(c => c.querySelector('.main-svg'))
    && !document.querySelector('[data-testid=stSkeleton]') && document.title.startsWith(TITLE)"""


def run(folder: Path | None = None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        data = folder or Path(temporary) / "data"
        if not data.exists():
            database = Database(load_settings(sipd_data_dir=data).sql_url)
            print(replay(database))
            database.close()
        _scripts(data)
        _browser(data)


def _periods() -> dict[str, str]:
    today = jakarta_day(datetime.now(UTC))
    return {"30 days": "month", f"{DAYS} days": f"{today - timedelta(days=DAYS - 1)}_{today}"}


def _scripts(data: Path) -> None:
    """The script of each page, as one visitor after another."""
    settings = load_settings(_env_file=None, sipd_data_dir=data, load_sample_data=False)
    engine = BlockingEngine(settings, load_samples=False)
    resources._engine = engine
    try:
        engine.wait_until_prepared()
        charts.load()  # as app.py does
        for page in PAGES:
            for name, period in _periods().items():
                visits = [_visit(page, period) for _ in range(ROUNDS)]
                print_latencies(f"{page}, {name}, script alone", [took for took, _ in visits], GOAL)
                print_latencies("  of which the processor worked", [worked for _, worked in visits])
    finally:
        engine.close()
        resources._engine = None


def _visit(page: str, period: str) -> tuple[float, float]:
    """Milliseconds of a page's script, for a visitor who comes from another page, on the clock and on the processor."""
    app = AppTest.from_file(str(ENTRY), default_timeout=120)
    app.query_params["periode"] = period
    app.run()
    worked = time.process_time()
    took = _timed(lambda: app.switch_page(str(ROOT / "pages" / f"{page}.py")).run())
    assert not app.exception, app.exception
    return took, (time.process_time() - worked) * 1_000


def _browser(data: Path) -> None:
    """A click in the menu until all is painted."""
    console = Console(data, LOAD_SAMPLE_DATA="false")
    console.start()
    try:
        console.wait_for(200)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for name, period in _periods().items():
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(f"{console.url}/kinerja?periode={period}", timeout=120_000)
                _wait(page, "kinerja")
                for wanted in PAGES:
                    took = [_timed(lambda w=wanted: _click(page, w)) for _ in range(ROUNDS) if _leave(page)]  # type: ignore[misc]
                    print_latencies(f"{wanted}, {name}, clicked and painted", took, GOAL)
                page.close()
            browser.close()
    finally:
        console.stop()


def _leave(page: Page) -> bool:
    page.get_by_role("link", name=text("ui.nav.backup"), exact=True).click()
    page.wait_for_function("() => document.title.startsWith('" + text("ui.nav.backup") + "')", timeout=120_000)
    page.wait_for_timeout(500)
    return True


def _click(page: Page, wanted: str) -> None:
    page.get_by_role("link", name=text(f"ui.nav.{PAGES[wanted]}"), exact=True).click()
    _wait(page, wanted)


def _wait(page: Page, wanted: str) -> None:
    title = text(f"ui.nav.{PAGES[wanted]}")
    page.wait_for_function(_PAINTED.replace("TITLE", repr(title)), timeout=120_000)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
