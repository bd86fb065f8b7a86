import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sipd_core.documents import ChangeKind
from sipd_core.errors import NotFoundError, SipdError
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.findings import Findings
from sipd_core.knowledge.health import HealthDesk
from sipd_core.knowledge.importing import Importer
from sipd_core.metrics import PerformanceMonitor
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore

LOG = """MENU,ISSUE,EXPECTED,NOTE BY DEV,STATUS
SPM - Pembuatan,SPM LS tidak bisa dicetak,bisa dicetak,done,DONE
SPM - Pembuatan,"Selamat pagi min, SPM LS gak bs dicetak di Kab. Sleman",bisa dicetak,sudah selesai saat di cek,DONE
spm-pembuatan,SPM LS tidak dapat dicetak,bisa dicetak,,DONE
spm-pembuatan,SPM LS tidak bisa dicetak,bisa dicetak,,DONE
SPM - Pembuatan,SP2D LS tidak bisa dicetak,,"Buka menu Cetak, pilih SP2D, lalu klik Cetak Ulang.",DONE
Login,akun terkunci,rekening aktif,confirm https://contoh.test/1,DONE
,halaman putih saja,,,DONE
"""


@pytest.fixture
def cases(database: Database) -> CaseStore:
    return CaseStore(database)


@pytest.fixture
def desk(database: Database, cases: CaseStore) -> Iterator[HealthDesk]:
    vectors = EmbeddingStore(database, compress=True)
    base = KnowledgeBase(
        cases,
        vectors,
        retrieval=RetrievalSettings(threshold=0.5, top_k=5),
        chunk_size=1_000,
        chunk_overlap=150,
        monitor=PerformanceMonitor(),
    )
    made = HealthDesk(cases, vectors, base, cases.change)
    yield made
    made.close()


def load(cases: CaseStore, rows: str = LOG) -> object:
    return Importer(cases).accept("log.csv", io.BytesIO(rows.encode()))


def seen(desk: HealthDesk) -> Findings:
    findings = desk.settle().findings
    assert findings is not None
    return findings


def test_it_looks_in_the_background_and_only_when_something_changed(desk: HealthDesk, cases: CaseStore) -> None:
    assert desk.look().findings is None
    first = seen(desk)
    assert first.figures.cases == 0
    load(cases)
    second = seen(desk)
    assert second.figures.cases == 7
    assert seen(desk) is second


