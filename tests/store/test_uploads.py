"""What uploads leave beside the rows: who reported a case and where, what was refused, what people said of columns."""

import json

import pytest

from sipd_core.documents import (
    Case,
    ChangeKind,
    ImportReport,
    ImportStatus,
    Origin,
    RejectedRow,
    RejectedRows,
    ReportedBy,
)
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from sipd_core.store.mappings import MappingStore
from sipd_core.store.rejections import RejectionStore
from sipd_core.tables import Column
from tests.builders import make_case, make_report

A, B = make_case("satu"), make_case("dua", row=3)
MODEL = "kata/64"


@pytest.fixture
def store(database: Database) -> CaseStore:
    return CaseStore(database)


def bring(
    store: CaseStore, *origins: Origin, id: str = "b1", file: str = "a.csv", cases: tuple[Case, ...] = (A, B)
) -> None:
    store.add_import(make_report(id, file=file), cases, origins, finish=finish)


def finish(report: ImportReport, stored: Stored) -> ImportReport:
    return report


def test_every_row_that_reports_a_case_is_listed_once_with_its_newest_words(store: CaseStore) -> None:
    bring(store, Origin(A.id, "Jan", 2, "01/01/2025", "Kota A"), Origin(A.id, "Jan", 9, "05/01/2025", "Kab. B"))
    bring(store, Origin(A.id, "Jan", 2, "01/01/2025", "Kota Baru"), id="b2")
    bring(store, Origin(A.id, None, 4, "", ""), id="b3", file="b.csv")
    assert store.origins(A.id) == (
        ReportedBy("a.csv", "Jan", 2, "01/01/2025", "Kota Baru"),
        ReportedBy("a.csv", "Jan", 9, "05/01/2025", "Kab. B"),
        ReportedBy("b.csv", None, 4, "", ""),
    )
    store.undo("b3", actor="a")
    assert len(store.origins(A.id)) == 2


def test_reports_of_a_merged_case_count_for_the_one_that_stands_for_it(store: CaseStore) -> None:
    bring(store, Origin(A.id, None, 2, "", "Kota A"), Origin(B.id, None, 3, "", "Kota B"))
    store.change(ChangeKind.MERGE, {A.id: A, B.id: None}, actor="a", redirects={B.id: A.id})
    assert {one.region for one in store.origins(A.id)} == {"Kota A", "Kota B"}


def test_rejected_rows_come_back_as_they_were(store: CaseStore, database: Database) -> None:
    rejected = RejectedRows(
        (("MENU", "ISSUE"), ("ADUAN",)),
        (RejectedRow(3, "kosong", "Jan", 0, ("a\nb", "=1+1")), RejectedRow(7, "ganda", None, 1, ("é“",))),
    )
    store.add_import(make_report("b1"), [A], (), rejected=rejected, finish=finish)
    assert RejectionStore(database).get("b1") == rejected
    assert RejectionStore(database).get("lain") == RejectedRows()


def test_what_finish_raises_leaves_everything_as_it_was(store: CaseStore, database: Database) -> None:
    def refuse(report: ImportReport, stored: Stored) -> ImportReport:
        raise ValueError

    rejected = RejectedRows((("ISSUE",),), (RejectedRow(3, "x", None, 0, ("y",)),))
    with pytest.raises(ValueError):
        store.add_import(make_report("b1"), [A], (), rejected=rejected, finish=refuse)
    assert (store.imports(5), store.all(), RejectionStore(database).get("b1")) == ((), [], RejectedRows())


def test_progress_of_imports_under_way(store: CaseStore) -> None:
    bring(store, id="b1", cases=(A,))
    bring(store, id="b2", file="b.csv", cases=(B,))
    store.pause_import("b2")
    assert [(one.import_id, one.total, one.done, one.paused) for one in store.import_progress(MODEL)] == [
        ("b1", 1, 0, False),
        ("b2", 1, 0, True),
    ]
    store.mark_indexed(MODEL, [(A, ["k"])])
    assert [one.import_id for one in store.import_progress(MODEL)] == ["b2"]
    assert store.imports(5, 1)[0].status is ImportStatus.DONE
    assert store.imports_count() == 2


def test_columns_are_remembered_and_forgotten(database: Database) -> None:
    mappings = MappingStore(database)
    mappings.remember("f1", {Column.ISSUE: 2, Column.MENU: 0}, "a")
    mappings.skip("f1", "kunci", "a")
    assert MappingStore(database).memory().columns == {"f1": {Column.ISSUE: 2, Column.MENU: 0}}
    assert mappings.memory().skipped == {("f1", "kunci")}
    mappings.remember("f1", {Column.ISSUE: 3}, "b")
    mappings.read_again("f1", "kunci")
    assert (mappings.memory().columns, mappings.memory().skipped) == ({"f1": {Column.ISSUE: 3}}, frozenset())
    mappings.forget("f1")
    assert mappings.memory().columns == {}


def test_a_field_that_another_release_knew_is_passed_over(database: Database) -> None:
    from sqlalchemy import insert

    from sipd_core.store.schema import column_mappings

    row = {"fingerprint": "f", "sheet": "", "columns": json.dumps({"ISSUE": 1, "KELAK": 2}), "actor": "a", "at": 0.0}
    with database.write() as connection:
        connection.execute(insert(column_mappings), row)
    assert MappingStore(database).memory().columns == {"f": {Column.ISSUE: 1}}
