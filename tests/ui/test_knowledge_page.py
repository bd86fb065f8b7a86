from pathlib import Path

import pytest
from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from pages.shell import resources, session
from pages.shell.table import ROWS_SHOWN
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.texts import text
from tests.ui.console import Opener, as_file, shown, started


def test_without_rows_it_says_how_to_begin(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("pengetahuan")
    assert not app.exception
    assert text("knowledge.empty.title") in shown(app)


def test_rows_are_found_by_word_and_by_menu(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("pengetahuan")
    assert len(_rows(app)) == 3
    app.text_input(key="knowledge.search").set_value("login").run()
    assert list(_rows(app)[text("knowledge.table.column_menu")]) == ["Login"]
    app.text_input(key="knowledge.search").set_value("tidak ada kata ini").run()
    assert text("knowledge.table.no_match") in shown(app)


def test_a_precedent_is_not_called_a_solution(engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("pengetahuan")
    rows = _rows(app)
    kinds = dict(zip(rows[text("knowledge.table.column_menu")], rows[text("knowledge.table.column_kind")], strict=True))
    assert kinds["DPA"] == text("knowledge.table.kind_precedent")
    assert kinds["Login"] == text("knowledge.table.kind_remedy")


def test_samples_go_after_a_confirmation_and_come_back(
    folder: Path, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = started(folder, load_sample_data=True)
    monkeypatch.setattr(resources, "_engine", engine)
    try:
        before = engine.status().sample_cases
        app = open_page("pengetahuan")
        app.button(key="knowledge.remove").click().run()
        assert engine.status().sample_cases == before > 0
        app.button(key="knowledge.remove_yes").click().run()
        assert engine.status().sample_cases == 0
        app.button(key="knowledge.restore").click().run()
        assert engine.status().sample_cases == before
    finally:
        engine.close()


def test_rows_are_paged_and_a_page_that_is_gone_shows_the_first(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    rows = "".join(f"Menu,Aduan nomor {number:02},Langkah {number}\n" for number in range(30))
    empty_engine.import_files([("banyak.csv", as_file(f"MENU,ISSUE,EXPECTED\n{rows}".encode()))])
    app = open_page("pengetahuan")
    assert len(_rows(app)) == ROWS_SHOWN
    app.pagination[0].set_value(2).run()
    assert len(_rows(app)) == 30 - ROWS_SHOWN
    app.text_input(key="knowledge.search").set_value("nomor").run()
    assert len(_rows(app)) == ROWS_SHOWN
    app.session_state[session.TABLE_PAGE] = 9
    app.run()
    assert not app.exception
    assert len(_rows(app)) == ROWS_SHOWN


def test_an_error_of_the_store_is_told_and_the_page_stands(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(engine, "cases", locked)
    app = open_page("pengetahuan")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")


def _rows(app: AppTest) -> DataFrame:
    """The table of cases among the tables of the page."""
    tables = (table.value for table in app.dataframe)
    return next(table for table in tables if text("knowledge.table.column_issue") in table.columns)
