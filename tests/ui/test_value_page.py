"""The page of value, run whole: measured figures, assumptions that change them, conversations behind them, scenarios."""

from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import value_state
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Feedback
from sipd_core.errors import StoreLockedError
from sipd_core.store.assumptions import Assumptions
from sipd_core.texts import text
from sipd_core.value_words import label
from tests.ui.console import LOG, Opener, as_file, shown


def talked(engine: BlockingEngine) -> str:
    """Two conversations, one of them with a thumb up; the id of that one."""
    engine.import_files([("log.csv", as_file(LOG))])
    session = engine.new_session_id()
    turn = engine.ask("SP2D belum cair padahal SPM sudah final", session)
    engine.give_feedback(turn.turn_id, Feedback(True))
    engine.ask("Tidak bisa login, akun tidak aktif", engine.new_session_id())
    return session


def section(app: AppTest, name: str) -> AppTest:
    app.session_state[value_state.SECTION] = name
    return app.run()


def metric(app: AppTest, name: str) -> Any:
    return next(found for found in app.metric if found.label == name)


def typed(app: AppTest, name: str) -> Any:
    return next(box for box in app.number_input if box.label == text(f"value.assumption.{name}.label"))


def supposed(app: AppTest, name: str) -> Any:
    return next(box for box in app.number_input if box.label == text(f"value.scenario.input.{name}"))


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_without_conversations_it_says_what_will_be_here(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("nilai")
    assert not app.exception
    assert text("value.empty.title") in shown(app)
    assert not app.metric
    app = press(app, "value.empty_scenario")
    assert not app.exception
    assert metric(app, text("value.scenario.roi_side", side=text("value.scenario.expected"))).value == "6.828%"
    assert section(app, "talks").info[0].value == text("value.empty.body")


def test_what_was_measured_is_shown_with_its_formulas(empty_engine: BlockingEngine, open_page: Opener) -> None:
    talked(empty_engine)
    app = open_page("nilai")
    assert not app.exception
    assert text("value.agreement.none") in shown(app)
    assert metric(app, label("resolved_share")).value == "50,0%"
    assert metric(app, label("satisfaction")).value == "100,0%"
    assert metric(app, label("savings")).value == "Rp 18.750"
    assert metric(app, label("savings")).delta == "US$ 1,14"
    said = shown(app).replace("\\", "")
    assert "1 × (20 menit − 5 menit) − 0 × 5 menit = 15 menit" in said
    assert "15 menit ÷ 60 × Rp 35.000 = Rp 8.750" in said
    labels = [button.proto.label for button in app.get("download_button")]
    assert {text(f"value.download.{name}") for name in ("xlsx", "print", "data")} <= set(labels)
    assert len(app.get("plotly_chart")) == 1, "nothing was escalated, so there is no chart of reasons"


def test_saving_an_assumption_changes_the_figures_and_going_back_restores_them(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    talked(empty_engine)
    app = section(open_page("nilai"), "assumptions")
    assert app.button(key="value.save").label == text("value.edit.agree")
    app = press(app, "value.save")
    assert text("value.agreement.none") not in shown(app)
    typed(app, "minutes_by_hand").set_value(35.0)
    app = press(app.run(), "value.save")
    assert not app.exception and not app.error
    assert empty_engine.value.assumptions.in_force().minutes_by_hand == 35
    app = section(app, "summary")
    assert metric(app, label("savings")).value == "Rp 27.500"
    app = section(app, "assumptions")
    assert "20 menit → 35 menit" in shown(app)
    assert text("value.history.unchanged") in shown(app)
    newest, first = empty_engine.value.assumptions.history()
    assert f"value.again.{newest.seq}" not in [button.key for button in app.button], "what holds needs no way back"
    app = press(app, f"value.again.{first.seq}")
    assert not app.exception and text("value.history.back") in shown(app).replace("\\", "")
    assert empty_engine.value.assumptions.in_force().minutes_by_hand == 20
    assert metric(section(app, "summary"), label("savings")).value == "Rp 18.750"


def test_a_value_that_cannot_be_is_refused_in_words_and_stays_typed(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    app = section(open_page("nilai"), "assumptions")
    typed(app, "minutes_with_console").set_value(99.0)
    app = press(app.run(), "value.save")
    assert not app.exception
    assert text("value.error.slower").split(".")[0] in app.error[0].value
    assert typed(app, "minutes_with_console").value == 99
    assert empty_engine.value.assumptions.current() is None


def test_what_somebody_else_saved_is_not_overwritten(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = section(open_page("nilai"), "assumptions")
    other = empty_engine.value.assumptions.save(Assumptions(users_per_day=Decimal(7)), actor="lain", based_on=None)
    app = press(app, "value.save")
    assert "Muat ulang" in app.error[0].value
    assert empty_engine.value.assumptions.history() == (other,)


def test_a_count_leads_to_its_conversations(empty_engine: BlockingEngine, open_page: Opener) -> None:
    session = talked(empty_engine)
    app = press(open_page("nilai"), "value.talks.confirmed")
    assert not app.exception
    (line,) = app.dataframe[0].value.to_dict("records")
    assert line[text("value.talk.open")] == f"/?percakapan={session}"
    assert line[text("value.talk.by")] == text("value.by.thumb")
    assert app.selectbox(key=value_state.SHOWN).options[0].endswith("(2)")
    app = app.selectbox(key=value_state.SHOWN).select("escalated").run()
    assert app.info[0].value == text("value.talk.none")


def test_a_scenario_is_played_with_and_starts_from_what_was_measured(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    talked(empty_engine)
    app = section(open_page("nilai"), "scenario")
    assert not app.exception
    net = text("value.scenario.net")
    assert metric(app, net).value == "US$ 245.816,67"
    supposed(app, "automated").set_value(35.0)
    app = app.run()
    assert metric(app, net).value == "US$ 181.941,67"
    assert metric(section(section(app, "summary"), "scenario"), net).value == "US$ 181.941,67", "kept over sections"
    app = press(app, "value.scenario.source")
    assert metric(app, net).value == "US$ 245.816,67"
    app = press(app, "value.scenario.measured")
    assert supposed(app, "automated").value == 50
    assert supposed(app, "users_per_day").value == 50
    app.slider(key="value.scenario.spread").set_value(0)
    app = app.run()
    sides = [text("value.scenario.roi_side", side=text(f"value.scenario.{side}")) for side in ("low", "high")]
    assert metric(app, sides[0]).value == metric(app, sides[1]).value
    assert empty_engine.value.assumptions.current() is None, "playing changes nothing"


def test_names_and_notes_are_shown_as_typed(empty_engine: BlockingEngine, open_page: Opener) -> None:
    empty_engine.value.assumptions.save(Assumptions(), actor=":red[x] **y**", based_on=None)
    app = open_page("nilai")
    assert ":red[x] **y**" not in shown(app)


def test_an_error_is_told(empty_engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(empty_engine.value, "report", locked)
    app = open_page("nilai")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
