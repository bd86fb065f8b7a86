"""The page of the lab: look into a question, keep gold sets, run them, compare, put figures in force and go back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import lab_state, resources
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import CaseFilter, ChangeKind
from sipd_core.errors import StoreLockedError
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.gold import GoldSet
from sipd_core.store.runs import Run, RunStatus
from sipd_core.tables.gold import GoldRow
from sipd_core.texts import text
from tests.ui import console
from tests.ui.console import LOG, Opener, as_file, started

QUESTIONS = (
    b"query;gold;style\n"
    b"sp2d blm cair nip 198501012010011001;log.csv:1;chat\n"
    b"akun saya mati, gabisa login;log.csv:2;chat\n"
    b"kasus hilang;log.csv:77;chat\n"
    b"resep sayur asem yang segar;;luar\n"
)


def shown(app: AppTest) -> str:
    """What a visitor reads, without the marks that keep his text from acting."""
    return console.shown(app).replace("\\", "")


@pytest.fixture
def lab(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingEngine]:
    """An engine of one's own with three cases: what is put in force must not reach other tests."""
    engine = started(folder)
    engine.import_files([("log.csv", as_file(LOG))])
    engine.wait_until_indexed(120)
    monkeypatch.setattr(resources, "_engine", engine)
    yield engine
    engine.close()


@pytest.fixture
def gold(lab: BlockingEngine) -> GoldSet:
    made = lab.laboratory.gold.create("Uji", actor="Sari")
    lab.laboratory.upload(made.id, "set.csv", as_file(QUESTIONS))
    return lab.laboratory.gold.get(made.id)


def page(open_page: Opener, section: str) -> AppTest:
    app = open_page("laboratorium")
    app.session_state[lab_state.SECTION] = section
    return app.run()


