"""Rows and import batches: counts that are true, nothing doubled, nothing of an admin's replaced by a sample."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sipd_core.documents import Case, CaseFilter, ChangeKind, ImportReport, ImportStatus, Origin
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored
from sipd_core.store.database import Database
from tests.builders import make_case, make_report

MODEL, OTHER = "kata/64", "huruf/32"


@pytest.fixture
def store(database: Database) -> CaseStore:
    return CaseStore(database)


def add(store: CaseStore, batch: Sequence[Case], id: str = "batch-1", repeats: Sequence[Origin] = ()) -> Stored:
    seen: list[Stored] = []

    def finish(report: ImportReport, stored: Stored) -> ImportReport:
        seen.append(stored)
        return replace(report, accepted=len(stored.new) + len(stored.changed))

    own = [Origin(case.id, case.sheet, case.row) for case in batch]
    store.add_import(make_report(id), batch, [*own, *repeats], finish=finish)
    return seen[0]


def acknowledge(store: CaseStore, batch: Sequence[Case], model: str = MODEL) -> None:
    store.mark_indexed(model, [(case, [f"key of {case.id}"]) for case in batch])


def test_a_new_store_is_empty(store: CaseStore) -> None:
    assert store.counts() == {"cases": 0, "samples": 0, "with_remedy": 0, "menus": 0}
    assert (store.version, store.all(), store.imports(10), store.menus()) == (0, [], (), ())


def test_new_changed_and_unchanged_are_told_apart(store: CaseStore) -> None:
    first, second = make_case("satu"), make_case("dua")
    assert add(store, [first, second]).new == {first.id, second.id}
    stored = add(store, [first, replace(second, remedy="Cara baru"), make_case("tiga")], id="batch-2")
    assert stored.unchanged == {first.id}
    assert stored.changed == {second.id}
    assert len(store.all()) == 3
    assert store.version == 2


def test_the_same_file_again_changes_nothing(store: CaseStore) -> None:
    add(store, [make_case("satu")])
    acknowledge(store, store.pending(MODEL, 10))
    add(store, [make_case("satu")], id="batch-2")
    assert store.version == 1
    assert store.pending_count(MODEL) == 0


def test_a_sample_never_replaces_an_admins_row(store: CaseStore) -> None:
    own = make_case("satu", remedy="Cara kami")
    add(store, [own])
    add(store, [replace(own, remedy="Cara contoh", sample=True)], id="batch-2")
    assert store.all() == [own]


def test_an_admins_row_takes_a_sample_over_and_survives_the_removal_of_samples(store: CaseStore) -> None:
    sample = make_case("satu", sample=True)
    add(store, [sample, make_case("dua", sample=True)])
    add(store, [replace(sample, sample=False, remedy="Cara kami"), make_case("dua")], id="batch-2")
    assert store.remove_samples() == 1  # the second one came back unchanged, as out of an export: still a sample
    assert [case.issue for case in store.all()] == ["satu"]
    assert store.state("samples") == "removed"


def test_only_cases_unchanged_since_they_were_read_are_acknowledged(store: CaseStore) -> None:
    add(store, [make_case("satu")])
    read = store.pending(MODEL, 10)
    add(store, [replace(make_case("satu"), note_qa="berubah di tengah jalan")], id="batch-2")
    acknowledge(store, read)
    assert store.pending_count(MODEL) == 1


def test_an_import_is_done_when_its_last_case_is_indexed(store: CaseStore) -> None:
    add(store, [make_case("satu"), make_case("dua")])
    first, second = store.pending(MODEL, 10)
    acknowledge(store, [first])
    assert store.imports(10)[0].status is ImportStatus.INDEXING
    acknowledge(store, [second])
    assert store.imports(10)[0].status is ImportStatus.DONE


def test_repeats_count_as_reports_once_each(store: CaseStore) -> None:
    case = make_case("satu")
    for batch in ("batch-1", "batch-2"):
        add(store, [case], id=batch, repeats=[Origin(case.id, None, 7), Origin(case.id, None, 9)])
    assert store.reports() == {case.id: 3}


def test_search_menu_and_paging(store: CaseStore) -> None:
    add(store, [make_case(f"masalah {n}", menu="Login" if n % 2 else "DPA", row=n) for n in range(10)])
    page = store.page(CaseFilter("MASALAH", "Login"), offset=2, limit=2)
    assert page.total == 5
    assert [case.issue for case in page.cases] == ["masalah 5", "masalah 7"]
    assert store.page(CaseFilter("50%"), 0, 10).total == 0
    assert store.page(CaseFilter("masalah 3"), 0, 10).total == 1


def test_views_belong_to_indexed_cases(store: CaseStore) -> None:
    case = make_case("satu")
    add(store, [case])
    assert store.all_views(MODEL) == []
    store.mark_indexed(MODEL, [(case, ["k0", "k1"])])
    assert sorted(store.all_views(MODEL)) == [(case.id, 0, "k0"), (case.id, 1, "k1")]
    store.mark_indexed(MODEL, [(case, ["k2"])])
    assert store.all_views(MODEL) == [(case.id, 0, "k2")]


def test_a_case_removed_meanwhile_is_not_acknowledged(store: CaseStore) -> None:
    add(store, [make_case("satu", sample=True)])
    read = store.pending(MODEL, 10)
    store.remove_samples()
    acknowledge(store, read)
    assert store.all_views(MODEL) == []


def test_a_case_switched_off_meanwhile_is_not_acknowledged_and_waits_once_it_is_on_again(store: CaseStore) -> None:
    case = make_case("satu")
    add(store, [case])
    read = store.pending(MODEL, 10)
    store.change(ChangeKind.DISABLE, {case.id: replace(case, enabled=False)}, actor="uji")
    acknowledge(store, read)
    assert store.views(MODEL) == []
    store.change(ChangeKind.DISABLE, {case.id: case}, actor="uji")
    assert store.pending(MODEL, 10) == read


def test_each_model_has_its_own_views(store: CaseStore) -> None:
    add(store, [make_case("satu"), make_case("dua")])
    first, second = store.pending(MODEL, 10)
    acknowledge(store, [first], MODEL)
    acknowledge(store, [first, second], OTHER)
    assert [case.id for case in store.pending(MODEL, 10)] == [second.id]
    assert (store.pending_count(MODEL), store.pending_count(OTHER)) == (1, 0)
    assert [case for case, _, _ in store.all_views(MODEL)] == [first.id]
    assert store.indexed_models() == {MODEL, OTHER}
    store.drop_views(MODEL)
    assert (store.pending_count(MODEL), store.pending_count(OTHER)) == (2, 0)
    assert store.indexed_models() == {OTHER}


def test_a_changed_row_loses_its_views_of_every_model(store: CaseStore) -> None:
    add(store, [make_case("satu"), make_case("dua")])
    for model in (MODEL, OTHER):
        acknowledge(store, store.pending(model, 10), model)
    add(store, [replace(make_case("satu"), remedy="Cara baru"), make_case("dua")], id="batch-2")
    for model in (MODEL, OTHER):
        assert [case.issue for case in store.pending(model, 10)] == ["satu"]
        assert len(store.all_views(model)) == 1


def test_an_import_is_done_when_every_case_has_views_of_some_model(store: CaseStore) -> None:
    add(store, [make_case("satu"), make_case("dua")])
    first, second = store.pending(MODEL, 10)
    acknowledge(store, [first], MODEL)
    assert store.imports(10)[0].status is ImportStatus.INDEXING
    acknowledge(store, [second], OTHER)
    assert store.imports(10)[0].status is ImportStatus.DONE


def test_more_cases_than_one_statement_takes(store: CaseStore) -> None:
    many = [make_case(f"aduan nomor {n}", row=n + 2) for n in range(1_201)]
    add(store, many)
    acknowledge(store, many)
    assert store.pending_count(MODEL) == 0
    add(store, [replace(case, remedy="lain") for case in many], id="batch-2")
    assert (store.pending_count(MODEL), store.all_views(MODEL)) == (1_201, [])
