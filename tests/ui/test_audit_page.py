"""The page of the audit, run whole: filter, details, export, the chain's state in words, and that deeds name their source."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from streamlit.testing.v1 import AppTest

from pages.shell import audit_entries
from pages.shell.plain import plain
from sipd_core.audit_words import entries_csv
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import Deed, DeedKind, DeedOutcome, Source, acting_as
from sipd_core.store.schema import audit_entries as stored
from sipd_core.texts import text
from tests.ui.console import LOG, Opener, as_file, shown


@pytest.fixture
def filled(empty_engine: BlockingEngine) -> BlockingEngine:
    with acting_as(Source("konsol", "10.1.2.3", "Bu Admin")):
        for n in range(30):
            empty_engine.audit.record(Deed(DeedKind.EXPORT, f"kasus_{n}.csv", details={"bytes": n}))
    said = {"problem": "**tebal** :red[x] [klik](http://jahat)"}
    empty_engine.audit.record(Deed(DeedKind.IMPORT, "=cmd|' /C'!A0", "Pak :red[B]", DeedOutcome.FAILED, said))
    return empty_engine


def table(app: AppTest) -> list[dict[str, object]]:
    found: list[dict[str, object]] = app.dataframe[0].value.to_dict("records")
    return found


def test_it_says_what_will_stand_there_when_there_is_nothing(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("audit")
    assert text("audit.table.empty_title") in shown(app) and text("audit.chain.empty") in shown(app)
    assert not app.dataframe


def test_entries_are_paged_and_filtered(filled: BlockingEngine, open_page: Opener) -> None:
    app = open_page("audit")
    assert [row["No."] for row in table(app)] == list(range(31, 6, -1))
    assert table(app)[0]["Siapa"] == "Pak :red[B]" and table(app)[1]["Dari"] == "konsol · 10.1.2.3"
    app.session_state["audit.page"] = 2
    app.run()
    assert [row["No."] for row in table(app)] == [6, 5, 4, 3, 2, 1]
    app.text_input(key=audit_entries.WORDS).set_value("kasus_7").run()
    assert [row["Objek"] for row in table(app)] == ["kasus_7.csv"], "and back on the first page"
    app.text_input(key=audit_entries.WORDS).set_value("").run()
    app.multiselect(key=audit_entries.KINDS).set_value(["import"]).run()
    assert [row["Hasil"] for row in table(app)] == ["Gagal"]
    app.multiselect(key=audit_entries.KINDS).set_value([]).run()
    app.selectbox(key=audit_entries.ACTOR).set_value("Bu Admin").run()
    assert text("audit.table.total", n=30) in shown(app)
    app.segmented_control(key=audit_entries.OUTCOME).set_value("refused").run()
    assert text("audit.table.no_match") in shown(app) and not app.exception


def test_the_state_of_the_chain_is_told_and_looked_at_again(filled: BlockingEngine, open_page: Opener) -> None:
    app = open_page("audit")
    assert text("audit.chain.whole", n=31) in shown(app) and text("audit.chain.keyless") in shown(app)
    database = filled._engine._database
    with database.write() as connection:
        connection.execute(update(stored).where(stored.c.seq == 12).values(actor="Orang Lain"))
    app.button(key="audit.verify").click().run()
    assert "putus di catatan nomor 12" in shown(app) and text("audit.flaw.changed") in shown(app)
    marks = {row["No."]: row["Rantai"] for row in table(app)}
    assert marks[12] == f"⛔ {text('audit.table.broken_here')}"
    assert (marks[11], marks[13]) == (text("audit.table.broken_before"), text("audit.table.broken_after"))
    assert text("alerts.title.audit") in shown(open_page("pengetahuan")), "whoever sees alerts learns of it on any page"
    with database.write() as connection:
        connection.execute(delete(stored).where(stored.c.seq == 12))
    app.button(key="audit.verify").click().run()
    assert text("audit.flaw.missing") in shown(app) and not app.exception


def test_a_head_that_was_noted_down_is_looked_for(filled: BlockingEngine, open_page: Opener) -> None:
    head = str(filled.audit.head())
    filled.audit.record(Deed(DeedKind.RATE))
    app = open_page("audit")
    app.text_input(key="audit.known").set_value(head).run()
    app.button(key="audit.verify").click().run()
    assert text("audit.chain.known_fits") in shown(app)
    app.text_input(key="audit.known").set_value("31:" + "a" * 64).run()
    app.button(key="audit.verify").click().run()
    assert text("audit.flaw.known_head") in shown(app)
    app.text_input(key="audit.known").set_value("bukan kepala").run()
    app.button(key="audit.verify").click().run()
    assert plain(text("audit.error.head")) in shown(app) and not app.exception


def test_the_export_is_safe_to_open_and_whole(filled: BlockingEngine) -> None:
    rows = list(csv.reader(io.StringIO(entries_csv(filled.audit.entries()).decode("utf-8-sig"))))
    assert len(rows) == 32 and rows[0][:5] == ["No.", "Waktu (WIB)", "Waktu (UTC)", "Siapa", "Apa"]
    assert rows[31][5].startswith("'=cmd") and rows[1][7] == "10.1.2.3"
    assert rows[1][1].endswith("+07:00") and rows[1][2].endswith("+00:00")
    assert (rows[30][9], rows[30][11]) == ("Ukuran (bita): 29", '{"bytes": 29}')
    assert [row[12] for row in rows[1:]] == [entry.hash for entry in filled.audit.entries()]


def test_a_deed_on_a_page_is_entered_with_the_person_of_the_page(empty_engine: BlockingEngine, open_page: Opener) -> None:
    empty_engine.import_files([("log.csv", as_file(LOG))], text("people.local"))
    app = open_page("audit")
    row = table(app)[0]
    assert (row["Apa"], row["Siapa"], row["Objek"]) == ("Mengimpor berkas", text("people.local"), "log.csv")
    newest = empty_engine.audit.page().entries[0]
    assert newest.place == "konsol" and newest.at > datetime.now(UTC) - timedelta(minutes=5)


def test_the_filter_is_in_the_address(filled: BlockingEngine, open_page: Opener) -> None:
    app = open_page("audit", **{audit_entries.WORDS: "kasus_7"})
    assert [row["Objek"] for row in table(app)] == ["kasus_7.csv"]
    app.text_input(key=audit_entries.WORDS).set_value("kasus_8").run()
    app.multiselect(key=audit_entries.KINDS).set_value(["export", "import"]).run()
    assert app.query_params[audit_entries.WORDS] == "kasus_8"
    assert app.query_params[audit_entries.KINDS] == ["export", "import"] and not app.exception
    app.text_input(key=audit_entries.WORDS).set_value("").run()
    assert audit_entries.WORDS not in app.query_params
    app = open_page("audit", **{audit_entries.OUTCOME: "failed", audit_entries.ACTOR: "tidak ada", audit_entries.KINDS: "aneh"})
    assert [row["Hasil"] for row in table(app)] == ["Gagal"] and not app.exception
