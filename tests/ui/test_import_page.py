import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportStatus
from sipd_core.errors import StoreLockedError
from sipd_core.knowledge.previews import DraftState
from sipd_core.texts import text
from tests.ui.console import LOG, Opener, as_file, shown
from tests.workbooks import leaked, make_workbook

BUSY = (DraftState.WAITING, DraftState.READING)
UNKNOWN = b"TEMPAT;USER;Temuan Lapangan;JAWABAN\nKota A;budi_77;tidak bisa login;Reset sandi\n"


@pytest.fixture(autouse=True)
def no_drafts_left(request: pytest.FixtureRequest) -> None:
    """The shared engine's drafts would be seen by the next test."""
    engine = request.getfixturevalue("empty_engine")
    for draft in engine.uploads.drafts():
        engine.uploads.discard(draft.id)


def upload(app: AppTest, engine: BlockingEngine, *files: tuple[str, bytes]) -> AppTest:
    """Drop files and come back when they are read; AppTest does not run the page's timer."""
    for name, content in files:
        app.file_uploader[0].upload(name, content)
    app.run()
    deadline = time.monotonic() + 60
    while any(draft.state in BUSY for draft in engine.uploads.drafts()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return app.run()


def metric(app: AppTest, name: str) -> str:
    return next(str(one.value) for one in app.metric if one.label == text(f"imports.count.{name}"))


def confirm(app: AppTest) -> AppTest:
    return next(button for button in app.button if str(button.key).startswith("imports.confirm.")).click().run()


def test_an_empty_page_says_how_to_begin(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("impor")
    assert not app.exception
    assert text("imports.history.empty") in shown(app)


def test_a_file_is_looked_at_then_imported(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG))
    assert not app.exception
    assert [metric(app, name) for name in ("new", "changed", "unchanged", "rejected")] == ["3", "0", "0", "0"]
    assert "SP2D belum cair" in shown(app)
    assert empty_engine.status().cases == 0
    confirm(app)
    assert not app.exception
    assert empty_engine.status().cases == 3
    assert empty_engine.uploads.drafts() == ()
    assert [report.actor for report in empty_engine.imports()] == [text("people.local")]


def test_each_file_has_its_own_card_and_a_refused_one_says_why(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG), ("gambar.csv", b"\x89PNG\r\n\x1a\n" + bytes(99)))
    assert not app.exception
    assert [error.value for error in app.error if "PNG" in error.value]
    assert metric(app, "new") == "3"


def test_of_several_files_one_is_open_at_a_time(empty_engine: BlockingEngine, open_page: Opener) -> None:
    other = b"MENU,ISSUE,EXPECTED\nSPD,pagu SPD beda,Sinkronkan pagu\nSPD,SPD tidak muncul,\n"
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG), ("lain.csv", other))
    assert (metric(app, "new"), previews(app)) == ("2", 1), "the newest one"
    press(app, "imports.open.").run()
    assert (metric(app, "new"), previews(app)) == ("3", 1)
    confirm(app)
    assert (metric(app, "new"), previews(app)) == ("2", 1), "what is left opens by itself"
    assert empty_engine.status().cases == 3 and not app.exception


def previews(app: AppTest) -> int:
    """How many files are open, each with its button."""
    return sum(str(button.key).startswith("imports.confirm.") for button in app.button)


def test_a_file_dropped_twice_is_told(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG), ("salinan.csv", LOG))
    assert [warning.value for warning in app.warning if "salinan" in warning.value]
    assert len(empty_engine.uploads.drafts()) == 1


def test_what_was_masked_stands_out(empty_engine: BlockingEngine, open_page: Opener) -> None:
    rows = b"MENU,ISSUE\nLogin,NIP 197705052000121001 tidak bisa masuk\n"
    app = upload(open_page("impor"), empty_engine, ("log.csv", rows))
    assert "NIP :violet-badge[:material/lock: NIP] tidak bisa masuk" in shown(app)
    assert metric(app, "masked") == "1"


def test_a_mapping_is_corrected_remembered_and_forgotten(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("temuan.csv", UNKNOWN))
    assert text("imports.state.unclear") in shown(app)
    field(app, "issue").set_value(2).run()
    press(app, "imports.apply.").run()
    settle(app, empty_engine)
    assert metric(app, "new") == "1"
    press(app, "imports.discard.").run()

    app = upload(app, empty_engine, ("temuan-lagi.csv", UNKNOWN + b"Kota B;ani;sp2d belum cair;\n"))
    assert text("imports.remembered") in shown(app)
    assert metric(app, "new") == "2"
    press(app, "imports.forget.").run()
    settle(app, empty_engine)
    assert text("imports.state.unclear") in shown(app)


def test_columns_that_have_a_name_need_no_choosing(empty_engine: BlockingEngine, open_page: Opener) -> None:
    nameless = b"MENU,Situasi Lapangan,EXPECTED,USER\nLogin,tidak bisa login,Reset sandi,budi_77\n"
    app = upload(open_page("impor"), empty_engine, ("log.csv", nameless))
    assert text("imports.state.unclear") in shown(app)
    assert (field(app, "menu").value, field(app, "expected").value, field(app, "issue").value) == (0, 2, -1)
    assert button(app, "imports.apply.").disabled
    field(app, "issue").set_value(1).run()
    press(app, "imports.apply.").run()
    settle(app, empty_engine)
    confirm(app)
    assert [(case.menu, case.expected) for case in empty_engine.cases().cases] == [("Login", "Reset sandi")]


