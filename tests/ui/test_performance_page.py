import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.locale_id import number
from sipd_core.texts import text
from tests.ui.console import Opener, shown


def test_before_the_first_question_figures_are_dashes(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kinerja")
    assert not app.exception
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures[text("performance.metric.turns")] == "0"
    assert figures[text("performance.metric.p95")] == "—"
    assert figures[text("performance.metric.errors")] == "—"
    assert text("performance.empty") in shown(app)


def test_after_questions_there_are_figures_a_chart_and_traces(engine: BlockingEngine, open_page: Opener) -> None:
    engine.ask("SP2D belum cair", engine.new_session_id())
    app = open_page("kinerja")
    assert not app.exception
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures[text("performance.metric.p50")] != "—"
    assert len(app.get("plotly_chart")) == 1
    assert len(app.dataframe[-1].value) >= 1
    assert app.download_button[0].label == text("performance.traces.download")


def test_the_period_can_be_changed(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kinerja")
    app.segmented_control(key="performance.period").set_value("month").run()
    assert not app.exception


def test_an_error_is_told_and_the_live_figures_stand(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(engine, "traces", locked)
    app = open_page("kinerja")
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
    assert len(app.metric) > 0


def test_it_says_what_is_kept_and_what_compression_saves(engine: BlockingEngine, open_page: Opener) -> None:
    page = shown(open_page("kinerja"))
    kept = engine.cache_stats()
    assert kept.durable_saved_mb == pytest.approx(kept.durable_mb)  # float16 is half of float32
    assert f"Vektor tersimpan: {number(kept.durable_entries)} " in page
