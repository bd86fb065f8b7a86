"""A base that is exported and imported into an empty one is the same base."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sipd_core.documents import Case, ChangeKind, case_id
from sipd_core.knowledge.exports import rows_as_csv
from sipd_core.knowledge.importing import Importer
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database
from sipd_core.store.meeting import CONTENT

LOG = (
    "MENU;MASALAH;SOLUSI;CATATAN DEV;STATUS\n"
    "Login;Tidak bisa login, NIP 198001012005011001;;Aktifkan kembali akun di menu Pengguna;DONE\n"
    "Login;Tidak bisa login, NIP 198001012005011001;;;DONE\n"
    'DPA;"=1+1 tercetak\ndua baris ""aneh""; pakai titik koma";DPA bisa dicetak;;BUGS\n'
    "SP2D;SP2D belum cair;Kuasa BUD menekan Transfer;;\n"
    "SP2D;sp2d tak kunjung cair;;;\n"
    ";tanpa menu;sudah selesai saat di cek;;\n"
)


def made(tmp_path: Path, name: str) -> CaseStore:
    return CaseStore(Database(f"sqlite:///{tmp_path / name}.db"))


def take(store: CaseStore, name: str, content: bytes) -> None:
    assert Importer(store).accept(name, io.BytesIO(content)).error is None


def export(store: CaseStore) -> bytes:
    return rows_as_csv(store.all(disabled=True), store.reports())


def content(store: CaseStore) -> Counter[tuple[object, ...]]:
    counts = store.reports()
    return Counter(
        (*(getattr(case, name) for name in CONTENT), case.enabled, counts.get(case.id, 1))
        for case in store.all(disabled=True)
    )


@pytest.fixture
def lived(tmp_path: Path) -> CaseStore:
    """A base that has been worked on: an edit, a merge, a row switched off, a deletion."""
    store = made(tmp_path, "lived")
    take(store, "log.csv", LOG.encode())
    login, dpa, cair, lama, bare = (find(store, word) for word in ("login", "tercetak", "belum", "kunjung", "tanpa"))
    edited = replace(login, issue="Akun terkunci", remedy="Minta admin SKPD membuka kunci")
    redirects = {case_id(edited.menu, edited.issue): login.id}
    store.change(ChangeKind.EDIT, {login.id: edited}, actor="uji", redirects=redirects)
    store.change(ChangeKind.MERGE, {cair.id: cair, lama.id: None}, actor="uji", redirects={lama.id: cair.id})
    store.change(ChangeKind.DISABLE, {dpa.id: replace(dpa, enabled=False)}, actor="uji")
    store.change(ChangeKind.EDIT, {bare.id: replace(bare, remedy="")}, actor="uji")
    return store


def find(store: CaseStore, word: str) -> Case:
    return next(case for case in store.all(disabled=True) if word in case.issue)


def test_an_empty_base_becomes_the_same_base(lived: CaseStore, tmp_path: Path) -> None:
    other = made(tmp_path, "other")
    take(other, "ekspor.csv", export(lived))
    assert content(other) == content(lived)
    assert sum(content(lived).values()) == 4
    assert export(other).count(b"\n") == export(lived).count(b"\n")


def test_an_export_changes_nothing_where_it_comes_from(lived: CaseStore) -> None:
    before, reports = lived.all(disabled=True), lived.reports()
    take(lived, "ekspor.csv", export(lived))
    assert (lived.all(disabled=True), lived.reports()) == (before, reports)


def test_an_ordinary_log_never_switches_a_row_off(database: Database) -> None:
    store = CaseStore(database)
    take(store, "log.csv", b"MENU,ISSUE,SOLUSI\nDPA,DPA kosong,Muat ulang halaman\n")
    assert [case.enabled for case in store.all(disabled=True)] == [True]