def test_a_log_shows_its_state(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    findings = seen(desk)
    figures = findings.figures
    assert (figures.with_remedy, figures.judged_none, figures.silent) == (1, 5, 1)
    assert (figures.spellings, figures.menus, figures.without_menu) == (3, 2, 1)
    (group,) = findings.clusters
    assert len(group.cases) == 4
    assert findings.unsolved[0] is group


def test_a_remedy_is_written_for_the_whole_group_and_taken_back(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    (group,) = seen(desk).clusters
    change = desk.write_remedy([case.id for case in group.cases], " Pasang ulang driver. ", actor="Sari")
    assert change.kind is ChangeKind.EDIT
    (group,) = seen(desk).clusters
    assert group.remedies == ("Pasang ulang driver.",)
    assert group not in seen(desk).unsolved
    cases.undo(change.id, actor="Sari")
    assert seen(desk).figures.with_remedy == 1
    with pytest.raises(SipdError):
        desk.write_remedy([group.id], "  ", actor="Sari")
    with pytest.raises(NotFoundError):
        desk.write_remedy(["0" * 20], "x", actor="Sari")


def test_a_text_is_taken_as_a_remedy_after_all(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    case = next(one.case for one in seen(desk).judged if one.case.menu == "Login")
    desk.accept_text(case.id, "expected", actor="Sari")
    assert cases.get(case.id).remedy == "rekening aktif"
    assert case.id not in {one.case.id for one in seen(desk).judged}


def test_a_merge_is_one_change_that_no_file_undoes_and_a_person_can(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    before = {case.id: case for case in cases.all()}
    (group,) = seen(desk).clusters
    ids = [case.id for case in group.cases]
    change = desk.merge(desk.plan_merge(ids, group.survivor.id, "Pasang ulang driver."), actor="Sari")
    assert change.kind is ChangeKind.MERGE
    assert len(cases.all()) == 4
    assert cases.reports()[group.survivor.id] == 4
    assert seen(desk).clusters == ()
    again = load(cases)
    assert again.accepted == 0  # type: ignore[attr-defined]
    assert cases.get(group.survivor.id).remedy == "Pasang ulang driver."
    assert cases.reports()[group.survivor.id] == 4
    assert cases.undo(change.id, actor="Sari").undone_at is not None
    assert {case.id: case for case in cases.all()} == before
    assert len(seen(desk).clusters) == 1
    cases.redo(change.id, actor="Sari")
    assert len(cases.all()) == 4


def test_a_merge_needs_two(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    (group,) = seen(desk).clusters
    with pytest.raises(SipdError):
        desk.plan_merge([group.id], group.id, "x")


def test_a_merge_is_done_on_the_rows_as_they_are_by_then(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    (group,) = seen(desk).clusters
    plan = desk.plan_merge([case.id for case in group.cases], group.survivor.id, "Pasang ulang driver.")
    edited = replace(cases.get(group.survivor.id), note_qa="diuji di dua SKPD")
    cases.change(ChangeKind.EDIT, {edited.id: edited}, actor="Budi")
    desk.merge(plan, actor="Sari")
    assert cases.get(edited.id) == replace(edited, remedy="Pasang ulang driver.")


def test_menus_are_named_on_the_rows_as_they_are_by_then(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    plan = desk.plan_menus({"spm-pembuatan": "SPM - Pembuatan"})
    assert desk.plan_menus({"spm-pembuatan": "SPM - Pembuatan"}) is plan, "asked again and again while nothing changes"
    id_ = next(id_ for id_, case in plan.states.items() if case is not None)
    cases.change(ChangeKind.EDIT, {id_: replace(cases.get(id_), status="BUGS")}, actor="Budi")
    desk.apply_menus(plan, actor="Sari")
    assert (cases.get(id_).menu, cases.get(id_).status) == ("SPM - Pembuatan", "BUGS")


def test_menus_get_their_names_for_rows_and_later_files(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    before = {case.id: case for case in cases.all()}
    names = {one.spelling: group.canonical for group in seen(desk).menus for one in group.spellings}
    plan = desk.plan_menus(names)
    assert (plan.renamed, plan.folded) == (1, 1), "one row says then what another says"
    change = desk.apply_menus(plan, actor="Sari")
    assert {case.menu for case in cases.all()} == {"SPM - Pembuatan", "Login", ""}
    assert cases.menu_aliases() == {"spm-pembuatan": "SPM - Pembuatan"}
    assert load(cases).accepted == 0  # type: ignore[attr-defined]
    later = load(cases, "MENU,ISSUE\nspm-pembuatan,nomor SPM loncat\n")
    assert later.accepted == 1  # type: ignore[attr-defined]
    assert "spm-pembuatan" not in {case.menu for case in cases.all()}
    cases.undo(change.id, actor="Sari")
    now = {case.id: case for case in cases.all()}
    assert before.items() <= now.items()
    with pytest.raises(SipdError):
        desk.apply_menus(desk.plan_menus({"Login": "Login"}), actor="Sari")


def test_rows_without_a_menu_get_one_and_are_found_again(desk: HealthDesk, cases: CaseStore) -> None:
    load(cases)
    (case,) = seen(desk).without_menu
    desk.assign_menu([case.id], "Dashboard", actor="Sari")
    assert cases.get(case.id).menu == "Dashboard"
    assert seen(desk).without_menu == ()
    load(cases, "MENU,ISSUE\nDashboard,halaman putih saja\n")
    assert len(cases.all()) == 7


def test_near_duplicates_are_not_searched_anew_for_a_remedy(
    desk: HealthDesk, cases: CaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(cases)
    (group,) = seen(desk).clusters

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("sipd_core.knowledge.inspection.find_clusters", never)
    desk.write_remedy([group.id], "Pasang ulang driver.", actor="Sari")
    assert len(seen(desk).clusters[0].cases) == 4


def test_a_failure_is_told_once_and_tried_again_when_asked(
    desk: HealthDesk, cases: CaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr("sipd_core.knowledge.inspection.findings_of", broken)
        assert desk.settle().error
        assert desk.look().share is None
    desk.look(again=True)
    assert desk.settle().error is None
    assert desk.settle().findings is not None
