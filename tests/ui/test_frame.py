import pytest

from pages.shell import resources
from sipd_core.blocking import BlockingEngine
from sipd_core.texts import text
from tests.ui.console import Opener, shown


@pytest.mark.parametrize("page", ["obrolan", "pengetahuan", "kinerja", "biaya"])
def test_every_page_says_which_mode_it_runs_in(engine: BlockingEngine, open_page: Opener, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert text("ui.status.local") in shown(app)


@pytest.mark.parametrize("page", ["obrolan", "pengetahuan", "kinerja", "biaya"])
def test_a_wrong_setting_is_told_in_one_sentence(open_page: Opener, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(resources, "_engine", None)
    monkeypatch.setenv("TOP_K_RESULTS", "banyak")
    app = open_page(page)
    assert not app.exception
    assert "TOP\\_K\\_RESULTS" in app.error[0].value
    assert text("ui.status.unavailable") in shown(app)