def done(lab: BlockingEngine, gold: GoldSet, *wanted: RetrievalSettings) -> tuple[Run, ...]:
    """Runs with these figures, come to their end."""
    runs = lab.laboratory.start(gold.id, wanted, "Sari")
    deadline = time.monotonic() + 60
    while any(run.is_open for run in lab.laboratory.runs(gold.id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    known = {run.id: run for run in lab.laboratory.runs(gold.id)}
    return tuple(known[run.id] for run in runs)


def table(app: AppTest, column: str) -> list[str]:
    """The values of a column of the first table that has it."""
    tables = (one.value for one in app.dataframe)
    return list(next(one for one in tables if column in one.columns)[column])


def test_a_question_is_followed_from_its_text_to_its_verdict(lab: BlockingEngine, open_page: Opener) -> None:
    app = page(open_page, "try")
    app.text_area(key="lab.try.question").set_value("selamat pagi, sp2d blm cair, password: Rahasia#99").run()
    app.button(key="lab.try.go").click().run()
    said = shown(app)
    assert "Rahasia" in said.split("**Disamarkan**")[0] and "Rahasia" not in said.split("**Disamarkan**")[1]
    assert "blm → belum" in said and "selamat pagi" in said
    assert "punya solusi, jadi ditemukan" in said
    told = lab.search("sp2d blm cair, password: Rahasia#99")
    assert table(app, text("laboratory.column.place"))[0] == "1"
    assert told.hits[0].case.menu in table(app, text("laboratory.column.case"))[0]


def test_without_a_question_the_button_says_what_is_missing(lab: BlockingEngine, open_page: Opener) -> None:
    app = page(open_page, "try")
    app.button(key="lab.try.go").click().run()
    assert [info.value for info in app.info] == [text("laboratory.try.empty")]


def test_a_precedent_is_partial_because_it_has_no_remedy(lab: BlockingEngine, open_page: Opener) -> None:
    app = page(open_page, "try")
    app.text_area(key="lab.try.question").set_value("DPA tidak bisa dicetak, halaman kosong").run()
    app.button(key="lab.try.go").click().run()
    assert "belum punya solusi, jadi sebagian" in shown(app)


def test_marks_in_a_question_stay_text(lab: BlockingEngine, open_page: Opener) -> None:
    app = page(open_page, "try")
    app.text_area(key="lab.try.question").set_value("dpa **tebal** :red[merah] ![x](http://jahat.test/x.png)").run()
    app.button(key="lab.try.go").click().run()
    said = console.shown(app)
    assert "\\*\\*tebal" in said and ":red[merah]" not in said and "](http" not in said


def test_without_a_set_the_way_to_one_is_shown(lab: BlockingEngine, open_page: Opener) -> None:
    for section in ("sets", "runs", "compare"):
        assert text("laboratory.sets.empty_title") in shown(page(open_page, section))
    app = page(open_page, "sets")
    app.button(key="lab.sets.samples").click().run()
    assert "data contoh" in app.error[0].value  # there are no sample rows to bind them to
    assert lab.laboratory.gold.sets() == ()


def test_a_set_is_made_filled_and_its_bad_rows_are_named(lab: BlockingEngine, open_page: Opener) -> None:
    app = page(open_page, "sets")
    app.text_input(key="lab.sets.new.name.0").set_value("Set saya")
    next(one for one in app.button if one.label == text("laboratory.sets.create")).click().run()
    (made,) = lab.laboratory.gold.sets()
    assert (made.name, made.actor) == ("Set saya", text("people.local"))
    app.file_uploader[0].upload("set.csv", QUESTIONS).run()
    app.button(key="lab.sets.take").click().run()
    said = shown(app)
    for name, n in (("added", 3), ("rejected", 1), ("masked", 1)):
        assert text(f"laboratory.report.{name}", n=n) in said
    assert table(app, text("laboratory.report.row")) == ["4"]
    queries = table(app, text("laboratory.editor.column_query"))
    assert queries[0] == "sp2d blm cair nip [NIP]" and len(queries) == 3


def test_edits_and_removals_are_saved_and_come_back(lab: BlockingEngine, gold: GoldSet, open_page: Opener) -> None:
    app = page(open_page, "sets")
    key = f"lab.editor.{gold.id}.{hash('')}.0.0"
    names = {name: text(f"laboratory.editor.column_{name}") for name in ("query", "style", "cases")}
    app.session_state[key] = {
        "edited_rows": {0: {names["style"]: "lisan", names["cases"]: "log.csv:3"}, 1: {names["cases"]: "salah:1"}},
        "added_rows": [],
        "deleted_rows": [2],
    }
    app.run()
    assert text("laboratory.editor.unsaved", edited=2, deleted=1) in shown(app)
    app.button(key="lab.editor.save").click().run()
    assert text("laboratory.reason.unknown_case", names="salah:1") in shown(app) and "Baris 2" in shown(app)
    first, second = lab.laboratory.gold.page(gold.id).questions
    assert (first.style, first.cases[0].case.menu) == ("lisan", "DPA")  # type: ignore[union-attr]
    assert second.cases[0].case.menu == "Login"  # type: ignore[union-attr]
    app.button(key="lab.undo.back").click().run()
    assert len(lab.laboratory.gold.page(gold.id).questions) == 3


def test_a_case_that_is_gone_is_shown_as_such(lab: BlockingEngine, gold: GoldSet, open_page: Opener) -> None:
    case = lab.cases(CaseFilter(search="login")).cases[0]
    lab.change_cases(ChangeKind.DELETE, {case.id: None}, actor="uji")
    app = page(open_page, "sets")
    assert text("laboratory.case_gone") in table(app, text("laboratory.editor.column_found"))
    assert text("laboratory.sets.lost", n=1) in shown(app)


def test_a_set_is_renamed_exported_removed_and_brought_back(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    app = page(open_page, "sets")
    app.text_input(key="lab.sets.rename.name.0").set_value("Nama lain")
    next(one for one in app.button if one.label == text("laboratory.sets.save_name")).click().run()
    assert lab.laboratory.gold.get(gold.id).name == "Nama lain"
    before = [(one.query, one.style, one.wanted) for one in lab.laboratory.gold.page(gold.id).questions]
    other = lab.laboratory.gold.create("Salinan", actor="x")
    lab.laboratory.upload(other.id, "set-uji.csv", as_file(lab.laboratory.export(gold.id)))
    again = [(one.query, one.style, one.wanted) for one in lab.laboratory.gold.page(other.id).questions]
    assert again == before
    app.button(key="lab.sets.remove").click().run()
    assert [one.name for one in lab.laboratory.gold.sets()] == ["Salinan"]
    app.button(key="lab.undo.back").click().run()
    assert [one.name for one in lab.laboratory.gold.sets()] == ["Nama lain", "Salinan"]


def test_a_question_comes_from_a_conversation_with_the_case_picked_there(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    turn = lab.ask("sp2d belum cair padahal spm sudah final", lab.new_session_id())
    app = page(open_page, "sets")
    source = turn.sources[0].case
    app.checkbox(key=f"lab.talks.{turn.turn_id}.{source.id}").check().run()
    app.button(key=f"lab.talks.{turn.turn_id}.add").click().run()
    added = lab.laboratory.gold.page(gold.id).questions[-1]
    assert (added.query, added.turn_id, set(added.wanted)) == (
        "sp2d belum cair padahal spm sudah final",
        turn.turn_id,
        {source.id},
    )


def test_a_typed_question_can_be_out_of_scope(lab: BlockingEngine, gold: GoldSet, open_page: Opener) -> None:
    app = page(open_page, "sets")
    app.text_area(key="lab.one.0.query").set_value("cuaca besok bagaimana").run()
    assert app.button(key="lab.one.0.add").disabled
    app.segmented_control(key="lab.one.0.kind").set_value("outside").run()
    app.button(key="lab.one.0.add").click().run()
    added = lab.laboratory.gold.page(gold.id).questions[-1]
    assert (added.query, added.is_outside, added.turn_id) == ("cuaca besok bagaimana", True, None)


def test_a_run_is_asked_for_with_other_figures_and_a_run_to_compare_with(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    app = page(open_page, "runs")
    assert text("laboratory.runs.empty") in shown(app)
    app.select_slider(key="lab.runs.threshold").set_value(0.3).run()
    app.button(key="lab.runs.start").click().run()
    runs = lab.laboratory.runs(gold.id)
    assert [run.retrieval.threshold for run in runs] == [0.3, 0.5]
    deadline = time.monotonic() + 60
    while any(run.is_open for run in lab.laboratory.runs(gold.id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    app.run()
    assert table(app, text("laboratory.runs.column_status")) == [text("laboratory.status.done")] * 2
    values = {one.label: one.value for one in app.metric}
    assert values["hit@1"] == "100,0%" and values[text("laboratory.share.auroc")] == "1,000"


def test_weights_that_the_relevance_was_not_learnt_for_are_told(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    app = page(open_page, "runs")
    warning = text("laboratory.uncalibrated", vector="0,10", grams="0,15")[:60]
    assert warning not in shown(app)
    app.select_slider(key="lab.runs.order_grams").set_value(0.5).run()
    assert warning in shown(app)


def test_a_failed_run_says_why(lab: BlockingEngine, open_page: Opener) -> None:
    empty = lab.laboratory.gold.create("Kosong", actor="x")
    (run,) = done(lab, empty, RetrievalSettings())
    assert run.status is RunStatus.FAILED
    app = page(open_page, "runs")
    assert any("Tambahkan pertanyaan" in error.value for error in app.error)
    assert app.button(key="lab.runs.start").disabled


def test_two_runs_are_compared_the_better_is_applied_and_taken_back(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    app = page(open_page, "compare")
    assert text("laboratory.compare.empty_title") in shown(app)
    done(lab, gold, RetrievalSettings(), RetrievalSettings(threshold=0.95, top_k=2))
    question = "sp2d blm cair"
    before = len(lab.search(question).hits)
    app = page(open_page, "compare")
    said = shown(app)
    assert "Ambang relevansi: 0,50 → 0,95" in said
    assert text("laboratory.compare.hits", won=0, lost=0, tied=2) in said
    assert table(app, text("laboratory.compare.column_figure"))[0] == "hit@1"
    run = next(run for run in lab.laboratory.runs(gold.id) if run.retrieval.top_k == 2)
    app.text_input(key=f"lab.force.note.{run.id}").set_value("lebih hemat").run()
    app.button(key=f"lab.force.apply.{run.id}").click().run()
    assert len(lab.search(question).hits) == 2 < before
    app = page(open_page, "force")
    assert "lebih hemat" in shown(app) and table(app, text("laboratory.force.column_note")) == ["lebih hemat"]
    app.button(key="lab.force.back").click().run()
    assert len(lab.search(question).hits) == before
    assert lab.laboratory.retrieval == lab.laboratory.environment


def test_going_back_after_somebody_else_changed_it_is_refused(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener
) -> None:
    first, second = done(lab, gold, RetrievalSettings(top_k=2), RetrievalSettings(top_k=3))
    lab.laboratory.apply(first.id, "Sari")
    app = page(open_page, "force")
    lab.laboratory.apply(second.id, "Budi")
    app.button(key="lab.force.back").click().run()
    assert "Muat ulang" in app.error[0].value
    assert lab.laboratory.retrieval.top_k == 3


def test_what_is_applied_outlives_a_restart_and_shows_in_every_section(
    folder: Path, lab: BlockingEngine, gold: GoldSet, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = done(lab, gold, RetrievalSettings(top_k=3))
    lab.laboratory.apply(run.id, "Sari")
    lab.close()
    again = started(folder)
    monkeypatch.setattr(resources, "_engine", again)
    try:
        assert len(again.search("sp2d blm cair").hits) == 3
        assert text("laboratory.force.own") in shown(page(open_page, "try"))
    finally:
        again.close()


def test_an_error_of_the_store_is_told_and_the_page_stands(
    lab: BlockingEngine, gold: GoldSet, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(lab.laboratory.gold, "page", locked)
    app = page(open_page, "sets")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")


def test_questions_are_paged(lab: BlockingEngine, gold: GoldSet, open_page: Opener) -> None:
    rows = [GoldRow(n, f"pertanyaan nomor {n}", ()) for n in range(60)]
    lab.laboratory.gold.add(gold.id, rows)
    app = page(open_page, "sets")
    assert len(table(app, text("laboratory.editor.column_query"))) == 50
    app.pagination[0].set_value(2).run()
    assert len(table(app, text("laboratory.editor.column_query"))) == 13
    app.text_input(key="lab.editor.search").set_value("nomor 59").run()
    assert table(app, text("laboratory.editor.column_query")) == ["pertanyaan nomor 59"]
