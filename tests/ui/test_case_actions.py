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
