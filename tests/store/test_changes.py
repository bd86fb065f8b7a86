"""The life of rows: every change can be taken back, and no file undoes what a person decided."""

import random
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sipd_core.documents import Case, ChangeKind, ImportReport, ImportStatus, case_id
from sipd_core.errors import NotFoundError, SipdError
from sipd_core.store.cases import CaseStore
from sipd_core.store.changes import Stored, UndoEffect
from sipd_core.store.database import Database
from tests.builders import make_case, make_report

ACTOR = "uji"
A, B, C = make_case("satu", row=2), make_case("dua", row=3), make_case("tiga", row=4)


@pytest.fixture
def store(database: Database) -> CaseStore:
    return CaseStore(database)


def add(store: CaseStore, batch: Sequence[Case], id: str, file: str = "uji.csv") -> Stored:
    seen: list[Stored] = []

    def finish(report: ImportReport, stored: Stored) -> ImportReport:
        seen.append(stored)
        return report

    store.add_import(make_report(id, file=file), batch, finish=finish)
    return seen[0]


def snapshot(store: CaseStore) -> tuple[list[Case], dict[str, int]]:
    reports = store.reports()
    assert store.reported([case.id for case in store.all(disabled=True)], store.aliases()) == reports
    return store.all(disabled=True), reports


def test_undoing_an_import_restores_exactly_what_was_before(store: CaseStore) -> None:
    add(store, [A, B], "first")
    before = snapshot(store)
    add(store, [A, replace(B, remedy="baru"), C], "second", "dua.csv")
    after = snapshot(store)
    assert store.undo_effect("second") == UndoEffect(removed=1, restored=0, changed=1, stays=1)
    assert store.undo("second", actor=ACTOR).undone_by == ACTOR
    assert snapshot(store) == before
    assert store.imports(1)[0].status is ImportStatus.UNDONE
    store.redo("second", actor=ACTOR)
    assert snapshot(store) == after


def test_an_import_undone_in_the_middle_leaves_what_later_ones_say(store: CaseStore) -> None:
    add(store, [A, B], "first")
    add(store, [A, C], "second", "dua.csv")
    store.undo("first", actor=ACTOR)
    assert {case.id for case in store.all()} == {A.id, C.id}
    store.undo("second", actor=ACTOR)
    assert store.all() == []


def test_a_change_is_undone_once(store: CaseStore) -> None:
    add(store, [A], "first")
    with pytest.raises(SipdError) as refused:
        store.redo("first", actor=ACTOR)
    assert refused.value.text_key == "changes.not_undone"
    store.undo("first", actor=ACTOR)
    with pytest.raises(SipdError) as refused:
        store.undo("first", actor=ACTOR)
    assert refused.value.text_key == "changes.already_undone"
    with pytest.raises(NotFoundError):
        store.undo("tidak ada", actor=ACTOR)


def test_an_edit_keeps_its_id_and_its_history(store: CaseStore) -> None:
    add(store, [A], "first")
    edited = replace(A, issue="satu, ditulis ulang", remedy="Cara admin")
    change = store.change(ChangeKind.EDIT, {A.id: edited}, actor=ACTOR, note="perbaikan")
    assert store.get(A.id) == edited
    versions = store.history(A.id)
    assert [(version.change.kind, version.case) for version in versions] == [("edit", edited), ("import", A)]
    assert (versions[0].change.actor, versions[0].change.note) == (ACTOR, "perbaikan")
    store.undo(change.id, actor=ACTOR)
    assert store.get(A.id) == A


def test_the_same_file_never_overwrites_an_edit(store: CaseStore) -> None:
    add(store, [A, B], "first")
    store.change(ChangeKind.EDIT, {A.id: replace(A, remedy="Cara admin")}, actor=ACTOR)
    stored = add(store, [A, B], "second")
    assert (stored.unchanged, stored.kept) == ({A.id, B.id}, {A.id})
    assert store.get(A.id).remedy == "Cara admin"
    for again in ("third", "fourth"):
        stored = add(store, [replace(A, status="DONE")], again)
        assert store.get(A.id) == replace(A, status="DONE", remedy="Cara admin")
    assert stored.kept == {A.id}


def test_an_edited_complaint_is_known_under_its_old_and_its_new_words(store: CaseStore) -> None:
    add(store, [A], "first")
    edited = replace(A, issue="satu, ditulis ulang")
    key = case_id(edited.menu, edited.issue)
    store.change(ChangeKind.EDIT, {A.id: edited}, actor=ACTOR, redirects={key: A.id})
    assert add(store, [A], "second").kept == {A.id}
    assert add(store, [replace(edited, id=key)], "third").kept == {key}
    assert [case.id for case in store.all()] == [A.id]


