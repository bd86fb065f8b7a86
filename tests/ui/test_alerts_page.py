"""Alerts on screen: on top of every page, taken care of, rules changed and taken back, a log that leaves as CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell.alerts_log import exported
from sipd_core.alerts.model import DEFAULTS, EventKind, Kind, LogFilter
from sipd_core.blocking import BlockingEngine
from sipd_core.store.traces import TurnTrace
from sipd_core.texts import text
from tests.ui.console import Opener, shown

EVER = LogFilter(datetime.now(UTC) - timedelta(days=2))
PAGES = ["obrolan", "pengetahuan", "impor", "kesehatan", "laboratorium", "cadangan", "kinerja", "biaya", "nilai"]
TITLE = text("alerts.title.error_rate")


@pytest.fixture
def failing(empty_engine: BlockingEngine) -> Iterator[BlockingEngine]:
    """A quarter of the last forty turns failed, and the rules were looked at."""
    traces = empty_engine._engine.traces
    for n in range(40):
        outcome = "ProviderDownError" if n % 4 == 0 else "ok"
        timings = {"total": 900.0}
        traces.add(TurnTrace(f"t{n}", "s", datetime.now(UTC), outcome, timings_ms=timings))
    empty_engine.alerts.look()
    yield empty_engine


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def choose(app: AppTest, kind: Kind) -> AppTest:
    return app.selectbox(key="alerts.rule").select(kind).run()


def field(app: AppTest, name: str, kind: Kind) -> str:
    """The key of a field of a rule's form."""
    elements = [*app.text_input, *app.toggle, *app.number_input]
    return next(str(one.key) for one in elements if str(one.key).startswith(f"alerts.{name}.{kind}."))


def save(app: AppTest) -> AppTest:
    next(button for button in app.button if button.label == text("alerts.editor.save")).click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", PAGES)
def test_an_alert_is_on_top_of_every_page(failing: BlockingEngine, open_page: Opener, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    said = shown(app).replace("\\", "")
    assert TITLE in said
    assert "25% dari 40 jawaban" in said
    assert text("alerts.advice.error_rate") in said


def test_a_quiet_console_shows_no_banner_and_says_so_on_the_page(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    assert TITLE not in shown(open_page("kinerja"))
    app = open_page("peringatan")
    assert not app.exception
    assert text("alerts.states.never") in shown(app)
    assert text("alerts.log.empty") in shown(app)
    assert "ALERT_WEBHOOK_URL" in shown(app).replace("\\", "")
    empty_engine.alerts.look()
    assert text("alerts.states.calm") in shown(app.run())


def test_who_takes_care_is_named_and_the_banner_steps_back(failing: BlockingEngine, open_page: Opener) -> None:
    app = open_page("peringatan")
    assert text("alerts.look.firing") in shown(app)
    app.text_input(key="alerts.note.error_rate").input("hubungi **penyedia** 081234567890").run()
    press(app, "alerts.ack.error_rate")
    (made, _) = failing.alerts.events(EVER)
    assert (made.event, made.actor) == (EventKind.ACKNOWLEDGED, text("people.local"))
    assert "081234567890" not in made.note
    assert text("people.local") in shown(app)
    other = shown(open_page("kinerja")).replace("\\", "")
    assert "25% dari 40 jawaban" not in other
    assert text("alerts.banner.taken", n=1) in other


def test_a_rule_is_changed_in_indonesian_figures_and_taken_back(failing: BlockingEngine, open_page: Opener) -> None:
    app = choose(open_page("peringatan"), Kind.SLOW)
    app.text_input(key=field(app, "threshold", Kind.SLOW)).input("0,85")
    app.number_input(key=field(app, "turns", Kind.SLOW)).set_value(10)
    save(app)
    rule = {one.rule.kind: one.rule for one in failing.alerts.watched()}[Kind.SLOW]
    assert (rule.threshold, rule.min_turns) == (0.85, 10)
    assert {one.rule.kind for one in failing.alerts.open()} == {Kind.ERROR_RATE, Kind.SLOW}
    assert app.text_input(key=field(app, "threshold", Kind.SLOW)).value == "0,85"
    press(app, f"alerts.undo.{failing.alerts.rule_history()[0].seq}")
    assert {one.rule.kind: one.rule for one in failing.alerts.watched()}[Kind.SLOW] == DEFAULTS[Kind.SLOW]
    assert app.text_input(key=field(app, "threshold", Kind.SLOW)).value == "10"


@pytest.mark.parametrize(("typed", "said"), [("banyak", "misalnya 7,5"), ("0", "0,10"), ("101", "100 persen")])
def test_a_threshold_that_makes_no_sense_is_refused(
    failing: BlockingEngine, open_page: Opener, typed: str, said: str
) -> None:
    app = open_page("peringatan")
    app.text_input(key=field(app, "threshold", Kind.ERROR_RATE)).input(typed)
    save(app)
    assert said in app.error[0].value.replace("\\", "")
    assert failing.alerts.rule_history() == ()


def test_the_log_leaves_as_csv_with_the_same_lines(failing: BlockingEngine, open_page: Opener) -> None:
    failing.alerts.acknowledge(Kind.ERROR_RATE, actor="=Sari", note="=1+1")
    app = open_page("peringatan")
    table = app.dataframe[0].value
    kinds = [text("alerts.event.acknowledged"), text("alerts.event.fired")]
    assert list(table[text("alerts.log.column.event")]) == kinds
    raw = exported(failing.alerts.events(EVER)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(raw)))
    assert [row["kejadian"] for row in rows] == kinds
    assert (rows[1]["nilai"], rows[1]["batas"], rows[1]["satuan"]) == ("25.0", "5.0", "persen")
    assert (rows[0]["oleh"], rows[0]["catatan"]) == ("'=Sari", "'=1+1")
    assert rows[1]["waktu"].endswith("+07:00")
    app.multiselect(key="alerts.log_kinds").select(EventKind.RECOVERED).run()
    assert text("alerts.log.none") in shown(app)


def test_a_long_history_of_rules_is_shown_whole_when_asked(empty_engine: BlockingEngine, open_page: Opener) -> None:
    for n in range(12):
        rule = replace(DEFAULTS[Kind.DISK], threshold=2.5 + n)
        empty_engine.alerts.change_rule(rule, actor="Sari", note=f"alasan ke-{n}")
    app = open_page("peringatan")
    assert "alasan ke" in shown(app).replace("\\", "")
    undo = [str(button.key) for button in app.button if str(button.key).startswith("alerts.undo.")]
    assert len(undo) == 10
    app.checkbox(key="alerts.history_all").check().run()
    undo = [str(button.key) for button in app.button if str(button.key).startswith("alerts.undo.")]
    assert len(undo) == 12
