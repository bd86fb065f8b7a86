"""Rows are switched off, deleted and brought back, through the page; the table lists DPA, Login, SP2D - Pencairan."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell.plain import plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import CaseFilter
from sipd_core.texts import text
from tests.ui.console import LOG, Opener, as_file, shown


@pytest.fixture
def app(empty_engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    empty_engine.import_files([("log.csv", as_file(LOG))])
    return open_page("pengetahuan")


def choose(app: AppTest, monkeypatch: pytest.MonkeyPatch, *rows: int) -> AppTest:
    """A visitor ticks rows: AppTest cannot, so the table answers as if they were ticked."""
    import streamlit as st

    class Event:
        class selection:
            pass

    Event.selection.rows = list(rows)  # type: ignore[attr-defined]
    real = st.dataframe

    def ticked(*args: object, **named: object) -> object:
        made = real(*args, **named)  # type: ignore[arg-type]
        return Event if named.get("on_select") == "rerun" else made

    monkeypatch.setattr("pages.shell.table.st.dataframe", ticked)
    return app.run()


def test_a_row_is_deleted_after_a_confirmation_and_brought_back(
    app: AppTest, empty_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(app, monkeypatch, 1)
    app.button(key="knowledge.delete").click().run()
    assert empty_engine.cases().total == 3
    app.button(key="knowledge.delete_yes").click().run()
    assert {case.menu for case in empty_engine.cases().cases} == {"DPA", "SP2D - Pencairan"}
    assert plain_line(text("changes.made.delete", n=1)) in shown(app)
    app.button(key="knowledge.undo").click().run()
    assert empty_engine.cases().total == 3
    assert empty_engine.search("tidak bisa login").hits[0].case.menu == "Login"


def test_several_rows_are_switched_off_at_once(
    app: AppTest, empty_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(app, monkeypatch, 0, 1)
    app.button(key="knowledge.disable").click().run()
    assert not app.exception
    assert empty_engine.cases(CaseFilter(enabled=False)).total == 2
    assert {hit.case.menu for hit in empty_engine.search("tidak bisa login").hits} == {"SP2D - Pencairan"}


def test_a_case_says_who_reported_it(
    app: AppTest, empty_engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = b"TANGGAL,DAERAH,MENU,ISSUE\n01/02/2025,Kota A,Awal,sama saja\n03/02/2025,Kab. B,Awal,sama saja\n"
    empty_engine.import_files([("aduan.csv", as_file(rows))])
    choose(app.run(), monkeypatch, 0)
    assert text("imports.reports.title_regions", n=2, regions=2) in [fold.label for fold in app.expander]
    reported = next(frame.value for frame in app.dataframe if text("imports.reports.region") in frame.value.columns)
    assert list(reported[text("imports.reports.region")]) == ["Kota A", "Kab. B"]