def test_a_deleted_row_stays_deleted_until_the_deletion_is_undone(store: CaseStore) -> None:
    add(store, [A, B], "first")
    change = store.change(ChangeKind.DELETE, {A.id: None}, actor=ACTOR)
    assert add(store, [A, B], "second").kept == {A.id}
    assert store.all() == [B]
    store.undo(change.id, actor=ACTOR)
    assert {case.id for case in store.all()} == {A.id, B.id}
    with pytest.raises(NotFoundError):
        store.change(ChangeKind.DELETE, {"tidak ada": None}, actor=ACTOR)


def test_merged_rows_count_for_the_survivor_and_do_not_come_back(store: CaseStore) -> None:
    add(store, [A, B, C], "first")
    survivor = replace(A, remedy="Satu solusi untuk semua")
    states: dict[str, Case | None] = {A.id: survivor, B.id: None}
    merge = store.change(ChangeKind.MERGE, states, actor=ACTOR, redirects={B.id: A.id})
    assert snapshot(store)[1] == {A.id: 2}
    assert store.aliases() == {A.id: (B.id,)}
    assert add(store, [A, B, C], "second").kept == {A.id, B.id}
    assert {case.id: case.remedy for case in store.all()} == {A.id: survivor.remedy, C.id: C.remedy}
    second = store.change(ChangeKind.MERGE, {C.id: C, A.id: None}, actor=ACTOR, redirects={A.id: C.id})
    assert snapshot(store)[1] == {C.id: 3}
    store.undo(second.id, actor=ACTOR)
    store.undo(merge.id, actor=ACTOR)
    assert (store.reports(), {case.id for case in store.all()}) == ({}, {A.id, B.id, C.id})


def test_menu_names_are_remembered_for_the_next_file(store: CaseStore) -> None:
    old = make_case("empat", menu="sp2d-pencairan")
    add(store, [old], "first")
    name = "SP2D - Pencairan"
    change = store.change(ChangeKind.MENUS, {old.id: replace(old, menu=name)}, actor=ACTOR, menus={old.menu: name})
    fresh = make_case("lima", menu="sp2d-pencairan")
    assert add(store, [old, fresh], "second").new == {fresh.id}
    assert {case.menu for case in store.all()} == {name}
    assert add(store, [old, fresh], "third").unchanged == {old.id, fresh.id}
    same = make_case("lima", menu=name)
    assert add(store, [same], "fourth").unchanged == {same.id}
    assert len(store.all()) == 2
    store.undo(change.id, actor=ACTOR)
    assert (store.menu_aliases(), store.get(old.id).menu) == ({}, old.menu)


def test_two_spellings_of_one_menu_in_one_file_are_one_row(store: CaseStore) -> None:
    add(store, [A], "first")
    store.change(ChangeKind.MENUS, {A.id: A}, actor=ACTOR, menus={"login": "Login", "LOGIN": "Login"})
    one, other = make_case("enam", menu="login"), make_case("enam", menu="Login ")
    add(store, [one, replace(other, id=case_id("LOGIN ", "x"), menu="LOGIN")], "second")
    assert [case.menu for case in store.all() if case.issue == "enam"] == ["Login"]


def test_disabled_rows_leave_the_readers_and_wait_anew_when_enabled(store: CaseStore) -> None:
    add(store, [A], "first")
    store.mark_indexed("m/1", [(A, ["k"])])
    version = store.version
    store.change(ChangeKind.DISABLE, {A.id: replace(A, enabled=False)}, actor=ACTOR)
    assert (store.all(), store.pending_count("m/1"), store.all_views("m/1")) == ([], 0, [])
    assert store.since(version).removed == {A.id}
    store.change(ChangeKind.ENABLE, {A.id: A}, actor=ACTOR)
    assert store.pending("m/1", 5) == [A]
    delta = store.since(version)
    assert (delta.version, delta.changed, delta.removed) == (version + 2, (A,), frozenset())


