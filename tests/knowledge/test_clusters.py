from pathlib import Path

import numpy as np
import pytest

from sipd_core.documents import Case
from sipd_core.knowledge.batches import collect
from sipd_core.knowledge.clusters import Cluster, find_clusters
from sipd_core.settings import SHIPPED_DATA
from sipd_core.tables import read_table
from tests.builders import make_case
from tests.complaint_log import complaint_log, pair_quality


def silent(_: float) -> None: ...


def found(*cases: Case, menus: dict[str, str] | None = None) -> list[set[str]]:
    """The clusters as sets of complaints."""
    by_id = {case.id: case for case in cases}
    return [{by_id[id_].issue for id_ in cluster.ids} for cluster in find_clusters(cases, menus or {}, None, silent)]


def test_a_log_of_the_field_is_grouped_with_hardly_a_wrong_pair() -> None:
    log = complaint_log()
    quality = pair_quality([one.ids for one in find_clusters(log.cases, log.menu_of, None, silent)], log.problem_of)
    assert quality.precision >= 0.999
    assert quality.recall >= 0.85


def test_curated_rows_that_are_all_different_stay_apart() -> None:
    cases: dict[str, Case] = {}
    for path in sorted((SHIPPED_DATA / "contoh").iterdir()):
        with path.open("rb") as file:
            cases |= {case.id: case for case in collect(read_table(path.name, file), sample=True).cases}
    assert len(cases) > 300
    assert find_clusters(list(cases.values()), {}, None, silent) == ()


def test_development_rows_meet_only_their_likes(eval_dir: Path) -> None:
    with (eval_dir / "kb.csv").open("rb") as file:
        cases = collect(read_table("kb.csv", file)).cases
    assert len(find_clusters(cases, {}, None, silent)) <= 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SP2D LS tidak bisa dicetak sejak kemarin", "SPM LS tidak bisa dicetak sejak kemarin"),
        ("pelimpahan UP tidak masuk ke saldo BPP", "pelimpahan GU tidak masuk ke saldo BPP"),
        ("SP2D sudah cair tapi belum muncul di BKU bendahara", "SP2D belum cair tapi sudah muncul di BKU bendahara"),
        ("nilai realisasi LRA lebih besar dari pagu belanja", "nilai realisasi LRA lebih kecil dari pagu belanja"),
    ],
)
def test_what_matters_is_never_merged(one: str, other: str) -> None:
    assert found(make_case(one, menu="Penatausahaan"), make_case(other, menu="Penatausahaan")) == []


def test_another_menu_keeps_the_same_words_apart_and_a_wider_one_does_not() -> None:
    issue = "rincian tidak tertarik ke penatausahaan padahal sudah disahkan"
    belanja, pendapatan = (make_case(issue, menu=f"DPA - Penarikan - {arah}") for arah in ("Belanja", "Pendapatan"))
    assert found(belanja, pendapatan) == []
    again = make_case(f"Mohon bantuannya, {issue} min", menu="Penarikan - Belanja")
    assert found(belanja, again) == [{belanja.issue, again.issue}]


def test_spellings_of_one_menu_do_not_keep_apart() -> None:
    one, other = (
        make_case("akun terkunci setelah salah sandi", "Login"),
        make_case("akun terkunci setelah salah sandi", "LOGN"),
    )
    assert found(one, other) == []
    assert found(one, other, menus={"LOGN": "Login"}) == [{one.issue}]


def test_no_chain_of_neighbours_joins_what_is_not_alike() -> None:
    parts = (
        "jurnal penyesuaian aset gedung kantor lama sudah disusutkan semester neraca konsolidasi pemda provinsi".split()
    )
    chain = [make_case(" ".join(parts[at : at + 6]), menu="Akuntansi") for at in range(len(parts) - 5)]
    groups = found(*chain)
    assert all(not {chain[0].issue, chain[-1].issue} <= group for group in groups)


def test_vectors_join_longer_complaints_that_words_alone_leave_apart() -> None:
    one = make_case(
        "sub kegiatan yg kami butuhkan tdk ada di daftar pilihan saat tambah renja, padahal di kepmendagri terbaru ada",
        "Renja",
    )
    other = make_case(
        "Sub kegiatan menurut pemutakhiran Kepmendagri terbaru tidak tersedia pada pilihan Renja.", "Renja"
    )
    far = [make_case(f"laporan nomor {word} tidak tercetak", "Renja") for word in ("satu", "dua", "tiga", "empat")]
    vectors = {
        case.id: np.eye(3, dtype=np.float32)[at] for case, at in ((one, 0), (other, 0), *((case, 1) for case in far))
    }

    def known(ids: object) -> np.ndarray:
        return np.stack([vectors[id_] for id_ in ids])  # type: ignore[attr-defined]

    ids = {one.id, other.id}
    assert not any(ids <= set(group.ids) for group in find_clusters([one, other, *far], {}, None, silent))
    assert any(ids <= set(group.ids) for group in find_clusters([one, other, *far], {}, known, silent))


def test_the_largest_group_comes_first_and_progress_ends() -> None:
    cases = [make_case(f"{start}SPM LS tidak bisa dicetak", menu="SPM") for start in ("", "min, ", "Mohon bantuannya ")]
    cases += [make_case(f"{start}NPD ditolak tanpa keterangan", menu="NPD") for start in ("", "pagi min, ")]
    heard: list[float] = []
    groups: tuple[Cluster, ...] = find_clusters(cases, {}, None, heard.append)
    assert [len(group.ids) for group in groups] == [3, 2]
    assert heard == sorted(heard)


def test_the_work_stops_when_progress_raises() -> None:
    def stop(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_clusters([make_case()], {}, None, stop)


def test_an_empty_base_has_no_clusters() -> None:
    assert find_clusters([], {}, None, silent) == ()
    assert find_clusters([make_case("...", menu="")], {}, None, silent) == ()
