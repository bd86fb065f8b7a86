"""From a file to stored cases: true counts, masked cells, nothing doubled, the development cases of nasty files."""

import csv
import io
from pathlib import Path

import pytest

from sipd_core.documents import ImportReport, ImportStatus
from sipd_core.knowledge.importing import Importer
from sipd_core.store.cases import CaseStore
from sipd_core.store.database import Database

HEADER = "MENU,ISSUE,EXPECTED,NOTE BY DEV,NOTE BY QA\n"


@pytest.fixture
def store(database: Database) -> CaseStore:
    return CaseStore(database)


def accept(store: CaseStore, text: str, name: str = "uji.csv") -> ImportReport:
    return Importer(store).accept(name, io.BytesIO(text.encode()))


def test_counts_add_up(store: CaseStore) -> None:
    text = (
        HEADER
        + "Login,gagal masuk,Reset sandi di menu Pengguna,,\nLogin,,x,,\nLogin,gagal masuk,Reset sandi di menu Pengguna,,\n"
    )
    report = accept(store, text)
    assert (report.accepted, report.rejected, report.duplicates, report.unchanged) == (1, 2, 1, 0)
    assert [reason.row for reason in report.reasons] == [3, 4]
    assert "baris 2" in report.reasons[1].reason


def test_the_same_file_again_is_unchanged(store: CaseStore) -> None:
    text = HEADER + "Login,gagal masuk,Reset sandi di menu Pengguna,,\nDPA,pagu beda,Samakan pagu di menu DPA,,\n"
    accept(store, text)
    again = accept(store, text)
    assert (again.accepted, again.unchanged, again.status) == (0, 2, ImportStatus.DONE)
    assert store.counts()["cases"] == 2


def test_a_corrected_remedy_changes_its_case(store: CaseStore) -> None:
    accept(store, HEADER + "Login,gagal masuk,Hapus cookies lalu masuk ulang,,\n")
    report = accept(store, HEADER + "Login,Gagal  masuk,Admin daerah membuka Pengguna lalu menekan Reset,,\n")
    assert (report.accepted, report.changed) == (1, 1)
    assert [case.remedy for case in store.all()] == ["Admin daerah membuka Pengguna lalu menekan Reset"]


def test_a_later_row_with_the_only_remedy_stands_for_the_complaint(store: CaseStore) -> None:
    accept(
        store,
        HEADER
        + "Login,gagal masuk,bisa login,,\nLogin,gagal masuk,Admin daerah menekan Reset Sandi di menu Pengguna,,\n",
    )
    assert [(case.row, bool(case.remedy)) for case in store.all()] == [(3, True)]
    assert store.reports() == {store.all()[0].id: 2}


def test_a_wished_for_state_is_no_remedy(store: CaseStore) -> None:
    accept(store, HEADER + "Login,gagal masuk,bisa login,,sudah selesai saat di cek\n")
    assert [case.remedy for case in store.all()] == [""]


def test_nothing_personal_is_stored(store: CaseStore, database: Database) -> None:
    text = (
        HEADER
        + 'Login,"gagal masuk, NIP 197705052000121001, password: Rahasia#77",Reset sandi di menu Pengguna,hp 081200003333,\n'
    )
    report = accept(store, text)
    assert report.masked == 3
    case = store.all()[0]
    stored = " ".join((case.menu, case.issue, case.note_dev))
    assert not any(secret in stored for secret in ("197705052000121001", "Rahasia#77", "081200003333"))


def test_a_file_that_is_no_table_is_refused_whole(store: CaseStore) -> None:
    report = Importer(store).accept("../../etc/gambar.csv", io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(500)))
    assert report.status is ImportStatus.FAILED
    assert report.error
    assert report.file == "gambar.csv"
    assert store.counts()["cases"] == 0
    assert store.imports(5)[0].status is ImportStatus.FAILED


def test_a_preview_stores_nothing(store: CaseStore) -> None:
    text = HEADER + "Login,gagal masuk,Reset sandi di menu Pengguna,,\n"
    report = Importer(store).preview("uji.csv", io.BytesIO(text.encode()))
    assert report.accepted == 1
    assert (store.counts()["cases"], store.imports(5)) == (0, ())


def test_development_cases(tmp_path: Path, eval_dir: Path) -> None:
    with (eval_dir / "bad_files" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        manifest = list(csv.DictReader(file))
    found = {}
    for at, line in enumerate(manifest):
        fresh = CaseStore(Database(f"sqlite:///{tmp_path / f'{at}.db'}"))
        with (eval_dir / "bad_files" / line["file"]).open("rb") as table:
            report = Importer(fresh).accept(line["file"], table)
        found[line["file"]] = (report.accepted, report.rejected)
    refused = {"14_tanpa_issue.csv": (0, 0)}
    expected = {line["file"]: (int(line["rows_accepted"]), int(line["rows_rejected"])) for line in manifest} | refused
    assert found == expected