def test_a_reader_follows_by_deltas_alone(store: CaseStore) -> None:
    """Random life: whatever happens, a reader of deltas holds what SQL holds, and undoing all leaves nothing."""
    dice = random.Random(7)
    held: dict[str, Case] = {}
    version, done = 0, 0
    pool = [make_case(f"aduan {n}", row=n + 2) for n in range(12)]
    for step in range(60):
        here = store.all(disabled=True)
        live = [change.id for change in store.changes(200) if change.undone_at is None]
        match dice.choice(["import", "edit", "delete", "disable", "undo"]):
            case "import":
                add(store, [replace(case, status=dice.choice("ab")) for case in dice.sample(pool, 4)], f"i{step}")
            case "edit" if here:
                chosen = dice.choice(here)
                store.change(ChangeKind.EDIT, {chosen.id: replace(chosen, remedy=f"r{step}")}, actor=ACTOR)
            case "delete" if here:
                store.change(ChangeKind.DELETE, {dice.choice(here).id: None}, actor=ACTOR)
            case "disable" if here:
                chosen = dice.choice(here)
                off = {chosen.id: replace(chosen, enabled=not chosen.enabled)}
                store.change(ChangeKind.DISABLE, off, actor=ACTOR)
            case "undo" if live:
                store.undo(dice.choice(live), actor=ACTOR)
        delta = store.since(version)
        version = delta.version
        held = {id_: case for id_, case in held.items() if id_ not in delta.removed}
        held |= {case.id: case for case in delta.changed}
        done += 1
        assert held == {case.id: case for case in store.all()}, step
    for change in store.changes(200):
        if change.undone_at is None:
            store.undo(change.id, actor=ACTOR)
    assert (done, store.all(disabled=True), store.reports()) == (60, [], {})


def test_an_import_that_was_undone_comes_back_whole(store: CaseStore) -> None:
    add(store, [A, B], "first")
    store.change(ChangeKind.EDIT, {A.id: replace(A, remedy="Cara admin")}, actor=ACTOR)
    store.change(ChangeKind.DELETE, {B.id: None}, actor=ACTOR)
    store.undo("first", actor=ACTOR)
    assert store.all(disabled=True) == []
    assert add(store, [A, B], "second").new == {A.id, B.id}
    assert {case.id: case for case in store.all()} == {A.id: A, B.id: B}
    store.undo("second", actor=ACTOR)
    store.redo("first", actor=ACTOR)
    assert [case.remedy for case in store.all()] == ["Cara admin"]


def test_the_survivor_of_a_merge_outlives_its_own_import(store: CaseStore) -> None:
    add(store, [A], "first")
    add(store, [B], "second", "dua.csv")
    store.change(ChangeKind.MERGE, {A.id: A, B.id: None}, actor=ACTOR, redirects={B.id: A.id})
    store.undo("first", actor=ACTOR)
    assert (store.all(), store.history(A.id)[-1].change.undone_by) == ([A], ACTOR)


def test_a_paused_import_waits_and_goes_on(store: CaseStore) -> None:
    add(store, [A], "first")
    store.pause_import("first")
    assert (store.pending_count("m/1"), store.imports(1)[0].status) == (0, ImportStatus.PAUSED)
    clear = store.version
    store.resume_import("first")
    assert store.pending("m/1", 5, after=clear) == [A], "who had seen that nothing waits looks no further back"
    assert (store.pending("m/1", 5), store.imports(1)[0].status) == ([A], ImportStatus.INDEXING)
    store.mark_indexed("m/1", [(A, ["k"])])
    store.pause_import("first")
    assert store.imports(1)[0].status is ImportStatus.DONE


def test_removing_samples_leaves_an_admins_rows_and_no_ghosts(store: CaseStore) -> None:
    sample = replace(A, sample=True)
    add(store, [sample, replace(B, sample=True)], "contoh")
    store.change(ChangeKind.EDIT, {A.id: replace(A, remedy="Cara kami")}, actor=ACTOR)
    assert store.remove_samples() == 1
    assert [case.remedy for case in store.all()] == ["Cara kami"]
    add(store, [sample, replace(B, sample=True)], "contoh lagi")
    assert [(case.id, case.sample) for case in store.all()] == sorted([(A.id, False), (B.id, True)])


def test_writers_at_once_lose_nothing(store: CaseStore) -> None:
    add(store, [A], "first")

    def work(at: int) -> None:
        for n in range(5):
            add(store, [make_case(f"aduan {at}-{n}")], f"{at}-{n}", f"{at}.csv")
            store.change(ChangeKind.EDIT, {A.id: replace(A, remedy=f"{at}-{n}")}, actor=ACTOR)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(store.all()), store.version, len(store.changes(100))) == (21, 41, 41)
