"""The page of the base's health, run whole: remedies are written, cases merged, menus named, and all taken back."""

import pytest
from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from pages.shell import health_state
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ChangeKind
from sipd_core.texts import text
from tests.ui.console import Opener, as_file, shown

LOG = (
    b"MENU,ISSUE,EXPECTED,NOTE BY DEV,STATUS\n"
    b"SPM - Pembuatan,SPM LS tidak bisa dicetak,bisa dicetak,done,DONE\n"
    b'SPM - Pembuatan,"Selamat pagi min, SPM LS gak bs dicetak di Kab. Sleman",bisa dicetak,,DONE\n'
    b"spm-pembuatan,SPM LS tidak dapat dicetak,bisa dicetak,,DONE\n"
    b"SPM - Pembuatan,nomor SP2D loncat,,Buka menu Nomor lalu klik Urutkan dan simpan.,DONE\n"
    b"Login,akun terkunci **tebal**,rekening aktif,confirm https://contoh.test/1,DONE\n"
    b",halaman putih saja,,,DONE\n"
)


@pytest.fixture
def logged(empty_engine: BlockingEngine) -> BlockingEngine:
    empty_engine.import_files([("log.csv", as_file(LOG))])
    empty_engine.health.settle(60)
    return empty_engine


def section(app: AppTest, name: str) -> AppTest:
    app.session_state[health_state.SECTION] = name
    return app.run()


def test_an_empty_base_says_what_to_do(empty_engine: BlockingEngine, open_page: Opener) -> None:
    empty_engine.health.settle(60)
    app = open_page("kesehatan")
    assert not app.exception
    assert text("health.empty.title") in shown(app)


def test_tiles_tell_the_state_of_the_base(logged: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kesehatan")
    assert not app.exception
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles[text("health.tiles.cases")] == "6"
    assert tiles[text("health.tiles.remedies")] == "17%"
    assert tiles[text("health.tiles.clusters")] == "1"
    assert tiles[text("health.tiles.menus")] == "3 → 2"
    assert tiles[text("health.tiles.without_menu")] == "1"


def test_the_most_reported_problem_gets_its_remedy_and_gives_it_back(logged: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kesehatan")
    assert text("health.work.headline", n=3) in shown(app)
    app.text_area[0].set_value("Pasang ulang driver printer, NIP 198001012005011001.")
    _button(app, text("health.work.save_all", n=3)).click().run()
    assert not app.exception
    remedies = {case.remedy for case in logged.cases().cases if "SPM LS" in case.issue}
    assert remedies == {"Pasang ulang driver printer, NIP [NIP]."}
    assert text("health.work.headline", n=3) not in shown(app)
    app.button(key="health.undo_last").click().run()
    assert not any(case.remedy for case in logged.cases().cases if "SPM LS" in case.issue)
    assert text("health.work.headline", n=3) in shown(app)


def test_an_empty_remedy_is_told_and_nothing_changes(logged: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kesehatan")
    _button(app, text("health.work.save_all", n=3)).click().run()
    assert app.error[0].value.startswith("Isian masih kosong")
    assert logged.changes(10)[0].kind is ChangeKind.IMPORT


def test_a_group_becomes_one_case_and_three_again(logged: BlockingEngine, open_page: Opener) -> None:
    app = section(open_page("kesehatan"), "clusters")
    _button(app, text("health.clusters.review")).click().run()
    assert not app.exception
    app.text_area[0].set_value("Pasang ulang driver printer.").run()
    assert text("health.merge.preview_reports", n=3) in shown(app)
    app.button(key="health.merge.confirm").click().run()
    assert not app.exception
    assert logged.status().cases == 4
    assert [case.remedy for case in logged.cases().cases if "SPM LS" in case.issue] == ["Pasang ulang driver printer."]
    assert logged.import_files([("log.csv", as_file(LOG))])[0].accepted == 0
    section(app, "changes")
    _button(app, text("health.changes.undo")).click().run()
    assert logged.status().cases == 6
    assert text("health.changes.redo") in [button.label for button in app.button]


def test_a_deleted_case_comes_back_from_the_list_of_changes(
    logged: BlockingEngine, open_page: Opener
) -> None:
    case = next(case for case in logged.cases().cases if "loncat" in case.issue)
    logged.change_cases(ChangeKind.DELETE, {case.id: None}, actor="admin", note=case.issue)
    assert logged.status().cases == 5
    app = section(open_page("kesehatan"), "changes")
    assert f"{text('changes.kind.delete')}] nomor SP2D loncat" in shown(app)
    _button(app, text("health.changes.undo")).click().run()
    assert not app.exception
    assert logged.case(case.id) == case


def test_who_does_not_belong_is_left_out_of_the_merge(logged: BlockingEngine, open_page: Opener) -> None:
    app = section(open_page("kesehatan"), "clusters")
    _button(app, text("health.clusters.review")).click().run()
    opened = app.session_state["health.open"]
    app.session_state[f"health.merge.members.{opened}"] = {
        "edited_rows": {2: {text("health.column.join"): False}},
        "added_rows": [],
        "deleted_rows": [],
    }
    app.run()
    assert text("health.merge.confirm", n=2) in [button.label for button in app.button]
    app.button(key="health.merge.confirm").click().run()
    assert logged.status().cases == 5


def test_a_text_is_taken_as_a_remedy_after_all(logged: BlockingEngine, open_page: Opener) -> None:
    app = section(open_page("kesehatan"), "texts")
    rows = _table(app, text("health.column.reason"))
    assert len(rows) == 4
    assert text("health.reasons.report") in rows.iloc[0][text("health.column.reason")]


def test_menus_get_their_names_and_their_spellings_back(logged: BlockingEngine, open_page: Opener) -> None:
    app = section(open_page("kesehatan"), "menus")
    assert text("health.menus.summary", spellings=1, names=1, cases=1) in shown(app)
    app.button(key="health.menus.apply").click().run()
    assert not app.exception
    assert {menu for menu, _ in logged.menus()} == {"SPM - Pembuatan", "Login", ""}
    assert text("health.menus.empty_title") in shown(app)
    app.button(key="health.undo_last").click().run()
    assert "spm-pembuatan" in {menu for menu, _ in logged.menus()}


def test_lists_are_searched(logged: BlockingEngine, open_page: Opener) -> None:
    app = open_page("kesehatan")
    app.toggle(key="health.work.frequent").set_value(False).run()
    app.text_input(key="health.work.search").set_value("terkunci").run()
    assert text("health.list.total", n=1) in shown(app)
    app.text_input(key="health.work.search").set_value("tidak ada kata ini").run()
    assert text("health.list.no_match") in shown(app)


def _button(app: AppTest, label: str) -> object:
    return next(button for button in app.button if button.label == label)


def _table(app: AppTest, column: str) -> DataFrame:
    return next(table.value for table in app.dataframe if column in table.value.columns)
