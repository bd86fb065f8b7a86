"""The page of backups, run whole: made, tested, brought, deleted, and restored only by who types the word."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from sipd_core.blocking import BlockingEngine
from sipd_core.data_keys import DataKey
from sipd_core.errors import RestoringError
from sipd_core.store.cipher import Cipher
from sipd_core.store.conversations import ConversationStore
from sipd_core.store.database import Database
from sipd_core.texts import text
from tests.backup.filling import archived
from tests.builders import make_turn
from tests.ui.chromium import open_page as open_in_browser
from tests.ui.console import LOG, Opener, as_file, shown
from tests.ui.server import Console


@pytest.fixture
def filled(empty_engine: BlockingEngine) -> BlockingEngine:
    empty_engine.import_files([("log.csv", as_file(LOG))])
    empty_engine.wait_until_indexed(60)
    return empty_engine


def settled(engine: BlockingEngine, app: AppTest) -> AppTest:
    """The page after the work that it started has ended."""
    deadline = time.monotonic() + 60
    while engine.backups.is_busy:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, name: str) -> AppTest:
    """Press the button whose key begins so."""
    return next(button for button in app.button if str(button.key).startswith(name)).click().run()


def test_it_warns_until_something_was_saved(filled: BlockingEngine, open_page: Opener) -> None:
    app = open_page("cadangan")
    assert text("backup.summary.never") in shown(app)
    press(app, "backup.make")
    settled(filled, app)
    page = shown(app)
    assert text("backup.summary.never") not in page
    assert text("backup.work.backup_done") in page
    assert text("backup.facts.cases", n=3) in page
    assert len(app.dataframe[0].value) == 1
    press(app, "backup.close")
    assert text("backup.work.backup_done") not in shown(app)


def test_a_restore_test_is_run_and_stays_with_its_backup(filled: BlockingEngine, open_page: Opener) -> None:
    filled.backups.make("Bu **Admin**")
    app = open_page("cadangan")
    assert text("backup.tested.never") in shown(app)
    press(app, "backup.test")
    settled(filled, app)
    assert text("backup.work.test_done") in shown(app)
    assert text("backup.tested.passed") in shown(app)
    assert r"Bu \*\*Admin\*\*" in shown(app)


def test_only_the_typed_word_restores(filled: BlockingEngine, open_page: Opener) -> None:
    filled.backups.make("Bu Admin")
    filled.import_files([("b.csv", as_file(b"MENU,ISSUE,EXPECTED\nTBP,TBP gagal disimpan,Terima SP2D dulu\n"))])
    app = open_page("cadangan")
    for typed in ("", "ya"):
        app.session_state["backup.restore_word"] = typed
        press(app, "backup.restore.")
        assert app.button(key="backup.restore_yes").disabled
    app.session_state["backup.restore_word"] = f" {text('backup.restore.word').lower()} "
    press(app, "backup.restore.")
    press(app, "backup.restore_yes")
    settled(filled, app)
    assert filled.status().cases == 3
    assert text("backup.kind_short.safety") in set(app.dataframe[0].value[text("backup.list.kind")])


def test_who_can_read_an_archive_is_said(filled: BlockingEngine, open_page: Opener) -> None:
    assert text("backup.keys.made") in shown(open_page("cadangan"))
    assert text("backup.keys.brought") not in shown(open_page("cadangan"))
    filled.backups.make("Bu Admin")
    page = shown(open_page("cadangan"))
    assert text("backup.keys.brought") in page


def plainly(app: AppTest) -> str:
    """What is shown, without the marks that keep it from being Markdown."""
    return shown(app).replace("\\", "")


def test_texts_whose_key_is_gone_are_left_behind_only_where_somebody_says_so(
    filled: BlockingEngine, open_page: Opener, tmp_path: Path
) -> None:
    key = DataKey.new()
    elsewhere = Database(f"sqlite:///{tmp_path / 'lain' / 'sipd.db'}", cipher=Cipher([key]))
    ConversationStore(elsewhere).add("aduan rahasia", make_turn(), "")
    path = archived(elsewhere, tmp_path / "a.zip").path
    elsewhere.close()
    brought = filled.backups.receive(as_file(path.read_bytes()), "Bu Admin")
    app = open_page("cadangan")
    assert text("backup.keys.missing", ids=key.id) in plainly(app)
    press(app, f"backup.test.{brought.id}")
    settled(filled, app)
    assert text("backup.work.test_partly") in plainly(app) and text("backup.tested.partly") in plainly(app)
    assert filled.status().cases == 3
    app.session_state["backup.restore_word"] = text("backup.restore.word")
    press(app, f"backup.restore.{brought.id}")
    assert text("backup.restore.keys", ids=key.id) in plainly(app)
    assert app.button(key="backup.restore_yes").disabled
    app.checkbox(key="backup.without_texts").check()
    press(app, f"backup.restore.{brought.id}")
    assert not app.button(key="backup.restore_yes").disabled
    press(app, "backup.restore_yes")
    settled(filled, app)
    assert text("backup.left.conversations", n="1") in plainly(app)
    assert filled.status().cases == 0 and filled.conversations() == ()


def test_a_file_that_is_no_backup_is_refused_and_a_whole_one_is_taken_in(
    filled: BlockingEngine, open_page: Opener
) -> None:
    record = filled.backups.make("Bu Admin")
    raw = filled.backups.path(record.id).read_bytes()
    app = open_page("cadangan")
    app.file_uploader[0].upload("a.zip", raw[:1_000]).run()
    press(app, "backup.receive")
    assert "Tidak ada yang diubah" in app.error[0].value
    app.file_uploader[0].upload("b.zip", raw).run()
    press(app, "backup.receive")
    assert not app.error
    kinds = {text("backup.kind_short.manual"), text("backup.kind_short.uploaded")}
    assert set(app.dataframe[0].value[text("backup.list.kind")]) == kinds


def test_deleting_asks_first(filled: BlockingEngine, open_page: Opener) -> None:
    path = filled.backups.path(filled.backups.make("Bu Admin").id)
    app = open_page("cadangan")
    press(app, "backup.remove.")
    assert path.exists()
    press(app, "backup.remove_yes")
    assert not path.exists()
    assert text("backup.list.empty") in shown(app)


def test_a_backup_whose_file_is_gone_says_so(filled: BlockingEngine, open_page: Opener) -> None:
    record = filled.backups.make("Bu Admin")
    filled.backups.path(record.id).unlink()
    app = open_page("cadangan")
    assert text("backup.state.missing") in shown(app)
    assert text("backup.summary.never") in shown(app)
    assert not [button for button in app.button if str(button.key).startswith("backup.restore")]


@pytest.mark.parametrize("page", ["obrolan", "pengetahuan", "cadangan"])
def test_every_page_says_that_a_restore_is_under_way(
    filled: BlockingEngine, open_page: Opener, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled._given_up():
        app = open_page(page)
        assert not app.exception
        assert text("backup.pause.title") in shown(app)
        assert RestoringError().user_text in shown(app).replace("\\", "")
    filled.wait_until_prepared(60)
    assert text("backup.pause.title") not in shown(app.run())


@pytest.mark.browser
def test_a_person_restores_and_another_is_told(browser: Browser, console: Console, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(LOG)
    page = open_in_browser(browser, f"{console.url}/cadangan")
    main = page.get_by_test_id("stMainBlockContainer")
    page.get_by_role("button", name=text("backup.make.button")).click()
    expect(main).to_contain_text("Cadangan selesai dibuat", timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("button", name=text("backup.actions.download"), exact=True).click()
    download.value.save_as(tmp_path / "unduhan.zip")
    assert (tmp_path / "unduhan.zip").read_bytes()[:2] == b"PK"
    other = open_in_browser(browser, f"{console.url}/kinerja", width=390)
    other.get_by_test_id("stMainBlockContainer").locator("h1").wait_for()
    page.get_by_role("button", name=text("backup.actions.restore")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(re.compile("Ketik")).fill("pulihkan")
    dialog.get_by_role("button", name=text("backup.restore.confirm")).click()
    expect(main).to_contain_text("Isi konsol dipulihkan", timeout=60_000)
    other.reload()
    expect(other.get_by_test_id("stMainBlockContainer")).to_contain_text("Kinerja")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
