"""Kinerja: figures beside the period before, charts with their values as files, traces that open, live figures that stand."""

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import resources, speed
from pages.shell.plain import plain
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.locale_id import duration, number, percent
from sipd_core.periods import Period
from sipd_core.store.database import Database
from sipd_core.texts import text
from tests.replay import replay
from tests.ui.console import Opener, shown, started


def section(app: AppTest, name: str) -> AppTest:
    return app.segmented_control(key="performance.section").set_value(name).run()


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def labels(app: AppTest, kind: str) -> list[str]:
    return [button.proto.label for button in app.get(kind)]


@pytest.fixture(scope="module")
def busy(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    """A console with two months behind it."""
    import shutil

    folder = shutil.copytree(prepared_folder, tmp_path_factory.mktemp("speed") / "data")
    database = Database(f"sqlite:///{folder / 'sipd.db'}")
    replay(database, turns=800, days=60)
    database.close()
    engine = started(folder)
    yield engine
    engine.close()


@pytest.fixture
def busy_page(busy: BlockingEngine, monkeypatch: pytest.MonkeyPatch, open_page: Opener) -> Opener:
    monkeypatch.setattr(resources, "_engine", busy)
    return open_page


def test_before_the_first_question_figures_are_dashes(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kinerja")
    assert not app.exception
    assert figures(app)[text("performance.live.turns")] == "0"
    assert figures(app)[text("performance.live.p95")] == figures(app)[text("performance.live.errors")] == "—"
    assert text("performance.empty") in shown(app)
    assert not app.get("plotly_chart")


def test_a_question_is_in_the_figures_at_once(engine: BlockingEngine, open_page: Opener) -> None:
    turn = engine.ask("SP2D belum cair", engine.new_session_id())
    app = open_page("kinerja", periode="today")
    assert not app.exception
    assert figures(app)[text("performance.figure.p50")] != "—"
    section(app, "slowest").selectbox(key="performance.trace").set_value(turn.turn_id).run()
    assert not app.exception and plain(text("performance.slowest.ok")) in shown(app)


def test_a_period_is_beside_the_one_before_it_with_its_charts(busy: BlockingEngine, busy_page: Opener) -> None:
    app = busy_page("kinerja", periode="month")
    assert not app.exception
    report = busy.speed.report(_month(app))
    seen = figures(app)
    total = report.whole.latency["total"]
    assert [seen[text(f"performance.figure.{name}")] for name in ("p50", "p95", "p99")] == [
        duration(took) for took in (total.p50, total.p95, total.p99)
    ]
    assert seen[text("performance.figure.errors")] == percent(report.whole.error_rate, 2)
    cards = {metric.label: metric for metric in app.metric}
    assert "%" in cards[text("performance.figure.turns")].delta
    assert "dibandingkan dengan" in shown(app)
    for name, charts in {"times": 2, "traffic": 4, "troubles": sum(map(bool, _causes(report))), "slowest": 1}.items():
        section(app, name)
        assert not app.exception
        assert len(app.get("plotly_chart")) == charts
        assert labels(app, "download_button").count(text("charts.download")) == charts, "each with its values"


def test_a_small_share_is_not_told_as_none() -> None:
    told = [speed._told_share(share, 2) for share in (None, 0.0, 0.00004, 0.0001, 0.25)]
    assert told == ["—", "0,00%", "< 0,01%", "0,01%", "25,00%"]


def test_the_stage_of_the_second_chart_is_chosen(busy_page: Opener) -> None:
    app = busy_page("kinerja", periode="month")
    assert text("performance.stage.first_token") in shown(app)
    app.segmented_control(key="performance.stage").set_value("search").run()
    assert not app.exception
    assert plain(f"{text('performance.chart.stage')}: {text('performance.stage.search')}") in shown(app)


def test_a_slow_turn_is_opened_and_says_where_its_time_went(busy: BlockingEngine, busy_page: Opener) -> None:
    app = busy_page("kinerja", periode="month")
    second = busy.speed.report(_month(app)).slowest[1]
    section(app, "slowest")
    app.selectbox(key="performance.trace").set_value(second.turn_id).run()
    assert not app.exception
    assert f"2. {duration(second.total_ms)}" in app.selectbox(key="performance.trace").options[1]
    assert plain(number(second.usage.prompt if second.usage else None)) in shown(app)


def test_the_exports_of_the_page_hold_its_figures(busy: BlockingEngine, busy_page: Opener) -> None:
    app = busy_page("kinerja", periode="month")
    file = io.BytesIO()
    busy.speed.export_traces(_month(app), file)
    frame = pd.read_csv(io.BytesIO(file.getvalue()), encoding="utf-8-sig")
    assert figures(app)[text("performance.figure.turns")] == number(len(frame))
    assert labels(app, "download_button")[-2:] == [text("performance.export.traces"), text("performance.export.calls")]


def test_an_error_is_told_and_the_live_figures_stand(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(engine.speed, "report", locked)
    app = open_page("kinerja")
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
    assert len(app.metric) > 0


def test_it_says_what_is_kept_and_what_compression_saves(engine: BlockingEngine, open_page: Opener) -> None:
    page = shown(open_page("kinerja"))
    kept = engine.cache_stats()
    assert kept.durable_saved_mb == pytest.approx(kept.durable_mb)  # float16 is half of float32
    assert f"Vektor tersimpan: {number(kept.durable_entries)} " in page


def _month(app: AppTest) -> Period:
    from datetime import UTC, datetime

    from sipd_core.usage import jakarta_day

    return Period.of_days(30, jakarta_day(datetime.now(UTC)))


def _causes(report):  # type: ignore[no-untyped-def]
    return report.failures, report.impairments, report.failed_calls, report.retried_calls
