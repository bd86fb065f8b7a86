from datetime import UTC, datetime

from sipd_core.knowledge.clusters import Cluster
from sipd_core.knowledge.findings import Findings, Judged, findings_of, fits, page_of
from sipd_core.knowledge.judgement import judgements_of
from sipd_core.knowledge.menus import menu_groups
from tests.builders import make_case

SOLVED = make_case("SPM tidak bisa dicetak", menu="SPM")
AGAIN = make_case("min, SPM tidak bisa dicetak", menu="SPM", remedy="", expected="bisa dicetak", file="baru.csv")
OPEN = make_case("NPD ditolak", menu="NPD", remedy="", expected="", note_dev="done")
TWIN = make_case("NPD ditolak min", menu="Npd", remedy="", expected="")
NOWHERE = make_case("halaman putih", menu="-", remedy="", expected="")
ALL = [SOLVED, AGAIN, OPEN, TWIN, NOWHERE]


def found() -> Findings:
    clusters = [
        Cluster((SOLVED.id, AGAIN.id), 0.9),
        Cluster((OPEN.id, TWIN.id), 0.8),
        Cluster((NOWHERE.id, "gone"), 1.0),
    ]
    judged = [Judged(case, judgements_of(case)) for case in ALL if not case.remedy]
    menus = menu_groups({"SPM": 2, "NPD": 1, "Npd": 1, "-": 1})
    arrivals = {"uji.csv": datetime(2026, 1, 2, tzinfo=UTC), "baru.csv": datetime(2026, 3, 4, tzinfo=UTC)}
    return findings_of(7, ALL, {OPEN.id: 30, SOLVED.id: 4}, clusters, judged, menus, arrivals, with_vectors=False)


def test_groups_are_ranked_by_how_often_they_were_reported() -> None:
    assert [(group.times, len(group.cases)) for group in found().clusters] == [(31, 2), (5, 2)]
    assert found().clusters[1].latest == datetime(2026, 3, 4, tzinfo=UTC)


def test_only_problems_without_any_remedy_are_work() -> None:
    assert [(problem.id, problem.times) for problem in found().unsolved] == [(OPEN.id, 31), (NOWHERE.id, 1)]


def test_a_group_whose_other_rows_are_gone_is_none() -> None:
    assert NOWHERE.id not in {case.id for group in found().clusters for case in group.cases}


def test_the_survivor_has_a_remedy_and_is_no_sample_row() -> None:
    first, second = found().clusters
    assert first.survivor == OPEN
    assert second.survivor == SOLVED
    assert second.remedies == (SOLVED.remedy,)


def test_figures_tell_a_text_judged_none_from_no_text() -> None:
    figures = found().figures
    assert (figures.cases, figures.with_remedy, figures.judged_none, figures.silent) == (5, 1, 2, 2)
    assert (figures.clusters, figures.clustered) == (2, 4)
    assert (figures.spellings, figures.menus, figures.without_menu) == (3, 2, 1)
    assert figures.remedy_share == 0.2
    assert found().without_menu == (NOWHERE,)


def test_those_with_a_text_to_judge_come_first() -> None:
    assert [bool(one.texts) for one in found().judged] == [True, True, False, False]
    assert found().judged[0].case == OPEN, "the most reported first"


def test_lists_are_searched_and_paged() -> None:
    assert fits(AGAIN, "CETAK spm", None)
    assert not fits(AGAIN, "cetak", "NPD")
    assert page_of("abcde", 2, 2).items == ("c", "d")
    assert page_of("abcde", 2, 2).total == 5