def test_a_choice_of_columns_that_is_not_applied_yet_is_told(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG))
    assert text("imports.map.pending") not in shown(app)
    field(app, "expected").set_value(-1).run()
    assert text("imports.map.pending") in shown(app)
    press(app, "imports.apply.").run()
    settle(app, empty_engine)
    assert text("imports.map.pending") not in shown(app)


def test_the_same_file_again_is_written_down_as_bringing_nothing(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    app = confirm(upload(open_page("impor"), empty_engine, ("log.csv", LOG)))
    app = upload(app, empty_engine, ("log-lagi.csv", LOG))
    assert text("imports.estimate.nothing") in shown(app)
    confirm(app)
    assert any(text("imports.history.brought_nothing") in fold.label for fold in app.expander)


def test_a_private_column_needs_an_explicit_yes(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = upload(open_page("impor"), empty_engine, ("temuan.csv", UNKNOWN))
    assert "budi_77" not in shown(app)
    field(app, "issue").set_value(1).run()
    assert any("USER" in warning.value for warning in app.warning)
    assert button(app, "imports.apply.").disabled
    next(box for box in app.checkbox if str(box.key).startswith("imports.sure.")).check().run()
    assert not button(app, "imports.apply.").disabled


def test_rejected_rows_stand_with_their_reasons_before_and_after(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG + b"Login,,kosong,,\n"))
    assert metric(app, "rejected") == "1"
    reasons = [frame.value for frame in app.dataframe if text("imports.rejected.reason_short") in frame.value.columns]
    assert [len(frame) for frame in reasons] == [1]
    assert len(app.download_button) == 2
    confirm(app)
    report = empty_engine.imports()[0]
    assert b"kosong" in empty_engine.uploads.rejected_file(report.id, "csv")


def test_a_base_that_changed_is_said_and_nothing_is_stored_unseen(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    app = upload(open_page("impor"), empty_engine, ("log.csv", LOG))
    empty_engine.import_files([("lain.csv", as_file(LOG.split(b"\n", 1)[0] + b"\nLogin,Tidak bisa login,,,\n" + LOG))])
    app.run()
    assert text("imports.recomputed") in shown(app)
    assert metric(app, "new") == "0"


def test_an_import_is_paused_resumed_and_undone(
    empty_engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_engine.import_files([("log.csv", as_file(LOG))])
    (report,) = empty_engine.imports()
    empty_engine.pause_import(report.id)
    if empty_engine.imports()[0].status is not ImportStatus.PAUSED:
        pytest.skip("three rows were quicker than the pause")
    app = open_page("impor")
    assert text("imports.status.paused") in shown(app)
    app.button(key=f"imports.pause.{report.id}").click().run()
    assert empty_engine.imports()[0].status is not ImportStatus.PAUSED
    empty_engine.undo_change(report.id, "uji")
    assert text("imports.status.undone") in labels(app.run())


def test_the_history_is_paged(empty_engine: BlockingEngine, open_page: Opener) -> None:
    for at in range(10):
        empty_engine.import_files([(f"log-{at}.csv", as_file(b"MENU,ISSUE\nLogin,aduan nomor %d\n" % at))])
    empty_engine.wait_until_indexed()  # an import under way is named above the history too
    app = open_page("impor")
    assert "log\\-9" in labels(app)
    assert "log\\-1" not in labels(app)
    app.pagination[0].set_value(2).run()
    assert "log\\-1" in labels(app)


def test_an_error_of_the_store_is_told_and_the_page_stands(
    empty_engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(empty_engine.uploads, "drafts", locked)
    app = open_page("impor")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
    assert text("imports.history.heading") in shown(app)


def test_no_secret_is_on_a_page(empty_engine: BlockingEngine, open_page: Opener) -> None:
    workbook = make_workbook(sheets=3, padded=20, rows=45, seed=2)
    app = upload(open_page("impor"), empty_engine, ("log.xlsx", workbook.content))
    assert leaked(workbook.secrets, everything(app)) == []
    confirm(app)
    assert leaked(workbook.secrets, everything(app)) == []
    assert leaked(workbook.secrets, everything(open_page("pengetahuan"))) == []


def settle(app: AppTest, engine: BlockingEngine) -> None:
    while any(draft.state in BUSY for draft in engine.uploads.drafts()):
        time.sleep(0.05)
    app.run()


def field(app: AppTest, name: str) -> Any:
    return next(box for box in app.selectbox if box.label.startswith(text(f"imports.field.{name}")))


def button(app: AppTest, key: str) -> Any:
    return next(one for one in app.button if str(one.key).startswith(key))


def press(app: AppTest, key: str) -> Any:
    return button(app, key).click()


def labels(app: AppTest) -> str:
    return "\n".join(str(fold.label) for fold in app.expander) + shown(app)


def everything(app: AppTest) -> bytes:
    """All that the page sends to a browser: every element's message, and tables as text."""
    told = []

    def walk(node: Any) -> None:
        if children := getattr(node, "children", None):
            for child in children.values():
                walk(child)
        told.append(str(getattr(node, "proto", "")))
        if node.type == "arrow_data_frame":
            told.append(node.value.to_csv())

    walk(app._tree)
    assert len(told) > 10
    return "\n".join(told).encode()
